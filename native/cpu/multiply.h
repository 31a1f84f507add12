// Products of whole matrices on the CPU.
#ifndef LOSSMITH_CPU_MULTIPLY_H_
#define LOSSMITH_CPU_MULTIPLY_H_

#include "core/context.h"
#include "engine/multiply_call.h"

namespace lossmith {

void run_multiply(const MultiplyCall& call, lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_MULTIPLY_H_
