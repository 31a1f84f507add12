// Vectors of the power operator: tables by code, and where the parameters of a vector of elements come
// from.
#ifndef LOSSMITH_CPU_KERNELS_POWER_VECTOR_H_
#define LOSSMITH_CPU_KERNELS_POWER_VECTOR_H_

#include <cstring>

#include "cpu/kernels/power.h"
#include "cpu/kernels/power_functions.h"

namespace lossmith {
namespace {

// Entries of a table in memory, at any index.
V gathered(const float* table, VI index) { return hn::GatherIndex(F(), table, index); }

// Entries at indices that lie in memory. With AVX2, loads that are put together are faster than the
// instruction that gathers, as long as their indices need not come out of a vector.
#if HWY_TARGET == HWY_AVX2
template <int kBits>
__m128 four_entries(const float* table, std::uint64_t word) {
  constexpr std::uint64_t mask = (std::uint64_t{1} << kBits) - 1;
  const auto entry = [&](int k) { return _mm_load_ss(table + (word >> (k * kBits) & mask)); };
  const __m128 low = _mm_insert_ps(entry(0), entry(1), 0x10);
  return _mm_movelh_ps(low, _mm_insert_ps(entry(2), entry(3), 0x10));
}
V entries_by_bytes(const float* table, const std::uint8_t* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return V{_mm256_set_m128(four_entries<8>(table, word >> 32), four_entries<8>(table, word))};
}
VI entries_by_shorts(const std::int32_t* table, const std::uint16_t* shorts) {
  std::uint64_t words[2];
  std::memcpy(words, shorts, sizeof words);
  const float* floats = reinterpret_cast<const float*>(table);
  return bits_of(
      V{_mm256_set_m128(four_entries<16>(floats, words[1]), four_entries<16>(floats, words[0]))});
}
#else
V entries_by_bytes(const float* table, const std::uint8_t* bytes) {
  const hn::Rebind<std::uint8_t, F> d8;
  return gathered(table, hn::PromoteTo(I(), hn::LoadU(d8, bytes)));
}
VI entries_by_shorts(const std::int32_t* table, const std::uint16_t* shorts) {
  const hn::Rebind<std::uint16_t, F> d16;
  return hn::GatherIndex(I(), table, hn::PromoteTo(I(), hn::LoadU(d16, shorts)));
}
#endif

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
  V operator()(const std::uint8_t* codes) const { return entries_by_bytes(table_, codes); }

 private:
  const float* table_;
};

// How many thresholds decide a code; with none the power does, or buckets.
constexpr int kByPower = 0;
constexpr int kByBuckets = -1;
constexpr int entries_of(int steps) { return steps <= 0 ? 0 : steps + 1; }

// |q| by buckets of v.
class Buckets {
 public:
  explicit Buckets(const PowerBuckets* buckets)
      : b_(buckets != nullptr ? *buckets : none()),
        least_(bits_of(set_int(b_.first << b_.shift))),
        trailing_(set_int((1 << b_.shift) - 1)) {}

  // Where the entry of v is.
  void place(V v, std::uint16_t* to) const {
    const hn::Rebind<std::uint16_t, F> d16;
    const VI bits = bits_of(hn::Max(v, least_));
    const VI bucket = hn::ShiftRightSame(bits, b_.shift) - set_int(b_.first);
    hn::StoreU(hn::DemoteTo(d16, bucket), d16, to);
  }
  // Above the threshold where the trailing bits are not below it.
  VI code(V v, const std::uint16_t* place) const {
    const VI bits = bits_of(hn::Max(v, least_));
    const VI entry = entries_by_shorts(b_.entries, place);
    const VI below = hn::VecFromMask(I(), hn::Gt(hn::ShiftRight<8>(entry), bits & trailing_));
    return (entry & set_int(255)) + set_int(1) + below;
  }

