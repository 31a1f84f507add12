// One call of lsm_infonce or lsm_cwcl: a problem laid out in tensors that a test may still change.
#ifndef LOSSMITH_TESTS_SUPPORT_CALL_H_
#define LOSSMITH_TESTS_SUPPORT_CALL_H_

#include <array>
#include <optional>
#include <vector>

#include "support/host_tensor.h"
#include "support/problem.h"

namespace lossmith_test {

enum Input {
  kX,
  kY,
  kReference,
  kReferenceY,
  kWeights,
  kLogScale,
  kBias,
  kRowWeight,
  kUpstream,
  kIgnore,
  kInputs
};
const char* InputName(int input);

struct Types {
  DType matrices = DType::kF64;
  // log_scale, bias, row_weight, upstream.
  DType vectors = DType::kF64;
  DType gradients = DType::kF64;
  // loss and row_loss, and the gradients of the vectors.
  DType losses = DType::kF64;
};

// f32 everywhere except x, y and their gradients.
inline Types SingleTypes(DType matrices) { return {matrices, DType::kF32, matrices, DType::kF32}; }

// Bit 1 << output for each output that is wanted.
using Wanted = unsigned;
constexpr Wanted kAllOutputs = (1u << kOutputs) - 1;

// All outputs that the problem admits: no loss with LSM_NONE, no grad_bias without bias.
Wanted EveryOutput(const Problem& problem);

class Call {
 public:
  Call(const Problem& problem, const Types& types, Wanted wanted);
  Call(const Problem& problem, const Types& types) : Call(problem, types, EveryOutput(problem)) {}

  // The tensors of the call, replaceable; absent ones are passed as NULL.
  std::array<std::optional<HostTensor>, kInputs> inputs;
  std::array<std::optional<HostTensor>, kOutputs> outputs;
  lsm_contrastive_options options;
  bool cwcl;

  // The same tensors in another layout: matrices get padded rows, all get the offset.
  void SetLayout(const Layout& layout);

  lsm_status Run(lsm_context context);
  Result Values() const;
  // The bytes of all wanted outputs, one entry for each Output.
  std::array<std::vector<unsigned char>, kOutputs> Bits() const;
  bool OutputsUntouched() const;
};

// Runs the problem on a fresh context and reports a failure of the call to GoogleTest.
Result Evaluate(const Problem& problem, const Types& types, lsm_context context);
Result Evaluate(const Problem& problem, const Types& types = {});

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_CALL_H_
