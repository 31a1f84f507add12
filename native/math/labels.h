// The formulas of the losses over label sets (lossmith/labels.h), for every kind of arithmetic. The
// first half works on elements of the dense part, with a policy as in math/ops.h; the second half on
// a row's positives and constants, in f64.
#ifndef LOSSMITH_MATH_LABELS_H_
#define LOSSMITH_MATH_LABELS_H_

#include <math.h>

#include <type_traits>

#include "math/ops.h"

namespace lossmith {
namespace math {

// tanh: below 0.4 the Taylor polynomial of degree 13 (truncation under 1e-8), else from
// e^(-2|u|), where 1 - e^(-2|u|) >= 0.55 keeps its digits. f64 takes the library's.
template <class Ops>
LSM_HD inline typename Ops::V tanh_of(typename Ops::V u) {
  using A = typename Ops::Scalar;
  if constexpr (std::is_same<typename Ops::V, double>::value) return ::tanh(u);
  const auto one = Ops::set(A(1));
  const auto size = Ops::abs(u);
  const auto e = Ops::exp(Ops::set(A(-2)) * size);
  const auto far = (one - e) / (one + e);
  const auto q = u * u;
  auto p = Ops::set(A(21844.0 / 6081075.0));
  p = Ops::mul_add(p, q, Ops::set(A(-1382.0 / 155925.0)));
  p = Ops::mul_add(p, q, Ops::set(A(62.0 / 2835.0)));
  p = Ops::mul_add(p, q, Ops::set(A(-17.0 / 315.0)));
  p = Ops::mul_add(p, q, Ops::set(A(2.0 / 15.0)));
  p = Ops::mul_add(p, q, Ops::set(A(-1.0 / 3.0)));
  p = Ops::mul_add(p, q, one);
  const auto signed_far = Ops::if_less(u, Ops::set(A(0)), Ops::set(A(0)) - far, far);
  return Ops::if_less(size, Ops::set(A(0.4)), u * p, signed_far);
}

// ln(1 + e) for e in [0, 1]: 2 atanh(r) with r = e/(2+e) <= 1/3, whose series ends below 1e-9 after
// nine terms. f64 takes the library's.
template <class Ops>
LSM_HD inline typename Ops::V log1p_of_unit(typename Ops::V e) {
  using A = typename Ops::Scalar;
  if constexpr (std::is_same<typename Ops::V, double>::value) return ::log1p(e);
  const auto r = e / (Ops::set(A(2)) + e);
  const auto q = r * r;
  auto p = Ops::set(A(1.0 / 17.0));
  p = Ops::mul_add(p, q, Ops::set(A(1.0 / 15.0)));
  p = Ops::mul_add(p, q, Ops::set(A(1.0 / 13.0)));
  p = Ops::mul_add(p, q, Ops::set(A(1.0 / 11.0)));
  p = Ops::mul_add(p, q, Ops::set(A(1.0 / 9.0)));
  p = Ops::mul_add(p, q, Ops::set(A(1.0 / 7.0)));
  p = Ops::mul_add(p, q, Ops::set(A(1.0 / 5.0)));
  p = Ops::mul_add(p, q, Ops::set(A(1.0 / 3.0)));
  p = Ops::mul_add(p, q, Ops::set(A(1)));
  return Ops::set(A(2)) * r * p;
}

// ln(1 + e^s)
template <class Ops>
LSM_HD inline typename Ops::V softplus(typename Ops::V s) {
  using A = typename Ops::Scalar;
  const auto zero = Ops::set(A(0));
  const auto e = Ops::exp(zero - Ops::abs(s));
  return Ops::if_less(zero, s, s, zero) + log1p_of_unit<Ops>(e);
}

// 1/(1 + e^-z) from e = e^-|z| and r = 1/(1+e): its own formula on either side, no 1 - y.
template <class Ops>
LSM_HD inline typename Ops::V sigmoid(typename Ops::V z, typename Ops::V e, typename Ops::V r) {
  return Ops::if_less(z, Ops::set(typename Ops::Scalar(0)), e * r, r);
}

// z = alpha (s + t), t = hi + lo: s + hi is exact for the entries that matter.
template <class Ops>
LSM_HD inline typename Ops::V top_k_argument(typename Ops::V s, typename Ops::V alpha,
                                             typename Ops::V hi, typename Ops::V lo) {
  return alpha * ((s + hi) + lo);
}

// ---- rows and positives, f64 ---------------------------------------------------------------

LSM_HD inline double softplus_f64(double x) {
  return (x > 0 ? x : 0.0) + ::log1p(::exp(-::fabs(x)));
}
LSM_HD inline double sigmoid_f64(double x) {
  const double e = ::exp(-::fabs(x));
  return x < 0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
}

// Derivative of the cap at a capped score; 1 without a cap.
LSM_HD inline double cap_slope(double s, double softcap) {
  if (softcap <= 0) return 1.0;
  const double u = s / softcap;
  return 1.0 - u * u;
}

// One positive of soft top-k: its term of the loss and g = d term / ds at fixed t, without factors.
LSM_HD inline double top_k_term(double z, bool plain) {
  return plain ? -sigmoid_f64(z) : softplus_f64(-z);
}
LSM_HD inline double top_k_slope(double z, double alpha, bool plain) {
  return -alpha * sigmoid_f64(-z) * (plain ? sigmoid_f64(z) : 1.0);
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_LABELS_H_
