// Optimizer steps and the projection of rows on the CPU.
#ifndef LOSSMITH_CPU_UPDATE_H_
#define LOSSMITH_CPU_UPDATE_H_

#include "core/context.h"
#include "engine/update_call.h"

namespace lossmith {

// Applies the step to the rows that `rows` names, in the calling thread; several threads may do so
// at once with disjoint rows. Nothing is allocated, and nothing is thrown.
void update_rows(const UpdateCall& call, const GradientRows& rows);

// The same on the context's threads.
void run_update(const UpdateStep& step, lsm_context_s& context);

void normalize_rows(const NormalizeCall& call, lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_UPDATE_H_
