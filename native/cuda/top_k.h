// Retrieval on a CUDA device.
#ifndef LOSSMITH_CUDA_TOP_K_H_
#define LOSSMITH_CUDA_TOP_K_H_

#include "core/context.h"
#include "engine/top_k_call.h"

namespace lossmith {
namespace cuda {

// Queues the call on the stream of the context.
void run_top_k(const TopKCall& call, lsm_context_s& context);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_TOP_K_H_
