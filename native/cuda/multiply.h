// Matrix products of whole tensors on a CUDA device.
#ifndef LOSSMITH_CUDA_MULTIPLY_H_
#define LOSSMITH_CUDA_MULTIPLY_H_

#include "engine/multiply_call.h"

struct lsm_context_s;

namespace lossmith {
namespace cuda {

// Queues a validated call on the context's stream; no workspace, nothing waits for the device. The
// device of the context must be current.
void run_multiply(const MultiplyCall& call, lsm_context_s& context);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_MULTIPLY_H_
