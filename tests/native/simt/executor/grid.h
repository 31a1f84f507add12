// All blocks of a launch, one after another.
#ifndef LOSSMITH_SIMT_EXECUTOR_GRID_H_
#define LOSSMITH_SIMT_EXECUTOR_GRID_H_

#include <cstdint>

#include "executor/block.h"

namespace lossmith {
namespace cuda {
namespace simt {

// False if a rule was broken, which ends the launch. Seed 0: blocks and threads in ascending order.
bool run_grid(const Launch& launch, std::uint64_t seed);

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_EXECUTOR_GRID_H_
