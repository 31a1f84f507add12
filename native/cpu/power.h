// The power quantization operator on the CPU.
#ifndef LOSSMITH_CPU_POWER_H_
#define LOSSMITH_CPU_POWER_H_

#include "core/context.h"
#include "engine/power_call.h"

namespace lossmith {

void run_power(const PowerCall& call, lsm_context_s& context);

void run_power_scales(const PowerScalesCall& call, lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_POWER_H_
