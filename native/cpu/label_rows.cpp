#include <cmath>
#include <limits>
#include <string>

#include "core/status.h"
#include "cpu/label_state.h"
#include "cpu/parallel.h"
#include "engine/demands.h"
#include "math/contrastive.h"
#include "math/labels.h"

namespace lossmith {
namespace {

constexpr std::int64_t kRowGrain = 16;

// ---- constants of the call -----------------------------------------------------------------

void expect_not_negative_elements(const View& v, const char* name) {
  for (std::int64_t i = 0; v.present() && i < v.elements(); ++i) {
    const double value = element(v, i);
    if (!(std::isfinite(value) && value >= 0)) {
      reject(name, "finite numbers >= 0", std::to_string(value) + " at index " + std::to_string(i));
    }
  }
}

void expect_soft_targets(const View& v) {
  if (!v.present()) return;
  dispatch_floating(v.type, [&](auto tag) {
    using Q = decltype(tag);
    for (std::int64_t i = 0; i < v.shape[0]; ++i) {
      const Q* row = v.row<const Q>(i);
      for (std::int64_t j = 0; j < v.shape[1]; ++j) {
        const double q = Convert<double>::from(row[j]);
        if (!(std::isfinite(q) && q >= 0)) {
          reject("soft_target", "finite numbers >= 0",
                 std::to_string(q) + " at [" + std::to_string(i) + "," + std::to_string(j) + "]");
        }
      }
    }
  });
}

template <class A>
double wanted_memberships(const LabelState<A>& s, std::int64_t i) {
  const LabelCall& call = s.call;
  if (call.options.k > 0) return static_cast<double>(call.options.k);
  if (call.k_rows.present()) return element(call.k_rows, i);
  return std::ceil(s.entries.row(i).relevance);
}

// k of every row that has a threshold.
template <class A>
void prepare_k(LabelState<A>& s) {
  for (std::int64_t i = 0; s.top_k() && i < s.n; ++i) {
    const LabelRow& row = s.entries.row(i);
    s.k[i] = wanted_memberships(s, i);
    if (row.positives == 0) continue;
    if (!(s.k[i] > 0 && s.k[i] < static_cast<double>(row.labels))) {
      reject(s.call.k_rows.present() ? "k_rows" : "k",
             "more than 0 and less than the row's " + std::to_string(row.labels) + " labels",
             std::to_string(static_cast<std::int64_t>(s.k[i])) + " in row " + std::to_string(i));
    }
  }
}

template <class A>
double weight_at(const LabelState<A>& s, std::int64_t column) {
  return s.class_weight != nullptr ? static_cast<double>(s.class_weight[column]) : 1.0;
}

template <class A>
double rows_that_count(const LabelState<A>& s) {
  if (s.call.options.reduction != LSM_MEAN) return 1;
  if (!s.call.target.present()) return static_cast<double>(s.n);
  double sum = 0;
  for (std::int64_t i = 0; i < s.n; ++i) {
    for (const LabelEntry& e : s.entries.row(i)) sum += e.ignored ? 0.0 : weight_at(s, e.column);
  }
  return sum > 0 ? sum : 1;
}

// ---- losses ---------------------------------------------------------------------------------

// One row's constants; `g_factor` turns dL_i/ds into G.
template <class A>
struct RowWork {
  LabelState<A>& s;
  std::int64_t i;
  const LabelRow& row;
  RowSums sums;
  double a;         // 1/|P_i| or 1
  double g_factor;  // c_i scale

  double value(const LabelEntry& e) const { return s.call.options.weighted != 0 ? e.value : 1.0; }
  void set_gradient(LabelEntry& e, double slope) const {
    e.gradient = g_factor * slope * math::cap_slope(e.score, s.call.options.softcap);
  }
  double lse() const { return sums.sum == 0 ? -INFINITY : sums.max + std::log(sums.sum); }

  void set_dense(double factor, double shift) {
    s.factor[i] = static_cast<A>(g_factor * factor);
    s.hi[i] = static_cast<A>(shift);
    s.lo[i] = static_cast<A>(shift - static_cast<double>(s.hi[i]));
  }

  // visit(entry) for the positives.
  template <class Visit>
  void positives(const Visit& visit) {
    for (LabelEntry& e : row) {
      if (!e.ignored) visit(e);
    }
  }

  double decoupled_softmax() {
    const double negatives = lse();
    double loss = 0;
    double pull = 0;
    positives([&](LabelEntry& e) {
      const double x = negatives - e.score;
      const double slope = value(e) * a * math::sigmoid_f64(x);
      loss += value(e) * math::softplus_f64(x);
      pull += slope;
      set_gradient(e, -slope);
    });
    set_dense(pull, negatives);
    return a * loss;
  }

  double infonce() {
    const double all = lse();
    double loss = 0;
    double total = 0;
    positives([&](LabelEntry& e) {
      loss += value(e) * (all - e.score);
      total += value(e);
    });
    positives([&](LabelEntry& e) {
      set_gradient(e, a * math::target_coefficient(e.score, all, 0, total, 0, value(e)));
    });
    set_dense(a * total, all);
    return a * loss;
  }

  double bce() {
    const double share = 1.0 / static_cast<double>(row.labels);
    double loss = sums.softplus;
    positives([&](LabelEntry& e) {
      const double v = value(e);
      loss -= v * e.score;
      set_gradient(e, share * ((1.0 - v) - math::sigmoid_f64(-e.score)));
    });
    set_dense(share, 0);
    return share * loss;
  }

