// Arithmetic of one CUDA thread for the formulas of native/math.
#ifndef LOSSMITH_CUDA_OPS_H_
#define LOSSMITH_CUDA_OPS_H_

#include "cuda/device.h"

namespace lossmith {
namespace cuda {

LSM_DEVICE float exp_of(float x) { return ::expf(x); }
LSM_DEVICE double exp_of(double x) { return ::exp(x); }
LSM_DEVICE float multiply_add(float a, float b, float c) { return ::fmaf(a, b, c); }
LSM_DEVICE double multiply_add(double a, double b, double c) { return ::fma(a, b, c); }
LSM_DEVICE float larger(float a, float b) { return ::fmaxf(a, b); }
LSM_DEVICE double larger(double a, double b) { return ::fmax(a, b); }

// The policy that math/*.h take as Ops.
template <class A>
struct ThreadOps {
  using Scalar = A;
  using V = A;
  LSM_DEVICE static V mul_add(V a, V b, V c) { return multiply_add(a, b, c); }
  LSM_DEVICE static V exp(V x) { return exp_of(x); }
};

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_OPS_H_
