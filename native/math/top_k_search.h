// The search for the threshold t of soft top-k: sum_j sigm(alpha (s_j + t)) = k. The caller makes the
// sums over a row; this says where to look next.
#ifndef LOSSMITH_MATH_TOP_K_SEARCH_H_
#define LOSSMITH_MATH_TOP_K_SEARCH_H_

#include <math.h>

#include "core/host_device.h"
#include "math/labels.h"

namespace lossmith {
namespace math {

struct TopKSearch {
  double k, alpha;
  double t;          // where to make the sums
  double low, high;  // t lies between
  int steps;
  bool done;

  // From the sums of z = alpha s over the row's `labels` entries. At `low` every membership is at
  // most k/labels, at `high` at least. sigm(z) <= e^z gives a closer start from below, where ln sum y
  // is nearly linear: few steps follow.
  LSM_HD static TopKSearch start(double a_k, double an_alpha, double labels, double max,
                                 double log_sum_exp, double min) {
    const double edge = ::log(a_k / (labels - a_k));
    const double first = (::log(a_k) - log_sum_exp) / an_alpha;
    const double below = (edge - max) / an_alpha;
    TopKSearch s{};
    s.k = a_k;
    s.alpha = an_alpha;
    s.low = first < below ? first : below;
    s.high = (edge - min) / an_alpha;
    s.t = first < below ? below : first;
    if (s.t > s.high) s.t = s.high;
    return s;
  }

  // With sum y and sum y (1-y) at t: whether t is good enough, else the next t. `tolerance` is the
  // relative error of sum y that the sums' precision can hold.
  LSM_HD void step(double sum, double slope_sum, double tolerance) {
    constexpr int kMaxSteps = 60;
    constexpr int kCloseSteps = 8;
    const double error = ::fabs(sum - k);
    ++steps;
    // Not comparable (NaN) is done too. Rounding may keep sums some units in the last place away.
    const bool far = error > (steps > kCloseSteps ? 20 * tolerance : tolerance) * k;
    if (!far || steps == kMaxSteps) {
      done = true;
      return;
    }
    const double next = top_k_next(t, sum, slope_sum, k, alpha, &low, &high);
    done = next == t || !(low < high);
    if (!done) t = next;
  }
};

// Relative errors of sum y that sums in f32 and f64 can hold.
template <class A>
LSM_HD constexpr double top_k_tolerance() {
  return sizeof(A) == sizeof(double) ? 1e-12 : 5e-7;
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_TOP_K_SEARCH_H_
