// The soft staircase over vectors of theta.
#ifndef LOSSMITH_CPU_KERNELS_POWER_STAIRCASE_H_
#define LOSSMITH_CPU_KERNELS_POWER_STAIRCASE_H_

#include "cpu/kernels/power_operator.h"

namespace lossmith {
namespace {

// math::power_stair.
template <class P, class Parameters, class Sums>
class Staircase {
 public:
  Staircase(const PowerSetup& setup, const Parameters& parameters, const PowerElements<float>& e,
            Sums& sums)
      : p_(setup, parameters),
        e_(e),
        sums_(sums),
        out_(e.out, false, 0),
        grad_(e.grad, false, 0),
        codes_(e.codes, setup),
        top_(set(static_cast<float>(setup.largest))),
        low_(setup.positive ? zero() : zero() - top_),
        part_(set(1.0f / static_cast<float>(setup.largest))),
        beta_(static_cast<float>(setup.beta)) {
    V half[kAbreast], end[kAbreast];
    for (int k = 0; k < kAbreast; ++k) half[k] = set(beta_ * 0.5f);
    tanh_each(half, end);
    end_ = end[0];
  }

  void run() {
    for (std::int64_t i = 0; i < e_.n; i += kGroup) group(i);
  }

 private:
  // Codes and values of a group of vectors; log2 of nothing is finite.
  void group(std::int64_t i) {
    V theta[kAbreast], soft[kAbreast], slope[kAbreast], r[kAbreast], l[kAbreast], x[kAbreast],
        level[kAbreast];
    for (int k = 0; k < kAbreast; ++k) {
      theta[k] = count(i, k) > 0 ? load(e_.x + i + k * kLanes, count(i, k)) : zero();
    }
    soften(theta, i, soft, slope);
    for (int k = 0; k < kAbreast; ++k) r[k] = hn::Abs(soft[k]) * part_;
    log2_each<true>(r, l);
    for (int k = 0; k < kAbreast; ++k) x[k] = l[k] * p_.inverse_exponent(i + k * kLanes);
    exp2_each(x, level);
    for (int k = 0; k < kAbreast && count(i, k) > 0; ++k) {
      const std::int64_t at = i + k * kLanes;
      level[k] = hn::IfThenElseZero(hn::Gt(r[k], zero()), level[k]);
      const V sign = soft[k] & hn::SignBit(F());
      const V value = p_.scale(at) * level[k];
      const M known = hn::Eq(theta[k], theta[k]);
      if (out_.wanted()) {
        out_.store(hn::IfThenElse(known, (value ^ sign) + zero(), theta[k]), at, count(i, k));
      }
      if (e_.upstream == nullptr) continue;
      const V given = load(e_.upstream + at, count(i, k));
      const V signed_g = hn::IfThenElse(known, given, theta[k]) ^ sign;
      const V a = p_.exponent(at);
      const V fall = value * (l[k] * set(-0.693147181f)) / (a * a);
      const V alive = hn::IfThenElseZero(hn::Gt(p_.scale(at), zero()), level[k]);
      sums_.add(signed_g * alive, signed_g * fall, at);
    }
    if (grad_.wanted()) differentiate(i, theta, r, slope);
  }

  // q~ and phi'.
  void soften(const V* theta, std::int64_t i, V* soft, V* slope) {
    const V half = set(0.5f), one = set(1.0f);
    V c[kAbreast];
    for (int k = 0; k < kAbreast; ++k) {
      const M known = hn::Eq(theta[k], theta[k]);
      c[k] = hn::IfThenElseZero(known, hn::Max(hn::Min(theta[k], top_), low_));
      const VI hard = truncated(hn::Abs(c[k]) + half);
      if (count(i, k) > 0) codes_.store(hard, c[k], i + k * kLanes, count(i, k));
      soft[k] = hn::CopySign(hn::ConvertTo(F(), hard), c[k]);
      slope[k] = one;
    }
    if (!(beta_ > 0)) return;
    V y[kAbreast], t[kAbreast];
    for (int k = 0; k < kAbreast; ++k) y[k] = set(beta_) * (c[k] - hn::Floor(c[k]) - half);
    tanh_each(y, t);
    for (int k = 0; k < kAbreast; ++k) {
      soft[k] = hn::MulAdd(half, one + t[k] / end_, hn::Floor(c[k]));
      slope[k] = set(beta_ * 0.5f) * (one - t[k] * t[k]) / end_;
    }
  }

  void differentiate(std::int64_t i, const V* theta, const V* r, const V* slope) {
    const V one = set(1.0f);
    V floored[kAbreast], l[kAbreast], x[kAbreast], rise[kAbreast];
    for (int k = 0; k < kAbreast; ++k) {
      const M above = hn::Gt(p_.exponent(i + k * kLanes), one);
      floored[k] = hn::Max(r[k], hn::IfThenElseZero(above, set(0.5f) * part_));
    }
    log2_each<true>(floored, l);
    for (int k = 0; k < kAbreast; ++k) x[k] = l[k] * (p_.inverse_exponent(i + k * kLanes) - one);
    exp2_each(x, rise);
    for (int k = 0; k < kAbreast && count(i, k) > 0; ++k) {
      const std::int64_t at = i + k * kLanes;
      // 0 to the power 0 is 1, to another one 0.
      const V at_zero = hn::IfThenElseZero(hn::Eq(p_.exponent(at), one), one);
      const V risen = hn::IfThenElse(hn::Gt(floored[k], zero()), rise[k], at_zero);
      const V given = load(e_.upstream + at, count(i, k));
      const M known = hn::Eq(theta[k], theta[k]);
      const M inside = hn::And(hn::Le(theta[k], top_), hn::Ge(theta[k], low_));
      const V by_theta = p_.scale(at) * risen * part_ * p_.inverse_exponent(at) * slope[k];
      const V g = hn::IfThenElse(known, given, theta[k]);
      const V moved = hn::IfThenElseZero(hn::Or(inside, hn::Not(known)), by_theta);
      grad_.store(g * moved, at, count(i, k));
    }
  }

  // Elements of vector k of the group.
  std::int64_t count(std::int64_t i, int k) const {
    const std::int64_t left = e_.n - i - k * kLanes;
    return left < kLanes ? left : kLanes;
  }

  const P p_;
  const PowerElements<float>& e_;
  Sums& sums_;
  const Target out_, grad_;
  const CodeTarget codes_;
  const V top_, low_, part_;
  const float beta_;
  V end_;
};

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_STAIRCASE_H_
