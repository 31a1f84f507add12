#ifndef LOSSMITH_CPU_SOFT_TOP_K_H_
#define LOSSMITH_CPU_SOFT_TOP_K_H_

#include "core/context.h"
#include "engine/soft_top_k_call.h"

namespace lossmith {

void run_soft_top_k(const SoftTopKCall& call, lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_SOFT_TOP_K_H_
