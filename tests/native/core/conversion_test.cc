// Conversions between element types, bit by bit: round to nearest even, subnormals, overflow,
// NaN and infinity. The expected bits come from the exact encoder of the tests.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "lossmith/tensor.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/host_tensor.h"
#include "support/mirror.h"

namespace lossmith_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> Converted(DType from, DType to, const std::vector<double>& values) {
  const int64_t count = static_cast<int64_t>(values.size());
  HostTensor source(from, {count}, values);
  HostTensor target(to, {count});
  const Context context;
  Mirror device;
  EXPECT_EQ(lsm_tensor_copy(context, device.View(&source), device.View(&target)), LSM_OK)
      << lsm_last_error();
  device.Return(context);
  return target.Values();
}

void ExpectSame(const std::vector<double>& got, const std::vector<double>& expected,
                const std::vector<double>& sources) {
  int failures = 0;
  for (size_t i = 0; i < got.size() && failures < 5; ++i) {
    const bool same =
        std::isnan(expected[i])
            ? std::isnan(got[i])
            : got[i] == expected[i] && std::signbit(got[i]) == std::signbit(expected[i]);
    if (same) continue;
    ++failures;
    ADD_FAILURE() << std::hexfloat << sources[i] << " became " << got[i] << " instead of "
                  << expected[i];
  }
}

void ExpectRounded(DType from, DType to, const std::vector<double>& values) {
  const std::vector<double> sources = Rounded(from, values);
  ExpectSame(Converted(from, to, sources), Rounded(to, sources), sources);
}

// Values around every kind of boundary of the target: ties and their neighbours.
std::vector<double> Boundaries(DType target) {
  const int mantissa = target == DType::kF16 ? 10 : 7;
  const int lowest = target == DType::kF16 ? -24 : -133;
  const double largest = target == DType::kF16 ? 65504 : std::ldexp(255, 120);
  std::vector<double> values = {0.0, kInfinity, kNaN, largest, largest * (1 + std::ldexp(1, -20))};
  // The tie between the largest number and the next power of two, which becomes infinity.
  const double tie = largest + std::ldexp(largest, -mantissa - 2);
  for (double value : {tie, std::nextafter(tie, 0.0), std::nextafter(tie, kInfinity)}) {
    values.push_back(value);
  }
  for (int step = 1; step <= 64; ++step) {
    for (int exponent : {0, 1, -1, 7, lowest, lowest + 1, lowest + mantissa}) {
      // Half steps of the target: every second one is a tie.
      const int quantum = exponent <= lowest + mantissa ? lowest : exponent - mantissa;
      const double half = std::ldexp(step + std::ldexp(1, mantissa + 1), quantum - 1);
      const double small = std::ldexp(step, lowest - 1);
      for (double value : {half, small}) {
        for (int toward : {-1, 0, 1}) {
          values.push_back(static_cast<double>(std::nextafterf(
              static_cast<float>(value), toward * std::numeric_limits<float>::max())));
          values.push_back(value * (1 + toward * 0x1p-50));
        }
      }
    }
  }
  const size_t count = values.size();
  for (size_t i = 0; i < count; ++i) values.push_back(-values[i]);
  return values;
}

std::vector<double> RandomFloats(size_t count) {
  std::mt19937 engine(5);
  std::vector<double> values;
  while (values.size() < count) {
    const uint32_t bits = engine();
    float value;
    std::memcpy(&value, &bits, sizeof value);
    values.push_back(value);
  }
  return values;
}

// Normal magnitudes, where f16 has most of its numbers.
std::vector<double> RandomModerateFloats(size_t count) {
  std::mt19937_64 engine(6);
  std::vector<double> values;
  while (values.size() < count) {
    const double mantissa = std::ldexp(static_cast<double>(engine() >> 11), -53) + 1;
    const int exponent = static_cast<int>(engine() % 44) - 27;
    values.push_back(std::ldexp(engine() & 1 ? mantissa : -mantissa, exponent));
  }
  return values;
}

class ToHalfPrecision : public ::testing::TestWithParam<std::tuple<DType, DType>> {};

