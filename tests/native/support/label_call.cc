#include "support/label_call.h"

#include <algorithm>
#include <cmath>

#include "support/compare.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/mirror.h"

namespace lossmith_test::labels {
namespace {

using Shape = std::vector<int64_t>;

std::vector<double> Doubles(const std::vector<int64_t>& values) {
  return {values.begin(), values.end()};
}

}  // namespace

const char* InputName(int input) {
  constexpr const char* kNames[] = {"x",
                                    "labels",
                                    "positive_offsets",
                                    "positive_ids",
                                    "positive_values",
                                    "target",
                                    "soft_target",
                                    "ignored_offsets",
                                    "ignored_ids",
                                    "candidates",
                                    "k_rows",
                                    "log_scale",
                                    "bias",
                                    "class_weight",
                                    "row_weight",
                                    "upstream"};
  return kNames[input];
}

Wanted EveryOutput(const Problem& problem) {
  Wanted wanted = kAllOutputs;
  if (problem.options.reduction == LSM_NONE) wanted &= ~(1u << kLoss);
  if (problem.options.loss != LSM_SOFT_TOP_K) wanted &= ~(1u << kThreshold);
  if (problem.d == 0) wanted &= ~(1u << kGradLabels);
  if (problem.log_scale.empty()) wanted &= ~(1u << kGradLogScale);
  if (problem.bias.empty()) wanted &= ~(1u << kGradBias);
  return wanted;
}

Call::Call(const Problem& problem, const Types& types, Wanted wanted) : options(problem.options) {
  const auto [n, l, d] = std::array{problem.n, problem.l, problem.d};
  const int64_t width = d == 0 ? l : d;
  inputs[kX].emplace(types.matrices, Shape{n, width}, problem.x);
  if (d > 0) inputs[kLabels].emplace(types.matrices, Shape{l, d}, problem.labels);
  const auto vector = [&](Input input, DType dtype, const std::vector<double>& values) {
    inputs[input].emplace(dtype, Shape{static_cast<int64_t>(values.size())}, values);
  };
  const auto sets = [&](Input offsets, Input ids, const Sets& values) {
    if (!values.present()) return;
    vector(offsets, DType::kI64, Doubles(values.offsets));
    vector(ids, types.ids, Doubles(values.ids));
  };
  sets(kPositiveOffsets, kPositiveIds, problem.positives);
  sets(kIgnoredOffsets, kIgnoredIds, problem.ignored);
  if (options.loss == LSM_SOFTMAX_CE && problem.soft_target.empty()) {
    vector(kTarget, types.ids, Doubles(problem.target));
  }
  if (!problem.soft_target.empty()) {
    inputs[kSoftTarget].emplace(types.matrices, Shape{n, l}, problem.soft_target);
  }
  if (!problem.candidates.empty()) vector(kCandidates, DType::kI64, Doubles(problem.candidates));
  if (!problem.k_rows.empty()) vector(kKRows, types.ids, Doubles(problem.k_rows));
  const auto optional = [&](Input input, const std::vector<double>& values) {
    if (!values.empty()) vector(input, types.vectors, values);
  };
  optional(kPositiveValues, problem.positives.values);
  optional(kLogScale, problem.log_scale);
  optional(kBias, problem.bias);
  optional(kClassWeight, problem.class_weight);
  optional(kRowWeight, problem.row_weight);
  optional(kUpstream, problem.upstream);

  const int64_t biases = static_cast<int64_t>(problem.bias.size());
  const Shape shapes[kOutputs] = {{1}, {n}, {n}, {n, width}, {l, d}, {1}, {biases}};
  for (int output = 0; output < kOutputs; ++output) {
    if (wanted & 1u << output) {
      const bool of_matrix = output == kGradX || output == kGradLabels;
      outputs[output].emplace(of_matrix ? types.gradients : types.losses, shapes[output]);
    }
  }
}

void Call::SetLayout(const Layout& layout) {
  const auto lay = [&layout](std::optional<HostTensor>& tensor, bool filled) {
    if (!tensor) return;
    Layout own = layout;
    if (tensor->shape().size() < 2) own.row_padding = 0;
    tensor = filled ? HostTensor(tensor->dtype(), tensor->shape(), tensor->Values(), own)
                    : HostTensor(tensor->dtype(), tensor->shape(), own);
  };
  for (auto& tensor : inputs) lay(tensor, true);
  for (auto& tensor : outputs) lay(tensor, false);
  lay(update_state, true);
  lay(new_labels, false);
}

lsm_status Call::Run(lsm_context context) {
  Mirror device;
  const auto in = [&](Input input) { return device.View(inputs[input]); };
  const auto out = [&](Output output) { return device.View(outputs[output]); };
  const lsm_status status = lsm_label_loss(
      context, &options, in(kX), in(kLabels), in(kPositiveOffsets), in(kPositiveIds),
      in(kPositiveValues), in(kTarget), in(kSoftTarget), in(kIgnoredOffsets), in(kIgnoredIds),
      in(kCandidates), in(kKRows), in(kLogScale), in(kBias), in(kClassWeight), in(kRowWeight),
      in(kUpstream), out(kLoss), out(kRowLoss), out(kThreshold), out(kGradX), out(kGradLabels),
      out(kGradLogScale), out(kGradBias), update ? &*update : nullptr, device.View(update_state),
      in_place ? device.View(inputs[kLabels]) : device.View(new_labels));
  device.Return(context);
  return status;
}

Result Call::Values() const {
  Result result;
  for (int output = 0; output < kOutputs; ++output) {
    if (outputs[output]) result[output] = outputs[output]->Values();
  }
  return result;
}

std::array<std::vector<unsigned char>, kOutputs> Call::Bits() const {
  std::array<std::vector<unsigned char>, kOutputs> bits;
  for (int output = 0; output < kOutputs; ++output) {
    if (outputs[output]) bits[output] = outputs[output]->Bits();
  }
  return bits;
}

bool Call::OutputsUntouched() const {
  for (const auto& output : outputs) {
    if (output && !output->Untouched()) return false;
  }
  return !new_labels || new_labels->Untouched();
}

Result Evaluate(const Problem& problem, const Types& types, lsm_context context) {
  Call call(problem, types);
  EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  return call.Values();
}

Result Evaluate(const Problem& problem, const Types& types) {
  return Evaluate(problem, types, Context());
}

double OutputError(int output, const Result& got, const Result& expected) {
  if (output != kThreshold) return MaxError(got[output], expected[output]);
  std::vector<double> own = got[output];
  for (size_t i = 0; i < own.size() && i < expected[output].size(); ++i) {
    if (std::isnan(expected[output][i])) own[i] = expected[output][i];
  }
  return MaxError(own, expected[output]);
}

::testing::AssertionResult Near(const Result& got, const Result& expected, double relative,
                                double absolute) {
  auto failure = ::testing::AssertionFailure();
  bool passed = true;
  for (int output = 0; output < kOutputs; ++output) {
    if (got[output].empty()) continue;
    const double error = OutputError(output, got, expected);
    double magnitude = 0;
    for (double value : expected[output]) {
      // Rows without a threshold are not compared; elsewhere a reference that is not finite would
      // allow anything.
      if (output == kThreshold && std::isnan(value)) continue;
      magnitude = std::max(magnitude, MaxMagnitude({value}));
    }
    const double bound = relative * magnitude + absolute;
    if (std::isfinite(magnitude) && error <= bound) continue;
    passed = false;
    failure << "\n  " << OutputName(output) << ": error " << error << " > " << bound;
    for (size_t i = 0; i < std::min(got[output].size(), expected[output].size()); ++i) {
      if (std::fabs(got[output][i] - expected[output][i]) <= bound) continue;
      failure << "; first at " << i << ": " << got[output][i] << " instead of "
              << expected[output][i];
      break;
    }
  }
  return passed ? ::testing::AssertionSuccess() : failure;
}

int64_t LeastBudget(const Problem& problem, const Types& types, int32_t threads) {
  EXPECT_EQ(Call(problem, types).Run(Context(threads, 1)), LSM_BUDGET_TOO_SMALL);
  return LargestNumberIn(lsm_last_error());
}

}  // namespace lossmith_test::labels
