// Optimizer steps and the projection of rows, queued on a stream.
#ifndef LOSSMITH_CUDA_UPDATE_H_
#define LOSSMITH_CUDA_UPDATE_H_

#include <cuda_runtime_api.h>

#include "engine/update_call.h"

namespace lossmith {
namespace cuda {

// Queues the step on the rows that `rows` names; data and row_ids lie on the device. Row ids outside
// the weights are passed over. No workspace, one kernel.
void update_rows(cudaStream_t stream, const UpdateCall& call, const GradientRows& rows);

void normalize_rows(cudaStream_t stream, const NormalizeCall& call);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_UPDATE_H_
