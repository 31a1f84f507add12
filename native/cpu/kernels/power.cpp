// Compiled once per instruction set; LSM_ISA names it. Each loop reads and writes every element once.
#include "cpu/kernels/power.h"

#include <hwy/cache_control.h>

#include <cstring>

#include "cpu/kernels/power_vector.h"

namespace lossmith {
namespace {

V load(const float* p, std::int64_t count) {
  if (count == kLanes) return hn::LoadU(F(), p);
  HWY_ALIGN float room[kLanes] = {};
  std::memcpy(room, p, static_cast<std::size_t>(count) * sizeof(float));
  return hn::Load(F(), room);
}

VI promoted(const std::uint8_t* bytes) {
  const hn::Rebind<std::uint8_t, F> d8;
  return hn::PromoteTo(I(), hn::LoadU(d8, bytes));
}

// Where values go: past the caches where the setup asks for it and the address allows it.
class Target {
 public:
  Target(float* to, bool stream, std::int64_t head)
      : to_(to), stream_(stream && to != nullptr && aligned(to + head)) {}

  bool wanted() const { return to_ != nullptr; }
  void store(V v, std::int64_t i, std::int64_t count) const {
    if (count != kLanes) {
      HWY_ALIGN float room[kLanes];
      hn::Store(v, F(), room);
      std::memcpy(to_ + i, room, static_cast<std::size_t>(count) * sizeof(float));
    } else if (stream_) {
      hn::Stream(v, F(), to_ + i);
    } else {
      hn::StoreU(v, F(), to_ + i);
    }
  }

  // Elements before the first aligned address.
  static std::int64_t head(const float* to) {
    if (to == nullptr) return 0;
    const std::uintptr_t past = reinterpret_cast<std::uintptr_t>(to) % (kLanes * sizeof(float));
    return past == 0 ? 0 : static_cast<std::int64_t>(kLanes - past / sizeof(float));
  }

 private:
  static bool aligned(const float* p) {
    return reinterpret_cast<std::uintptr_t>(p) % (kLanes * sizeof(float)) == 0;
  }
  float* to_;
  bool stream_;
};

// Codes of magnitudes q, one a byte.
class CodeTarget {
 public:
  CodeTarget(std::uint8_t* to, const PowerSetup& setup)
      : to_(to), sign_(set_int(setup.fields && !setup.positive ? sign_bit(setup.bits) : 0)) {
    whole_ = !setup.fields && !setup.positive;
  }

  void store(VI q, V x, std::int64_t i, std::int64_t count) const {
    if (to_ == nullptr) return;
    const VI negative = hn::ShiftRight<31>(bits_of(x));
    const hn::Rebind<std::uint8_t, F> d8;
    HWY_ALIGN std::uint8_t room[kLanes];
    std::uint8_t* to = count == kLanes ? to_ + i : room;
    if (whole_) {
      const hn::Rebind<std::int8_t, F> ds8;
      hn::StoreU(hn::BitCast(d8, hn::DemoteTo(ds8, (q ^ negative) - negative)), d8, to);
    } else {
      const VI some = hn::VecFromMask(I(), hn::Gt(q, hn::Zero(I())));
      hn::StoreU(hn::DemoteTo(d8, q | (negative & some & sign_)), d8, to);
    }
    if (to == room) std::memcpy(to_ + i, room, static_cast<std::size_t>(count));
  }

