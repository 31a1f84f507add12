// One row of the label losses in any arithmetic: which labels take part, the loss of their scores
// and its derivatives by each of them.
#ifndef LOSSMITH_TESTS_ORACLE_LABEL_ROWS_H_
#define LOSSMITH_TESTS_ORACLE_LABEL_ROWS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <type_traits>
#include <vector>

#include "oracle/dense.h"
#include "support/label_problem.h"

namespace lossmith_test::labels {

struct Row {
  std::vector<int64_t> labels;     // A_i, rising
  std::vector<size_t> positives;   // positions in `labels`
  std::vector<double> relevances;  // of the positives
  bool counts = true;              // its target is not ignore_index
};

inline Row RowOf(const Problem& problem, int64_t i) {
  std::set<int64_t> ignored;
  if (problem.ignored.present()) {
    const Sets& sets = problem.ignored;
    ignored.insert(sets.ids.begin() + sets.offsets[i], sets.ids.begin() + sets.offsets[i + 1]);
  }
  Row row;
  const auto take = [&](int64_t j) {
    if (ignored.count(j) == 0) row.labels.push_back(j);
  };
  if (problem.candidates.empty()) {
    for (int64_t j = 0; j < problem.l; ++j) take(j);
  } else {
    for (int64_t j : problem.candidates) take(j);
  }
  const Sets& sets = problem.positives;
  std::set<int64_t> seen;
  for (int64_t e = sets.present() ? sets.offsets[i] : 0; sets.present() && e < sets.offsets[i + 1];
       ++e) {
    if (!seen.insert(sets.ids[e]).second) continue;
    const double relevance = sets.values.empty() ? 1 : sets.values[e];
    const auto found = std::lower_bound(row.labels.begin(), row.labels.end(), sets.ids[e]);
    if (relevance <= 1e-8 || found == row.labels.end() || *found != sets.ids[e]) continue;
    row.positives.push_back(found - row.labels.begin());
    row.relevances.push_back(relevance);
  }
  row.counts = problem.target.empty() || problem.target[i] != problem.options.ignore_index;
  return row;
}

template <typename Real>
Real Softplus(Real x) {
  return std::max(x, Real(0)) + std::log1p(std::exp(-std::fabs(x)));
}

template <typename Real>
Real Sigmoid(Real x) {
  const Real e = std::exp(-std::fabs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}

template <typename Real>
Real Members(const Vector<Real>& s, Real alpha, Real t) {
  Real sum = 0;
  for (Real score : s) sum += Sigmoid(alpha * (score + t));
  return sum;
}

// t with sum_j sigm(alpha (s_j + t)) = k: bisection from a bracket with every term at most k/n at
// one end and at least k/n at the other, down to neighbouring numbers.
template <typename Real>
Real ThresholdOf(const Vector<Real>& s, Real k, Real alpha) {
  const Real shift = std::log(k / (static_cast<Real>(s.size()) - k)) / alpha;
  Real low = shift - *std::max_element(s.begin(), s.end());
  Real high = shift - *std::min_element(s.begin(), s.end());
  if constexpr (std::is_same_v<Real, long double>) {
    // Most of the way in f64, which is faster.
    const Vector<double> near(s.begin(), s.end());
    const Real guess =
        ThresholdOf<double>(near, static_cast<double>(k), static_cast<double>(alpha));
    const Real width = 1e-9L * (1 + std::fabs(guess));
    if (Members(s, alpha, guess - width) < k) low = guess - width;
    if (Members(s, alpha, guess + width) >= k) high = guess + width;
  }
  for (;;) {
    const Real middle = low + (high - low) / 2;
    if (!(low < middle && middle < high)) return middle;
    (Members(s, alpha, middle) < k ? low : high) = middle;
  }
}

template <typename Real>
struct RowValue {
  Real loss = 0;
  Real threshold = std::numeric_limits<Real>::quiet_NaN();
  Vector<Real> gradient;
};

// k_i
inline double MembersWanted(const Problem& problem, const Row& row, int64_t i) {
  if (problem.options.k > 0) return static_cast<double>(problem.options.k);
  if (!problem.k_rows.empty()) return static_cast<double>(problem.k_rows[i]);
  double sum = 0;
  for (double relevance : row.relevances) sum += relevance;
  return std::ceil(sum);
}

// At the threshold `t`; NaN: at that of k_i members.
template <typename Real>
RowValue<Real> SoftTopK(const Problem& problem, const Row& row, const Vector<Real>& s,
                        const Vector<Real>& v, int64_t i, Real t) {
  const lsm_label_options& options = problem.options;
  const Real alpha = options.alpha;
  RowValue<Real> value;
  value.threshold =
      std::isnan(t) ? ThresholdOf(s, static_cast<Real>(MembersWanted(problem, row, i)), alpha) : t;
  value.gradient.assign(s.size(), 0);
  Vector<Real> slope;  // ln y (1 - y)
  for (Real score : s) {
    const Real z = std::fabs(alpha * (score + value.threshold));
    slope.push_back(-z - 2 * std::log1p(std::exp(-z)));
  }
  Real total = 0;
  for (size_t p = 0; p < v.size(); ++p) {
    const size_t at = row.positives[p];
    const Real z = alpha * (s[at] + value.threshold);
    const Real y = Sigmoid(z);
    value.loss += v[p] * (options.plain ? -y : Softplus(-z));
    value.gradient[at] = -v[p] * alpha * Sigmoid(-z) * (options.plain ? y : Real(1));
    total += value.gradient[at];
  }
  const Real all = LogSumExp(slope);
  for (size_t a = 0; a < s.size(); ++a) value.gradient[a] -= total * std::exp(slope[a] - all);
  return value;
}

template <typename Real>
RowValue<Real> DecoupledSoftmax(const Row& row, const Vector<Real>& s, const Vector<Real>& v) {
  std::vector<bool> positive(s.size(), false);
  for (size_t at : row.positives) positive[at] = true;
  Vector<Real> negatives;
  for (size_t a = 0; a < s.size(); ++a) {
    if (!positive[a]) negatives.push_back(s[a]);
  }
  RowValue<Real> value;
  value.gradient.assign(s.size(), 0);
  if (negatives.empty()) return value;
  const Real lse = LogSumExp(negatives);
  Real total = 0;
  for (size_t p = 0; p < v.size(); ++p) {
    const size_t at = row.positives[p];
    value.loss += v[p] * Softplus(lse - s[at]);
    value.gradient[at] = -v[p] * Sigmoid(lse - s[at]);
    total -= value.gradient[at];
  }
  for (size_t a = 0; a < s.size(); ++a) {
    if (!positive[a]) value.gradient[a] = total * std::exp(s[a] - lse);
  }
  return value;
}

template <typename Real>
RowValue<Real> MultiLabelInfoNce(const Row& row, const Vector<Real>& s, const Vector<Real>& v) {
  const Real lse = LogSumExp(s);
  Real total = 0;
  for (Real factor : v) total += factor;
  RowValue<Real> value;
  for (Real score : s) value.gradient.push_back(total * std::exp(score - lse));
  for (size_t p = 0; p < v.size(); ++p) {
    value.loss += v[p] * (lse - s[row.positives[p]]);
    value.gradient[row.positives[p]] -= v[p];
  }
  return value;
}

template <typename Real>
RowValue<Real> BinaryCrossEntropy(const Row& row, const Vector<Real>& s, const Vector<Real>& v) {
  const Real count = static_cast<Real>(s.size());
  RowValue<Real> value;
  for (Real score : s) {
    value.loss += Softplus(score) / count;
    value.gradient.push_back(Sigmoid(score) / count);
  }
  for (size_t p = 0; p < v.size(); ++p) {
    value.loss -= v[p] * s[row.positives[p]] / count;
    value.gradient[row.positives[p]] -= v[p] / count;
  }
  return value;
}

// `targets` holds q_ij w_j.
template <typename Real>
RowValue<Real> SoftmaxCrossEntropy(const Vector<Real>& s, const Vector<Real>& targets,
                                   Real z_weight) {
  const Real lse = LogSumExp(s);
  Real total = 2 * z_weight * lse;
  for (Real target : targets) total += target;
  RowValue<Real> value;
  value.loss = z_weight * lse * lse;
  for (size_t a = 0; a < s.size(); ++a) {
    if (targets[a] != 0) value.loss += targets[a] * (lse - s[a]);
    value.gradient.push_back(total * std::exp(s[a] - lse) - targets[a]);
  }
  return value;
}

// The losses with sets of positives; `t` as in SoftTopK.
template <typename Real>
RowValue<Real> LossOfSets(const Problem& problem, const Row& row, const Vector<Real>& s, int64_t i,
                          Real t) {
  const lsm_label_options& options = problem.options;
  RowValue<Real> nothing;
  nothing.gradient.assign(s.size(), 0);
  if (s.empty() || (row.positives.empty() && options.loss != LSM_BCE)) return nothing;
  const bool averages = options.average != 0 && options.loss != LSM_BCE;
  const Real average = averages ? 1 / static_cast<Real>(row.positives.size()) : Real(1);
  Vector<Real> v;  // a_i v_ip
  for (double relevance : row.relevances) {
    v.push_back(average * (options.weighted ? Real(relevance) : Real(1)));
  }
  switch (options.loss) {
    case LSM_DECOUPLED_SOFTMAX:
      return DecoupledSoftmax(row, s, v);
    case LSM_SOFT_TOP_K:
      return SoftTopK(problem, row, s, v, i, t);
    case LSM_MULTI_LABEL_INFONCE:
      return MultiLabelInfoNce(row, s, v);
    default:
      return BinaryCrossEntropy(row, s, v);
  }
}

}  // namespace lossmith_test::labels

#endif  // LOSSMITH_TESTS_ORACLE_LABEL_ROWS_H_
