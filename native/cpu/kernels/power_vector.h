// Vectors of the power operator: powers, tables by code, and where the parameters of a vector of
// elements come from.
#ifndef LOSSMITH_CPU_KERNELS_POWER_VECTOR_H_
#define LOSSMITH_CPU_KERNELS_POWER_VECTOR_H_

#include "cpu/kernels/power.h"
#include "cpu/kernels/vector.h"

namespace lossmith {
namespace {

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using V = hn::Vec<F>;
using VI = hn::Vec<I>;
using M = hn::Mask<F>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(F()));

V set(float x) { return hn::Set(F(), x); }
VI set_int(std::int32_t x) { return hn::Set(I(), x); }
V bits_of(VI v) { return hn::BitCast(F(), v); }
VI bits_of(V v) { return hn::BitCast(I(), v); }
V zero() { return hn::Zero(F()); }

// Functions of several vectors at once: a power is one long chain of operations, and the processor
// looks only so far ahead for others.
constexpr int kAbreast = 4;

// l = log2 v for v in (0, 1], error a few units in the last place of max(1, |log2 v|); finite for
// v = 0. Without kSmall v is above 2^-126, or the result there only has to be below -125.
// v = 2^e m with m in [sqrt(1/2), sqrt(2)); log2 m = t R(t), t = m - 1, R the best polynomial of
// degree 7 (relative error 1.7e-7).
template <bool kSmall>
HWY_INLINE void log2_each(const V* v, V* l) {
  constexpr float kPolynomial[] = {
      0.2340423426525596f,  -0.24887686470252476f, 0.2870987032849723f, -0.3602396401026903f,
      0.48092324218913407f, -0.7213527880534653f,  1.4426949619877145f};
  V t[kAbreast], whole[kAbreast], r[kAbreast];
  for (int k = 0; k < kAbreast; ++k) {
    V x = v[k];
    V lift = zero();
    if constexpr (kSmall) {
      const M small = hn::Lt(x, set(1.17549435e-38f));
      x = hn::IfThenElse(small, x * set(16777216.0f), x);
      lift = hn::IfThenElseZero(small, set(24.0f));
    }
    const VI bits = bits_of(x);
    const VI e = hn::ShiftRight<23>(bits - set_int(0x3f3504f3));
    t[k] = bits_of(bits - hn::ShiftLeft<23>(e)) - set(1.0f);
    whole[k] = hn::ConvertTo(F(), e);
    if constexpr (kSmall) whole[k] = whole[k] - lift;
  }
  for (int k = 0; k < kAbreast; ++k) r[k] = set(-0.14581165350617828f);
  for (const float c : kPolynomial) {
    for (int k = 0; k < kAbreast; ++k) r[k] = hn::MulAdd(r[k], t[k], set(c));
  }
  for (int k = 0; k < kAbreast; ++k) l[k] = hn::MulAdd(r[k], t[k], whole[k]);
}

// The whole part of v in [0, 2^31); Highway's own would look after numbers beyond that.
VI truncated(V v) {
#if HWY_TARGET == HWY_AVX2
  return VI{_mm256_cvttps_epi32(v.raw)};
#elif HWY_TARGET <= HWY_AVX3
  return VI{_mm512_cvttps_epi32(v.raw)};
#else
  return hn::ConvertTo(I(), v);
#endif
}

// y = 2^x for x <= 126, error about a unit in the last place, exact at 0; about 2^-125 below that.
// x = n + f, |f| <= 1/2; 2^f by the best polynomial of degree 6 (relative error 1.9e-9). Beside
// 1.5 2^23 a float has no room for fractions, and its last bits are n.
HWY_INLINE void exp2_each(const V* x, V* y) {
  constexpr float kPolynomial[] = {0.001339993120947414f, 0.009618488956522791f,
                                   0.055503287769976636f, 0.24022646890639573f,
                                   0.6931472057372526f,   1.0f};
  const V magic = set(12582912.0f);
  V f[kAbreast], p[kAbreast], n[kAbreast];
  for (int k = 0; k < kAbreast; ++k) {
    const V bounded = hn::Max(x[k], set(-125.0f));
    n[k] = bounded + magic;
    f[k] = bounded - (n[k] - magic);
    p[k] = set(0.00015345812158740183f);
  }
  for (const float c : kPolynomial) {
    for (int k = 0; k < kAbreast; ++k) p[k] = hn::MulAdd(p[k], f[k], set(c));
  }
  for (int k = 0; k < kAbreast; ++k) {
    y[k] = bits_of(bits_of(p[k]) + hn::ShiftLeft<23>(bits_of(n[k])));
  }
}

// Entries of a table in memory.
V gathered(const float* table, VI index) { return hn::GatherIndex(F(), table, index); }

// A table of kEntries floats (8 or 16) where a register permutation can hold it, else in memory.
template <int kEntries>
class Lookup {
 public:
  explicit Lookup(const float* table)
      : table_(table), low_(load(table)), high_(load(table + (kEntries > kLanes ? kLanes : 0))) {}