  double softmax_ce() {
    const lsm_label_options& o = s.call.options;
    const double all = lse();
    if (s.soft()) {
      s.target[i] = static_cast<A>(g_factor);
      set_dense(sums.target + 2 * o.z_weight * all, all);
      return sums.target * all - sums.target_sum + o.z_weight * all * all;
    }
    double weight_sum = s.class_weight_sum;
    for (const LabelEntry& e : row) weight_sum -= e.ignored ? weight_at(s, e.column) : 0.0;
    const double even = o.label_smoothing / static_cast<double>(row.labels);
    double loss = 0;
    positives([&](LabelEntry& e) {
      const double w = weight_at(s, e.column);
      const double t = (1 - o.label_smoothing) * w;
      const double total = t + even * weight_sum;
      const double factor = total + 2 * o.z_weight * all;
      loss = t * (all - e.score) + o.z_weight * all * all;
      if (o.label_smoothing > 0) loss += even * (weight_sum * all - sums.uniform);
      set_gradient(e, math::target_coefficient(e.score, all, 0, factor, even * w, t));
      set_dense(factor, all);
      s.uniform[i] = static_cast<A>(g_factor * even);
    });
    return loss;
  }

  double soft_top_k() {
    const lsm_label_options& o = s.call.options;
    const double t = s.search[i].t;
    const double least = -sums.max;
    double loss = 0;
    double pull = 0;
    positives([&](LabelEntry& e) {
      const double z = o.alpha * (e.score + t);
      const double slope = a * value(e) * math::top_k_slope(z, o.alpha, o.plain != 0);
      loss += value(e) * math::top_k_term(z, o.plain != 0);
      pull += slope;
      e.gradient = slope;
    });
    positives([&](LabelEntry& e) {
      const double size = std::fabs(o.alpha * (e.score + t));
      const double r = 1.0 / (1.0 + std::exp(-size));
      const double share = std::exp(least - size) * r * r / sums.sum;
      set_gradient(e, e.gradient - pull * share);
    });
    set_dense(-pull / sums.sum, t);
    s.least[i] = static_cast<A>(least);
    return a * loss;
  }

  double loss() {
    switch (s.call.options.loss) {
      case LSM_DECOUPLED_SOFTMAX:
        return decoupled_softmax();
      case LSM_SOFT_TOP_K:
        return soft_top_k();
      case LSM_MULTI_LABEL_INFONCE:
        return infonce();
      case LSM_BCE:
        return bce();
      default:
        return softmax_ce();
    }
  }
};

template <class A>
void clear_row(LabelState<A>& s, std::int64_t i) {
  s.row_loss[i] = 0;
  s.factor[i] = s.hi[i] = s.lo[i] = s.least[i] = s.uniform[i] = s.target[i] = 0;
  for (LabelEntry& e : s.entries.row(i)) e.gradient = 0;
}

}  // namespace

template <class A>
bool row_counts(const LabelState<A>& s, std::int64_t i) {
  const LabelRow& row = s.entries.row(i);
  if (s.soft() || s.call.is_loss(LSM_BCE)) return row.labels > 0;
  if (row.positives == 0) return false;
  return !s.call.excludes_positives() || row.labels > row.positives;
}

template <class A>
void prepare_rows(LabelState<A>& s) {
  const LabelCall& call = s.call;
  expect_not_negative_elements(call.class_weight, "class_weight");
  expect_soft_targets(call.soft_target);
  if (call.row_weight.present()) expect_finite(call.row_weight, "row_weight");
  s.entries.build();
  const std::int64_t* index = s.entries.column_index();
  s.class_weight_sum = static_cast<double>(s.columns);
  if (s.class_weight != nullptr) {
    s.class_weight_sum = 0;
    for (std::int64_t j = 0; j < s.columns; ++j) {
      s.class_weight[j] =
          static_cast<A>(element(call.class_weight, index != nullptr ? index[j] : j));
      s.class_weight_sum += static_cast<double>(s.class_weight[j]);
    }
  }
  prepare_k(s);
  s.rows_that_count = rows_that_count(s);
  const bool per_row = call.options.reduction == LSM_NONE;
  for (std::int64_t i = 0; i < s.n; ++i) {
    const double upstream = call.upstream.present() ? element(call.upstream, per_row ? i : 0) : 1.0;
    const double weight = call.row_weight.present() ? element(call.row_weight, i) : 1.0;
    s.c[i] = upstream * weight / s.rows_that_count;
  }
}

template <class A>
void finish_rows(LabelState<A>& s, std::int64_t begin, std::int64_t end) {
  parallel_ranges(s.threads, end - begin, kRowGrain, [&](std::int64_t from, std::int64_t to, int) {
    for (std::int64_t i = begin + from; i < begin + to; ++i) {
      const LabelRow& row = s.entries.row(i);
      if (!row_counts(s, i)) {
        clear_row(s, i);
        continue;
      }
      const bool average = s.call.options.average != 0 && row.positives > 0;
      RowWork<A> work{s,
                      i,
                      row,
                      merged_sums(s, i - begin),
                      average ? 1.0 / static_cast<double>(row.positives) : 1.0,
                      s.c[i] * s.scale};
      s.row_loss[i] = work.loss();
    }
  });
}

#define LSM_INSTANTIATE(A)                                      \
  template void prepare_rows(LabelState<A>&);                   \
  template bool row_counts(const LabelState<A>&, std::int64_t); \
  template void finish_rows(LabelState<A>&, std::int64_t, std::int64_t);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace lossmith
