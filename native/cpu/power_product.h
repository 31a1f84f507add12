#ifndef LOSSMITH_CPU_POWER_PRODUCT_H_
#define LOSSMITH_CPU_POWER_PRODUCT_H_

#include "core/context.h"
#include "engine/power_product_call.h"

namespace lossmith {

void run_power_product(const PowerProductCall& call, lsm_context_s& context);
// For f64 operands with columns.
void run_power_product_f64(const PowerProductCall& call, lsm_context_s& context);
void run_power_integer(const PowerIntegerCall& call, lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_POWER_PRODUCT_H_
