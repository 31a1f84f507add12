// Element types of the tests: an independent, slow and exact conversion between f64 and every
// element type of the C ABI. Nothing here is shared with the library.
#ifndef LOSSMITH_TESTS_SUPPORT_DTYPE_H_
#define LOSSMITH_TESTS_SUPPORT_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lossmith/base.h"

namespace lossmith_test {

enum class DType { kF32, kF64, kF16, kBF16, kU8, kI32, kI64, kI8 };

lsm_dtype Abi(DType dtype);
size_t Bytes(DType dtype);
const char* Name(DType dtype);

// Half the distance from 1 to the next larger number: the relative rounding error.
double UnitRoundoff(DType dtype);

// Bits of the binary floating-point number nearest to `value` (ties to even) with the given widths
// of exponent and mantissa; at most 16 bits in all. Overflow gives infinity, NaN a quiet NaN.
uint16_t EncodeSmallFloat(double value, int exponent_bits, int mantissa_bits);
double DecodeSmallFloat(uint16_t bits, int exponent_bits, int mantissa_bits);

// Reads and writes one element; `address` may be unaligned.
double Load(DType dtype, const void* address);
void Store(DType dtype, double value, void* address);

// `value` as it comes back from an element of that type.
double Rounded(DType dtype, double value);
std::vector<double> Rounded(DType dtype, std::vector<double> values);

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_DTYPE_H_
