// The kernels of the integer product against plain sums: ragged sizes, both ways to multiply, tiles of
// both sizes, several blocks, and budgets that make them smaller.
#include <gtest/gtest.h>

#include <cstdlib>

#include "cuda/device_array.h"
#include "cuda/power_integer_kernels.h"
#include "lossmith/power_product.h"
#include "simt/control.h"
#include "support/context.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

using lossmith::cuda::ByteMatrix;
using lossmith::cuda::CodeMatrix;
using lossmith::cuda::DeviceFacts;
using lossmith::cuda::IntegerEnd;
namespace simt = lossmith::cuda::simt;

const int kDeviceIsSet =
    setenv("LOSSMITH_TEST_DEVICE", "cuda:0", 1) + setenv("LOSSMITH_TEST_SIMULATED", "1", 1);

std::vector<uint8_t> RandomBytes(int64_t rows, int64_t width, int low, int high, uint64_t seed) {
  Random random(seed);
  std::vector<uint8_t> bytes(rows * ByteMatrix::padded(width));
  for (int64_t i = 0; i < rows * width; ++i) {
    const int value = static_cast<int>(random.Uniform(low, high + 1));
    bytes[i / width * ByteMatrix::padded(width) + i % width] = static_cast<uint8_t>(value);
  }
  return bytes;
}

enum class Way { dot, small_tiles, large_tiles };

void ExpectSums(Way way, bool is_unsigned, int64_t m, int64_t n, int64_t k) {
  const int64_t ld = ByteMatrix::padded(k);
  const std::vector<uint8_t> x = RandomBytes(m, k, is_unsigned ? 0 : -128, is_unsigned ? 255 : 127,
                                             static_cast<uint64_t>(m + k));
  const std::vector<uint8_t> w = RandomBytes(n, k, -128, 127, static_cast<uint64_t>(n));
  const DeviceArray<uint8_t> x_there(x), w_there(w);
  const DeviceArray<int32_t> sums(m * n);
  IntegerEnd end;
  end.sums = sums.get();
  end.sums_ld = n;
  const ByteMatrix a{x_there.get(), m, ld, is_unsigned}, b{w_there.get(), n, ld, false};
  if (way == Way::dot) {
    lossmith::cuda::multiply_bytes(nullptr, a, b, end);
  } else {
    const DeviceFacts facts{0, 90, way == Way::large_tiles ? 1 : 1 << 30};
    lossmith::cuda::multiply_bytes_mma(nullptr, facts, a, b, end);
  }
  const std::vector<int32_t> got = sums.Values();
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      int32_t sum = 0;
      for (int64_t l = 0; l < k; ++l) {
        const int left = is_unsigned ? x[i * ld + l] : static_cast<int8_t>(x[i * ld + l]);
        sum += left * static_cast<int8_t>(w[j * ld + l]);
      }
      ASSERT_EQ(got[i * n + j], sum) << "[" << m << "," << n << "," << k << "] at " << i << "," << j
                                     << ", way " << static_cast<int>(way);
    }
  }
}

TEST(PowerIntegerDevice, SumsOfRaggedSizes) {
  for (const Way way : {Way::dot, Way::small_tiles, Way::large_tiles}) {
    for (const bool is_unsigned : {false, true}) {
      ExpectSums(way, is_unsigned, 1, 1, 1);
      ExpectSums(way, is_unsigned, 3, 66, 33);
      ExpectSums(way, is_unsigned, 70, 17, 64);
      ExpectSums(way, is_unsigned, 130, 131, 200);
    }
  }
}

