// Power quantization on a CUDA device.
#ifndef LOSSMITH_CUDA_POWER_H_
#define LOSSMITH_CUDA_POWER_H_

#include "engine/power_call.h"
#include "engine/power_search_call.h"

struct lsm_context_s;

namespace lossmith {
namespace cuda {

// Queue validated calls on the context's stream; nothing waits for the device. The device of the
// context must be current.
void run_power(const PowerCall& call, lsm_context_s& context);
void run_power_scales(const PowerScalesCall& call, lsm_context_s& context);
void run_power_errors(const PowerErrorsCall& call, lsm_context_s& context);
void run_power_search(const PowerSearchCall& call, lsm_context_s& context);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_POWER_H_