 private:
  static const PowerBuckets& none() {
    static const PowerBuckets empty{};
    return empty;
  }
  const PowerBuckets& b_;
  V least_;
  VI trailing_;
};

// How v^a is made. At 1 and 1/2 it is exact, with or without a gradient.
enum class PowerBy : std::uint8_t { exponential, itself, root };

inline PowerBy power_by(float exponent) {
  return exponent == 1.0f   ? PowerBy::itself
         : exponent == 0.5f ? PowerBy::root
                            : PowerBy::exponential;
}

// From this exponent on Q v^a is below 1/2 for all v below the normal numbers.
constexpr float kSmallExponent = 0.08f;

// Magnitudes of codes: in a vector, and, where no thresholds decide them, as bytes in memory.
struct Code {
  VI q;
  const std::uint8_t* bytes;
};

// Q / |q|, 0 for the code 0.
V inverse_code(VI q, V steps) {
  const V code = hn::ConvertTo(F(), q);
  return hn::IfThenZeroElse(hn::Eq(code, zero()), steps / code);
}

// Parameters of one group in registers.
template <int kSteps>
class Uniform {
 public:
  static constexpr int kThresholds = kSteps;

  Uniform(const PowerSetup& setup, const PowerUniform<float>& u)
      : scale_(set(u.scale)),
        steps_(set(static_cast<float>(setup.largest))),
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
        exact_(u.table->exact),
        buckets_(u.buckets) {
    for (int j = 0; j < kSteps; ++j) thresholds_[j] = set(u.thresholds[j]);
  }

  V scale(std::int64_t) const { return scale_; }
  V shift(std::int64_t) const { return shift_; }
  V exponent(std::int64_t) const { return exponent_; }
  V threshold(int j, std::int64_t) const { return thresholds_[j]; }
  const Buckets& buckets() const { return buckets_; }
  V level(const Code& code, std::int64_t) const { return look_up(levels_, code); }
  V log(const Code& code, std::int64_t) const { return look_up(logs_, code); }
  V inverse(const Code& code, std::int64_t) const {
    if constexpr (kSteps > 0) return inverses_(code.q);
    return inverse_code(code.q, steps_);
  }
  V exact(const Code& code, std::int64_t) const { return look_up(exact_, code); }
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
  template <class Table>
  static V look_up(const Table& table, const Code& code) {
    if constexpr (kSteps > 0) {
      return table(code.q);
    } else {
      return table(code.bytes);
    }
  }

  V scale_, steps_, shift_, exponent_, inverse_exponent_, lift_, inverse_scale_;
  PowerBy by_;
  bool careful_;
  V thresholds_[kSteps > 0 ? kSteps : 1];
  Lookup<entries_of(kSteps)> levels_, logs_, inverses_, exact_;
  Buckets buckets_;
};

// Parameters of a column each.
template <int kSteps>
class Columns {
 public:
  static constexpr int kThresholds = kSteps;

  Columns(const PowerSetup& setup, const PowerColumnwise<float>& c)
      : c_(c), steps_(set(static_cast<float>(setup.largest))), buckets_(c.buckets) {}

  V scale(std::int64_t i) const { return hn::LoadU(F(), c_.scale + i); }
  V shift(std::int64_t i) const {
    return c_.shift != nullptr ? hn::LoadU(F(), c_.shift + i) : zero();
  }
  V exponent(std::int64_t i) const { return hn::LoadU(F(), c_.exponent + i); }
  const Buckets& buckets() const { return buckets_; }
  V threshold(int j, std::int64_t i) const { return hn::LoadU(F(), c_.thresholds + j * c_.ld + i); }
  V level(const Code& code, std::int64_t i) const { return gathered(c_.levels, code.q + base(i)); }
  V log(const Code& code, std::int64_t i) const { return gathered(c_.logs, code.q + base(i)); }
  V exact(const Code& code, std::int64_t i) const { return gathered(c_.exact, code.q + base(i)); }
  V inverse(const Code& code, std::int64_t) const { return inverse_code(code.q, steps_); }
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
  Buckets buckets_;
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
