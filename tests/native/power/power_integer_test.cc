// The integer product of power codes: sums to the last unit, values rounded once, and codes that are
// those of the real numbers that the scales are, decided by comparing whole numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "lossmith/power_product.h"
#include "oracle/power_oracle.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

int Largest(int bits, int range) {
  return range == LSM_POWER_SIGNED ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
}

int64_t Squared(double code) { return static_cast<int64_t>(code < 0 ? -code * code : code * code); }

// A float as whole 2^power.
struct Whole {
  explicit Whole(double v) {
    whole = static_cast<uint64_t>(std::ldexp(std::frexp(v, &power), 24));
    power -= 24;
  }
  uint64_t whole;
  int power;
};

// Whether Q sqrt(s_x s_w A / (squares s_out)) >= j - 1/2: left 2^shift >= right in whole numbers.
bool Reaches(int64_t sum, int j, double x, double w, double out, int64_t squares, int largest) {
  if (sum <= 0 || x == 0 || w == 0) return false;
  const Whole wx(x), ww(w), wo(out);
  using Wide = unsigned __int128;
  const Wide left = Wide{4} * largest * largest * wx.whole * ww.whole * sum;  // < 2^96
  const Wide right = Wide{wo.whole} * (2 * j - 1) * (2 * j - 1) * squares;    // 2^23 .. 2^56
  const int shift = wx.power + ww.power - wo.power;
  if (shift >= 60) return true;
  if (shift >= 0) return left >= (right + (Wide{1} << shift) - 1) >> shift;
  return shift >= -70 && left >= right << -shift;
}

struct IntegerProduct {
  IntegerProduct(int x_bits, int x_range, int w_bits, int64_t rows, int64_t columns, int64_t width,
                 uint64_t seed, Layout padded = {})
      : m(rows), n(columns), k(width), packed_bits(w_bits), layout(padded) {
    lsm_power_integer_defaults(&options);
    options.x_bits = x_bits;
    options.x_range = x_range;
    options.w_bits = w_bits;
    Random random(seed);
    const double most = Largest(x_bits, x_range);
    const double least = x_range == LSM_POWER_SIGNED ? -most : 0;
    for (int64_t i = 0; i < m * k; ++i) x.push_back(std::floor(random.Uniform(least, most + 1)));
    const double w_most = Largest(w_bits, LSM_POWER_SIGNED);
    for (int64_t i = 0; i < n * k; ++i)
      w.push_back(std::floor(random.Uniform(-w_most, w_most + 1)));
  }

  void WantCodes(int bits, int range) {
    options.out_bits = bits;
    options.out_range = range;
    codes.emplace(range == LSM_POWER_SIGNED ? DType::kI8 : DType::kU8, std::vector<int64_t>{m, n},
                  layout);
  }
  void Scales(std::vector<double> of_x, std::vector<double> of_w, std::vector<double> of_out) {
    const auto make = [](const std::vector<double>& v) {
      return HostTensor(DType::kF32, {static_cast<int64_t>(v.size())}, v);
    };
    x_scale = make(of_x);
    w_scale = make(of_w);
    out_scale = make(of_out);
  }

  lsm_status Run(lsm_context context) {
    lsm_power_options packing;
    lsm_power_defaults(&packing);
    packing.bits = packed_bits;
    HostTensor x_codes(options.x_range == LSM_POWER_SIGNED ? DType::kI8 : DType::kU8, {m, k}, x,
                       layout);
    HostTensor w_codes(DType::kU8, {n, lsm_power_packed_bytes(packed_bits, k)},
                       w.empty() ? w : PackedCodes(packing, w, n), layout);
    Mirror device;
    const lsm_status status = lsm_power_integer_product(
        context, &options, device.View(&x_codes), device.View(&w_codes), device.View(x_scale),
        device.View(w_scale), device.View(out_scale), device.View(sums), device.View(out),
        device.View(codes));
    device.Return(context);
    return status;
  }

  int64_t Sum(int64_t i, int64_t j) const {
    const int most = Largest(options.x_bits, options.x_range);
    int64_t sum = 0;
    for (int64_t c = 0; c < k; ++c) {
      const double code = std::fmin(most, std::fmax(-most, x[i * k + c]));
      sum += Squared(code) * Squared(w[j * k + c]);
    }
    return sum;
  }

  static double At(const HostTensor& v, int64_t i) { return v.Get(v.elements() == 1 ? 0 : i); }
  int64_t Squares() const {
    return Squared(Largest(options.x_bits, options.x_range)) *
           Squared(Largest(options.w_bits, LSM_POWER_SIGNED));
  }

