// Launches on simulated devices, for cuda/launch.h.
#ifndef LOSSMITH_SIMT_LAUNCH_H_
#define LOSSMITH_SIMT_LAUNCH_H_

#include <functional>

#include "cuda_runtime_api.h"

namespace lossmith {
namespace cuda {
namespace simt {

// Queues a kernel of which `body` is what one thread does. Refuses what CUDA refuses, with its
// errors.
cudaError_t launch(cudaStream_t stream, const char* name, dim3 grid, dim3 block,
                   unsigned shared_bytes, std::function<void()> body);

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_LAUNCH_H_
