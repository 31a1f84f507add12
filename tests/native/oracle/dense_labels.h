// The losses of labels.h as dense sums in any arithmetic, as their header comment writes them: no
// tiles, no shortcuts. In extended precision this is the oracle and the proof of its gradients, in
// f32 the straightforward implementation whose error the library is held against.
#ifndef LOSSMITH_TESTS_ORACLE_DENSE_LABELS_H_
#define LOSSMITH_TESTS_ORACLE_DENSE_LABELS_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include "oracle/dense.h"
#include "oracle/label_rows.h"
#include "support/label_problem.h"

namespace lossmith_test::labels {

template <typename Real>
struct Inputs {
  Vector<Real> x, labels, soft_target, log_scale, bias, class_weight, row_weight, upstream;
  // Of soft top-k; empty: those of k members.
  Vector<Real> threshold = {};
};

template <typename Real>
struct Outputs {
  Real loss = 0;
  // Sum of upstream_i row_loss_i, times 1/N for MEAN.
  Real objective = 0;
  Vector<Real> row_loss, threshold, grad_x, grad_labels, grad_bias;
  Real grad_log_scale = 0;
};

template <typename Real>
Inputs<Real> InputsOf(const Problem& problem) {
  const auto converted = [](const std::vector<double>& values) {
    return Vector<Real>(values.begin(), values.end());
  };
  return {converted(problem.x),           converted(problem.labels),
          converted(problem.soft_target), converted(problem.log_scale),
          converted(problem.bias),        converted(problem.class_weight),
          converted(problem.row_weight),  converted(problem.upstream)};
}

// The N of the reduction.
template <typename Real>
Real Divisor(const Problem& problem, const Inputs<Real>& in) {
  if (problem.options.reduction != LSM_MEAN) return 1;
  if (problem.options.loss != LSM_SOFTMAX_CE || problem.target.empty()) {
    return static_cast<Real>(problem.n);
  }
  Real sum = 0;
  for (int64_t target : problem.target) {
    if (target == problem.options.ignore_index) continue;
    sum += in.class_weight.empty() ? Real(1) : in.class_weight[target];
  }
  return sum;
}

// The row's part of the softmax cross-entropy: q_ij w_j of the labels that take part.
template <typename Real>
Vector<Real> WeightedTargets(const Problem& problem, const Inputs<Real>& in, const Row& row,
                             int64_t i) {
  const Real e = problem.options.label_smoothing;
  Vector<Real> weighted;
  for (int64_t j : row.labels) {
    const Real target = in.soft_target.empty() ? Real(problem.target[i] == j ? 1 : 0)
                                               : in.soft_target[i * problem.l + j];
    const Real q = (1 - e) * target + e / static_cast<Real>(row.labels.size());
    weighted.push_back(q * (in.class_weight.empty() ? Real(1) : in.class_weight[j]));
  }
  return weighted;
}

// x and labels after the normalisation that the options ask for.
template <typename Real>
Inputs<Real> WithUnitRows(const Problem& problem, Inputs<Real> in) {
  if (problem.options.normalize_x) in.x = Normalized(in.x, problem.n, problem.d);
  if (problem.options.normalize_labels) in.labels = Normalized(in.labels, problem.l, problem.d);
  return in;
}

// The scale, and whether it is the clamp.
template <typename Real>
Real ScaleOf(const Problem& problem, const Inputs<Real>& in, bool* clamped) {
  const Real largest = problem.options.max_scale;
  const Real free =
      in.log_scale.empty() ? 1 / Real(problem.options.temperature) : std::exp(in.log_scale[0]);
  *clamped = free > largest;
  return *clamped ? largest : free;
}

template <typename Real>
struct RowScores {
  Vector<Real> products;  // scale <x_i, z_j>
  Vector<Real> scores;
};

// Of the labels that take part, with rows of x and labels as the products see them.
template <typename Real>
RowScores<Real> ScoresOf(const Problem& problem, const Inputs<Real>& in, const Row& row,
                         int64_t i) {
  bool clamped = false;
  const Real scale = ScaleOf(problem, in, &clamped);
  const Real cap = problem.options.softcap;
  const auto [l, d] = std::array{problem.l, problem.d};
  RowScores<Real> out;
  for (int64_t j : row.labels) {
    out.products.push_back(scale * (d == 0 ? in.x[i * l + j] : Dot(in.x, i, in.labels, j, d)));
    const Real bias = in.bias.empty() ? Real(0) : in.bias[in.bias.size() == 1 ? 0 : j];
    const Real score = out.products.back() + bias;
    out.scores.push_back(cap > 0 ? cap * std::tanh(score / cap) : score);
  }
  return out;
}

template <typename Real, typename Operand = ExactOperands>
Outputs<Real> Dense(const Problem& problem, const Inputs<Real>& given,
                    const Operand& operand = {}) {
  const lsm_label_options& options = problem.options;
  if (options.sample != 0) throw std::invalid_argument("the oracle draws no positives");
  const auto [n, l, d] = std::array{problem.n, problem.l, problem.d};
  const bool products = d == 0;
  bool clamped = false;
  const Real scale = ScaleOf(problem, given, &clamped);
  Inputs<Real> in = WithUnitRows(problem, given);
  if (!products) {
    for (Real& value : in.x) value = operand(value);
    for (Real& value : in.labels) value = operand(value);
  }
  const Real cap = options.softcap;
  constexpr Real kFound = std::numeric_limits<Real>::quiet_NaN();
  const Real divisor = Divisor(problem, in);

  Outputs<Real> out;
  out.grad_x.assign(in.x.size(), 0);
  out.grad_labels.assign(in.labels.size(), 0);
  out.grad_bias.assign(in.bias.size(), 0);
  for (int64_t i = 0; i < n; ++i) {
    const Row row = RowOf(problem, i);
    const auto [z, s] = ScoresOf(problem, in, row, i);
    const RowValue<Real> value =
        options.loss == LSM_SOFTMAX_CE
            ? SoftmaxCrossEntropy(
                  s, row.counts ? WeightedTargets(problem, in, row, i) : Vector<Real>(s.size(), 0),
                  row.counts ? Real(options.z_weight) : Real(0))
            : LossOfSets(problem, row, s, i, in.threshold.empty() ? kFound : in.threshold[i]);
    const Real weight = in.row_weight.empty() ? Real(1) : in.row_weight[i];
    const Real upstream = in.upstream.empty()             ? Real(1)
                          : options.reduction == LSM_NONE ? in.upstream[i]
                                                          : in.upstream[0];
    const Real c = row.counts ? upstream * weight / divisor : Real(0);
    out.row_loss.push_back(weight * value.loss);
    out.threshold.push_back(value.threshold);
    if (row.counts) {
      out.loss += out.row_loss[i] / divisor;
      out.objective += upstream * out.row_loss[i] / divisor;
    }
    for (size_t a = 0; a < row.labels.size(); ++a) {
      const int64_t j = row.labels[a];
      Real g = c * value.gradient[a];
      if (cap > 0) g *= 1 - (s[a] / cap) * (s[a] / cap);
      if (!products) g = operand(g);
      if (!clamped) out.grad_log_scale += g * z[a];
      if (!in.bias.empty()) out.grad_bias[in.bias.size() == 1 ? 0 : j] += g;
      if (products) out.grad_x[i * l + j] = scale * g;
      for (int64_t k = 0; k < d; ++k) {
        out.grad_x[i * d + k] += scale * g * in.labels[j * d + k];
        out.grad_labels[j * d + k] += scale * g * in.x[i * d + k];
      }
    }
  }
  if (options.normalize_x) out.grad_x = ThroughNormalization(given.x, in.x, out.grad_x, n, d);
  if (options.normalize_labels) {
    out.grad_labels = ThroughNormalization(given.labels, in.labels, out.grad_labels, l, d);
  }
  return out;
}

}  // namespace lossmith_test::labels

#endif  // LOSSMITH_TESTS_ORACLE_DENSE_LABELS_H_
