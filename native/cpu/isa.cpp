#include "cpu/isa.h"

#include <cstdlib>
#include <cstring>

namespace lossmith {
namespace baseline {
extern const UpdateKernels update_kernels;
extern const ContrastiveTileKernels contrastive_tile_kernels;
extern const RowKernels row_kernels;
extern const LabelTileKernels label_tile_kernels;
extern const SelectKernels select_kernels;
extern const ElementKernels element_kernels;
extern const PowerKernels<float> power_kernels;
extern const PowerSearchKernels power_search_kernels;
extern const PowerProductKernels power_product_kernels;
extern const PowerIntegerKernels power_integer_kernels;
}  // namespace baseline
namespace avx2 {
extern const UpdateKernels update_kernels;
extern const ContrastiveTileKernels contrastive_tile_kernels;
extern const RowKernels row_kernels;
extern const LabelTileKernels label_tile_kernels;
extern const SelectKernels select_kernels;
extern const ElementKernels element_kernels;
extern const PowerKernels<float> power_kernels;
extern const PowerSearchKernels power_search_kernels;
extern const PowerProductKernels power_product_kernels;
extern const PowerIntegerKernels power_integer_kernels;
}  // namespace avx2
namespace avx512 {
extern const UpdateKernels update_kernels;
extern const ContrastiveTileKernels contrastive_tile_kernels;
extern const RowKernels row_kernels;
extern const LabelTileKernels label_tile_kernels;
extern const SelectKernels select_kernels;
extern const ElementKernels element_kernels;
extern const PowerKernels<float> power_kernels;
extern const PowerSearchKernels power_search_kernels;
extern const PowerProductKernels power_product_kernels;
extern const PowerIntegerKernels power_integer_kernels;
}  // namespace avx512

namespace {

constexpr Kernels kSets[] = {
    {"baseline", &baseline::update_kernels, &baseline::contrastive_tile_kernels,
     &baseline::row_kernels, &baseline::label_tile_kernels, &baseline::select_kernels,
     &baseline::element_kernels, &baseline::power_kernels, &baseline::power_search_kernels,
     &baseline::power_product_kernels, &baseline::power_integer_kernels},
    {"avx2", &avx2::update_kernels, &avx2::contrastive_tile_kernels, &avx2::row_kernels,
     &avx2::label_tile_kernels, &avx2::select_kernels, &avx2::element_kernels, &avx2::power_kernels,
     &avx2::power_search_kernels, &avx2::power_product_kernels, &avx2::power_integer_kernels},
    {"avx512", &avx512::update_kernels, &avx512::contrastive_tile_kernels, &avx512::row_kernels,
     &avx512::label_tile_kernels, &avx512::select_kernels, &avx512::element_kernels,
     &avx512::power_kernels, &avx512::power_search_kernels, &avx512::power_product_kernels,
     &avx512::power_integer_kernels},
};

int best_supported() {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2");
  if (!avx2) return 0;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
  return avx512 ? 2 : 1;
}

const Kernels& choose() {
  const int best = best_supported();
  const char* asked = std::getenv("LOSSMITH_ISA");
  if (asked != nullptr) {
    for (int i = 0; i <= best; ++i) {
      if (std::strcmp(asked, kSets[i].isa) == 0) return kSets[i];
    }
  }
  return kSets[best];
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace lossmith
