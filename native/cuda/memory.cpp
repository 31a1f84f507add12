#include "cuda/memory.h"

#include <cstring>
#include <memory>
#include <string>

#include "core/memory.h"
#include "core/status.h"
#include "cuda/devices.h"
#include "cuda/error.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr std::size_t kSmallestBlock = 512;

// "1 of 2 bytes of the device are free"
std::string device_memory_text() {
  std::size_t available = 0;
  std::size_t total = 0;
  if (cudaMemGetInfo(&available, &total) != cudaSuccess) {
    cudaGetLastError();
    return "the device does not say how much is free";
  }
  return std::to_string(available) + " of " + std::to_string(total) +
         " bytes of the device are free";
}

// Null where the device has no room; other errors are thrown.
void* try_malloc(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(error, "cudaMalloc");
  return memory;
}

}  // namespace

std::size_t DevicePool::block_size(std::size_t bytes) {
  std::size_t step = kSmallestBlock;
  while (step < bytes / 16) step *= 2;
  return (bytes + step - 1) / step * step;
}

void* DevicePool::allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const std::size_t size = block_size(bytes);
  if (size < bytes) throw_out_of_memory(bytes);
  const DeviceGuard guard(device_);
  mark_used(device_);
  const std::lock_guard<std::mutex> allocation(allocation_);
  void* memory = take_idle(size);
  if (memory == nullptr && has_pending(size)) {
    settle();
    memory = take_idle(size);
  }
  if (memory == nullptr) memory = ask_device(size, bytes);
  // From here on the block is nobody's: it goes back where something fails.
  try {
    zero(memory, bytes);
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    pending_.push_back({memory, size});
    bytes_.cached_bytes += static_cast<std::int64_t>(size);
    throw;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    bytes_.live_bytes += static_cast<std::int64_t>(size);
    if (bytes_.live_bytes > bytes_.peak_bytes) bytes_.peak_bytes = bytes_.live_bytes;
  }
  count_bytes(static_cast<std::int64_t>(bytes));
  return memory;
}

void DevicePool::release(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  const std::size_t size = block_size(bytes);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    pending_.push_back({memory, size});
    bytes_.live_bytes -= static_cast<std::int64_t>(size);
    bytes_.cached_bytes += static_cast<std::int64_t>(size);
  }
  count_bytes(-static_cast<std::int64_t>(bytes));
}

void* DevicePool::take_idle(std::size_t size) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto blocks = idle_.find(size);
  if (blocks == idle_.end() || blocks->second.empty()) return nullptr;
  void* memory = blocks->second.back();
  blocks->second.pop_back();
  bytes_.cached_bytes -= static_cast<std::int64_t>(size);
  return memory;
}

bool DevicePool::has_pending(std::size_t size) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const Block& block : pending_) {
    if (block.size == size) return true;
  }
  return false;
}

void DevicePool::settle() {
  std::size_t settled = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    settled = pending_.size();
  }
  // What is released while this waits may be in use by work that is queued meanwhile.
  check_queued(cudaDeviceSynchronize(), "waiting for the device to reuse memory");
  const std::lock_guard<std::mutex> lock(mutex_);
  while (settled > 0) {
    --settled;
    const Block block = pending_[settled];
    idle_[block.size].push_back(block.memory);
    pending_[settled] = pending_.back();
    pending_.pop_back();
  }
}

void DevicePool::give_back() {
  settle();
  std::map<std::size_t, std::vector<void*>> idle;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle.swap(idle_);
    for (const auto& [size, blocks] : idle) {
      bytes_.cached_bytes -= static_cast<std::int64_t>(size * blocks.size());
      blocks_ -= blocks.size();
    }
  }
  cudaError_t error = cudaSuccess;
  for (const auto& [size, blocks] : idle) {
    for (void* memory : blocks) {
      const cudaError_t one = cudaFree(memory);
      if (error == cudaSuccess) error = one;
    }
  }
  check(error, "cudaFree");
}

bool DevicePool::within_limit(std::size_t size, bool counting_cached) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (bytes_.limit_bytes == 0) return true;
  const std::int64_t held = bytes_.live_bytes + (counting_cached ? bytes_.cached_bytes : 0);
  return static_cast<std::int64_t>(size) <= bytes_.limit_bytes - held;
}

void* DevicePool::ask_device(std::size_t size, std::size_t bytes) {
  if (!within_limit(size, false)) throw_out_of_memory(bytes);
  if (!within_limit(size, true)) give_back();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    pending_.reserve(blocks_ + 1);
  }
  void* memory = try_malloc(size);
  if (memory == nullptr) {
    give_back();
    memory = try_malloc(size);
  }
  if (memory == nullptr) throw_out_of_memory(bytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  ++blocks_;
  return memory;
}