  V operator()(VI index) const {
    if constexpr (kLanes >= 8 && kEntries <= kLanes) {
      return hn::TableLookupLanes(low_, hn::IndicesFromVec(F(), index));
    } else if constexpr (kLanes == 8 && kEntries == 16) {
      const auto lanes = hn::IndicesFromVec(F(), index & set_int(7));
      const auto upper = hn::RebindMask(F(), hn::Gt(index, set_int(7)));
      return hn::IfThenElse(upper, hn::TableLookupLanes(high_, lanes),
                            hn::TableLookupLanes(low_, lanes));
    } else {
      return gathered(table_, index);
    }
  }

 private:
  // Tables have kPowerLevels entries: whole vectors may be read.
  static V load(const float* p) { return hn::LoadU(F(), p); }
  const float* table_;
  V low_, high_;
};
template <>
class Lookup<0> {
 public:
  explicit Lookup(const float* table) : table_(table) {}
  V operator()(VI index) const { return gathered(table_, index); }

 private:
  const float* table_;
};

constexpr int entries_of(int steps) { return steps == 0 ? 0 : steps + 1; }

// How v^a is made. At 1 and 1/2 it is exact, with or without a gradient.
enum class PowerBy : std::uint8_t { exponential, itself, root };

inline PowerBy power_by(float exponent) {
  return exponent == 1.0f   ? PowerBy::itself
         : exponent == 0.5f ? PowerBy::root
                            : PowerBy::exponential;
}

// From this exponent on Q v^a is below 1/2 for all v below the normal numbers.
constexpr float kSmallExponent = 0.08f;

// Parameters of one group in registers.
template <int kSteps>
class Uniform {
 public:
  static constexpr int kThresholds = kSteps;

  Uniform(const PowerSetup&, const PowerUniform<float>& u)
      : scale_(set(u.scale)),
        shift_(set(u.shift)),
        exponent_(set(u.exponent)),
        inverse_exponent_(set(1.0f / u.exponent)),
        // The inverse of a scale near the end of the range is not in it.
        lift_(set(u.scale < 1e-30f ? 0x1p+64f : 1.0f)),
        inverse_scale_(set(1.0f / (u.scale < 1e-30f ? u.scale * 0x1p+64f : u.scale))),
        by_(power_by(u.exponent)),
        careful_(u.exponent < kSmallExponent),
        levels_(u.table->levels),
        logs_(u.table->logs),
        inverses_(u.table->inverses),
        exact_(u.table->exact) {
    for (int j = 0; j < kSteps; ++j) thresholds_[j] = set(u.thresholds[j]);
  }

