// Drawing without replacement with probability proportional to a weight: the entries with the
// smallest keys -ln(u)/weight, u uniform and independent (Efraimidis and Spirakis 2006).
#ifndef LOSSMITH_MATH_LABEL_SAMPLING_H_
#define LOSSMITH_MATH_LABEL_SAMPLING_H_

#include <math.h>

#include <cstdint>

#include "core/host_device.h"
#include "math/random.h"

namespace lossmith {
namespace math {

// The key of the entry at `position` of `row`; it depends on nothing else, so that CPU and CUDA draw
// alike. u = (w + 1/2) 2^-32 lies inside (0, 1).
LSM_HD inline double sampling_key(std::uint64_t seed, std::int64_t row, std::int64_t position,
                                  double weight) {
  const Philox bits = philox4x32(
      philox_counter(static_cast<std::uint64_t>(position), static_cast<std::uint64_t>(row)), seed);
  const double u = (static_cast<double>(bits.a) + 0.5) * 2.3283064365386962890625e-10;
  return -::log(u) / weight;
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_LABEL_SAMPLING_H_
