// The search for power exponents on the CPU.
#ifndef LOSSMITH_CPU_POWER_SEARCH_H_
#define LOSSMITH_CPU_POWER_SEARCH_H_

#include "core/context.h"
#include "engine/power_search_call.h"

namespace lossmith {

void run_power_errors(const PowerErrorsCall& call, lsm_context_s& context);
void run_power_search(const PowerSearchCall& call, lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_POWER_SEARCH_H_
