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

// log2 v for v in (0, 1], error a few units in the last place of max(1, |log2 v|); finite for v = 0.
// v = 2^e m with m in [sqrt(1/2), sqrt(2)); log2 m = t R(t), t = m - 1, R the best polynomial of
// degree 8 (relative error 2.6e-8).
V log2(V v) {
  const M small = hn::Lt(v, set(1.17549435e-38f));
  v = hn::IfThenElse(small, v * set(16777216.0f), v);
  const VI bits = bits_of(v);
  const VI e = hn::ShiftRight<23>(bits - set_int(0x3f3504f3));
  const V t = bits_of(bits - hn::ShiftLeft<23>(e)) - set(1.0f);
  V r = set(0.1258370079617392f);
  r = hn::MulAdd(r, t, set(-0.20726973056130868f));
  r = hn::MulAdd(r, t, set(0.21571560236941845f));
  r = hn::MulAdd(r, t, set(-0.2389448234364125f));
  r = hn::MulAdd(r, t, set(0.2879162488217083f));
  r = hn::MulAdd(r, t, set(-0.36070368275273645f));
  r = hn::MulAdd(r, t, set(0.4809106429176262f));
  r = hn::MulAdd(r, t, set(-0.7213473468034032f));
  r = hn::MulAdd(r, t, set(1.4426950036525477f));
  const V whole = hn::ConvertTo(F(), e) - hn::IfThenElseZero(small, set(24.0f));
  return hn::MulAdd(r, t, whole);
}

// 2^x for x <= 127, error about a unit in the last place; 2^-126 below -126. x = n + f, |f| <= 1/2;
// 2^f by the best polynomial of degree 6 (relative error 1.9e-9).
V exp2(V x) {
  x = hn::Max(x, set(-126.0f));
  const V n = hn::Round(x);
  const V f = x - n;
  V p = set(0.00015345812158740183f);
  p = hn::MulAdd(p, f, set(0.001339993120947414f));
  p = hn::MulAdd(p, f, set(0.009618488956522791f));
  p = hn::MulAdd(p, f, set(0.055503287769976636f));
  p = hn::MulAdd(p, f, set(0.24022646890639573f));
  p = hn::MulAdd(p, f, set(0.6931472057372526f));
  p = hn::MulAdd(p, f, set(1.0f));
  return p * bits_of(hn::ShiftLeft<23>(hn::ConvertTo(I(), n) + set_int(127)));
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

// Parameters of one group in registers.
template <int kSteps>
class Uniform {
 public:
  static constexpr int kThresholds = kSteps;

  Uniform(const PowerSetup&, const PowerUniform<float>& u)
      : scale_(set(u.scale)),
        shift_(set(u.shift)),
        exponent_(set(u.exponent)),
        by_(power_by(u.exponent)),
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
  V power(V v, V log2_v, std::int64_t) const {
    if (by_ == PowerBy::itself) return v;
    if (by_ == PowerBy::root) return hn::Sqrt(v);
    return hn::IfThenZeroElse(hn::Eq(v, zero()), exp2(exponent_ * log2_v));
  }
  V power(V v, std::int64_t i) const {
    return by_ == PowerBy::exponential ? power(v, log2(v), i) : power(v, v, i);
  }

 private:
  V scale_, shift_, exponent_;
  PowerBy by_;
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
  V power(V v, V log2_v, std::int64_t i) const {
    const V a = exponent(i);
    V p = hn::IfThenZeroElse(hn::Eq(v, zero()), exp2(a * log2_v));
    p = hn::IfThenElse(hn::Eq(a, set(1.0f)), v, p);
    return hn::IfThenElse(hn::Eq(a, set(0.5f)), hn::Sqrt(v), p);
  }
  V power(V v, std::int64_t i) const { return power(v, log2(v), i); }

 private:
  VI base(std::int64_t i) const { return hn::LoadU(I(), c_.base + i); }
  const PowerColumnwise<float>& c_;
  V steps_;
};

// The step of a loop over n elements: step(i, count) for whole vectors and step(i, count < kLanes) for
// what is left, and before them up to `head` elements.
template <class Step>
void for_vectors(std::int64_t head, std::int64_t n, const Step& step) {
  std::int64_t i = head < n ? head : n;
  if (i > 0) step(0, i);
  for (; i + kLanes <= n; i += kLanes) step(i, kLanes);
  if (i < n) step(i, n - i);
}

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_VECTOR_H_