TEST_P(ToHalfPrecision, RoundsBoundariesToNearestEven) {
  const auto [from, to] = GetParam();
  ExpectRounded(from, to, Boundaries(to));
}

TEST_P(ToHalfPrecision, RoundsRandomNumbersToNearestEven) {
  const auto [from, to] = GetParam();
  ExpectRounded(from, to, RandomFloats(200000));
  ExpectRounded(from, to, RandomModerateFloats(200000));
}

INSTANTIATE_TEST_SUITE_P(Conversion, ToHalfPrecision,
                         ::testing::Combine(::testing::Values(DType::kF32, DType::kF64),
                                            ::testing::Values(DType::kF16, DType::kBF16)),
                         [](const auto& instance) {
                           return std::string(Name(std::get<0>(instance.param))) + "_" +
                                  Name(std::get<1>(instance.param));
                         });

std::vector<double> EveryNumber(DType dtype) {
  std::vector<double> values(65536);
  for (int bits = 0; bits < 65536; ++bits) {
    const auto element = static_cast<uint16_t>(bits);
    values[bits] = Load(dtype, &element);
  }
  return values;
}

TEST(Conversion, WidensEveryHalfPrecisionNumberExactly) {
  for (DType from : {DType::kF16, DType::kBF16}) {
    const std::vector<double> values = EveryNumber(from);
    for (DType to : {DType::kF32, DType::kF64}) {
      ExpectSame(Converted(from, to, values), values, values);
    }
  }
}

TEST(Conversion, CrossesBetweenTheHalfPrecisionTypes) {
  ExpectRounded(DType::kF16, DType::kBF16, EveryNumber(DType::kF16));
  ExpectRounded(DType::kBF16, DType::kF16, EveryNumber(DType::kBF16));
}

TEST(Conversion, SingleToDoubleIsExactAndBackTheSame) {
  const std::vector<double> values = RandomFloats(100000);
  ExpectSame(Converted(DType::kF32, DType::kF64, values), values, values);
  ExpectSame(Converted(DType::kF64, DType::kF32, values), values, values);
  ExpectRounded(DType::kF64, DType::kF32,
                {1 + 0x1p-24, 1 + 0x1p-24 + 0x1p-50, 1 + 0x3p-24, 1e300, -1e300, 1e-46, kNaN,
                 -kInfinity, 0x1p-149, 0x1.8p-149, -0.0});
}

// A number just above a tie must not be rounded to the tie first and then to even.
TEST(Conversion, DoubleToHalfPrecisionRoundsOnce) {
  EXPECT_EQ(Converted(DType::kF64, DType::kBF16, {1 + 0x1p-8 + 0x1p-40}),
            (std::vector<double>{1 + 0x1p-7}));
  EXPECT_EQ(Converted(DType::kF64, DType::kF16, {1 + 0x1p-11 + 0x1p-40}),
            (std::vector<double>{1 + 0x1p-10}));
}

TEST(Conversion, IntegersCopyToThemselves) {
  const std::vector<double> bytes = {0, 1, 127, 128, 255};
  const std::vector<double> words = {0, 1, -1, 127, -128, 32767, -40000, 16777216};
  EXPECT_EQ(Converted(DType::kU8, DType::kU8, bytes), bytes);
  EXPECT_EQ(Converted(DType::kI32, DType::kI32, words), words);
  EXPECT_EQ(Converted(DType::kI64, DType::kI64, words), words);
}

TEST(Conversion, IntegersAndOtherTypesDoNotMix) {
  const Context context;
  const DType pairs[][2] = {{DType::kU8, DType::kF32},
                            {DType::kF64, DType::kI64},
                            {DType::kI32, DType::kI64},
                            {DType::kU8, DType::kI32}};
  for (const auto& [from, to] : pairs) {
    HostTensor source(from, {2}, std::vector<double>{1, 2});
    HostTensor target(to, {2});
    Mirror device;
    EXPECT_TRUE(Rejects(lsm_tensor_copy(context, device.View(&source), device.View(&target)),
                        "target", Name(to)));
    device.Return(context);
    EXPECT_TRUE(target.Untouched());
  }
}

}  // namespace
}  // namespace lossmith_test