// On a stream of the pool's own: waiting for it waits for nobody's work. The block is idle, so no
// other stream has work on it.
void DevicePool::zero(void* memory, std::size_t bytes) {
  if (zero_stream_ == nullptr) {
    check(cudaStreamCreateWithFlags(&zero_stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  check(cudaMemsetAsync(memory, 0, bytes, zero_stream_), "cudaMemsetAsync");
  check_queued(cudaStreamSynchronize(zero_stream_), "waiting for memory to be zeroed");
}

void DevicePool::throw_out_of_memory(std::size_t bytes) const {
  const lsm_memory_pool pool = this->bytes();
  const std::string limit = pool.limit_bytes == 0
                                ? "no limit is set"
                                : "the limit is " + std::to_string(pool.limit_bytes) + " bytes";
  throw Error(LSM_OUT_OF_MEMORY,
              "memory: could not allocate " + std::to_string(bytes) + " bytes on cuda:" +
                  std::to_string(device_) + " (" + std::to_string(pool.live_bytes) +
                  " bytes of tensors are live, " + std::to_string(pool.cached_bytes) +
                  " bytes are kept for reuse, " + limit + ", " + device_memory_text() + ")");
}

void DevicePool::trim() {
  const DeviceGuard guard(device_);
  const std::lock_guard<std::mutex> allocation(allocation_);
  give_back();
}

void DevicePool::set_limit(std::int64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bytes_.limit_bytes = bytes;
}

lsm_memory_pool DevicePool::bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return bytes_;
}

DevicePool& pool_of(int device) {
  // Never destroyed: tensors may be released while the process ends, when CUDA is gone already.
  static auto& pools = *[] {
    auto* all = new std::vector<std::unique_ptr<DevicePool>>;
    for (std::size_t i = 0; i < devices().list.size(); ++i) {
      all->push_back(std::make_unique<DevicePool>(static_cast<int>(i)));
    }
    return all;
  }();
  return *pools[static_cast<std::size_t>(device)];
}

void* allocate_on_device(int device, std::size_t bytes, const char* what) {
  const DeviceGuard guard(device);
  void* memory = try_malloc(bytes);
  if (memory == nullptr) {
    pool_of(device).trim();
    memory = try_malloc(bytes);
  }
  if (memory == nullptr) {
    throw Error(LSM_OUT_OF_MEMORY, std::string(what) + ": could not allocate " +
                                       std::to_string(bytes) +
                                       " bytes on cuda:" + std::to_string(device) + " (" +
                                       std::to_string(pool_of(device).bytes().live_bytes) +
                                       " bytes of tensors are live, " + device_memory_text() + ")");
  }
  return memory;
}

void expect_reachable(int device, const void* memory) {
  const DeviceGuard guard(device);
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, memory), "data");
  const std::string expected = "memory that cuda:" + std::to_string(device) + " reaches";
  if (attributes.type == cudaMemoryTypeDevice && attributes.device != device) {
    reject("data", expected, "memory of cuda:" + std::to_string(attributes.device));
  }
  if (attributes.type != cudaMemoryTypeUnregistered) return;
  int reaches_all = 0;
  check(cudaDeviceGetAttribute(&reaches_all, cudaDevAttrPageableMemoryAccess, device), "data");
  if (reaches_all == 0) reject("data", expected, "pageable host memory");
}

void* allocate_pinned(int device, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const DeviceGuard guard(device);
  mark_used(device);
  void* memory = nullptr;
  const cudaError_t error = cudaHostAlloc(&memory, bytes, cudaHostAllocPortable);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw Error(LSM_OUT_OF_MEMORY,
                "memory: could not lock " + std::to_string(bytes) + " bytes of host memory (" +
                    std::to_string(host_memory().live_bytes) + " bytes of tensors are live)");
  }
  check(error, "cudaHostAlloc");
  try {
    count_host(bytes);
  } catch (...) {
    cudaFreeHost(memory);
    throw;
  }
  std::memset(memory, 0, bytes);
  return memory;
}

void release_pinned(int device, void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  wait_for_used_devices();
  int previous = device;
  cudaGetDevice(&previous);
  if (previous != device) cudaSetDevice(device);
  cudaFreeHost(memory);
  if (previous != device) cudaSetDevice(previous);
  cudaGetLastError();
  uncount_host(bytes);
}

}  // namespace cuda
}  // namespace lossmith