 private:
  static int sign_bit(int bits) {
    return 1 << ((bits <= math::kPowerThresholdBits ? bits : 8) - 1);
  }
  std::uint8_t* to_;
  VI sign_;
  bool whole_;
};

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

template <class P, class Parameters>
void quantize_by(const PowerSetup& setup, const Parameters& parameters,
                 const PowerElements<float>& e) {
  const P p(setup, parameters);
  const Operator<P> op(setup, p);
  const std::int64_t start = setup.stream ? Target::head(e.out) : 0;
  const Target out(e.out, setup.stream, start);
  const CodeTarget codes(e.codes, setup);
  Powers powers;
  for_blocks(start, e.n, [&](std::int64_t begin, std::int64_t head, std::int64_t end) {
    if constexpr (P::kThresholds == kByPower) op.powers(e.x, begin, end, false, &powers);
    if constexpr (P::kThresholds <= 0) op.magnitudes(e.x, begin, end, &powers);
    for_vectors(begin, head, end, [&](std::int64_t i, std::int64_t count) {
      const V x = load(e.x + i, count) - p.shift(i);
      const Code code = op.code(op.size(x), powers.codes + (i - begin), i);
      codes.store(code.q, x, i, count);
      if (out.wanted()) out.store(op.value(p.level(code, i), x, i), i, count);
    });
  });
}

// Where the sums of gradients go: into registers, or to their columns.
class RegisterSums {
 public:
  void add(V scale, V exponent, std::int64_t) {
    scale_ = scale_ + scale;
    exponent_ = exponent_ + exponent;
  }
  PowerSums total() const { return {sum(scale_), sum(exponent_)}; }

 private:
  static double sum(V v) {
    HWY_ALIGN float lanes[kLanes];
    hn::Store(v, F(), lanes);
    double total = 0;
    for (float lane : lanes) total += static_cast<double>(lane);
    return total;
  }
  V scale_ = zero(), exponent_ = zero();
};
class ColumnSums {
 public:
  explicit ColumnSums(const PowerColumnSums<float>& sums) : sums_(sums) {}
  void add(V scale, V exponent, std::int64_t i) {
    hn::StoreU(hn::LoadU(F(), sums_.scale + i) + scale, F(), sums_.scale + i);
    hn::StoreU(hn::LoadU(F(), sums_.exponent + i) + exponent, F(), sums_.exponent + i);
  }

