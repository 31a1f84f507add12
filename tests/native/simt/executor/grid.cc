#include "executor/grid.h"

#include <numeric>

namespace lossmith {
namespace cuda {
namespace simt {

// A seed visits block (start + i step) mod count at turn i, with a step prime to the count: an
// order that reaches every block and needs no memory.
bool run_grid(const Launch& launch, std::uint64_t seed) {
  const std::uint64_t x = launch.grid.x, y = launch.grid.y;
  const std::uint64_t count = x * y * launch.grid.z;
  std::uint64_t start = 0, step = 1;
  if (seed != 0 && count > 1) {
    Random random(seed);
    start = random.below(count);
    do {
      step = 1 + random.below(count < (1u << 30) ? count : (1u << 30));
    } while (std::gcd(step, count) != 1);
  }
  std::uint64_t at = start;
  for (std::uint64_t i = 0; i < count; ++i, at = (at + step) % count) {
    const uint3 index = {static_cast<unsigned>(at % x), static_cast<unsigned>(at / x % y),
                         static_cast<unsigned>(at / x / y)};
    if (!Block::instance().run(launch, index, seed)) return false;
  }
  return true;
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
