// Products with power-quantized weights on a CUDA device.
#ifndef LOSSMITH_CUDA_POWER_PRODUCT_H_
#define LOSSMITH_CUDA_POWER_PRODUCT_H_

#include "engine/power_product_call.h"

struct lsm_context_s;

namespace lossmith {
namespace cuda {

// Each queues a validated call on the context's stream; nothing waits for the device. The device of
// the context must be current.
void run_power_product(const PowerProductCall& call, lsm_context_s& context);
void run_power_integer(const PowerIntegerCall& call, lsm_context_s& context);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_POWER_PRODUCT_H_
