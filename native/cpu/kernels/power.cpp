// Compiled once per instruction set; LSM_ISA names it. Each loop reads and writes every element once.
#include "cpu/kernels/power.h"

#include "cpu/kernels/power_staircase.h"

namespace lossmith {
namespace {

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
    for (std::int64_t k = 0; count < kLanes && k < count; ++k) room[k] = bytes[i + k];
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
