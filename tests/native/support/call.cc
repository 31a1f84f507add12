#include "support/call.h"

#include <gtest/gtest.h>

#include "support/context.h"
#include "support/mirror.h"

namespace lossmith_test {
namespace {

using Shape = std::vector<int64_t>;

void Fill(std::optional<HostTensor>* tensor, DType dtype, const Shape& shape,
          const std::vector<double>& values) {
  int64_t elements = 1;
  for (int64_t extent : shape) elements *= extent;
  if (elements > 0 && values.empty()) return;
  tensor->emplace(dtype, shape, values);
}

}  // namespace

const char* InputName(int input) {
  constexpr const char* kNames[] = {"x",         "y",    "reference",  "reference_y", "weights",
                                    "log_scale", "bias", "row_weight", "upstream",    "ignore"};
  return kNames[input];
}

Wanted EveryOutput(const Problem& problem) {
  Wanted wanted = kAllOutputs;
  if (problem.options.reduction == LSM_NONE) wanted &= ~(1u << kLoss);
  if (problem.log_scale.empty()) wanted &= ~(1u << kGradLogScale);
  if (problem.bias.empty()) wanted &= ~(1u << kGradBias);
  return wanted;
}

Call::Call(const Problem& problem, const Types& types, Wanted wanted)
    : options(problem.options), cwcl(problem.cwcl) {
  const auto [n, m, d, r] = std::array{problem.n, problem.m, problem.d, problem.r};
  Fill(&inputs[kX], types.matrices, {n, d}, problem.x);
  Fill(&inputs[kY], types.matrices, {m, d}, problem.y);
  if (problem.cwcl && problem.r > 0) {
    Fill(&inputs[kReference], types.matrices, {n, r}, problem.reference);
    if (!problem.reference_y.empty() || m == 0) {
      Fill(&inputs[kReferenceY], types.matrices, {m, r}, problem.reference_y);
    }
  } else if (problem.cwcl) {
    Fill(&inputs[kWeights], types.matrices, {n, m}, problem.weights);
  }
  const auto vector = [&](Input input, const std::vector<double>& values) {
    if (!values.empty()) {
      Fill(&inputs[input], types.vectors, {static_cast<int64_t>(values.size())}, values);
    }
  };
  vector(kLogScale, problem.log_scale);
  vector(kBias, problem.bias);
  vector(kRowWeight, problem.row_weight);
  vector(kUpstream, problem.upstream);
  if (!problem.ignore.empty()) {
    inputs[kIgnore].emplace(DType::kU8, Shape{n},
                            std::vector<double>(problem.ignore.begin(), problem.ignore.end()));
  }

  const int64_t biases = static_cast<int64_t>(problem.bias.size());
  const Shape shapes[kOutputs] = {{1}, {n}, {n, d}, {m, d}, {1}, {biases}};
  for (int output = 0; output < kOutputs; ++output) {
    if (wanted & 1u << output) {
      const bool of_matrix = output == kGradX || output == kGradY;
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
}

lsm_status Call::Run(lsm_context context) {
  Mirror device;
  const auto in = [&](Input input) { return device.View(inputs[input]); };
  const auto out = [&](Output output) { return device.View(outputs[output]); };
  const lsm_status status =
      cwcl ? lsm_cwcl(context, &options, in(kX), in(kY), in(kReference), in(kReferenceY),
                      in(kWeights), in(kLogScale), in(kBias), in(kRowWeight), in(kUpstream),
                      in(kIgnore), out(kLoss), out(kRowLoss), out(kGradX), out(kGradY),
                      out(kGradLogScale), out(kGradBias))
           : lsm_infonce(context, &options, in(kX), in(kY), in(kLogScale), in(kBias),
                         in(kRowWeight), in(kUpstream), in(kIgnore), out(kLoss), out(kRowLoss),
                         out(kGradX), out(kGradY), out(kGradLogScale), out(kGradBias));
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
  return true;
}

Result Evaluate(const Problem& problem, const Types& types, lsm_context context) {
  Call call(problem, types);
  EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  return call.Values();
}

Result Evaluate(const Problem& problem, const Types& types) {
  return Evaluate(problem, types, Context());
}

}  // namespace lossmith_test
