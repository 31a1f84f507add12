// The search for the threshold t of soft top-k: sum_j sigm(alpha (s_j + t)) = k. The caller makes the
// sums over a row; this says where to look next.
#ifndef LOSSMITH_MATH_TOP_K_SEARCH_H_
#define LOSSMITH_MATH_TOP_K_SEARCH_H_

#include <math.h>

#include "core/host_device.h"

namespace lossmith {
namespace math {

struct TopKSearch {
  double k, alpha;
  double t;          // where to make the sums
  double low, high;  // t lies between
  double last_error;
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
    s.last_error = INFINITY;
    s.low = first < below ? first : below;
    s.high = (edge - min) / an_alpha;
    s.t = first < below ? below : first;
    if (s.t > s.high) s.t = s.high;
    return s;
  }

  // With error = sum y - k and sum y (1-y) at t: whether t is good enough, else the next t, by a
  // Newton step on ln sum y, whose slope is alpha sum y (1-y) / sum y, or half the bracket.
  // `resolution`: steps, in units of 1/alpha, that the sums cannot resolve.
  LSM_HD void step(double error, double slope_sum, double resolution) {
    constexpr int kMaxSteps = 80;
    if (error < 0) {
      low = t;
    } else {
      high = t;
    }
    const double newton = ::log1p(error / k) * (k + error) / (alpha * slope_sum);
    ++steps;
    // Not comparable (NaN) is done too.
    if (!(::fabs(error) > 0) || ::fabs(alpha * newton) <= resolution || steps == kMaxSteps) {
      done = true;
      return;
    }
    // Newton's steps have a fixed length where members and others are far apart and ln sum y has a
    // plateau: then the bracket is halved.
    const bool slow = steps > 2 && ::fabs(error) > 0.1 * last_error;
    double next = t - newton;
    if (slow || !(next > low && next < high)) next = 0.5 * (low + high);
    last_error = ::fabs(error);
    done = !(next > low && next < high);
    if (!done) t = next;
  }
};

// Steps that sums in f32 and f64 cannot resolve.
template <class A>
LSM_HD constexpr double top_k_resolution() {
  return sizeof(A) == sizeof(double) ? 1e-12 : 5e-7;
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_TOP_K_SEARCH_H_
