// The arrays in the shared memory of the running block.
#ifndef LOSSMITH_SIMT_EXECUTOR_SHARED_STATE_H_
#define LOSSMITH_SIMT_EXECUTOR_SHARED_STATE_H_

#include <cstdint>
#include <string>

#include "simt/shared_check.h"

namespace lossmith {
namespace cuda {
namespace simt {

// The highest clock that a stamp can hold, below that of kSplit.
constexpr std::uint32_t kLastClock = (0xffffffffu >> kWhoBits) - 1;

// No static arrays yet, and this much dynamic memory.
void start_shared(std::uint32_t dynamic_bytes);
// Clocks start anew: every cell as never written.
void forget_all_accesses();

// "name[index]", or "dynamic shared memory, byte N"
std::string name_of_element(std::int64_t offset, std::uint32_t array, std::uint32_t element);

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_EXECUTOR_SHARED_STATE_H_