  V scale(std::int64_t) const { return scale_; }
  V shift(std::int64_t) const { return shift_; }
  V exponent(std::int64_t) const { return exponent_; }
  V threshold(int j, std::int64_t) const { return thresholds_[j]; }
  V level(VI q, std::int64_t) const { return levels_(q); }
  V log(VI q, std::int64_t) const { return logs_(q); }
  V inverse(VI q, std::int64_t) const { return inverses_(q); }
  V exact(VI q, std::int64_t) const { return exact_(q); }
  V inverse_exponent(std::int64_t) const { return inverse_exponent_; }
  PowerBy by() const { return by_; }
  // Exponents so small that a v below the normal numbers has a power that counts.
  bool careful() const { return careful_; }
  // size / s for size < s, where powers are of the kind `by`; exact unless they are exponentials.
  V share(V size, std::int64_t) const {
    return by_ == PowerBy::exponential ? size * lift_ * inverse_scale_ : size / scale_;
  }
  // v^a from v and log2 v.
  HWY_INLINE void power_each(const V* v, const V* log2_v, V* power, std::int64_t) const {
    if (by_ == PowerBy::itself) {
      for (int k = 0; k < kAbreast; ++k) power[k] = v[k];
    } else if (by_ == PowerBy::root) {
      for (int k = 0; k < kAbreast; ++k) power[k] = hn::Sqrt(v[k]);
    } else {
      V x[kAbreast];
      for (int k = 0; k < kAbreast; ++k) x[k] = exponent_ * log2_v[k];
      exp2_each(x, power);
    }
  }

 private:
  V scale_, shift_, exponent_, inverse_exponent_, lift_, inverse_scale_;
  PowerBy by_;
  bool careful_;
  V thresholds_[kSteps > 0 ? kSteps : 1];
  Lookup<entries_of(kSteps)> levels_, logs_, inverses_, exact_;
};

// Parameters of a column each.
template <int kSteps>
class Columns {
 public:
  static constexpr int kThresholds = kSteps;

  Columns(const PowerSetup& setup, const PowerColumnwise<float>& c)
      : c_(c), steps_(set(static_cast<float>(setup.largest))) {}

  V scale(std::int64_t i) const { return hn::LoadU(F(), c_.scale + i); }
  V shift(std::int64_t i) const {
    return c_.shift != nullptr ? hn::LoadU(F(), c_.shift + i) : zero();
  }
  V exponent(std::int64_t i) const { return hn::LoadU(F(), c_.exponent + i); }
  V threshold(int j, std::int64_t i) const { return hn::LoadU(F(), c_.thresholds + j * c_.ld + i); }
  V level(VI q, std::int64_t i) const { return gathered(c_.levels, q + base(i)); }
  V log(VI q, std::int64_t i) const { return gathered(c_.logs, q + base(i)); }
  V exact(VI q, std::int64_t i) const { return gathered(c_.exact, q + base(i)); }
  V inverse(VI q, std::int64_t) const {
    const V code = hn::ConvertTo(F(), q);
    return hn::IfThenZeroElse(hn::Eq(code, zero()), steps_ / code);
  }
  V inverse_exponent(std::int64_t i) const { return set(1.0f) / exponent(i); }
  PowerBy by() const { return PowerBy::exponential; }
  bool careful() const { return true; }
  V share(V size, std::int64_t i) const { return size / scale(i); }
  HWY_INLINE void power_each(const V* v, const V* log2_v, V* power, std::int64_t i) const {
    V a[kAbreast], x[kAbreast];
    for (int k = 0; k < kAbreast; ++k) {
      a[k] = exponent(i + k * kLanes);
      x[k] = a[k] * log2_v[k];
    }
    exp2_each(x, power);
    for (int k = 0; k < kAbreast; ++k) {
      power[k] = hn::IfThenElse(hn::Eq(a[k], set(1.0f)), v[k], power[k]);
      power[k] = hn::IfThenElse(hn::Eq(a[k], set(0.5f)), hn::Sqrt(v[k]), power[k]);
    }
  }

 private:
  VI base(std::int64_t i) const { return hn::LoadU(I(), c_.base + i); }
  const PowerColumnwise<float>& c_;
  V steps_;
};

// step(i, count) for the elements from begin to end: `head` elements, whole vectors, what is left.
template <class Step>
void for_vectors(std::int64_t begin, std::int64_t head, std::int64_t end, const Step& step) {
  std::int64_t count = head > 0 ? head : kLanes;
  std::int64_t i = begin;
  while (i < end) {
    if (count > end - i) count = end - i;
    step(i, count);
    i += count;
    count = kLanes;
  }
}

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_VECTOR_H_
