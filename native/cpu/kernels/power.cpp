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

  // min(size / s, 1); 0 for NaN, below 0 and where s is 0.
  V share(V size, std::int64_t i) const {
    const V s = p_.scale(i);
    const M known = hn::And(hn::Gt(size, zero()), hn::Gt(s, zero()));
    return hn::IfThenElseZero(known, hn::IfThenElse(hn::Lt(size, s), size / s, set(1.0f)));
  }

  VI rounded(V power) const { return hn::ConvertTo(I(), hn::MulAdd(steps_, power, set(0.5f))); }

  VI magnitude(V size, std::int64_t i) const {
    if constexpr (P::kThresholds > 0) {
      VI q = hn::Zero(I());
      for (int j = 0; j < P::kThresholds; ++j) {
        q = q - hn::VecFromMask(I(), hn::RebindMask(I(), hn::Ge(size, p_.threshold(j, i))));
      }
      return q;
    } else {
      return rounded(p_.power(share(size, i), i));
    }
  }

  V value(VI q, V x, std::int64_t i) const {
    const V level = p_.scale(i) * p_.level(q, i);
    const V w = hn::CopySignToAbs(level, x) + p_.shift(i);
    return hn::IfThenElse(hn::Eq(x, x), w, x);
  }

 private:
  const P& p_;
  V size_mask_, steps_;
};

