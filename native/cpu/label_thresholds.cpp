// Thresholds of soft top-k on the CPU. A sweep over the scores at a threshold t brings, for each row,
// what gives the memberships at every threshold up to kReach / alpha beyond t (LabelNear): few scores
// are near a threshold, and the others enter through three sums. So one sweep, rarely two, replaces one
// for each Newton step. Rows with too many scores near the threshold, and rows that a few such sweeps
// do not settle, take a sweep for each step; so does f64, whose precision three sums cannot give.
#include <cmath>
#include <type_traits>

#include "cpu/label_state.h"
#include "cpu/parallel.h"

namespace lossmith {
namespace {

// In z: entries that were far (z <= kLabelFar = -8) have z <= -6 there, where the terms behind e^3z
// are below 2e-8 of a membership.
constexpr double kReach = 2;
constexpr int kNearLooks = 3;
// Sums of y (1-y) below this are made by a sweep, which scales them.
constexpr double kSmallSlope = 1e-13;
constexpr std::int64_t kRowGrain = 4;

// The memberships of a row as a function of the threshold.
template <class A>
struct NearBy {
  const LabelState<A>& s;
  std::int64_t row;  // of the group
  double alpha, t;   // of the sweep
  double first = 0, second = 0, third = 0;
  bool complete = true;  // no list was too short

  NearBy(const LabelState<A>& state, std::int64_t a_row, double an_alpha, double a_t)
      : s(state), row(a_row), alpha(an_alpha), t(a_t) {
    for (std::int64_t lane = 0; lane < s.lanes; ++lane) {
      const std::int64_t at = lane * s.group_rows + row;
      first += s.sums[at].softplus;
      second += s.sums[at].uniform;
      third += s.sums[at].target_sum;
      complete = complete && s.near_count[at] <= kNearLabels;
    }
  }

  bool reaches(double threshold) const { return alpha * (threshold - t) <= kReach; }

  // sum y - k and sum y (1-y)
  void sums(double threshold, double k, double& error, double& slope) const {
    const double e = std::exp(alpha * (threshold - t));
    double surplus = ((third * e - second) * e + first) * e;  // of y - [z > 0]
    slope = ((3 * third * e - 2 * second) * e + first) * e;
    double above = 0;
    for (std::int64_t lane = 0; lane < s.lanes; ++lane) {
      const std::int64_t at = lane * s.group_rows + row;
      const A* scores = s.near_by + at * kNearLabels;
      for (std::int64_t j = 0; j < s.near_count[at]; ++j) {
        const double z = alpha * (static_cast<double>(scores[j]) + threshold);
        const double small = std::exp(-std::fabs(z));
        const double r = 1.0 / (1.0 + small);
        above += z > 0 ? 1.0 : 0.0;
        surplus += z > 0 ? -small * r : small * r;
        slope += small * r * r;
      }
    }
    error = surplus + (above - k);
  }
};

template <class A>
void set_threshold(LabelState<A>& s, std::int64_t i) {
  s.hi[i] = static_cast<A>(s.search[i].t);
  s.lo[i] = static_cast<A>(s.search[i].t - static_cast<double>(s.hi[i]));
}

// From the sums of a sweep: one step.
template <class A>
void step_by_sums(LabelState<A>& s, std::int64_t begin, std::int64_t i) {
  const RowSums sums = merged_sums(s, i - begin);
  s.search[i].step(sums.softplus + (sums.uniform - s.k[i]), sums.sum * std::exp(sums.max),
                   math::top_k_resolution<A>());
  if (s.search[i].done) s.look[i] = LabelLook::none;
}

// As many steps as the sweep's surroundings reach.
template <class A>
void step_near_by(LabelState<A>& s, std::int64_t begin, std::int64_t i, bool last_look) {
  math::TopKSearch& search = s.search[i];
  const NearBy<A> near_by(s, i - begin, search.alpha, search.t);
  bool settled = near_by.complete;
  while (settled && near_by.reaches(search.t)) {
    double error, slope;
    near_by.sums(search.t, s.k[i], error, slope);
    settled = !(slope < kSmallSlope);
    if (!settled) break;
    search.step(error, slope, math::top_k_resolution<A>());
    if (search.done) {
      set_slope(s, i - begin, slope);
      s.look[i] = LabelLook::none;
      return;
    }
  }
  if (!settled || last_look) s.look[i] = LabelLook::sums;
}

}  // namespace

template <class A>
void find_thresholds(LabelState<A>& s, std::int64_t begin, std::int64_t end) {
  std::int64_t left = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    s.look[i] = LabelLook::none;
    s.search[i].t = 0;
    if (!row_counts(s, i)) continue;
    const RowSums sums = merged_sums(s, i - begin);
    s.search[i] = math::TopKSearch::start(s.k[i], s.call.options.alpha,
                                          static_cast<double>(s.entries.row(i).labels), sums.max,
                                          sums.max + std::log(sums.sum), sums.min);
    s.look[i] = std::is_same<A, float>::value ? LabelLook::near_by : LabelLook::sums;
    set_threshold(s, i);
    ++left;
  }
  for (int looks = 1; left > 0; ++looks) {
    sweep_top_k(s, begin, end);
    parallel_ranges(s.threads, end - begin, kRowGrain,
                    [&](std::int64_t from, std::int64_t to, int) {
                      for (std::int64_t i = begin + from; i < begin + to; ++i) {
                        if (s.look[i] == LabelLook::sums) {
                          step_by_sums(s, begin, i);
                        } else if (s.look[i] == LabelLook::near_by) {
                          step_near_by(s, begin, i, looks == kNearLooks);
                        }
                        if (s.look[i] != LabelLook::none) set_threshold(s, i);
                      }
                    });
    left = std::count_if(s.look + begin, s.look + end,
                         [](LabelLook look) { return look != LabelLook::none; });
  }
}

template void find_thresholds(LabelState<float>&, std::int64_t, std::int64_t);
template void find_thresholds(LabelState<double>&, std::int64_t, std::int64_t);

}  // namespace lossmith
