// The contrastive losses on a CUDA device.
#ifndef LOSSMITH_CUDA_CONTRASTIVE_H_
#define LOSSMITH_CUDA_CONTRASTIVE_H_

#include "engine/contrastive_call.h"
#include "lossmith/contrastive.h"

struct lsm_context_s;

namespace lossmith {
namespace cuda {

// Queues a validated call on the context's stream. Everything that can fail fails before the first
// output is touched; nothing waits for the device. The device of the context must be current.
void run_contrastive(const ContrastiveCall& call, lsm_context_s& context);

lsm_contrastive_plan plan_contrastive(const ContrastiveCall& call, lsm_context_s& context);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_CONTRASTIVE_H_
