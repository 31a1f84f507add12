// Aligned memory with accounting: the only place where the library allocates tensor data.
#ifndef LOSSMITH_CORE_MEMORY_H_
#define LOSSMITH_CORE_MEMORY_H_

#include <cstddef>
#include <cstdint>

namespace lossmith {

// A cache line, and the widest vector.
constexpr std::size_t kAlignment = 64;

// Zeroed, kAlignment-aligned memory; throws Error(LSM_OUT_OF_MEMORY) naming the bytes.
// Zero bytes give a null pointer.
void* allocate_zeroed(std::size_t bytes);
void release(void* memory, std::size_t bytes) noexcept;

void count_tensor(std::int64_t tensors) noexcept;
std::int64_t live_bytes() noexcept;
std::int64_t live_tensors() noexcept;

}  // namespace lossmith

#endif  // LOSSMITH_CORE_MEMORY_H_