  void ExpectExact() const {
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        const int64_t sum = Sum(i, j);
        SCOPED_TRACE(testing::Message() << "row " << i << ", column " << j << ", sum " << sum);
        if (sums) {
          ASSERT_EQ(sums->Get(i * n + j), sum);
        }
        if (out) {
          const double factor = x_scale->Get(0) * At(*w_scale, j) / static_cast<double>(Squares());
          ASSERT_EQ(out->Get(i * n + j), static_cast<float>(factor * static_cast<double>(sum)));
        }
        if (codes) {
          ASSERT_EQ(codes->Get(i * n + j), Code(sum, j));
        }
      }
    }
  }
  int Code(int64_t sum, int64_t column) const {
    const int most = Largest(options.out_bits, options.out_range);
    int code = 0;
    while (code < most && Reaches(std::llabs(sum), code + 1, x_scale->Get(0), At(*w_scale, column),
                                  At(*out_scale, column), Squares(), most)) {
      ++code;
    }
    if (sum < 0) return options.out_range == LSM_POWER_SIGNED ? -code : 0;
    return code;
  }

  int64_t m, n, k;
  int packed_bits;
  Layout layout;
  lsm_power_integer_options options{};
  std::vector<double> x, w;  // codes
  std::optional<HostTensor> x_scale, w_scale, out_scale, sums, out, codes;
};

TEST(PowerInteger, SumsOfAllBitsAndRanges) {
  const Context context;
  uint64_t seed = 0;
  for (int x_range : {LSM_POWER_SIGNED, LSM_POWER_UNSIGNED}) {
    for (int x_bits = 2; x_bits <= 4; ++x_bits) {
      for (int w_bits = 2; w_bits <= 4; ++w_bits) {
        ++seed;
        const int64_t k = std::vector<int64_t>{1, 31, 32, 77, 128, 500}[seed % 6];
        IntegerProduct product(x_bits, x_range, w_bits, 1 + static_cast<int64_t>(seed % 7), 5, k,
                               seed, {2, 1, true, false});
        product.sums.emplace(DType::kI32, std::vector<int64_t>{product.m, 5}, product.layout);
        SCOPED_TRACE(testing::Message() << x_range << " " << x_bits << " " << w_bits << " " << k);
        ASSERT_EQ(product.Run(context), LSM_OK) << lsm_last_error();
        product.ExpectExact();
        EXPECT_TRUE(product.sums->GapsUntouched());
      }
    }
  }
}

// Several tiles in each direction, several slices of columns; codes beyond Q count as Q.
TEST(PowerInteger, LargeSums) {
  IntegerProduct product(4, LSM_POWER_UNSIGNED, 4, Size(133, 5), Size(70, 9), Size(2100, 300), 9);
  for (double& code : product.x) code = 15;
  for (double& code : product.w) code = code < 0 ? -7 : 7;
  product.sums.emplace(DType::kI32, std::vector<int64_t>{product.m, product.n});
  ASSERT_EQ(product.Run(Context()), LSM_OK) << lsm_last_error();
  product.ExpectExact();
  IntegerProduct longest(4, LSM_POWER_UNSIGNED, 4, 1, 2, 40000, 9);
  for (double& code : longest.x) code = 255;  // counts as 15
  for (double& code : longest.w) code = -7;
  longest.sums.emplace(DType::kI32, std::vector<int64_t>{1, 2});
  ASSERT_EQ(longest.Run(Context()), LSM_OK) << lsm_last_error();
  EXPECT_EQ(longest.sums->Get(0), -225.0 * 49 * 40000);
  IntegerProduct beyond(3, LSM_POWER_SIGNED, 3, 1, 1, 4, 1);
  beyond.x = {-128, 127, 4, -3};
  beyond.w = {1, 2, 3, 3};
  beyond.sums.emplace(DType::kI32, std::vector<int64_t>{1, 1});
  ASSERT_EQ(beyond.Run(Context()), LSM_OK) << lsm_last_error();
  EXPECT_EQ(beyond.sums->Get(0), -9 + 36 + 81 - 81);
}

