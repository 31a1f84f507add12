// The candidates of a search for power exponents and the choice among them, for host and device
// (lossmith/power_search.h). A: the type of the scale.
#ifndef LOSSMITH_MATH_POWER_SEARCH_H_
#define LOSSMITH_MATH_POWER_SEARCH_H_

#include "lossmith/power_search.h"
#include "math/uncontracted.h"

namespace lossmith {
namespace math {

// Exponents of a finer grid.
constexpr int kFineSteps = 9;

// Exponent i of the first grid, 0 <= i < steps.
LSM_HD inline double first_exponent(const lsm_power_search_options& o, int i) {
  if (i == o.steps - 1) return o.highest;
  return plus(o.lowest, divided(times(minus(o.highest, o.lowest), static_cast<double>(i)),
                                static_cast<double>(o.steps - 1)));
}

// What lies between two exponents of the first grid; a finer grid has a quarter of it.
LSM_HD inline double first_cell(const lsm_power_search_options& o) {
  return divided(minus(o.highest, o.lowest), static_cast<double>(o.steps - 1));
}

// Exponent i of the grid over the two cells around `best`, inside the bounds of the search.
LSM_HD inline double fine_exponent(const lsm_power_search_options& o, double best, double cell,
                                   int i) {
  const double a = plus(best, times(cell, static_cast<double>(i - 4) / 4));
  return a < o.lowest ? o.lowest : a > o.highest ? o.highest : a;
}

LSM_HD inline double clip_ratio(const lsm_power_search_options& o, int i) {
  return minus(1.0, times(static_cast<double>(i), o.clip_step));
}

// The best of the candidates that were offered so far. They are offered by ascending exponent, and
// those of one exponent by descending ratio.
template <class A>
struct PowerChoice {
  A exponent, ratio;
  double error;

  LSM_HD void offer(A a, A c, double e) {
    if (e < error) *this = {a, c, e};
  }
};

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_POWER_SEARCH_H_
