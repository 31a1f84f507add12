// The integer product of power codes, compiled per instruction set: codes become the integers
// sign(q) q^2 in 16 bits, of which pairs of products are added in one instruction everywhere.
#ifndef LOSSMITH_CPU_KERNELS_POWER_INTEGER_H_
#define LOSSMITH_CPU_KERNELS_POWER_INTEGER_H_

#include <cstdint>

#include "math/power_requantize.h"

namespace lossmith {

// Rows of integers are this long, or a multiple of it, with zeros at the end.
constexpr std::int64_t kIntegerUnit = 32;

struct PowerIntegerKernels {
  // sign(q) q^2 of n codes, |q| at most `largest`, and zeros up to `length`.
  void (*square_signed)(const std::int8_t* codes, int largest, std::int64_t n, std::int64_t length,
                        std::int16_t* to);
  void (*square_unsigned)(const std::uint8_t* codes, int largest, std::int64_t n,
                          std::int64_t length, std::int16_t* to);
  // The same of the fields of 2, 3 or 4 bits that begin at a whole number of kIntegerUnit fields; at
  // most `bytes` bytes are there.
  void (*unpack)(const std::uint8_t* codes, int bits, std::int64_t bytes, std::int64_t length,
                 std::int16_t* to);
  // sums[i * ld + j] = or += sum_k x_ik w_jk for m rows of x and n rows of w.
  void (*multiply)(const std::int16_t* x, std::int64_t ldx, std::int64_t m, const std::int16_t* w,
                   std::int64_t ldw, std::int64_t n, std::int64_t length, bool accumulate,
                   std::int32_t* sums, std::int64_t ld);
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_INTEGER_H_