TEST(PowerInteger, ValuesAndCodesOfRandomScales) {
  const Context context;
  uint64_t seed = 100;
  for (int out_range : {LSM_POWER_SIGNED, LSM_POWER_UNSIGNED}) {
    for (int out_bits = 2; out_bits <= 8; ++out_bits) {
      ++seed;
      IntegerProduct product(4, seed % 2 == 0 ? LSM_POWER_SIGNED : LSM_POWER_UNSIGNED, 4,
                             Size(40, 4), Size(23, 5), 60, seed, {1, 0, false, false});
      Random random(seed);
      std::vector<double> w, out;
      for (int64_t j = 0; j < product.n; ++j) {
        w.push_back(random.Uniform(0, 3));
        out.push_back(random.Uniform(1, 30) * w.back());
      }
      w[1] = 0;
      product.Scales({random.Uniform(0.5, 2)}, seed % 3 == 0 ? std::vector<double>{0.7} : w,
                     seed % 3 == 1 ? std::vector<double>{9.1} : out);
      product.sums.emplace(DType::kI32, std::vector<int64_t>{product.m, product.n});
      product.out.emplace(DType::kF32, std::vector<int64_t>{product.m, product.n}, product.layout);
      product.WantCodes(out_bits, out_range);
      SCOPED_TRACE(testing::Message() << out_range << " " << out_bits);
      ASSERT_EQ(product.Run(context), LSM_OK) << lsm_last_error();
      product.ExpectExact();
      EXPECT_TRUE(product.codes->GapsUntouched());
    }
  }
}

// With x and w of 4 bits and scales of 49, y is the sum itself, and Q^2 y / s_out = (j - 1/2)^2 for
// s_out = 4 Q^2 and the sum (2j - 1)^2: columns with this sum and with one less, of both signs.
TEST(PowerInteger, Ties) {
  constexpr int64_t kPairs = 108, kOnes = 60;
  for (int bits : {3, 4, 8}) {
    for (int range : {LSM_POWER_SIGNED, LSM_POWER_UNSIGNED}) {
      const int most = Largest(bits, range);
      const int step = OnSimulatedDevice() ? (most + 5) / 6 : 1;
      std::vector<int64_t> wanted;
      for (int j = 1; j <= most; j += step) {
        const int64_t tie = (2 * j - 1) * (2 * j - 1);
        for (int64_t sum : {tie, tie - 1, -tie, 1 - tie}) wanted.push_back(sum);
      }
      const int64_t n = static_cast<int64_t>(wanted.size());
      IntegerProduct product(4, LSM_POWER_SIGNED, 4, 1, n, kPairs + kOnes, 1);
      for (int64_t c = 0; c < product.k; ++c) product.x[c] = c < kPairs ? 7 : 1;
      for (int64_t j = 0; j < n; ++j) {
        int64_t rest = std::llabs(wanted[j]);
        const double sign = wanted[j] < 0 ? -1 : 1;
        for (int64_t c = 0; c < product.k; ++c) {
          const int64_t factor = c < kPairs ? 49 : 1;
          int64_t code = c < kPairs && rest < 2401 ? 0 : 7;
          while (factor * code * code > rest) --code;
          rest -= factor * code * code;
          product.w[j * product.k + c] = sign * static_cast<double>(code);
        }
        ASSERT_EQ(rest, 0);
      }
      product.Scales({49}, {49}, {4.0 * most * most});
      product.sums.emplace(DType::kI32, std::vector<int64_t>{1, n});
      product.WantCodes(bits, range);
      ASSERT_EQ(product.Run(Context()), LSM_OK) << lsm_last_error();
      for (int64_t j = 0; j < n; ++j) {
        const int code = static_cast<int>(std::floor((1 + std::sqrt(std::llabs(wanted[j]))) / 2));
        const int expected = wanted[j] >= 0 ? code : range == LSM_POWER_SIGNED ? -code : 0;
        EXPECT_EQ(product.sums->Get(j), wanted[j]);
        EXPECT_EQ(product.codes->Get(j), expected) << bits << " bits, sum " << wanted[j];
      }
      product.ExpectExact();
    }
  }
}

// Scales whose quotients leave every integer type, and f32 as well.
TEST(PowerInteger, ExtremeScales) {
  const Context context;
  const std::vector<double> scales = {1e-45, 1e-40, 1.17549435e-38, 3e-20, 1, 7e19, 3.4e38};
  for (double x : scales) {
    IntegerProduct product(4, LSM_POWER_SIGNED, 4, 2, static_cast<int64_t>(scales.size()), 50, 3);
    product.out.emplace(DType::kF32, std::vector<int64_t>{2, product.n});
    product.WantCodes(8, LSM_POWER_SIGNED);
    for (double out : scales) {
      SCOPED_TRACE(testing::Message() << x << " " << out);
      product.Scales({x}, scales, {out});
      ASSERT_EQ(product.Run(context), LSM_OK) << lsm_last_error();
      product.ExpectExact();
    }
  }
}

