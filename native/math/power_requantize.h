// From the integer sums of a power-quantized product to values and codes (lossmith/power_product.h):
// with y = s_x s_w / (Qx^2 Qw^2) A, a code of the output is at least j where
//
//     Q sqrt(y / s_out) >= j - 1/2   <=>   A >= s_out (2j-1)^2 Qx^2 Qw^2 / (4 Q^2 s_x s_w),
//
// A > 0, and a scale is a whole number times a power of two: the least such A is found in integers.
#ifndef LOSSMITH_MATH_POWER_REQUANTIZE_H_
#define LOSSMITH_MATH_POWER_REQUANTIZE_H_

#include <cmath>
#include <cstdint>

#include "core/dtype.h"
#include "core/host_device.h"

namespace lossmith {
namespace math {

// No sum reaches this: the threshold of a code that nothing reaches.
constexpr std::int32_t kNoSum = 0x7fffffff;

// A positive finite float as whole 2^power with 2^23 <= whole < 2^24.
struct Dyadic {
  std::uint64_t whole;
  int power;

  LSM_HD static Dyadic of(float v) {
    const std::uint32_t bits = bit_cast<std::uint32_t>(v);
    const int exponent = static_cast<int>(bits >> 23 & 0xffu);
    std::uint64_t whole = bits & 0x7fffffu;
    if (exponent > 0) return {whole | 0x800000u, exponent - 150};
    int power = -149;
    while (whole < 0x800000u) {
      whole <<= 1;
      --power;
    }
    return {whole, power};
  }
};

// The scales of one column of the output.
struct PowerColumn {
  float x_scale, w_scale, out_scale;  // the first two >= 0, the last > 0
  int x_largest, w_largest, out_largest;

  LSM_HD int largest_squares() const { return x_largest * x_largest * w_largest * w_largest; }

  // y / A.
  LSM_HD double factor() const {
    return static_cast<double>(x_scale) * static_cast<double>(w_scale) / largest_squares();
  }

  // The least A whose code is j or more, 1 <= j <= out_largest <= 255; kNoSum where it is beyond
  // every sum. In integers numerator 2^shift / denominator, rounded up: the numerator is between
  // 2^23 and 2^56, the denominator between 2^46 and 2^64.
  LSM_HD std::int32_t threshold(int j) const {
    if (!(x_scale > 0 && w_scale > 0)) return kNoSum;
    const Dyadic x = Dyadic::of(x_scale);
    const Dyadic w = Dyadic::of(w_scale);
    const Dyadic out = Dyadic::of(out_scale);
    using Wide = unsigned __int128;
    const int odd = 2 * j - 1;
    Wide numerator = static_cast<Wide>(out.whole) * static_cast<std::uint64_t>(odd * odd) *
                     static_cast<std::uint64_t>(largest_squares());
    Wide denominator = static_cast<Wide>(x.whole * w.whole) *
                       static_cast<std::uint64_t>(out_largest * out_largest);
    const int shift = out.power - x.power - w.power - 2;
    if (shift > 71) return kNoSum;  // numerator 2^72 >= 2^95 > 2^31 denominator
    if (shift < -60) return 1;      // numerator < denominator
    if (shift >= 0) {
      numerator <<= shift;
    } else {
      denominator <<= -shift;
    }
    const Wide least = (numerator + denominator - 1) / denominator;
    return least < static_cast<Wide>(kNoSum) ? static_cast<std::int32_t>(least) : kNoSum;
  }

  // The c of power_code's guess Q sqrt(y / s_out) = sqrt(c A); no larger than what clips the code of
  // every A.
  LSM_HD float guess() const {
    const double largest = static_cast<double>(out_largest) * out_largest;
    const double c = largest * factor() / static_cast<double>(out_scale);
    return static_cast<float>(c < 4 * largest ? c : 4 * largest);
  }
};

// The magnitude of a sum's code; c = column.guess(). The guess in f32 is off by less than 1e-4: where
// it lies nearer than 1e-3 to where the code changes, the threshold decides.
LSM_HD inline int power_code(const PowerColumn& column, float c, std::int32_t magnitude) {
  const float u = sqrtf(c * static_cast<float>(magnitude)) + 0.5f;
  if (u >= static_cast<float>(column.out_largest) + 0.5f) return column.out_largest;
  const int nearest = static_cast<int>(u + 0.5f);
  const float distance = u - static_cast<float>(nearest);
  if (distance > -1e-3f && distance < 1e-3f) {
    return magnitude >= column.threshold(nearest) ? nearest : nearest - 1;
  }
  return distance < 0 ? nearest - 1 : nearest;
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_POWER_REQUANTIZE_H_
