// Kernels as work on streams.
#include "simt/launch.h"

#include <memory>
#include <utility>

#include "executor/grid.h"
#include "runtime/state.h"
#include "simt/shared_check.h"

namespace simt = lossmith::cuda::simt;

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

cudaError_t check_shape(const dim3& grid, const dim3& block, unsigned shared_bytes) {
  constexpr unsigned kMaxX = 0x7fffffffu, kMaxYZ = 65535u, kMaxBlockZ = 64;
  const std::uint64_t threads = static_cast<std::uint64_t>(block.x) * block.y * block.z;
  const bool fits = grid.x >= 1 && grid.x <= kMaxX && grid.y >= 1 && grid.y <= kMaxYZ &&
                    grid.z >= 1 && grid.z <= kMaxYZ && threads >= 1 && block.x <= kMaxThreads &&
                    block.y <= kMaxThreads && block.z <= kMaxBlockZ && threads <= kMaxThreads;
  if (!fits) return cudaErrorInvalidConfiguration;
  return shared_bytes <= kDynamicBytes ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace

cudaError_t launch(cudaStream_t handle, const char* name, dim3 grid, dim3 block,
                   unsigned shared_bytes, std::function<void()> body) {
  Call call("cudaLaunchKernel");
  if (call.failed()) return call.error();
  Stream* stream = stream_of(handle);
  if (stream == nullptr || stream->device != current_device()) {
    return call.give(cudaErrorInvalidResourceHandle);
  }
  const cudaError_t shape = check_shape(grid, block, shared_bytes);
  if (shape != cudaSuccess) return call.give(shape);
  ++state().counters[std::string("kernel ") + name];
  auto kernel = std::make_shared<Launch>();
  kernel->kernel = name;
  kernel->grid = grid;
  kernel->block = block;
  kernel->shared_bytes = shared_bytes;
  kernel->body = std::move(body);
  enqueue(*stream, [kernel] {
    State& s = state();
    // Every launch has an order of its own.
    const std::uint64_t seed = s.seed == 0 ? 0 : (s.random.next() | 1u);
    return run_grid(*kernel, seed) ? cudaSuccess : cudaErrorLaunchFailure;
  });
  return call.give(cudaSuccess);
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  simt::Call call("cudaFuncSetAttribute");
  if (call.failed()) return call.error();
  if (function == nullptr) return call.give(cudaErrorInvalidDeviceFunction);
  const bool shared = attribute == cudaFuncAttributeMaxDynamicSharedMemorySize;
  const int most = shared ? static_cast<int>(simt::kDynamicBytes) : 100;
  if (!shared && attribute != cudaFuncAttributePreferredSharedMemoryCarveout) {
    return call.give(cudaErrorInvalidValue);
  }
  const int least = shared ? 0 : -1;
  return call.give(value < least || value > most ? cudaErrorInvalidValue : cudaSuccess);
}

// What a kernel takes is unknown here; it is there, for the device's own architecture.
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  simt::Call call("cudaFuncGetAttributes");
  if (call.failed()) return call.error();
  if (attributes == nullptr) return call.give(cudaErrorInvalidValue);
  if (function == nullptr) return call.give(cudaErrorInvalidDeviceFunction);
  *attributes = cudaFuncAttributes{};
  attributes->maxThreadsPerBlock = simt::kMaxThreads;
  const simt::Device& device = simt::device_of(simt::current_device());
  attributes->ptxVersion = attributes->binaryVersion = 10 * device.major + device.minor;
  return call.give(cudaSuccess);
}
