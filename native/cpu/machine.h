// The machine's own limits, measured: the floors that benchmarks compare with.
#ifndef LOSSMITH_CPU_MACHINE_H_
#define LOSSMITH_CPU_MACHINE_H_

#include <cstdint>

#include "core/context.h"
#include "core/dtype.h"

namespace lossmith {

double measure_gemm(lsm_context_s& context, Type type, std::int64_t m, std::int64_t n,
                    std::int64_t k, int repeats);
double measure_copy(lsm_context_s& context, std::int64_t bytes, int repeats);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_MACHINE_H_
