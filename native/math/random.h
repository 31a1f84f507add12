// Philox4x32-10, a counter-based generator: 128 random bits for every pair of a counter and a key,
// without a state, so that they depend neither on the order of the work nor on the device.
// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
#ifndef LOSSMITH_MATH_RANDOM_H_
#define LOSSMITH_MATH_RANDOM_H_

#include <cstdint>

#include "core/host_device.h"

namespace lossmith {
namespace math {

// Four words: a counter, and the random bits that it gives.
struct Philox {
  std::uint32_t a, b, c, d;
};

// The counter of two numbers of 64 bits, low words first.
LSM_HD inline Philox philox_counter(std::uint64_t low, std::uint64_t high) {
  return {static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(low >> 32),
          static_cast<std::uint32_t>(high), static_cast<std::uint32_t>(high >> 32)};
}

LSM_HD inline Philox philox_round(const Philox& x, std::uint32_t key_a, std::uint32_t key_b) {
  const std::uint64_t from_a = std::uint64_t{0xD2511F53u} * x.a;
  const std::uint64_t from_c = std::uint64_t{0xCD9E8D57u} * x.c;
  return {
      static_cast<std::uint32_t>(from_c >> 32) ^ x.b ^ key_a, static_cast<std::uint32_t>(from_c),
      static_cast<std::uint32_t>(from_a >> 32) ^ x.d ^ key_b, static_cast<std::uint32_t>(from_a)};
}

// Ten rounds; the key moves by the golden ratio and by sqrt(3) - 1. Written without a loop, so that
// a loop over counters becomes vector code.
LSM_HD inline Philox philox4x32(Philox x, std::uint64_t key) {
  const std::uint32_t a = static_cast<std::uint32_t>(key);
  const std::uint32_t b = static_cast<std::uint32_t>(key >> 32);
  constexpr std::uint32_t kStepA = 0x9E3779B9u;
  constexpr std::uint32_t kStepB = 0xBB67AE85u;
  x = philox_round(x, a, b);
  x = philox_round(x, a + kStepA, b + kStepB);
  x = philox_round(x, a + 2 * kStepA, b + 2 * kStepB);
  x = philox_round(x, a + 3 * kStepA, b + 3 * kStepB);
  x = philox_round(x, a + 4 * kStepA, b + 4 * kStepB);
  x = philox_round(x, a + 5 * kStepA, b + 5 * kStepB);
  x = philox_round(x, a + 6 * kStepA, b + 6 * kStepB);
  x = philox_round(x, a + 7 * kStepA, b + 7 * kStepB);
  x = philox_round(x, a + 8 * kStepA, b + 8 * kStepB);
  return philox_round(x, a + 9 * kStepA, b + 9 * kStepB);
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_RANDOM_H_
