// Arithmetic policies: the same formula text runs on scalars, CPU vectors and CUDA threads.
#ifndef LOSSMITH_MATH_OPS_H_
#define LOSSMITH_MATH_OPS_H_

#include <math.h>

#include "core/host_device.h"

namespace lossmith {
namespace math {

LSM_HD inline double expm1_f64(double x) { return ::expm1(x); }

// Scalars: libm where f64 is the oracle.
struct ScalarF64 {
  using Scalar = double;
  using V = double;
  static constexpr int kLanes = 1;
  static V load(const double* p) { return *p; }
  static void store(V v, double* p) { *p = v; }
  static V set(double x) { return x; }
  static V mul_add(V a, V b, V c) { return a * b + c; }
  static V max(V a, V b) { return a > b ? a : b; }
  static V min(V a, V b) { return a < b ? a : b; }
  static V abs(V a) { return ::fabs(a); }
  // a < b ? x : y
  static V if_less(V a, V b, V x, V y) { return a < b ? x : y; }
  static unsigned bits_less(V a, V b) { return a < b ? 1u : 0u; }
  static V if_equal(V a, V b, V x, V y) { return a == b ? x : y; }
  static V zero_if_equal(V v, V x) { return v == x ? 0.0 : v; }
  static V exp(V x) { return ::exp(x); }
  static double sum(V v) { return v; }
  static double largest(V v) { return v; }
  static double smallest(V v) { return v; }
};

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_OPS_H_
