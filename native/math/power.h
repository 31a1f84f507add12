// Power quantization, one element or one level at a time, for host and device; formulas as in
// lossmith/power.h. A is the arithmetic: float, or double for f64 tensors.
#ifndef LOSSMITH_MATH_POWER_H_
#define LOSSMITH_MATH_POWER_H_

#include <math.h>

#include "core/dtype.h"
#include "core/host_device.h"
#include "math/uncontracted.h"

namespace lossmith {
namespace math {

// Up to this many bits a code is the number of thresholds that a magnitude reaches.
constexpr int kPowerThresholdBits = 4;
constexpr int kMostPowerThresholds = 15;

// (x / Q)^(1/a). At the exponents 1 and 1/2 it stays the quotient of two whole numbers (or of an odd
// number of quarters), so that what is multiplied by it is rounded once.
struct PowerFraction {
  double numerator, divisor;

  LSM_HD static PowerFraction of(double x, double largest, double exponent) {
    if (exponent == 1) return {x, largest};
    if (exponent == 0.5) return {x * x, largest * largest};
    return {::pow(x / largest, 1 / exponent), 1};
  }
  LSM_HD double times(double scale) const { return scale * numerator / divisor; }
};

// The level of a code as a part of the scale.
template <class A>
LSM_HD inline A power_level(int code, int largest, double exponent) {
  return static_cast<A>(PowerFraction::of(code, largest, exponent).times(1));
}

// The smallest A that is not below x >= 0.
template <class A>
LSM_HD inline A at_least(double x) {
  A nearest = static_cast<A>(x);
  if (static_cast<double>(nearest) < x) {
    if constexpr (sizeof(A) == 4) nearest = bit_cast<float>(bit_cast<std::uint32_t>(nearest) + 1);
  }
  return nearest;
}

// The smallest |w| whose code is at least `code`, from PowerFraction::of(code - 1/2, ..). NaN, which
// nothing reaches, where the scale is 0.
template <class A>
LSM_HD inline A power_threshold(const PowerFraction& fraction, A scale) {
  if (!(scale > 0)) return static_cast<A>(NAN);
  return at_least<A>(fraction.times(static_cast<double>(scale)));
}

// 2^(exponent log2 v) for v in [0, 1].
LSM_HD inline float power_of(float v, float exponent) {
  if (exponent == 1.0f) return v;
  if (exponent == 0.5f) return root(v);
  return v > 0 ? ::exp2f(times(exponent, ::log2f(v))) : 0.0f;
}
LSM_HD inline double power_of(double v, double exponent) {
  if (exponent == 1) return v;
  if (exponent == 0.5) return root(v);
  return ::pow(v, exponent);
}

LSM_HD inline float logarithm(float v) { return ::logf(v); }
LSM_HD inline double logarithm(double v) { return ::log(v); }

// What an element shares with its group. x below is the element without the shift.
template <class A>
struct PowerGroup {
  A scale, exponent;
  int largest;
  bool positive;  // unsigned codes
  bool exact;     // LSM_GRADIENT_EXACT

