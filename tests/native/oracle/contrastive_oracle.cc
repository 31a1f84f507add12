#include "oracle/contrastive_oracle.h"

#include <algorithm>
#include <cmath>

#include "oracle/dense_contrastive.h"
#include "support/device.h"

namespace lossmith_test {
namespace {

// Rows of the reduced problem back at their places, zeros for the deleted ones.
std::vector<double> Scattered(const std::vector<double>& rows, const std::vector<int64_t>& kept,
                              int64_t count, int64_t width) {
  std::vector<double> result(count * width, 0);
  for (size_t i = 0; i < kept.size(); ++i) {
    std::copy_n(rows.begin() + i * width, width, result.begin() + kept[i] * width);
  }
  return result;
}

template <typename Real>
std::vector<double> Doubles(const std::vector<Real>& values) {
  return {values.begin(), values.end()};
}

// The outputs of the reduced problem as those of the whole one.
template <typename Real>
Result Whole(const Problem& problem, const Outputs<Real>& out) {
  const std::vector<int64_t> pairs = KeptPairs(problem);
  const std::vector<int64_t> candidates = KeptCandidates(problem);
  Result result;
  result[kLoss] = {problem.options.reduction == LSM_NONE ? out.objective : out.loss};
  result[kRowLoss] = Scattered(Doubles(out.row_loss), pairs, problem.n, 1);
  result[kGradX] = Scattered(Doubles(out.grad_x), pairs, problem.n, problem.d);
  result[kGradY] = Scattered(Doubles(out.grad_y), candidates, problem.m, problem.d);
  result[kGradLogScale] = {out.grad_log_scale};
  if (problem.bias.size() == 1) {
    result[kGradBias] = Doubles(out.grad_bias);
  } else if (!problem.bias.empty()) {
    result[kGradBias] = Scattered(Doubles(out.grad_bias), candidates, problem.m, 1);
  }
  return result;
}

}  // namespace

Result Oracle(const Problem& problem) {
  return Whole(problem, Dense(problem, WithoutIgnored<double>(problem)));
}

Result Straightforward(const Problem& problem, const Types& types) {
  const Inputs<float> in = WithoutIgnored<float>(problem);
  const auto operand = [&types](float value) {
    if (types.matrices == DType::kBF16) return static_cast<float>(Rounded(DType::kBF16, value));
    const bool narrow = types.matrices == DType::kF16 && OnDevice();
    return narrow ? WithHalfMantissa(value) : value;
  };
  Result result = Whole(problem, Dense(problem, in, operand));
  for (int output : {kGradX, kGradY}) {
    result[output] = Rounded(types.gradients, result[output]);
  }
  return result;
}

long double Objective(const Problem& problem, Output gradient, int64_t index, long double step) {
  Inputs<long double> in = WithoutIgnored<long double>(problem);
  if (gradient == kGradX) in.x[index] += step;
  if (gradient == kGradY) in.y[index] += step;
  if (gradient == kGradLogScale) in.log_scale[index] += step;
  if (gradient == kGradBias) in.bias[index] += step;
  return Dense(problem, in).objective;
}

}  // namespace lossmith_test
