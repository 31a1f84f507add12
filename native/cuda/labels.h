// The losses over label sets on a CUDA device.
#ifndef LOSSMITH_CUDA_LABELS_H_
#define LOSSMITH_CUDA_LABELS_H_

#include "engine/label_call.h"
#include "lossmith/contrastive.h"

struct lsm_context_s;

namespace lossmith {
namespace cuda {

// Queues a validated call on the context's stream. Everything that can fail fails before the first
// output is touched; nothing waits for the device. The device of the context must be current.
void run_labels(const LabelCall& call, lsm_context_s& context);

lsm_contrastive_plan plan_labels(const LabelCall& call, lsm_context_s& context);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_LABELS_H_
