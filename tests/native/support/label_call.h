// One call of lsm_label_loss: a problem laid out in tensors that a test may still change.
#ifndef LOSSMITH_TESTS_SUPPORT_LABEL_CALL_H_
#define LOSSMITH_TESTS_SUPPORT_LABEL_CALL_H_

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "support/host_tensor.h"
#include "support/label_problem.h"

namespace lossmith_test::labels {

enum Input {
  kX,
  kLabels,
  kPositiveOffsets,
  kPositiveIds,
  kPositiveValues,
  kTarget,
  kSoftTarget,
  kIgnoredOffsets,
  kIgnoredIds,
  kCandidates,
  kKRows,
  kLogScale,
  kBias,
  kClassWeight,
  kRowWeight,
  kUpstream,
  kInputs
};
const char* InputName(int input);

struct Types {
  DType matrices = DType::kF64;  // x, labels and soft targets
  DType vectors = DType::kF64;
  DType gradients = DType::kF64;
  // loss, row_loss and threshold, and the gradients of the vectors.
  DType losses = DType::kF64;
  DType ids = DType::kI64;  // of the sets, the target and k_rows
};

// f32 everywhere except the matrices and their gradients; ids of 32 bits.
inline Types SingleTypes(DType matrices) {
  return {matrices, DType::kF32, matrices, DType::kF32, DType::kI32};
}

// Bit 1 << output for each output that is wanted.
using Wanted = unsigned;
constexpr Wanted kAllOutputs = (1u << kOutputs) - 1;

// All outputs that the problem admits.
Wanted EveryOutput(const Problem& problem);

class Call {
 public:
  Call(const Problem& problem, const Types& types, Wanted wanted);
  Call(const Problem& problem, const Types& types) : Call(problem, types, EveryOutput(problem)) {}

  // The tensors of the call, replaceable; absent ones are passed as NULL.
  std::array<std::optional<HostTensor>, kInputs> inputs;
  std::array<std::optional<HostTensor>, kOutputs> outputs;
  lsm_label_options options;
  // A fused step: its options, the state, and where the labels go; `in_place` puts them where they
  // came from.
  std::optional<lsm_update_options> update;
  std::optional<HostTensor> update_state, new_labels;
  bool in_place = false;

  // The same tensors in another layout: matrices get padded rows, all get the offset.
  void SetLayout(const Layout& layout);

  lsm_status Run(lsm_context context);
  Result Values() const;
  // The bytes of all wanted outputs, one entry for each Output.
  std::array<std::vector<unsigned char>, kOutputs> Bits() const;
  bool OutputsUntouched() const;
};

// Runs the problem and reports a failure of the call to GoogleTest.
Result Evaluate(const Problem& problem, const Types& types, lsm_context context);
Result Evaluate(const Problem& problem, const Types& types = {});

// Largest difference of one output; infinity where only one side is NaN or infinite. The threshold
// of a row is compared where `expected` has one.
double OutputError(int output, const Result& got, const Result& expected);

// Error at most relative * (largest expected magnitude of the same output) + absolute, for every
// output that `got` holds.
::testing::AssertionResult Near(const Result& got, const Result& expected, double relative,
                                double absolute);

// The smallest budget with which the call succeeds, as its refusal states it.
int64_t LeastBudget(const Problem& problem, const Types& types, int32_t threads);

}  // namespace lossmith_test::labels

#endif  // LOSSMITH_TESTS_SUPPORT_LABEL_CALL_H_