template <class P, class Parameters>
void quantize_by(const PowerSetup& setup, const Parameters& parameters,
                 const PowerElements<float>& e) {
  const P p(setup, parameters);
  const Operator<P> op(setup, p);
  const std::int64_t head = setup.stream_out ? Target::head(e.out) : 0;
  const Target out(e.out, setup.stream_out, head);
  const CodeTarget codes(e.codes, setup);
  for_vectors(head, e.n, [&](std::int64_t i, std::int64_t count) {
    const V x = load(e.x + i, count) - p.shift(i);
    const VI q = op.magnitude(op.size(x), i);
    codes.store(q, x, i, count);
    if (out.wanted()) out.store(op.value(q, x, i), i, count);
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
  const std::int64_t head = setup.stream_out    ? Target::head(e.out)
                            : setup.stream_grad ? Target::head(e.grad)
                                                : 0;
  const Target out(e.out, setup.stream_out, head);
  const Target grad(e.grad, setup.stream_grad, head);
  const CodeTarget codes(e.codes, setup);
  const bool positive = setup.positive;
  const bool exact = setup.exact;
  for_vectors(head, e.n, [&](std::int64_t i, std::int64_t count) {
    const V given = load(e.upstream + i, count);
    const V x = load(e.x + i, count) - p.shift(i);
    const V size = op.size(x);
    const V s = p.scale(i);
    const V v = op.share(size, i);
    const V log2_v = log2(v);
    const V power = p.power(v, log2_v, i);
    VI q;
    if constexpr (P::kThresholds > 0) {
      q = op.magnitude(size, i);
    } else {
      q = op.rounded(power);
    }
    codes.store(q, x, i, count);
    const M known = hn::Eq(x, x);
    const V level = p.level(q, i);
    if (out.wanted()) {
      const V w = hn::CopySignToAbs(s * level, x) + p.shift(i);
      out.store(hn::IfThenElse(known, w, x), i, count);
    }
    const M alive = hn::Gt(s, zero());
    const M clipped = hn::And(hn::Gt(size, s), alive);
    const V inverse = p.inverse(q, i);
    const V g = hn::IfThenElse(known, given, x);
    const V signed_g = g ^ (x & hn::SignBit(F()));
    const V part = level * (inverse * power);
    const V by_scale = hn::IfThenElse(clipped, set(1.0f), level - part);
    const V bracket = hn::MulSub(power * inverse, log2_v * set(0.693147181f), p.log(q, i));
    const V by_exponent = hn::IfThenZeroElse(clipped, s * level * bracket / p.exponent(i));
    sums.add(signed_g * by_scale, signed_g * by_exponent, i);
    if (!grad.wanted()) return;
    V slope = set(1.0f);
    if (exact) {
      const V ratio = p.exact(q, i) * (power / v);
      slope = hn::IfThenZeroElse(hn::Eq(level, zero()), ratio);
    }
    slope = hn::IfThenElseZero(alive, hn::IfThenZeroElse(clipped, slope));
    if (positive) slope = hn::IfThenZeroElse(hn::Lt(x, zero()), slope);
    grad.store(g * slope, i, count);
  });
}

// Odd to the bit, so that stairs meet at whole codes: 1 - 2 / (e^2|y| + 1), and the Taylor polynomial of
// degree 9 where that would cancel.
V tanh(V y) {
  const V size = hn::Abs(y), square = y * y, one = set(1.0f);
  const V large = one - set(2.0f) / (VectorOps<F>::exp(size + size) + one);
  V p = set(62.0f / 2835.0f);
  p = hn::MulAdd(p, square, set(-17.0f / 315.0f));
  p = hn::MulAdd(p, square, set(2.0f / 15.0f));
  p = hn::MulAdd(p, square, set(-1.0f / 3.0f));
  const V small = hn::MulAdd(size * square, p, size);
  return hn::CopySignToAbs(hn::IfThenElse(hn::Lt(size, set(0.25f)), small, large), y);
}

// math::power_stair.
template <class P, class Parameters, class Sums>
void staircase_by(const PowerSetup& setup, const Parameters& parameters,
                  const PowerElements<float>& e, Sums& sums) {
  const P p(setup, parameters);
  const float steps = static_cast<float>(setup.largest);
  const V top = set(steps), low = set(setup.positive ? 0.0f : -steps), part = set(1 / steps);
  const V half = set(0.5f), one = set(1.0f);
  const float beta = static_cast<float>(setup.beta);
  const V end = tanh(set(beta * 0.5f));
  const std::int64_t head = setup.stream_out    ? Target::head(e.out)
                            : setup.stream_grad ? Target::head(e.grad)
                                                : 0;
  const Target out(e.out, setup.stream_out, head);
  const Target grad(e.grad, setup.stream_grad, head);
  const CodeTarget codes(e.codes, setup);
  for_vectors(head, e.n, [&](std::int64_t i, std::int64_t count) {
    const V theta = load(e.x + i, count);
    const M known = hn::Eq(theta, theta);
    const V c = hn::IfThenElseZero(known, hn::Max(hn::Min(theta, top), low));
    const VI hard = hn::ConvertTo(I(), hn::Abs(c) + half);
    codes.store(hard, c, i, count);
    V soft = hn::CopySign(hn::ConvertTo(F(), hard), c);
    V slope = one;
    if (beta > 0) {
      const V below = hn::Floor(c);
      const V t = tanh(set(beta) * (c - below - half));
      soft = hn::MulAdd(half, one + t / end, below);
      slope = set(beta * 0.5f) * (one - t * t) / end;
    }
    const V s = p.scale(i), a = p.exponent(i);
    const V r = hn::Abs(soft) * part;
    const V log2_r = log2(r);
    const M some = hn::Gt(r, zero());
    const V level = hn::IfThenElseZero(some, exp2(log2_r / a));
    const V sign = soft & hn::SignBit(F());
    const V value = s * level;
    if (out.wanted()) {
      out.store(hn::IfThenElse(known, (value ^ sign) + zero(), theta), i, count);
    }
    if (e.upstream == nullptr) return;
    const V given = load(e.upstream + i, count);
    const V g = hn::IfThenElse(known, given, theta);
    const V signed_g = g ^ sign;
    const V alive = hn::IfThenElseZero(hn::Gt(s, zero()), level);
    // known r > 0 or 0 * (finite): log2 r is finite at 0.
    const V fall = value * (log2_r * set(-0.693147181f)) / (a * a);
    sums.add(signed_g * alive, signed_g * fall, i);
    if (!grad.wanted()) return;
    const V least = hn::IfThenElseZero(hn::Gt(a, one), half * part);
    const V floored = hn::Max(r, least);
    const V bend = one / a - one;
    V rise = exp2(log2(floored) * bend);
    rise = hn::IfThenElse(hn::Gt(floored, zero()), rise,
                          hn::IfThenElseZero(hn::Eq(bend, zero()), one));
    const M inside = hn::And(hn::Le(theta, top), hn::Ge(theta, low));
    const M moves = hn::Or(inside, hn::Not(known));
    grad.store(g * hn::IfThenElseZero(moves, s * rise * part / a * slope), i, count);
  });
}

template <class P, class Parameters>
void latents_by(const PowerSetup& setup, const Parameters& parameters,
                const PowerElements<float>& e) {
  const P p(setup, parameters);
  const Operator<P> op(setup, p);
  const V steps = set(static_cast<float>(setup.largest));
  const Target out(e.out, false, 0);
  for_vectors(0, e.n, [&](std::int64_t i, std::int64_t count) {
    const V x = load(e.x + i, count);
    const V u = steps * p.power(op.share(op.size(x), i), i);
    out.store(hn::IfThenElse(hn::Eq(x, x), hn::CopySignToAbs(u, x) + zero(), x), i, count);
  });
}

template <class Level>
void dequantize_by(const Level& level, const std::uint8_t* bytes, float* out, std::int64_t n,
                   bool stream) {
  const hn::Rebind<std::uint8_t, F> d8;
  const std::int64_t head = stream ? Target::head(out) : 0;
  const Target target(out, stream, head);
  for_vectors(head, n, [&](std::int64_t i, std::int64_t count) {
    HWY_ALIGN std::uint8_t room[kLanes] = {};
    if (count != kLanes) std::memcpy(room, bytes + i, static_cast<std::size_t>(count));
    const auto some = hn::LoadU(d8, count == kLanes ? bytes + i : room);
    target.store(level(hn::PromoteTo(I(), some), i), i, count);
  });
}

void dequantize(const PowerUniform<float>& u, const float* by_byte, int entries,
                const std::uint8_t* bytes, float* out, std::int64_t n, bool stream) {
  const V scale = set(u.scale), shift = set(u.shift);
  const auto with = [&](const auto& levels) {
    dequantize_by([&](VI byte, std::int64_t) { return scale * levels(byte) + shift; }, bytes, out,
                  n, stream);
  };
  if (entries == 16) {
    with(Lookup<16>(by_byte));
  } else {
    with(Lookup<0>(by_byte));
  }
}

void dequantize_columns(const PowerColumnwise<float>& c, const std::uint8_t* bytes, float* out,
                        std::int64_t n, bool stream) {
  const Columns<0> p(PowerSetup(), c);
  dequantize_by([&](VI byte, std::int64_t i) { return p.scale(i) * p.level(byte, i) + p.shift(i); },
                bytes, out, n, stream);
}

// f(a tag that holds the number of thresholds).
template <int kSteps>
struct Steps {
  static constexpr int value = kSteps;
};
template <class Body>
auto with_steps(const PowerSetup& setup, Body&& body) {
  switch (setup.steps()) {
    case 7:
      return body(Steps<7>());
    case math::kMostPowerThresholds:
      return body(Steps<math::kMostPowerThresholds>());
    default:
      return body(Steps<0>());
  }
}

void quantize(const PowerSetup& setup, const PowerUniform<float>& u,
              const PowerElements<float>& e) {
  with_steps(setup, [&](auto steps) { quantize_by<Uniform<decltype(steps)::value>>(setup, u, e); });
}
void quantize_columns(const PowerSetup& setup, const PowerColumnwise<float>& c,
                      const PowerElements<float>& e) {
  with_steps(setup, [&](auto steps) { quantize_by<Columns<decltype(steps)::value>>(setup, c, e); });
}
PowerSums gradients(const PowerSetup& setup, const PowerUniform<float>& u,
                    const PowerElements<float>& e) {
  RegisterSums sums;
  with_steps(setup,
             [&](auto steps) { gradients_by<Uniform<decltype(steps)::value>>(setup, u, e, sums); });
  return sums.total();
}
void gradients_columns(const PowerSetup& setup, const PowerColumnwise<float>& c,
                       const PowerElements<float>& e, const PowerColumnSums<float>& to) {
  ColumnSums sums(to);
  with_steps(setup,
             [&](auto steps) { gradients_by<Columns<decltype(steps)::value>>(setup, c, e, sums); });
}
PowerSums staircase(const PowerSetup& setup, const PowerUniform<float>& u,
                    const PowerElements<float>& e) {
  RegisterSums sums;
  staircase_by<Uniform<0>>(setup, u, e, sums);
  return sums.total();
}
void staircase_columns(const PowerSetup& setup, const PowerColumnwise<float>& c,
                       const PowerElements<float>& e, const PowerColumnSums<float>& to) {
  ColumnSums sums(to);
  staircase_by<Columns<0>>(setup, c, e, sums);
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
