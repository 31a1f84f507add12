// A validated matrix product of whole tensors.
#ifndef LOSSMITH_ENGINE_MULTIPLY_CALL_H_
#define LOSSMITH_ENGINE_MULTIPLY_CALL_H_

#include <cstdint>

#include "core/tensor.h"
#include "lossmith/dense.h"

namespace lossmith {

struct MultiplyCall {
  lsm_multiply_options options{};
  std::int64_t m = 0, n = 0, k = 0;
  View a, b, out;
};
MultiplyCall validate_multiply(const lsm_multiply_options* options, lsm_input a, lsm_input b,
                               lsm_output out, const lsm_device& device);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_MULTIPLY_CALL_H_
