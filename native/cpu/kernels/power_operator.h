// The power operator at one vector of elements, and powers and codes of blocks.
#ifndef LOSSMITH_CPU_KERNELS_POWER_OPERATOR_H_
#define LOSSMITH_CPU_KERNELS_POWER_OPERATOR_H_

#include "cpu/kernels/power_targets.h"

namespace lossmith {
namespace {

constexpr int kGroup = kAbreast * kLanes;  // elements whose powers are made at once

// Powers and codes of a block of elements, in the first-level cache.
struct Powers {
  static constexpr std::int64_t kBlock = 512;
  HWY_ALIGN float power[kBlock + 2 * kGroup];
  HWY_ALIGN float log2_v[kBlock + 2 * kGroup];
  HWY_ALIGN std::uint16_t places[kBlock + 2 * kGroup];
  HWY_ALIGN std::uint8_t codes[kBlock + 2 * kGroup];
};

// The operator at one vector of elements.
template <class P>
class Operator {
 public:
  Operator(const PowerSetup& setup, const P& p)
      : p_(p),
        size_mask_(bits_of(set_int(setup.positive ? -1 : 0x7fffffff))),
        steps_(set(static_cast<float>(setup.largest))) {}

  // |x|, or x where codes are unsigned: what is below 0 there is below everything.
  V size(V x) const { return x & size_mask_; }

  // v = min(size / s, 1); 0 for NaN, below 0 and where s is 0.
  V share(V size, std::int64_t i) const {
    const V s = p_.scale(i);
    const M known = hn::And(hn::Gt(size, zero()), hn::Gt(s, zero()));
    return hn::IfThenElseZero(known, hn::Min(p_.share(size, i), set(1.0f)));
  }

  // v^a, and log2 v where it is wanted, of the elements from begin to end.
  void powers(const float* x, std::int64_t begin, std::int64_t end, bool logs, Powers* to) const {
    if (p_.careful()) {
      powers_by<true>(x, begin, end, logs, to);
    } else {
      powers_by<false>(x, begin, end, logs, to);
    }
  }

  VI rounded(V power) const { return truncated(hn::MulAdd(steps_, power, set(0.5f))); }

  // |q| of the elements from begin to end where no thresholds decide it: from buckets, or from powers
  // that are there. One pass for each step of the way: what goes through memory in between is no chain.
  void magnitudes(const float* x, std::int64_t begin, std::int64_t end, Powers* to) const {
    const hn::Rebind<std::uint8_t, F> d8;
    if constexpr (P::kThresholds == kByBuckets) {
      HWY_ALIGN float v[Powers::kBlock + 2 * kGroup];
      for (std::int64_t i = begin; i < end; i += kLanes) {
        const V w = load(x + i, end - i < kLanes ? end - i : kLanes);
        const V v_i = share(size(w - p_.shift(i)), i);
        hn::Store(v_i, F(), v + (i - begin));
        p_.buckets().place(v_i, to->places + (i - begin));
      }
      for (std::int64_t j = 0; j < end - begin; j += kLanes) {
        const VI q = p_.buckets().code(hn::Load(F(), v + j), to->places + j);
        hn::StoreU(hn::DemoteTo(d8, q), d8, to->codes + j);
      }
    } else {
      for (std::int64_t j = 0; j < end - begin; j += kLanes) {
        hn::StoreU(hn::DemoteTo(d8, rounded(hn::LoadU(F(), to->power + j))), d8, to->codes + j);
      }
    }
  }

  Code code(V size, const std::uint8_t* bytes, std::int64_t i) const {
    if constexpr (P::kThresholds > 0) {
      VI q = hn::Zero(I());
      for (int j = 0; j < P::kThresholds; ++j) {
        q = q - hn::VecFromMask(I(), hn::RebindMask(I(), hn::Ge(size, p_.threshold(j, i))));
      }
      return {q, nullptr};
    } else {
      return {promoted(bytes), bytes};
    }
  }

  V value(V level, V x, std::int64_t i) const {
    const V w = hn::CopySignToAbs(p_.scale(i) * level, x) + p_.shift(i);
    return hn::IfThenElse(hn::Eq(x, x), w, x);
  }

 private:
  template <bool kSmall>
  void powers_by(const float* x, std::int64_t begin, std::int64_t end, bool logs,
                 Powers* to) const {
    std::int64_t i = begin;
    for (; i + kGroup <= end; i += kGroup) group<kSmall>(x + i, i, logs, i - begin, to);
    if (i == end) return;
    HWY_ALIGN float room[kGroup] = {};
    std::memcpy(room, x + i, static_cast<std::size_t>(end - i) * sizeof(float));
    group<kSmall>(room, i, logs, i - begin, to);
  }

  // Vectors of x, the first of which is that of element i.
  template <bool kSmall>
  HWY_INLINE void group(const float* x, std::int64_t i, bool logs, std::int64_t place,
                        Powers* to) const {
    V v[kAbreast], l[kAbreast], power[kAbreast];
    for (int k = 0; k < kAbreast; ++k) {
      const std::int64_t at = i + k * kLanes;
      v[k] = share(size(hn::LoadU(F(), x + k * kLanes) - p_.shift(at)), at);
      l[k] = zero();
    }
    if (logs || p_.by() == PowerBy::exponential) log2_each<kSmall>(v, l);
    p_.power_each(v, l, power, i);
    for (int k = 0; k < kAbreast; ++k) {
      const V p = hn::IfThenZeroElse(hn::Eq(v[k], zero()), power[k]);
      hn::StoreU(p, F(), to->power + place + k * kLanes);
      if (logs) hn::StoreU(l[k], F(), to->log2_v + place + k * kLanes);
    }
  }

  const P& p_;
  V size_mask_, steps_;
};

// body(begin, head, end) for blocks of n elements, of which the first takes `head` more.
template <class Body>
void for_blocks(std::int64_t head, std::int64_t n, const Body& body) {
  for (std::int64_t begin = 0; begin < n;) {
    const std::int64_t end = begin + head + Powers::kBlock;
    body(begin, head, end < n ? end : n);
    begin = end;
    head = 0;
  }
}

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_OPERATOR_H_
