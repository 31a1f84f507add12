// A device's own limits, measured: the floors that benchmarks compare with.
#ifndef LOSSMITH_CUDA_MEASURE_H_
#define LOSSMITH_CUDA_MEASURE_H_

#include <cstdint>

#include "core/dtype.h"

struct lsm_context_s;

namespace lossmith {
namespace cuda {

// lsm_measure_gemm and lsm_measure_copy on the context's stream; both wait for it.
double measure_gemm(lsm_context_s& context, Type type, std::int64_t m, std::int64_t n,
                    std::int64_t k, int repeats);
double measure_copy(lsm_context_s& context, std::int64_t bytes, int repeats);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_MEASURE_H_
