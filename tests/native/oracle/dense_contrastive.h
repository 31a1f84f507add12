// The losses of contrastive.h as dense sums in any arithmetic, as their header comment writes them:
// no tiles, no shortcuts. In f64 this is the oracle, in long double the proof of its gradients, in
// f32 the straightforward implementation whose error the library is held against.
#ifndef LOSSMITH_TESTS_ORACLE_DENSE_CONTRASTIVE_H_
#define LOSSMITH_TESTS_ORACLE_DENSE_CONTRASTIVE_H_

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "oracle/dense.h"
#include "support/problem.h"

namespace lossmith_test {

// The inputs in the arithmetic of the oracle, after the ignored pairs are gone.
template <typename Real>
struct Inputs {
  int64_t n, m, d, r;
  Vector<Real> x, y, reference, reference_y, weights, log_scale, bias, row_weight, upstream;
};

template <typename Real>
struct Outputs {
  Real loss = 0;
  // Sum of upstream_i row_loss_i, times 1/n for MEAN.
  Real objective = 0;
  Vector<Real> row_loss, grad_x, grad_y, grad_bias;
  Real grad_log_scale = 0;
};

template <typename Real>
Vector<Real> Rows(const std::vector<double>& matrix, const std::vector<int64_t>& rows,
                  int64_t width) {
  Vector<Real> kept;
  if (matrix.empty()) return kept;
  for (int64_t row : rows) {
    for (int64_t k = 0; k < width; ++k) kept.push_back(matrix[row * width + k]);
  }
  return kept;
}

// Pairs that are not ignored.
inline std::vector<int64_t> KeptPairs(const Problem& problem) {
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < problem.n; ++i) {
    if (problem.ignore.empty() || problem.ignore[i] == 0) kept.push_back(i);
  }
  return kept;
}

inline std::vector<int64_t> KeptCandidates(const Problem& problem) {
  std::vector<int64_t> kept = KeptPairs(problem);
  for (int64_t j = problem.n; j < problem.m; ++j) kept.push_back(j);
  return kept;
}

template <typename Real>
Inputs<Real> WithoutIgnored(const Problem& problem) {
  const std::vector<int64_t> pairs = KeptPairs(problem);
  const std::vector<int64_t> candidates = KeptCandidates(problem);
  Inputs<Real> in;
  in.n = pairs.size();
  in.m = candidates.size();
  in.d = problem.d;
  in.r = problem.r;
  in.x = Rows<Real>(problem.x, pairs, problem.d);
  in.y = Rows<Real>(problem.y, candidates, problem.d);
  in.reference = Rows<Real>(problem.reference, pairs, problem.r);
  in.reference_y = Rows<Real>(problem.reference_y, candidates, problem.r);
  for (int64_t i : pairs) {
    for (int64_t j : candidates) {
      if (!problem.weights.empty()) in.weights.push_back(problem.weights[i * problem.m + j]);
    }
  }
  in.row_weight = Rows<Real>(problem.row_weight, pairs, 1);
  in.log_scale.assign(problem.log_scale.begin(), problem.log_scale.end());
  if (problem.bias.size() == 1) {
    in.bias.assign(1, problem.bias[0]);
  } else {
    in.bias = Rows<Real>(problem.bias, candidates, 1);
  }
  if (problem.options.reduction == LSM_NONE) {
    in.upstream = Rows<Real>(problem.upstream, pairs, 1);
  } else {
    in.upstream.assign(problem.upstream.begin(), problem.upstream.end());
  }
  return in;
}

// a_ij; a row that has no row direction is all zero.
template <typename Real, typename Operand>
Vector<Real> Targets(const Problem& problem, const Inputs<Real>& in, const Operand& operand) {
  Vector<Real> a(in.n * in.m, 0);
  if (!problem.cwcl) {
    for (int64_t i = 0; i < in.n; ++i) a[i * in.m + i] = 1;
    return a;
  }
  Vector<Real> u = in.reference;
  Vector<Real> v = in.reference_y.empty() ? in.reference : in.reference_y;
  if (problem.options.normalize_reference) {
    u = Normalized(u, in.r > 0 ? in.n : 0, in.r);
    v = Normalized(v, in.r > 0 ? in.m : 0, in.r);
  }
  for (Real& value : u) value = operand(value);
  for (Real& value : v) value = operand(value);
  for (int64_t i = 0; i < in.n; ++i) {
    Real sum = 0;
    for (int64_t j = 0; j < in.m; ++j) {
      a[i * in.m + j] =
          in.weights.empty() ? (1 + Dot(u, i, v, j, in.r)) / 2 : in.weights[i * in.m + j];
      sum += a[i * in.m + j];
    }
    for (int64_t j = 0; j < in.m; ++j)
      a[i * in.m + j] = sum > 0 ? operand(a[i * in.m + j] / sum) : 0;
  }
  return a;
}

