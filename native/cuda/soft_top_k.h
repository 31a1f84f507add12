// The soft top-k operator on a CUDA device.
#ifndef LOSSMITH_CUDA_SOFT_TOP_K_H_
#define LOSSMITH_CUDA_SOFT_TOP_K_H_

#include "engine/soft_top_k_call.h"

struct lsm_context_s;

namespace lossmith {
namespace cuda {

// Queues a validated call on the context's stream; nothing waits for the device. The device of the
// context must be current.
void run_soft_top_k(const SoftTopKCall& call, lsm_context_s& context);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_SOFT_TOP_K_H_