 private:
  const PowerColumnSums<float>& sums_;
};

// math::power_slopes, from tables by code: with L the level, l = ln(r)/a and i = 1/r
//
//     dw^/ds = L - L i v^a       dw^/da = s L (v^a ln(v) i - l) / a
//
// which are 0 at the code 0, since L is.
template <class P, class Parameters, class Sums>
void gradients_by(const PowerSetup& setup, const Parameters& parameters,
                  const PowerElements<float>& e, Sums& sums) {
  const P p(setup, parameters);
  const Operator<P> op(setup, p);
  const Target out(e.out, false, 0);
  const Target grad(e.grad, false, 0);
  const CodeTarget codes(e.codes, setup);
  const bool exact = setup.exact;
  // Signed elements are all above this.
  const V least = set(setup.positive ? 0.0f : -__builtin_inff());
  Powers powers;
  for_blocks(0, e.n, [&](std::int64_t begin, std::int64_t head, std::int64_t end) {
    op.powers(e.x, begin, end, true, &powers);
    if constexpr (P::kThresholds <= 0) op.magnitudes(e.x, begin, end, &powers);
    for_vectors(begin, head, end, [&](std::int64_t i, std::int64_t count) {
      const V given = load(e.upstream + i, count);
      const V x = load(e.x + i, count) - p.shift(i);
      const V size = op.size(x);
      const V s = p.scale(i);
      const V power = hn::LoadU(F(), powers.power + (i - begin));
      const Code code = op.code(size, powers.codes + (i - begin), i);
      codes.store(code.q, x, i, count);
      const V level = p.level(code, i);
      if (out.wanted()) out.store(op.value(level, x, i), i, count);
      const M clipped = hn::And(hn::Gt(size, s), hn::Gt(s, zero()));
      const V g = hn::IfThenElse(hn::Eq(x, x), given, x);
      const V signed_g = g ^ (x & hn::SignBit(F()));
      const V part = p.inverse(code, i) * power;
      const V log_v = hn::LoadU(F(), powers.log2_v + (i - begin)) * set(0.693147181f);
      const V by_scale = hn::IfThenElse(clipped, set(1.0f), level - level * part);
      const V bracket = hn::MulSub(part, log_v, p.log(code, i));
      const V by_exponent =
          hn::IfThenZeroElse(clipped, s * level * bracket * p.inverse_exponent(i));
      sums.add(signed_g * by_scale, signed_g * by_exponent, i);
      if (!grad.wanted()) return;
      V slope = set(1.0f);
      if (exact) {
        const V ratio = p.exact(code, i) * (power / op.share(size, i));
        slope = hn::IfThenZeroElse(hn::Eq(level, zero()), ratio);
      }
      const M moves = hn::And(hn::Gt(s, zero()), hn::Not(hn::Or(clipped, hn::Lt(x, least))));
      grad.store(g * hn::IfThenElseZero(moves, slope), i, count);
    });
  });
}

// tanh y, odd to the bit, so that stairs meet at whole codes: 1 - 2 / (e^2|y| + 1), and the Taylor
// polynomial of degree 9 where that would cancel.
HWY_INLINE void tanh_each(const V* y, V* t) {
  const V one = set(1.0f);
  V x[kAbreast], large[kAbreast];
  for (int k = 0; k < kAbreast; ++k) {
    x[k] = hn::Min(hn::Abs(y[k]) * set(2.88539008f), set(126.0f));
  }
  exp2_each(x, large);
  for (int k = 0; k < kAbreast; ++k) {
    const V size = hn::Abs(y[k]), square = size * size;
    V p = set(62.0f / 2835.0f);
    p = hn::MulAdd(p, square, set(-17.0f / 315.0f));
    p = hn::MulAdd(p, square, set(2.0f / 15.0f));
    p = hn::MulAdd(p, square, set(-1.0f / 3.0f));
    const V small = hn::MulAdd(size * square, p, size);
    const V rest = one - set(2.0f) / (large[k] + one);
    t[k] = hn::CopySignToAbs(hn::IfThenElse(hn::Lt(size, set(0.25f)), small, rest), y[k]);
  }
}

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

template <class P, class Parameters>
void latents_by(const PowerSetup& setup, const Parameters& parameters,
                const PowerElements<float>& e) {
  const P p(setup, parameters);
  const Operator<P> op(setup, p);
  const V steps = set(static_cast<float>(setup.largest));
  const Target out(e.out, false, 0);
  Powers powers;
  for_blocks(0, e.n, [&](std::int64_t begin, std::int64_t head, std::int64_t end) {
    op.powers(e.x, begin, end, false, &powers);
    for_vectors(begin, head, end, [&](std::int64_t i, std::int64_t count) {
      const V x = load(e.x + i, count);
      const V u = steps * hn::LoadU(F(), powers.power + (i - begin));
      out.store(hn::IfThenElse(hn::Eq(x, x), hn::CopySignToAbs(u, x) + zero(), x), i, count);
    });
  });
}

// level(bytes, i) for a vector of bytes.
template <class Level>
void dequantize_by(const Level& level, const std::uint8_t* bytes, float* out, std::int64_t n,
                   bool stream) {
  const std::int64_t head = stream ? Target::head(out) : 0;
  const Target target(out, stream, head);
  for_vectors(0, head, n, [&](std::int64_t i, std::int64_t count) {
    HWY_ALIGN std::uint8_t room[kLanes] = {};
    if (count != kLanes) std::memcpy(room, bytes + i, static_cast<std::size_t>(count));
    target.store(level(count == kLanes ? bytes + i : room, i), i, count);
  });
}

void dequantize(const PowerUniform<float>& u, const float* by_byte, int entries,
                const std::uint8_t* bytes, float* out, std::int64_t n, bool stream) {
  const V scale = set(u.scale), shift = set(u.shift);
  if (entries == 16) {
    const Lookup<16> levels(by_byte);
    dequantize_by([&](const std::uint8_t* some,
                      std::int64_t) { return scale * levels(promoted(some)) + shift; },
                  bytes, out, n, stream);
  } else {
    dequantize_by([&](const std::uint8_t* some,
                      std::int64_t) { return scale * entries_by_bytes(by_byte, some) + shift; },
                  bytes, out, n, stream);
  }
}

void dequantize_columns(const PowerColumnwise<float>& c, const std::uint8_t* bytes, float* out,
                        std::int64_t n, bool stream) {
  const Columns<0> p(PowerSetup(), c);
  dequantize_by(
      [&](const std::uint8_t* some, std::int64_t i) {
        return p.scale(i) * p.level(Code{promoted(some), some}, i) + p.shift(i);
      },
      bytes, out, n, stream);
}

// body(a tag that says what decides a code).
template <int kSteps>
struct Steps {
  static constexpr int value = kSteps;
};
template <class Parameters, class Body>
void with_steps(const PowerSetup& setup, const Parameters& parameters, const Body& body) {
  switch (setup.steps()) {
    case 7:
      return body(Steps<7>());
    case math::kMostPowerThresholds:
      return body(Steps<math::kMostPowerThresholds>());
    default:
      return parameters.buckets != nullptr ? body(Steps<kByBuckets>()) : body(Steps<kByPower>());
  }
}

void quantize(const PowerSetup& setup, const PowerUniform<float>& u,
              const PowerElements<float>& e) {
  with_steps(setup, u,
             [&](auto steps) { quantize_by<Uniform<decltype(steps)::value>>(setup, u, e); });
}
void quantize_columns(const PowerSetup& setup, const PowerColumnwise<float>& c,
                      const PowerElements<float>& e) {
  with_steps(setup, c,
             [&](auto steps) { quantize_by<Columns<decltype(steps)::value>>(setup, c, e); });
}
PowerSums gradients(const PowerSetup& setup, const PowerUniform<float>& u,
                    const PowerElements<float>& e) {
  RegisterSums sums;
  with_steps(setup, u,
             [&](auto steps) { gradients_by<Uniform<decltype(steps)::value>>(setup, u, e, sums); });
  return sums.total();
}
void gradients_columns(const PowerSetup& setup, const PowerColumnwise<float>& c,
                       const PowerElements<float>& e, const PowerColumnSums<float>& to) {
  ColumnSums sums(to);
  with_steps(setup, c,
             [&](auto steps) { gradients_by<Columns<decltype(steps)::value>>(setup, c, e, sums); });
}
PowerSums staircase(const PowerSetup& setup, const PowerUniform<float>& u,
                    const PowerElements<float>& e) {
  RegisterSums sums;
  Staircase<Uniform<0>, PowerUniform<float>, RegisterSums>(setup, u, e, sums).run();
  return sums.total();
}
void staircase_columns(const PowerSetup& setup, const PowerColumnwise<float>& c,
                       const PowerElements<float>& e, const PowerColumnSums<float>& to) {
  ColumnSums sums(to);
  Staircase<Columns<0>, PowerColumnwise<float>, ColumnSums>(setup, c, e, sums).run();
}
void latents(const PowerSetup& setup, const PowerUniform<float>& u, const PowerElements<float>& e) {
  latents_by<Uniform<0>>(setup, u, e);
}
void latents_columns(const PowerSetup& setup, const PowerColumnwise<float>& c,
                     const PowerElements<float>& e) {
  latents_by<Columns<0>>(setup, c, e);
}

}  // namespace

namespace LSM_ISA {

extern const PowerKernels<float> power_kernels;
const PowerKernels<float> power_kernels = {
    quantize,          quantize_columns, gradients,       gradients_columns, staircase,
    staircase_columns, latents,          latents_columns, dequantize,        dequantize_columns};

}  // namespace LSM_ISA
}  // namespace lossmith
