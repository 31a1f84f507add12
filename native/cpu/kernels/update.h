// Optimizer steps and normalisation of rows, compiled per instruction set. Formulas and the order
// of every sum are those of math/update.h, so that all sets give the same bits.
#ifndef LOSSMITH_CPU_KERNELS_UPDATE_H_
#define LOSSMITH_CPU_KERNELS_UPDATE_H_

#include <cstdint>

#include "lossmith/update.h"

namespace lossmith {

// A matrix of a type that the kernel knows; rows `ld` elements apart.
struct RawRows {
  void* data = nullptr;
  std::int64_t ld = 0;
};

// Row i of the gradient belongs to row row_ids[i * row_id_stride] of the others, or to row
// begin + i without row_ids. state is null for SGD; Adam's v is `width` columns behind its m.
struct UpdateBlock {
  const lsm_update_options* options = nullptr;
  const void* gradient = nullptr;
  std::int64_t gradient_ld = 0;
  const std::int64_t* row_ids = nullptr;
  std::int64_t row_id_stride = 1;
  std::int64_t begin = 0, count = 0, width = 0;
  RawRows weights, state, new_weights;
};

struct UpdateKernels {
  using Step = void (*)(const UpdateBlock&);
  // out = x / ||x|| for one row (0 for norms <= 1e-12); gives the norm.
  using Normalize = double (*)(const void* x, void* out, std::int64_t width);

  // By the type of the weights (f32, f64, f16, bf16, in the order of Type), and whether the
  // gradient is f32 (0) or of that type (1).
  Step step[4][2];
  // By the types of x and out.
  Normalize normalize[4][4];
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_UPDATE_H_
