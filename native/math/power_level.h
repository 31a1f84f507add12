// What power quantization needs of a code rather than of an element, made once for each code of an
// exponent: its level, and the parts of the slopes that depend on the code alone.
#ifndef LOSSMITH_MATH_POWER_LEVEL_H_
#define LOSSMITH_MATH_POWER_LEVEL_H_

#include "math/power.h"

namespace lossmith {
namespace math {

// r = |q| / Q, a the exponent; all 0 for the code 0.
template <class A>
struct alignas(4 * sizeof(A) < 16 ? 4 * sizeof(A) : 16) PowerLevel {
  A level;  // r^(1/a)
  A pull;   // 1 / (a r)
  A slant;  // ln(r) / a^2
  A bend;   // level^(1-a)

  LSM_HD static PowerLevel of(int code, int largest, double exponent) {
    if (code == 0) return {0, 0, 0, 0};
    const double r = static_cast<double>(code) / largest;
    const double level = PowerFraction::of(code, largest, exponent).times(1);
    return {static_cast<A>(level), static_cast<A>(1 / (exponent * r)),
            static_cast<A>(::log(r) / (exponent * exponent)),
            static_cast<A>(::pow(level, 1 - exponent))};
  }
};

// power_slopes with what is known of the code.
template <class A>
LSM_HD inline PowerSlopes<A> power_slopes(const PowerGroup<A>& g, A x, int code,
                                          const PowerLevel<A>& known) {
  if (is_nan(x)) return {x, x, x};
  if (!(g.scale > 0) || (g.positive && x < 0)) return {0, 0, 0};
  const A sign = x < 0 ? A{-1} : A{1};
  const A size = x < 0 ? -x : x;
  if (size > g.scale) return {0, sign, 0};
  if (code == 0) return {g.exact ? A{0} : A{1}, 0, 0};
  const A v = power_share(g, x);
  const A power = power_of(v, g.exponent);
  PowerSlopes<A> slopes;
  slopes.input = g.exact ? known.bend * (power / v) : A{1};
  // level / r = level a pull
  slopes.scale = sign * (known.level - known.level * (g.exponent * known.pull) * power);
  slopes.exponent =
      sign * g.scale * known.level * (power * logarithm(v) * known.pull - known.slant);
  return slopes;
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_POWER_LEVEL_H_
