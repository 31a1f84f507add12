// Retrieval on the CPU.
#ifndef LOSSMITH_CPU_TOP_K_H_
#define LOSSMITH_CPU_TOP_K_H_

#include "core/context.h"
#include "engine/top_k_call.h"

namespace lossmith {

void run_top_k(const TopKCall& call, lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_TOP_K_H_