template <typename Real, typename Operand = ExactOperands>
Outputs<Real> Dense(const Problem& problem, const Inputs<Real>& in, const Operand& operand = {}) {
  const lsm_contrastive_options& options = problem.options;
  const auto [n, m, d] = std::array{in.n, in.m, in.d};
  const Real e = options.label_smoothing;
  const Real largest_scale = options.max_scale;
  const Real free_scale =
      in.log_scale.empty() ? 1 / Real(options.temperature) : std::exp(in.log_scale[0]);
  const Real scale = std::min(free_scale, largest_scale);
  Vector<Real> x = options.normalize ? Normalized(in.x, n, d) : in.x;
  Vector<Real> y = options.normalize ? Normalized(in.y, m, d) : in.y;
  for (Real& value : x) value = operand(value);
  for (Real& value : y) value = operand(value);
  const Vector<Real> a = Targets(problem, in, operand);

  const auto bias = [&in](int64_t j) {
    return in.bias.empty() ? Real(0) : in.bias.size() == 1 ? in.bias[0] : in.bias[j];
  };
  Vector<Real> z(n * m), s(n * m);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < m; ++j) {
      z[i * m + j] = scale * Dot(x, i, y, j, d);
      s[i * m + j] = z[i * m + j] + bias(j);
    }
  }

  Outputs<Real> out;
  out.row_loss.assign(n, 0);
  // dL/ds = g - h; h holds the continuous targets of CWCL, whose product is one of its own.
  Vector<Real> g(n * m, 0), h(n * m, 0);
  for (int64_t i = 0; i < n; ++i) {
    const Real weight = in.row_weight.empty() ? Real(1) : in.row_weight[i];
    const Real upstream = in.upstream.empty()             ? Real(1)
                          : options.reduction == LSM_NONE ? in.upstream[i]
                                                          : in.upstream[0];
    const Real c = upstream * weight / (options.reduction == LSM_MEAN ? n : 1);
    const Vector<Real> row(s.begin() + i * m, s.begin() + (i + 1) * m);
    Vector<Real> column;
    for (int64_t k = 0; k < n; ++k) column.push_back(s[k * m + i]);

    Real target_mass = 0;
    for (int64_t j = 0; j < m; ++j) target_mass += a[i * m + j];
    const bool has_row = options.row_coefficient > 0 && target_mass > 0;
    const bool has_column = options.column_coefficient > 0;
    if (has_row) {
      const Real coefficient = options.row_coefficient;
      const Real lse = LogSumExp(row);
      Real loss = lse;
      for (int64_t j = 0; j < m; ++j) {
        const Real t = (1 - e) * a[i * m + j] + e / m;
        if (t != 0) loss -= t * row[j];
        const Real apart = problem.cwcl ? t : Real(0);
        g[i * m + j] += c * coefficient * (std::exp(row[j] - lse) - (t - apart));
        h[i * m + j] += c * coefficient * apart;
      }
      out.row_loss[i] += weight * coefficient * loss;
    }
    if (has_column) {
      const Real coefficient = options.column_coefficient;
      const Real lse = LogSumExp(column);
      Real loss = lse;
      for (int64_t k = 0; k < n; ++k) {
        const Real u = (1 - e) * (k == i ? 1 : 0) + e / n;
        if (u != 0) loss -= u * column[k];
        g[k * m + i] += c * coefficient * (std::exp(column[k] - lse) - u);
      }
      out.row_loss[i] += weight * coefficient * loss;
    }
    out.objective += upstream * out.row_loss[i] / (options.reduction == LSM_MEAN ? n : 1);
    out.loss += out.row_loss[i] / (options.reduction == LSM_MEAN ? n : 1);
  }

  out.grad_x.assign(n * d, 0);
  out.grad_y.assign(m * d, 0);
  out.grad_bias.assign(in.bias.size(), 0);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < m; ++j) {
      const Real gij = operand(g[i * m + j]) - h[i * m + j];
      for (int64_t k = 0; k < d; ++k) {
        out.grad_x[i * d + k] += scale * gij * y[j * d + k];
        out.grad_y[j * d + k] += scale * gij * x[i * d + k];
      }
      if (!(free_scale > largest_scale)) out.grad_log_scale += gij * z[i * m + j];
      if (!in.bias.empty()) out.grad_bias[in.bias.size() == 1 ? 0 : j] += gij;
    }
  }
  if (options.normalize) {
    out.grad_x = ThroughNormalization(in.x, x, out.grad_x, n, d);
    out.grad_y = ThroughNormalization(in.y, y, out.grad_y, m, d);
  }
  return out;
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_ORACLE_DENSE_CONTRASTIVE_H_
