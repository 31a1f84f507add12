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

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_POWER_LEVEL_H_
