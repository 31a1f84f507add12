#ifndef LOSSMITH_CPU_CONTRASTIVE_H_
#define LOSSMITH_CPU_CONTRASTIVE_H_

#include "core/context.h"
#include "engine/contrastive_call.h"

namespace lossmith {

// Runs a validated call on the CPU: chooses the arithmetic, plans within the budget, computes.
void run_contrastive(const ContrastiveCall& call, lsm_context_s& context);

// What run_contrastive would do for such a call (its tensors need no data).
lsm_contrastive_plan plan_contrastive(const ContrastiveCall& call, lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_CONTRASTIVE_H_
