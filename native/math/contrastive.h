// The formulas of the contrastive losses, one element at a time, for every kind of arithmetic:
// scalars (f64 oracle, tails), CPU vectors, CUDA threads. Ops says how to add, multiply and take
// exp of its V; there is no memory access and no loop here.
//
// Notation as in lossmith/contrastive.h. A log-sum-exp is carried as hi + lo, hi its nearest
// number in the working precision: s - hi is then exact for the entries that matter, and a
// probability close to 1 keeps its full relative accuracy even when |s| is large.
#ifndef LOSSMITH_MATH_CONTRASTIVE_H_
#define LOSSMITH_MATH_CONTRASTIVE_H_

#include "math/ops.h"

namespace lossmith {
namespace math {

// s = scale <x,y> + bias
template <class Ops>
LSM_HD inline typename Ops::V score(typename Ops::V dot, typename Ops::V scale,
                                    typename Ops::V bias) {
  return Ops::mul_add(scale, dot, bias);
}

// s - lse
template <class Ops>
LSM_HD inline typename Ops::V log_probability(typename Ops::V s, typename Ops::V lse_hi,
                                              typename Ops::V lse_lo) {
  return (s - lse_hi) - lse_lo;
}

// The dense part of the gradient coefficient in one direction: c exp(s - lse).
template <class Ops>
LSM_HD inline typename Ops::V softmax_coefficient(typename Ops::V s, typename Ops::V lse_hi,
                                                  typename Ops::V lse_lo, typename Ops::V c) {
  return c * Ops::exp(log_probability<Ops>(s, lse_hi, lse_lo));
}

// One direction's coefficient of the paired entry: c exp(s - lse) - uniform - target, where
// uniform = c e/m and target = c (1-e) come from label smoothing e. Written with expm1, so that
// nothing cancels when the probability is close to 1.
LSM_HD inline double target_coefficient(double s, double lse_hi, double lse_lo, double c,
                                        double uniform, double target) {
  return c * expm1_f64((s - lse_hi) - lse_lo) + ((c - target) - uniform);
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_CONTRASTIVE_H_
