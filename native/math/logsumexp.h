// Merging of log-sum-exps, for host and device.
#ifndef LOSSMITH_MATH_LOGSUMEXP_H_
#define LOSSMITH_MATH_LOGSUMEXP_H_

#include <cmath>
#include <cstdint>

#include "core/host_device.h"

namespace lossmith {
namespace math {

// ln sum_k exp(part(k)) for k in [0, parts), part returns double. NaN and +infinity propagate; no
// parts, or only -infinity, give -infinity.
template <class Part>
LSM_HD double merged_logsumexp(std::int64_t parts, const Part& part) {
  double max = -INFINITY;
  for (std::int64_t k = 0; k < parts; ++k) {
    const double value = part(k);
    if (value != value) return value;
    if (value > max) max = value;
  }
  if (max == INFINITY || max == -INFINITY) return max;
  double sum = 0;
#if defined(__CUDA_ARCH__)
#pragma unroll 1
#endif
  for (std::int64_t k = 0; k < parts; ++k) sum += ::exp(part(k) - max);
  return max + ::log(sum);
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_LOGSUMEXP_H_