  LSM_HD A steps() const { return static_cast<A>(largest); }
};

template <class A>
LSM_HD inline bool is_nan(A x) {
  return x != x;
}

// v = min(|x| / s, 1); 0 where s is 0 or x has no code of its own.
template <class A>
LSM_HD inline A power_share(const PowerGroup<A>& g, A x) {
  const A size = x < 0 ? -x : x;
  if (is_nan(x) || !(g.scale > 0) || (g.positive && x < 0)) return 0;
  return size < g.scale ? divided(size, g.scale) : A{1};
}

// The code by the power itself: for more than kPowerThresholdBits bits.
template <class A>
LSM_HD inline int power_code(const PowerGroup<A>& g, A x) {
  const A u = times(g.steps(), power_of(power_share(g, x), g.exponent));
  const int size = static_cast<int>(plus(u, A(0.5)));
  return x < 0 ? -size : size;
}

// The code by thresholds[0 .. Q-1], ascending (power_threshold of 1, 2, ...).
template <class A>
LSM_HD inline int power_code(const PowerGroup<A>& g, A x, const A* thresholds) {
  if (g.positive && x < 0) return 0;
  const A size = x < 0 ? -x : x;
  int code = 0;
  for (int j = 0; j < g.largest; ++j) code += size >= thresholds[j] ? 1 : 0;
  return x < 0 ? -code : code;
}

// w^ without the shift; level is that of |code|.
template <class A>
LSM_HD inline A power_value(const PowerGroup<A>& g, int code, A level) {
  const A size = times(g.scale, level);
  return code < 0 ? -size : code > 0 ? size : A{0};
}

// dw^/dw, dw^/ds, dw^/da.
template <class A>
struct PowerSlopes {
  A input, scale, exponent;
};

template <class A>
LSM_HD inline PowerSlopes<A> power_slopes(const PowerGroup<A>& g, A x, int code, A level) {
  if (is_nan(x)) return {x, x, x};
  if (!(g.scale > 0) || (g.positive && x < 0)) return {0, 0, 0};
  const A sign = x < 0 ? A{-1} : A{1};
  const A size = x < 0 ? -x : x;
  if (size > g.scale) return {0, sign, 0};
  if (code == 0) return {g.exact ? A{0} : A{1}, 0, 0};
  const A v = power_share(g, x);
  const A r = static_cast<A>(code < 0 ? -code : code) / g.steps();
  const A a = g.exponent;
  const A power = power_of(v, a);
  PowerSlopes<A> slopes;
  slopes.input = g.exact ? static_cast<A>(::pow(level, 1 - a)) * (power / v) : A{1};
  slopes.scale = sign * (level - level / r * power);
  slopes.exponent =
      sign * g.scale * level * (power * logarithm(v) / (a * r) - logarithm(r) / (a * a));
  return slopes;
}

// theta of lsm_power_latents.
template <class A>
LSM_HD inline A power_latent(const PowerGroup<A>& g, A x) {
  if (is_nan(x)) return x;
  const A u = times(g.steps(), power_of(power_share(g, x), g.exponent));
  return x < 0 ? -u : u;
}

// The soft staircase at one theta: its value and slopes, and the code of hard rounding.
template <class A>
struct PowerStair {
  int code;
  A value;
  PowerSlopes<A> slopes;  // input: dw^/dtheta
};

template <class A>
LSM_HD inline PowerStair<A> power_stair(const PowerGroup<A>& g, A beta, A theta) {
  if (is_nan(theta)) return {0, theta, {theta, theta, theta}};
  const A low = g.positive ? A{0} : -g.steps();
  const bool clipped = theta < low || theta > g.steps();
  const A c = theta < low ? low : theta > g.steps() ? g.steps() : theta;
  const int hard = static_cast<int>((c < 0 ? -c : c) + A(0.5));
  PowerStair<A> stair;
  stair.code = c < 0 ? -hard : hard;
  A soft = static_cast<A>(stair.code);
  A slope = 1;
  if (beta > 0) {
    const A below = static_cast<A>(::floor(c));
    const A end = static_cast<A>(::tanh(beta / 2));
    const A t = static_cast<A>(::tanh(beta * (c - below - A(0.5))));
    soft = below + (1 + t / end) / 2;
    slope = beta / 2 * (1 - t * t) / end;
  }
  const A sign = soft < 0 ? A{-1} : A{1};
  const A r = (soft < 0 ? -soft : soft) / g.steps();
  const A a = g.exponent;
  const A level = static_cast<A>(::pow(r, 1 / a));
  stair.value = sign * g.scale * level;
  const bool alive = g.scale > 0;
  // The floor under r keeps the slope finite for a > 1.
  const A least = a > 1 ? 1 / (2 * g.steps()) : A{0};
  const A rise = static_cast<A>(::pow(r < least ? least : r, 1 / a - 1));
  stair.slopes.input = clipped ? A{0} : g.scale * rise / (a * g.steps()) * slope;
  stair.slopes.scale = alive ? sign * level : A{0};
  stair.slopes.exponent = r > 0 ? -stair.value * logarithm(r) / (a * a) : A{0};
  return stair;
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_POWER_H_
