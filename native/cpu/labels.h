#ifndef LOSSMITH_CPU_LABELS_H_
#define LOSSMITH_CPU_LABELS_H_

#include "core/context.h"
#include "engine/label_call.h"

namespace lossmith {

// Runs a validated call on the CPU: chooses the arithmetic, plans within the budget, computes.
void run_labels(const LabelCall& call, lsm_context_s& context);

// What run_labels would do for such a call (its tensors need no data).
lsm_contrastive_plan plan_labels(const LabelCall& call, lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_LABELS_H_
