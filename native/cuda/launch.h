// Kernel launches, always through one function: a launch that fails is reported with the kernel's
// name and its configuration, and the SIMT host executor can stand in for the device.
#ifndef LOSSMITH_CUDA_LAUNCH_H_
#define LOSSMITH_CUDA_LAUNCH_H_

#include <cuda_runtime_api.h>

#include <cstdint>
#include <tuple>

#if defined(LOSSMITH_SIMT)
#include "simt/launch.h"
#endif

namespace lossmith {
namespace cuda {

struct LaunchShape {
  dim3 grid, block;
  unsigned shared_bytes = 0;  // dynamic shared memory
};

// Throws LSM_DEVICE_ERROR or LSM_DEVICE_FATAL: "kernel NAME, grid (x,y,z), block (x,y,z), N bytes
// of shared memory: cudaErrorInvalidValue (invalid argument)".
[[noreturn]] void throw_launch_error(const char* name, const LaunchShape& shape, cudaError_t error);

// Blocks for `count` items of `per_block` each, for grid.x; at most 2^31-1, so kernels whose grid
// grows with the data take one block per tile or stride over the grid.
inline unsigned blocks_for(std::int64_t count, std::int64_t per_block) {
  const std::int64_t blocks = (count + per_block - 1) / per_block;
  return static_cast<unsigned>(blocks < 0x7fffffff ? blocks : 0x7fffffff);
}

// Queues kernel(args...) on the stream; a grid without blocks queues nothing.
template <class... Parameters, class... Arguments>
void launch(cudaStream_t stream, const char* name, const LaunchShape& shape,
            void (*kernel)(Parameters...), Arguments... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "one argument for each parameter");
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
  std::tuple<Parameters...> values(static_cast<Parameters>(arguments)...);
#if defined(LOSSMITH_SIMT)
  const cudaError_t error = simt::launch(stream, name, shape.grid, shape.block, shape.shared_bytes,
                                         [kernel, values] { std::apply(kernel, values); });
#else
  constexpr unsigned kDefaultShared = 48 * 1024;
  cudaError_t error = cudaSuccess;
  if (shape.shared_bytes > kDefaultShared) {
    error = cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                 cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(shape.shared_bytes));
  }
  if (error == cudaSuccess) {
    std::apply(
        [&](Parameters&... each) {
          void* addresses[] = {static_cast<void*>(&each)..., nullptr};
          error = cudaLaunchKernel(reinterpret_cast<const void*>(kernel), shape.grid, shape.block,
                                   addresses, shape.shared_bytes, stream);
        },
        values);
  }
#endif
  if (error != cudaSuccess) throw_launch_error(name, shape, error);
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_LAUNCH_H_
