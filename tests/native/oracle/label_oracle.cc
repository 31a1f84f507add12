#include "oracle/label_oracle.h"

#include "oracle/dense_labels.h"
#include "support/device.h"

namespace lossmith_test::labels {
namespace {

template <typename Real>
std::vector<double> Doubles(const std::vector<Real>& values) {
  return {values.begin(), values.end()};
}

template <typename Real>
Result ResultOf(const Problem& problem, const Outputs<Real>& out) {
  Result result;
  const bool reduced = problem.options.reduction != LSM_NONE;
  result[kLoss] = {static_cast<double>(reduced ? out.loss : out.objective)};
  result[kRowLoss] = Doubles(out.row_loss);
  result[kThreshold] = Doubles(out.threshold);
  result[kGradX] = Doubles(out.grad_x);
  result[kGradLabels] = Doubles(out.grad_labels);
  result[kGradLogScale] = {static_cast<double>(out.grad_log_scale)};
  result[kGradBias] = Doubles(out.grad_bias);
  return result;
}

}  // namespace

// In extended precision, so that a difference of two large numbers costs the oracle nothing.
Result Oracle(const Problem& problem) {
  return ResultOf(problem, Dense(problem, InputsOf<long double>(problem)));
}

Result OracleAt(const Problem& problem, const std::vector<double>& thresholds) {
  Inputs<long double> in = InputsOf<long double>(problem);
  in.threshold.assign(thresholds.begin(), thresholds.end());
  return ResultOf(problem, Dense(problem, in));
}

double MembershipError(const Problem& problem, const std::vector<double>& thresholds,
                       double score_bound, double roundoff) {
  const Inputs<double> in = WithUnitRows(problem, InputsOf<double>(problem));
  double largest = 0;
  for (int64_t i = 0; i < problem.n; ++i) {
    const Row row = RowOf(problem, i);
    if (row.positives.empty()) continue;
    const double k = MembersWanted(problem, row, i);
    double members = -k, slope = 0;
    for (double score : ScoresOf(problem, in, row, i).scores) {
      const double y = Sigmoid(problem.options.alpha * (score + thresholds[i]));
      members += y;
      slope += problem.options.alpha * y * (1 - y);
    }
    const double explained = slope * roundoff * (score_bound + std::fabs(thresholds[i]));
    largest = std::max(largest, (std::fabs(members) - explained) / k);
  }
  return largest;
}

Result Straightforward(const Problem& problem, const Types& types) {
  const auto operand = [&types](float value) {
    if (!OnDevice()) return value;
    if (types.matrices == DType::kBF16) return static_cast<float>(Rounded(DType::kBF16, value));
    return types.matrices == DType::kF16 ? WithHalfMantissa(value) : value;
  };
  Result result = ResultOf(problem, Dense(problem, InputsOf<float>(problem), operand));
  for (int output : {kGradX, kGradLabels}) {
    result[output] = Rounded(types.gradients, result[output]);
  }
  return result;
}

long double Objective(const Problem& problem, Output gradient, int64_t index, long double step) {
  Inputs<long double> in = InputsOf<long double>(problem);
  if (gradient == kGradX) in.x[index] += step;
  if (gradient == kGradLabels) in.labels[index] += step;
  if (gradient == kGradLogScale) in.log_scale[index] += step;
  if (gradient == kGradBias) in.bias[index] += step;
  return Dense(problem, in).objective;
}

}  // namespace lossmith_test::labels
