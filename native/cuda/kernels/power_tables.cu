// Tables of exponents: one thread for each code of an exponent.
#include "cuda/launch.h"
#include "cuda/ops.h"
#include "cuda/power_kernels.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 64;

template <class A>
__global__ void __launch_bounds__(kThreads)
    tables_kernel(const A* exponents, std::int64_t count, int largest, PowerTables<A> tables) {
  const std::int64_t entries = count * tables.places;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < entries;
       i += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const std::int64_t row = i / tables.places;
    const int code = static_cast<int>(i - row * tables.places);
    const double exponent = static_cast<double>(exponents[row]);
    if (code <= largest) {
      tables.levels[i] = math::power_level<A>(code, largest, exponent);
      if (tables.slopes != nullptr) {
        tables.slopes[i] = math::PowerLevel<A>::of(code, largest, exponent);
      }
    }
    if (tables.thresholds == nullptr) continue;
    // No share reaches the places that are not of a code.
    const std::int64_t place = row * kThresholdPlaces + code;
    if (code == 0 || code > largest) {
      tables.thresholds[place] = A(2);
      continue;
    }
    const auto fraction = math::PowerFraction::of(code - 0.5, largest, exponent);
    tables.fractions[place] = fraction;
    tables.thresholds[place] = math::at_least<A>(fraction.times(1));
  }
}

}  // namespace

template <class A>
void make_power_tables(cudaStream_t stream, const A* exponents, std::int64_t count, int largest,
                       const PowerTables<A>& tables) {
  launch(stream, "power_tables",
         {dim3(blocks_for(count * tables.places, kThreads)), dim3(kThreads)}, tables_kernel<A>,
         exponents, count, largest, tables);
}

template void make_power_tables(cudaStream_t, const float*, std::int64_t, int,
                                const PowerTables<float>&);
template void make_power_tables(cudaStream_t, const double*, std::int64_t, int,
                                const PowerTables<double>&);

}  // namespace cuda
}  // namespace lossmith
