// Elements side by side in other forms, compiled per instruction set: other floating types, packed bit
// fields, and their extremes.
#ifndef LOSSMITH_CPU_KERNELS_ELEMENTS_H_
#define LOSSMITH_CPU_KERNELS_ELEMENTS_H_

#include <cstdint>

#include "core/dtype.h"

namespace lossmith {

struct ElementKernels {
  using Convert = void (*)(const void* from, void* to, std::int64_t n);
  // To and from f32, by the other type in the order of Type: f32, f64, f16, bf16.
  Convert widen[4];
  Convert narrow[4];

  // Fields of 2, 3 or 4 bits, one a byte, into a bit stream that begins at a byte and back; the first
  // field has the lowest bits. The rest of the last byte is 0.
  void (*pack)(int bits, const std::uint8_t* fields, std::uint8_t* stream, std::int64_t n);
  void (*unpack)(int bits, const std::uint8_t* stream, std::uint8_t* fields, std::int64_t n);

  // The smallest and largest of what *low and *high hold and the elements; NaN wins.
  void (*extremes)(const float* x, std::int64_t n, float* low, float* high);
  // The same for every column.
  void (*column_extremes)(const float* x, std::int64_t n, float* low, float* high);
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_ELEMENTS_H_