TEST(PowerInteger, NothingToAddUp) {
  const Context context;
  IntegerProduct product(4, LSM_POWER_SIGNED, 3, 2, 3, 0, 1);
  product.Scales({1}, {1}, {1});
  product.sums.emplace(DType::kI32, std::vector<int64_t>{2, 3});
  product.WantCodes(4, LSM_POWER_SIGNED);
  ASSERT_EQ(product.Run(context), LSM_OK) << lsm_last_error();
  product.ExpectExact();
  IntegerProduct unasked(4, LSM_POWER_SIGNED, 4, 2, 3, 4, 1);
  EXPECT_EQ(unasked.Run(context), LSM_OK) << lsm_last_error();
}

TEST(PowerInteger, BadArguments) {
  struct Bad {
    const char* argument;
    const char* got;
    void (*spoil)(IntegerProduct*);
  };
  using P = IntegerProduct;
  const std::vector<Bad> all = {
      {"x_bits", "5", [](P* p) { p->options.x_bits = 5; }},
      {"w_bits", "1", [](P* p) { p->options.w_bits = 1; }},
      {"x_range", "2", [](P* p) { p->options.x_range = 2; }},
      {"out_bits", "9", [](P* p) { p->options.out_bits = 9; }},
      {"out_range", "-1", [](P* p) { p->options.out_range = -1; }},
      {"x_scale", "NULL", [](P* p) { p->x_scale.reset(); }},
      {"w_scale", "NULL", [](P* p) { p->w_scale.reset(); }},
      {"out_scale", "NULL", [](P* p) { p->out_scale.reset(); }},
      {"x_scale", "[2]",
       [](P* p) {
         p->Scales({1, 1}, {1}, {1});
       }},
      {"w_scale", "[2]",
       [](P* p) {
         p->Scales({1}, {1, 1}, {1});
       }},
      {"out_scale", "[4]",
       [](P* p) {
         p->Scales({1}, {1}, {1, 1, 1, 1});
       }},
      {"w_scale", "f64",
       [](P* p) { p->w_scale = HostTensor(DType::kF64, {1}, std::vector<double>{1}); }},
      {"sums", "f32",
       [](P* p) {
         p->sums.emplace(DType::kF32, std::vector<int64_t>{2, 3});
       }},
      {"out", "[3,2]",
       [](P* p) {
         p->out.emplace(DType::kF32, std::vector<int64_t>{3, 2});
       }},
      {"out_codes", "i8", [](P* p) { p->options.out_range = LSM_POWER_UNSIGNED; }},
  };
  const std::vector<Bad> seen_by_the_host = {
      {"x_scale", "-1", [](P* p) { p->Scales({-1}, {1}, {1}); }},
      {"w_scale", "nan",
       [](P* p) {
         p->Scales({1}, {1, std::nan(""), 1}, {1});
       }},
      {"out_scale", "0", [](P* p) { p->Scales({1}, {1}, {0}); }},
      {"out_scale", "inf",
       [](P* p) {
         p->Scales({1}, {1}, {1, 1, INFINITY});
       }},
  };
  const Context context;
  const auto reject = [&](const Bad& bad) {
    SCOPED_TRACE(std::string(bad.argument) + " " + bad.got);
    IntegerProduct product(4, LSM_POWER_SIGNED, 4, 2, 3, 5, 1);
    product.Scales({1}, {1}, {1});
    product.WantCodes(4, LSM_POWER_SIGNED);
    bad.spoil(&product);
    EXPECT_TRUE(Rejects(product.Run(context), bad.argument, bad.got));
    EXPECT_TRUE(product.codes->Untouched());
  };
  for (const Bad& bad : all) reject(bad);
  if (!OnDevice()) {
    for (const Bad& bad : seen_by_the_host) reject(bad);
  }
  IntegerProduct wide(4, LSM_POWER_SIGNED, 4, 1, 1, 40001, 1);
  EXPECT_TRUE(Rejects(wide.Run(context), "x_codes", "40001"));
  EXPECT_TRUE(Rejects(lsm_power_integer_product(context, nullptr, nullptr, nullptr, nullptr,
                                                nullptr, nullptr, nullptr, nullptr, nullptr),
                      "options", "NULL"));
}

TEST(PowerInteger, ThreadsChangeNoBit) {
  std::vector<unsigned char> expected;
  for (int threads : {1, 2, 3}) {
    IntegerProduct product(4, LSM_POWER_SIGNED, 4, Size(140, 9), Size(70, 5), 90, 6);
    product.Scales({0.3}, {0.9}, {11});
    product.WantCodes(6, LSM_POWER_SIGNED);
    ASSERT_EQ(product.Run(Context(threads)), LSM_OK) << lsm_last_error();
    if (expected.empty()) expected = product.codes->Bits();
    EXPECT_EQ(product.codes->Bits(), expected) << threads << " threads";
  }
}

}  // namespace
}  // namespace lossmith_test
