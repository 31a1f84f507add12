#include "support/dtype.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace lossmith_test {
namespace {

constexpr int kHalfExponent = 5;
constexpr int kHalfMantissa = 10;
constexpr int kBrainExponent = 8;
constexpr int kBrainMantissa = 7;

template <typename T>
double LoadAs(const void* address) {
  T value;
  std::memcpy(&value, address, sizeof value);
  return static_cast<double>(value);
}

template <typename T>
void StoreAs(double value, void* address) {
  const T element = static_cast<T>(value);
  std::memcpy(address, &element, sizeof element);
}

}  // namespace

lsm_dtype Abi(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return {LSM_FLOAT, 32, 1};
    case DType::kF64:
      return {LSM_FLOAT, 64, 1};
    case DType::kF16:
      return {LSM_FLOAT, 16, 1};
    case DType::kBF16:
      return {LSM_BFLOAT, 16, 1};
    case DType::kU8:
      return {LSM_UINT, 8, 1};
    case DType::kI32:
      return {LSM_INT, 32, 1};
    case DType::kI64:
      return {LSM_INT, 64, 1};
    case DType::kI8:
      return {LSM_INT, 8, 1};
  }
  return {};
}

size_t Bytes(DType dtype) { return Abi(dtype).bits / 8; }

const char* Name(DType dtype) {
  constexpr const char* kNames[] = {"f32", "f64", "f16", "bf16", "u8", "i32", "i64", "i8"};
  return kNames[static_cast<int>(dtype)];
}

double UnitRoundoff(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return std::ldexp(1.0, -24);
    case DType::kF64:
      return std::ldexp(1.0, -53);
    case DType::kF16:
      return std::ldexp(1.0, -kHalfMantissa - 1);
    case DType::kBF16:
      return std::ldexp(1.0, -kBrainMantissa - 1);
    default:
      return 0;
  }
}

uint16_t EncodeSmallFloat(double value, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const uint32_t infinity = ((1u << exponent_bits) - 1) << mantissa_bits;
  const uint32_t sign = std::signbit(value) ? 1u << (exponent_bits + mantissa_bits) : 0;
  if (std::isnan(value)) return sign | infinity | 1u << (mantissa_bits - 1);
  if (std::isinf(value)) return sign | infinity;
  const double magnitude = std::fabs(value);
  if (magnitude == 0) return sign;
  // In units of the last place the number is an integer; nearbyint rounds ties to even. A carry
  // into the next binade is a carry into the exponent field.
  const int exponent = std::max(std::ilogb(magnitude), 1 - bias);
  if (exponent > bias) return sign | infinity;
  const auto units =
      static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, mantissa_bits - exponent)));
  const uint32_t bits = (static_cast<uint32_t>(exponent + bias - 1) << mantissa_bits) + units;
  return sign | std::min(bits, infinity);
}

double DecodeSmallFloat(uint16_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int field = bits >> mantissa_bits & ((1 << exponent_bits) - 1);
  const int fraction = bits & ((1 << mantissa_bits) - 1);
  const double sign = bits >> (exponent_bits + mantissa_bits) ? -1.0 : 1.0;
  if (field == (1 << exponent_bits) - 1) {
    return fraction != 0 ? std::copysign(std::numeric_limits<double>::quiet_NaN(), sign)
                         : sign * std::numeric_limits<double>::infinity();
  }
  const int significand = field == 0 ? fraction : fraction + (1 << mantissa_bits);
  return sign * std::ldexp(significand, std::max(field, 1) - bias - mantissa_bits);
}

double Load(DType dtype, const void* address) {
  uint16_t bits;
  switch (dtype) {
    case DType::kF32:
      return LoadAs<float>(address);
    case DType::kF64:
      return LoadAs<double>(address);
    case DType::kF16:
      std::memcpy(&bits, address, sizeof bits);
      return DecodeSmallFloat(bits, kHalfExponent, kHalfMantissa);
    case DType::kBF16:
      std::memcpy(&bits, address, sizeof bits);
      return DecodeSmallFloat(bits, kBrainExponent, kBrainMantissa);
    case DType::kU8:
      return LoadAs<uint8_t>(address);
    case DType::kI32:
      return LoadAs<int32_t>(address);
    case DType::kI64:
      return LoadAs<int64_t>(address);
    case DType::kI8:
      return LoadAs<int8_t>(address);
  }
  return 0;
}

void Store(DType dtype, double value, void* address) {
  uint16_t bits;
  switch (dtype) {
    case DType::kF32:
      return StoreAs<float>(value, address);
    case DType::kF64:
      return StoreAs<double>(value, address);
    case DType::kF16:
      bits = EncodeSmallFloat(value, kHalfExponent, kHalfMantissa);
      std::memcpy(address, &bits, sizeof bits);
      return;
    case DType::kBF16:
      bits = EncodeSmallFloat(value, kBrainExponent, kBrainMantissa);
      std::memcpy(address, &bits, sizeof bits);
      return;
    case DType::kU8:
      return StoreAs<uint8_t>(value, address);
    case DType::kI32:
      return StoreAs<int32_t>(value, address);
    case DType::kI64:
      return StoreAs<int64_t>(value, address);
    case DType::kI8:
      return StoreAs<int8_t>(value, address);
  }
}

double Rounded(DType dtype, double value) {
  alignas(8) unsigned char element[8];
  Store(dtype, value, element);
  return Load(dtype, element);
}

std::vector<double> Rounded(DType dtype, std::vector<double> values) {
  for (double& value : values) value = Rounded(dtype, value);
  return values;
}

}  // namespace lossmith_test
