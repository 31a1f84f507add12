// Memory of devices and pinned memory of the host.
#include <cstdlib>
#include <cstring>

#include "runtime/memory_guard.h"
#include "runtime/state.h"

namespace simt = lossmith::cuda::simt;
using simt::Allocation;
using simt::Call;
using simt::Device;
using simt::device_of;
using simt::state;

namespace lossmith {
namespace cuda {
namespace simt {

const Allocation* allocation_at(const void* p, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  auto after = state().allocations.upper_bound(address);
  if (after == state().allocations.begin()) return nullptr;
  --after;
  const Allocation& allocation = after->second;
  const std::uintptr_t offset = address - after->first;
  const bool inside = offset < allocation.bytes && bytes <= allocation.bytes - offset;
  return inside ? &allocation : nullptr;
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

namespace {

// Fresh memory holds NaN in every floating type: nobody may count on zeros.
constexpr int kFresh = 0xff;

cudaError_t allocate_pinned(Call& call, void** p, std::size_t bytes) {
  if (call.failed()) return call.error();
  if (p == nullptr) return call.give(cudaErrorInvalidValue);
  *p = nullptr;
  if (bytes == 0) return call.give(cudaSuccess);
  void* memory = nullptr;
  if (::posix_memalign(&memory, 4096, bytes) != 0) return call.give(cudaErrorMemoryAllocation);
  std::memset(memory, kFresh, bytes);
  state().allocations[reinterpret_cast<std::uintptr_t>(memory)] = {bytes, simt::current_device(),
                                                                   true};
  *p = memory;
  return call.give(cudaSuccess);
}

// The allocation that starts at p.
const Allocation* find(void* p, bool pinned) {
  const auto found = state().allocations.find(reinterpret_cast<std::uintptr_t>(p));
  if (found == state().allocations.end() || found->second.pinned != pinned) return nullptr;
  return &found->second;
}

}  // namespace

cudaError_t cudaMalloc(void** p, std::size_t bytes) {
  Call call("cudaMalloc");
  if (call.failed()) return call.error();
  if (p == nullptr) return call.give(cudaErrorInvalidValue);
  *p = nullptr;
  if (bytes == 0) return call.give(cudaSuccess);
  const int index = simt::current_device();
  Device& device = device_of(index);
  if (bytes > device.memory || device.used > device.memory - bytes) {
    return call.give(cudaErrorMemoryAllocation);
  }
  void* memory = simt::new_device_memory(bytes);
  if (memory == nullptr) return call.give(cudaErrorMemoryAllocation);
  std::memset(memory, kFresh, bytes);
  device.used += bytes;
  state().allocations[reinterpret_cast<std::uintptr_t>(memory)] = {bytes, index, false};
  simt::apply_host_access(memory, bytes);
  *p = memory;
  return call.give(cudaSuccess);
}

cudaError_t cudaFree(void* p) {
  Call call("cudaFree");
  if (call.failed()) return call.error();
  if (p == nullptr) return call.give(cudaSuccess);
  const Allocation* found = find(p, false);
  if (found == nullptr) return call.give(cudaErrorInvalidValue);
  Device& device = device_of(found->device);
  simt::count_wait();
  simt::finish(device);
  device.used -= found->bytes;
  simt::delete_device_memory(p, found->bytes);
  state().allocations.erase(reinterpret_cast<std::uintptr_t>(p));
  return call.give(cudaSuccess);
}

cudaError_t cudaMallocHost(void** p, std::size_t bytes) {
  Call call("cudaMallocHost");
  return allocate_pinned(call, p, bytes);
}
cudaError_t cudaHostAlloc(void** p, std::size_t bytes, unsigned flags) {
  Call call("cudaHostAlloc");
  constexpr unsigned kKnown =
      cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
  if (!call.failed() && (flags & ~kKnown) != 0) return call.give(cudaErrorInvalidValue);
  return allocate_pinned(call, p, bytes);
}

// Waits for all devices: queued copies may still read the memory.
cudaError_t cudaFreeHost(void* p) {
  Call call("cudaFreeHost");
  if (call.failed()) return call.error();
  if (p == nullptr) return call.give(cudaSuccess);
  if (find(p, true) == nullptr) return call.give(cudaErrorInvalidValue);
  simt::count_wait();
  for (int i = 0; i < state().device_count; ++i) simt::finish(device_of(i));
  state().allocations.erase(reinterpret_cast<std::uintptr_t>(p));
  std::free(p);
  return call.give(cudaSuccess);
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  Call call("cudaMemGetInfo");
  if (call.failed()) return call.error();
  if (free == nullptr || total == nullptr) return call.give(cudaErrorInvalidValue);
  const Device& device = device_of(simt::current_device());
  *free = device.memory > device.used ? device.memory - device.used : 0;
  *total = device.memory;
  return call.give(cudaSuccess);
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* p) {
  Call call("cudaPointerGetAttributes");
  if (call.failed()) return call.error();
  if (attributes == nullptr) return call.give(cudaErrorInvalidValue);
  *attributes = cudaPointerAttributes{};
  const Allocation* found = simt::allocation_at(p, 1);
  void* const address = const_cast<void*>(p);
  if (found == nullptr) {
    attributes->type = cudaMemoryTypeUnregistered;
    attributes->device = -2;  // as the runtime gives for memory that it does not know
    attributes->hostPointer = address;
  } else {
    attributes->type = found->pinned ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
    attributes->device = found->device;
    attributes->devicePointer = address;
    attributes->hostPointer = found->pinned ? address : nullptr;
  }
  return call.give(cudaSuccess);
}