// All codes of all forms, at ends of rows on every place of a vector, behind addresses off 16 bytes.
TEST(PowerIntegerDevice, SquaresOfCodes) {
  struct Form {
    CodeMatrix::Form form;
    int field, largest;
  };
  for (const Form& f : {Form{CodeMatrix::Form::packed, 2, 1}, Form{CodeMatrix::Form::packed, 3, 3},
                        Form{CodeMatrix::Form::packed, 4, 7}, Form{CodeMatrix::Form::i8, 8, 7},
                        Form{CodeMatrix::Form::u8, 8, 15}}) {
    for (const int64_t width : {1, 5, 16, 37}) {
      const int64_t rows = 9, bytes = (width * f.field + 7) / 8, ld = bytes + 3;
      const std::vector<uint8_t> codes = RandomBytes(rows * ld, 1, 0, 255, 3);
      std::vector<uint8_t> dense(rows * ld + 1);
      for (int64_t i = 0; i < rows * ld; ++i) dense[i + 1] = codes[i * 16];
      const DeviceArray<uint8_t> there(dense);
      const int64_t to_ld = ByteMatrix::padded(width);
      const DeviceArray<uint8_t> squares(rows * to_ld);
      CodeMatrix matrix{there.get() + 1, ld, rows, width, f.form, f.field, f.largest};
      lossmith::cuda::square_codes(nullptr, matrix, {squares.get(), rows, to_ld, false});
      const std::vector<uint8_t> got = squares.Values();
      for (int64_t i = 0; i < rows * to_ld; ++i) {
        const int64_t row = i / to_ld, column = i % to_ld;
        int expected = 0;
        if (column < width) {
          int pattern = 0;
          for (int b = 0; b < f.field; ++b) {
            const int64_t bit = column * f.field + b;
            pattern |= (dense[1 + row * ld + bit / 8] >> bit % 8 & 1) << b;
          }
          int q = pattern;
          if (f.form == CodeMatrix::Form::i8) q = static_cast<int8_t>(pattern);
          if (f.form == CodeMatrix::Form::packed) {
            const int sign = 1 << (f.field - 1);
            q = pattern & sign ? -(pattern - sign) : pattern;
          }
          q = std::min(std::max(q, -f.largest), f.largest);
          expected = q < 0 ? -q * q : q * q;
        }
        ASSERT_EQ(got[i], static_cast<uint8_t>(expected))
            << f.field << " bits, width " << width << " at " << row << "," << column;
      }
    }
  }
}

struct Outputs {
  std::vector<double> sums, out, codes;
  bool operator==(const Outputs& o) const {
    return sums == o.sums && out == o.out && codes == o.codes;
  }
};

Outputs WithBudget(int64_t budget) {
  constexpr int64_t kRows = 300, kColumns = 270, kDepth = 40;
  Random random(4);
  std::vector<double> x_values(kRows * kDepth), w_values(kColumns * kDepth / 2);
  for (double& v : x_values) v = static_cast<int>(random.Uniform(0, 16));
  for (double& v : w_values) v = static_cast<int>(random.Uniform(0, 256));
  HostTensor x(DType::kU8, {kRows, kDepth}, x_values);
  HostTensor w(DType::kU8, {kColumns, kDepth / 2}, w_values);
  HostTensor x_scale(DType::kF32, {1}, std::vector<double>{0.7});
  HostTensor w_scale(DType::kF32, {kColumns}, random.Uniforms(kColumns, 0.5, 2));
  HostTensor out_scale(DType::kF32, {1}, std::vector<double>{15});
  HostTensor sums(DType::kI32, {kRows, kColumns}), out(DType::kF32, {kRows, kColumns});
  HostTensor codes(DType::kU8, {kRows, kColumns});
  lsm_power_integer_options options;
  lsm_power_integer_defaults(&options);
  options.x_range = options.out_range = LSM_POWER_UNSIGNED;
  const Context context(2, budget);
  Mirror device;
  EXPECT_EQ(lsm_power_integer_product(context, &options, device.View(&x), device.View(&w),
                                      device.View(&x_scale), device.View(&w_scale),
                                      device.View(&out_scale), device.View(&sums),
                                      device.View(&out), device.View(&codes)),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  return {sums.Values(), out.Values(), codes.Values()};
}

TEST(PowerIntegerDevice, BlocksBudgetsAndSchedulesChangeNothing) {
  const Outputs expected = WithBudget(0);
  EXPECT_TRUE(WithBudget(30000) == expected);
  for (const uint64_t seed : {1, 2}) {
    simt::set_schedule_seed(seed);
    EXPECT_TRUE(WithBudget(0) == expected);
  }
  simt::set_schedule_seed(0);
}

}  // namespace
}  // namespace lossmith_test
