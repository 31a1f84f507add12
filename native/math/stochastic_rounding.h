// Rounding of f32 to 16 bits at random: up, away from zero, with the probability that makes the
// mean exact. `random` holds 16 uniform bits.
#ifndef LOSSMITH_MATH_STOCHASTIC_ROUNDING_H_
#define LOSSMITH_MATH_STOCHASTIC_ROUNDING_H_

#include <cstdint>

#include "core/dtype.h"

namespace lossmith {
namespace math {

// Columns of a row that share the bits of one counter (lossmith/update.h).
constexpr int kRandomGroup = 8;

LSM_HD inline std::uint64_t random_groups(std::int64_t width) {
  return (static_cast<std::uint64_t>(width) + kRandomGroup - 1) / kRandomGroup;
}

// The random bits are added below the last bit of the result; what carries is rounded up.
LSM_HD inline void round_at_random(float value, std::uint32_t random, bfloat16* rounded) {
  const std::uint32_t bits = bit_cast<std::uint32_t>(value);
  const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
  const std::uint16_t carried = static_cast<std::uint16_t>((bits + random) >> 16);
  rounded->bits = finite ? carried : to_bfloat16(value).bits;
}

LSM_HD inline void round_at_random(float value, std::uint32_t random, float16* rounded) {
  const std::uint32_t bits = bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x47800000u) {  // 2^16 and more, NaN
    *rounded = to_float16(value);
    return;
  }
  if (magnitude >= 0x38800000u) {  // 2^-14: 13 bits go
    const std::uint32_t carried = magnitude - 0x38000000u + (random >> 3);
    rounded->bits = static_cast<std::uint16_t>(sign | (carried >> 13));
    return;
  }
  // A subnormal result is a multiple of 2^-24, in which all of this is exact.
  const float quanta = bit_cast<float>(magnitude) * 16777216.0f;
  const std::uint32_t whole = static_cast<std::uint32_t>(quanta);
  const float rest = (quanta - static_cast<float>(whole)) * 65536.0f;
  const std::uint32_t up = static_cast<float>(random) + 0.5f < rest ? 1u : 0u;
  rounded->bits = static_cast<std::uint16_t>(sign | (whole + up));
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_STOCHASTIC_ROUNDING_H_
