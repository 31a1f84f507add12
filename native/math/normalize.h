// Division of a row by its L2 norm, and the gradient through it, one element at a time.
#ifndef LOSSMITH_MATH_NORMALIZE_H_
#define LOSSMITH_MATH_NORMALIZE_H_

#include <math.h>

#include "core/host_device.h"

namespace lossmith {
namespace math {

// 1 / ||x|| from ||x||^2. Rows of norm <= 1e-12 count as zero and give 0: they normalise to 0 and
// get gradient 0. NaN stays NaN.
LSM_HD inline double inverse_norm(double squared_norm) {
  const double norm = ::sqrt(squared_norm);
  return norm <= 1e-12 ? 0.0 : 1.0 / norm;
}

// y = x/||x||:  gx = (gy - y <y,gy>) / ||x||
LSM_HD inline double normalization_gradient(double gy, double y, double y_dot_gy, double inverse) {
  return (gy - y * y_dot_gy) * inverse;
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_NORMALIZE_H_
