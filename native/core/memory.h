// Aligned host memory with accounting, and the account of tensor memory on all devices.
#ifndef LOSSMITH_CORE_MEMORY_H_
#define LOSSMITH_CORE_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "lossmith/tensor.h"

namespace lossmith {

// A cache line, and the widest vector.
constexpr std::size_t kAlignment = 64;

// Zeroed, kAlignment-aligned host memory; throws Error(LSM_OUT_OF_MEMORY) naming the bytes.
// Zero bytes give a null pointer.
void* allocate_zeroed(std::size_t bytes);
void release(void* memory, std::size_t bytes) noexcept;

// The account of host memory that tensors hold, for memory from elsewhere: count_host throws
// Error(LSM_OUT_OF_MEMORY) beyond the limit, and has counted nothing then.
void count_host(std::size_t bytes);
void uncount_host(std::size_t bytes) noexcept;
lsm_memory_pool host_memory();
void set_host_limit(std::int64_t bytes);

// The account over all devices. Host memory is counted there by the functions above.
void count_bytes(std::int64_t bytes) noexcept;
void count_tensor(std::int64_t tensors) noexcept;
std::int64_t live_bytes() noexcept;
std::int64_t live_tensors() noexcept;

}  // namespace lossmith

#endif  // LOSSMITH_CORE_MEMORY_H_
