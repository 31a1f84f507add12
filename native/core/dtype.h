// Element types, and the 16-bit floats as plain storage types with exact conversions. Kernels use
// the device's own instructions for f16, which give the same numbers (NaN keeps no payload there).
#ifndef LOSSMITH_CORE_DTYPE_H_
#define LOSSMITH_CORE_DTYPE_H_

#include <cstdint>
#include <cstring>

#include "core/host_device.h"
#include "lossmith/base.h"

namespace lossmith {

enum class Type : std::uint8_t { f32, f64, f16, bf16, u8, i32, i64, i8 };

// Throws for a type that the library does not know, naming the argument.
Type type_of(const lsm_dtype& dtype, const char* argument);
lsm_dtype dtype_of(Type type);
const char* name_of(Type type);
int bytes_of(Type type);
inline bool is_floating(Type type) {
  return type == Type::f32 || type == Type::f64 || type == Type::f16 || type == Type::bf16;
}

template <class To, class From>
LSM_HD inline To bit_cast(const From& from) {
  static_assert(sizeof(To) == sizeof(From), "bit_cast needs types of one size");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

struct bfloat16 {
  std::uint16_t bits;
};
struct float16 {
  std::uint16_t bits;
};

LSM_HD inline float to_float(float v) { return v; }
LSM_HD inline float to_float(double v) { return static_cast<float>(v); }
LSM_HD inline float to_float(bfloat16 v) {
  return bit_cast<float>(static_cast<std::uint32_t>(v.bits) << 16);
}
LSM_HD inline float to_float(float16 v) {
#if defined(__CUDA_ARCH__)
  float converted;
  asm("cvt.f32.f16 %0, %1;" : "=f"(converted) : "h"(v.bits));
  return converted;
#else
  const std::uint32_t sign = static_cast<std::uint32_t>(v.bits & 0x8000u) << 16;
  const std::uint32_t exponent = (v.bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = v.bits & 0x3ffu;
  if (exponent == 0x1fu) {  // infinity, NaN: the payload keeps its place
    return bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  }
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24 is exact in f32
    const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-8f;
    return bit_cast<float>(sign | bit_cast<std::uint32_t>(magnitude));
  }
  return bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
#endif
}

// Round to nearest, ties to even; NaN stays NaN (quiet).
LSM_HD inline bfloat16 to_bfloat16(float v) {
  const std::uint32_t bits = bit_cast<std::uint32_t>(v);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  }
  const std::uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  return {static_cast<std::uint16_t>(rounded >> 16)};
}
LSM_HD inline float16 to_float16(float v) {
#if defined(__CUDA_ARCH__)
  float16 converted;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(converted.bits) : "f"(v));
  return converted;
#else
  const std::uint32_t bits = bit_cast<std::uint32_t>(v);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return {static_cast<std::uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu))};
  }
  if (magnitude >= 0x477ff000u) return {static_cast<std::uint16_t>(sign | 0x7c00u)};
  if (magnitude < 0x38800000u) {
    // Subnormal result: adding 0.5 puts the rounding position of f16 at the end of the f32
    // mantissa, so that the hardware rounds to nearest even.
    const float shifted = bit_cast<float>(magnitude) + 0.5f;
    return {static_cast<std::uint16_t>(sign | (bit_cast<std::uint32_t>(shifted) - 0x3f000000u))};
  }
  const std::uint32_t rounded = magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u);
  return {static_cast<std::uint16_t>(sign | (rounded >> 13))};
#endif
}

// Conversion of one element. f64 to a 16-bit type goes through f32 rounded to odd, so that the
// second rounding cannot see a tie that the first one made.
LSM_HD inline float narrow_to_odd(double v) {
  const float nearest = static_cast<float>(v);
  const double back = static_cast<double>(nearest);
  if (back == v || back != back || nearest - nearest != 0.0f) return nearest;
  const std::uint32_t bits = bit_cast<std::uint32_t>(nearest);
  if (bits & 1u) return nearest;
  const bool grow = (back < v) == (v > 0);
  return bit_cast<float>(grow ? bits + 1u : bits - 1u);
}

template <class To>
struct Convert;
template <>
struct Convert<float> {
  template <class From>
  LSM_HD static float from(From v) {
    return to_float(v);
  }
};
template <>
struct Convert<double> {
  LSM_HD static double from(double v) { return v; }
  template <class From>
  LSM_HD static double from(From v) {
    return static_cast<double>(to_float(v));
  }
};
template <>
struct Convert<bfloat16> {
  LSM_HD static bfloat16 from(bfloat16 v) { return v; }
  LSM_HD static bfloat16 from(double v) { return to_bfloat16(narrow_to_odd(v)); }
  template <class From>
  LSM_HD static bfloat16 from(From v) {
    return to_bfloat16(to_float(v));
  }
};
template <>
struct Convert<float16> {
  LSM_HD static float16 from(float16 v) { return v; }
  LSM_HD static float16 from(double v) { return to_float16(narrow_to_odd(v)); }
  template <class From>
  LSM_HD static float16 from(From v) {
    return to_float16(to_float(v));
  }
};

// Calls f with a value of the C++ type that stores elements of a floating type.
template <class F>
auto dispatch_floating(Type type, F&& f) {
  switch (type) {
    case Type::f64:
      return f(double{});
    case Type::f16:
      return f(float16{});
    case Type::bf16:
      return f(bfloat16{});
    default:
      return f(float{});
  }
}

}  // namespace lossmith

#endif  // LOSSMITH_CORE_DTYPE_H_
