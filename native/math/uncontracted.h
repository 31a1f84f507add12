// Sums and products that are rounded one by one: nvcc otherwise makes one operation of a product
// and a sum, and the CPU and CUDA would not give the same bits. Host code is compiled with
// -ffp-contract=off.
#ifndef LOSSMITH_MATH_UNCONTRACTED_H_
#define LOSSMITH_MATH_UNCONTRACTED_H_

#include <math.h>

#include "core/host_device.h"

namespace lossmith {
namespace math {

LSM_HD inline float times(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}
LSM_HD inline double times(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dmul_rn(a, b);
#else
  return a * b;
#endif
}

LSM_HD inline float plus(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fadd_rn(a, b);
#else
  return a + b;
#endif
}
LSM_HD inline double plus(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dadd_rn(a, b);
#else
  return a + b;
#endif
}

LSM_HD inline float minus(float a, float b) { return plus(a, -b); }
LSM_HD inline double minus(double a, double b) { return plus(a, -b); }

// Rounded to nearest, as on the host.
LSM_HD inline float divided(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fdiv_rn(a, b);
#else
  return a / b;
#endif
}
LSM_HD inline double divided(double a, double b) { return a / b; }

LSM_HD inline float root(float a) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(a);
#else
  return ::sqrtf(a);
#endif
}
LSM_HD inline double root(double a) { return ::sqrt(a); }

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_UNCONTRACTED_H_
