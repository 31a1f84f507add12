// Memory of tensors: a pool for each device, and page-locked host memory.
//
// Memory of a destroyed tensor may still be in use by work that is queued on any stream. A released
// block is therefore pending until the device has been synchronised, then idle; only idle blocks
// are handed out. An allocation takes an idle block of its size, else waits once for the device if a
// pending block would do, else asks the device. So a destroyed tensor costs no wait, and a loop
// that makes and destroys tensors of the same sizes no allocation.
#ifndef LOSSMITH_CUDA_MEMORY_H_
#define LOSSMITH_CUDA_MEMORY_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "lossmith/tensor.h"

namespace lossmith {
namespace cuda {

class DevicePool {
 public:
  explicit DevicePool(int device) : device_(device) {}
  DevicePool(const DevicePool&) = delete;
  DevicePool& operator=(const DevicePool&) = delete;

  // Zeroed memory; throws LSM_OUT_OF_MEMORY with all numbers, LSM_DEVICE_ERROR, LSM_DEVICE_FATAL.
  // Zero bytes give a null pointer.
  void* allocate(std::size_t bytes);
  // Does not wait and does not call CUDA.
  void release(void* memory, std::size_t bytes) noexcept;

  // Waits for the device and gives it all blocks back that nobody holds.
  void trim();
  void set_limit(std::int64_t bytes);
  lsm_memory_pool bytes() const;

  // Bytes that an allocation of `bytes` holds: sizes are rounded up, by less than an eighth where
  // they are not small, so that tensors of similar sizes reuse each other's blocks.
  static std::size_t block_size(std::size_t bytes);

 private:
  struct Block {
    void* memory;
    std::size_t size;
  };

  void* take_idle(std::size_t size);
  bool has_pending(std::size_t size) const;
  void settle();     // waits for the device: pending blocks become idle
  void give_back();  // settles and frees all idle blocks
  void* ask_device(std::size_t size, std::size_t bytes);
  bool within_limit(std::size_t size, bool counting_cached) const;
  void zero(void* memory, std::size_t bytes);
  [[noreturn]] void throw_out_of_memory(std::size_t bytes) const;

  const int device_;
  std::mutex allocation_;     // one allocation, or one trim, at a time; they may wait
  mutable std::mutex mutex_;  // the members below, held for moments
  std::map<std::size_t, std::vector<void*>> idle_;
  std::vector<Block> pending_;  // capacity for every block there is, so that release cannot fail
  std::size_t blocks_ = 0;      // live, idle and pending
  lsm_memory_pool bytes_{};
  cudaStream_t zero_stream_ = nullptr;  // under allocation_
};

DevicePool& pool_of(int device);

// Memory of the device outside the pool, contents undefined. What the pool keeps is given up first.
// Throws LSM_OUT_OF_MEMORY: "what: could not allocate ...".
void* allocate_on_device(int device, std::size_t bytes, const char* what);

// Throws LSM_INVALID_ARGUMENT unless the device reaches foreign memory at this address.
void expect_reachable(int device, const void* memory);

// Zeroed page-locked memory, counted as host memory; every device may copy from and to it.
void* allocate_pinned(int device, std::size_t bytes);
// Waits for the devices in use first.
void release_pinned(int device, void* memory, std::size_t bytes) noexcept;

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_MEMORY_H_
