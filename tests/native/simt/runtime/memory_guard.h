// Device memory is out of the host's reach, except while work of a device runs.
#ifndef LOSSMITH_SIMT_RUNTIME_MEMORY_GUARD_H_
#define LOSSMITH_SIMT_RUNTIME_MEMORY_GUARD_H_

#include <cstddef>

namespace lossmith {
namespace cuda {
namespace simt {

// Memory of the given size that ends at a guard; null if there is none. Multiples of 256 bytes.
void* new_device_memory(std::size_t bytes);
void delete_device_memory(void* p, std::size_t bytes);

// While one of these lives, the memory of all devices can be accessed.
class MemoryOpening {
 public:
  MemoryOpening();
  ~MemoryOpening();
  MemoryOpening(const MemoryOpening&) = delete;
  MemoryOpening& operator=(const MemoryOpening&) = delete;
};

// Opens or closes everything, or one allocation, as State::host_access now says.
void apply_host_access();
void apply_host_access(void* p, std::size_t bytes);

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_RUNTIME_MEMORY_GUARD_H_
