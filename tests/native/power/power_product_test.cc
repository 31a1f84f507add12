// Products with packed power codes against sums in f64.
#include "lossmith/power_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "oracle/power_oracle.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

constexpr lsm_groups kTensor{-1, 0}, kRows{0, 0};

struct Shape {
  int64_t m, n, k;
};

struct Product {
  Product(int bits, lsm_groups groups, bool exponents, DType x_type, const Shape& s, uint64_t seed,
          Layout layout = {})
      : shape(s),
        x(x_type, {s.m, s.k}, Random(seed).Normals(s.m * s.k), layout),
        codes(DType::kU8, {s.n, lsm_power_packed_bytes(bits, s.k)}, layout),
        scale(Arithmetic(x_type), PowerParameterShape(groups, {s.n, s.k})),
        exponent(scale.dtype(), exponents ? scale.shape() : std::vector<int64_t>{1}),
        out(Arithmetic(x_type), {s.m, s.n}, layout) {
    lsm_power_defaults(&options);
    options.bits = bits;
    options.groups = groups;
    Random random(seed + 1);
    const int largest = LargestPowerCode(options);
    for (int64_t i = 0; i < s.n * s.k; ++i) {
      values.push_back(std::floor(random.Uniform(-largest, largest + 1)));
    }
    std::vector<double> packed;
    if (!values.empty()) packed = PackedCodes(options, values, s.n);
    for (int64_t i = 0; i < codes.elements(); ++i) codes.Set(i, packed[i]);
    for (int64_t i = 0; i < scale.elements(); ++i) scale.Set(i, random.Uniform(0.1, 2));
    for (int64_t i = 0; i < exponent.elements(); ++i) exponent.Set(i, random.Uniform(0.2, 1.5));
  }

  static DType Arithmetic(DType type) { return type == DType::kF64 ? type : DType::kF32; }

  void AddBias(DType type) {
    bias.emplace(type, std::vector<int64_t>{shape.n}, Random(99).Normals(shape.n));
  }

  lsm_status Run(lsm_context context) {
    Mirror device;
    const lsm_status status = lsm_power_product(
        context, &options, device.View(&x), device.View(&codes), device.View(&scale),
        device.View(&exponent), device.View(bias), device.View(&out));
    device.Return(context);
    return status;
  }

  // w^ of the weight at (n,k).
  double Weight(int64_t n, int64_t k) const {
    const int64_t group = PowerGroup(options.groups, {shape.n, shape.k}, n * shape.k + k);
    const double code = values[n * shape.k + k];
    const double level = std::pow(std::fabs(code) / LargestPowerCode(options),
                                  1 / exponent.Get(exponent.elements() == 1 ? 0 : group));
    return std::copysign(scale.Get(group) * level, code);
  }

  // Every result within what summation in its type may leave.
  void ExpectRight() const {
    std::vector<double> weights;
    for (int64_t n = 0; n < shape.n; ++n) {
      for (int64_t k = 0; k < shape.k; ++k) weights.push_back(Weight(n, k));
    }
    const double unit = UnitRoundoff(scale.dtype());
    for (int64_t i = 0; i < shape.m; ++i) {
      for (int64_t n = 0; n < shape.n; ++n) {
        double sum = bias ? bias->Get(n) : 0;
        double size = std::fabs(sum);
        for (int64_t k = 0; k < shape.k; ++k) {
          const double term = x.Get(i * shape.k + k) * weights[n * shape.k + k];
          sum += term;
          size += std::fabs(term);
        }
        const double bound = unit * (4 + std::sqrt(static_cast<double>(shape.k)) / 4) * size +
                             UnitRoundoff(out.dtype()) * std::fabs(sum) + 1e-300;
        ASSERT_NEAR(out.Get(i * shape.n + n), sum, bound) << "row " << i << ", column " << n;
      }
    }
    EXPECT_TRUE(out.GapsUntouched());
  }

  Shape shape;
  lsm_power_options options{};
  std::vector<double> values;  // codes
  HostTensor x, codes, scale, exponent, out;
  std::optional<HostTensor> bias;
};

void ExpectRight(Product product, lsm_context context) {
  SCOPED_TRACE(testing::Message() << product.options.bits << " bits, groups "
                                  << product.options.groups.axis << " "
                                  << product.options.groups.columns << ", " << product.shape.m
                                  << " x " << product.shape.n << " x " << product.shape.k);
  ASSERT_EQ(product.Run(context), LSM_OK) << lsm_last_error();
  product.ExpectRight();
}

// One row, rows of panels, and tiles for oneDNN; one block of codes, whole blocks, and ragged ones.
std::vector<Shape> Shapes() {
  if (OnSimulatedDevice()) return {{1, 3, 1}, {1, 5, 200}, {3, 9, 65}, {20, 7, 96}};
  return {{1, 3, 1},   {1, 33, 513}, {1, 7, 64},   {2, 5, 31},    {3, 13, 127},
          {8, 2, 256}, {13, 4, 700}, {64, 7, 100}, {70, 131, 65}, {300, 3, 600}};
}

TEST(PowerProduct, AllBits) {
  const Context context;
  for (int bits = 2; bits <= 8; ++bits) {
    uint64_t seed = bits * 100;
    for (const Shape& shape : Shapes()) {
      ExpectRight(Product(bits, kTensor, false, DType::kF32, shape, ++seed), context);
      ExpectRight(Product(bits, kRows, seed % 2 == 0, DType::kF32, shape, seed), context);
    }
  }
}

// Groups of whole units of columns, of whole bytes, and of neither; more columns than there are.
TEST(PowerProduct, GroupsOfColumns) {
  const Context context;
  uint64_t seed = 0;
  for (int bits : {2, 3, 4, 6}) {
    for (int64_t columns : {1, 3, 32, 40, 64, 96, 1000}) {
      for (bool exponents : {false, true}) {
        for (int64_t m : {1, 5, 66}) {
          if (m == 66 && OnSimulatedDevice()) continue;
          const Shape shape{m, 6, Size(333, 100)};
          ExpectRight(Product(bits, {-1, columns}, exponents, DType::kF32, shape, ++seed), context);
        }
      }
    }
  }
}

TEST(PowerProduct, TypesBiasAndStrides) {
  const Context context;
  for (DType x : {DType::kF32, DType::kBF16, DType::kF16, DType::kF64}) {
    for (int64_t m : {1, 6, 65}) {
      if (m == 65 && OnSimulatedDevice()) continue;
      const Layout padded{3, 1, true, false};
      const Shape shape{m, 10, 77};
      for (DType out : {Product::Arithmetic(x), x, DType::kF32}) {
        Product product(4, kRows, false, x, shape, 5, padded);
        product.out = HostTensor(out, {m, shape.n}, padded);
        product.AddBias(m == 1 ? x : Product::Arithmetic(x));
        SCOPED_TRACE(testing::Message() << Name(x) << " " << Name(out));
        ExpectRight(std::move(product), context);
      }
    }
  }
}

// Bytes that quantizing never gives, -0 and magnitudes beyond Q, and a channel of scale 0.
TEST(PowerProduct, StrangeCodes) {
  const Context context;
  for (int64_t m : {1, 4}) {
    Product product(5, kRows, false, DType::kF32, {m, 2, 3}, 8);
    const std::vector<double> bytes = {0x80, 0xff, 0x1f, 0x90, 15, 0x8f};
    for (int64_t i = 0; i < 6; ++i) product.codes.Set(i, bytes[i]);
    product.values = {0, -15, 15, -15, 15, -15};
    ExpectRight(product, context);
    product.scale.Set(1, 0);
    ExpectRight(product, context);
  }
}

TEST(PowerProduct, NothingToAddUp) {
  const Context context;
  Product empty(4, kTensor, false, DType::kF32, {2, 3, 0}, 1);
  empty.AddBias(DType::kF32);
  ExpectRight(std::move(empty), context);
  ExpectRight(Product(3, {-1, 4}, true, DType::kF32, {2, 3, 0}, 1), context);
  ExpectRight(Product(4, kRows, false, DType::kF32, {0, 3, 8}, 1), context);
  ExpectRight(Product(4, kRows, false, DType::kF32, {2, 0, 8}, 1), context);
}

// A NaN in x stays in its row.
TEST(PowerProduct, NotANumber) {
  for (int64_t m : {2, 70}) {
    Product product(4, kTensor, false, DType::kF32, {m, 5, 40}, 3);
    product.x.Set(40 + 7, std::nan(""));
    ASSERT_EQ(product.Run(Context()), LSM_OK) << lsm_last_error();
    for (int64_t i = 0; i < m * 5; ++i) EXPECT_EQ(std::isnan(product.out.Get(i)), i / 5 == 1) << i;
  }
}

TEST(PowerProduct, ThreadsChangeNoBit) {
  for (int64_t m : {1, 9, 70}) {
    if (m == 70 && OnSimulatedDevice()) continue;
    for (const lsm_groups& groups : {kTensor, lsm_groups{-1, 32}}) {
      std::vector<unsigned char> expected;
      for (int threads : {1, 2, 3}) {
        Product product(4, groups, false, DType::kF32,
                        {m, Size(m == 1 ? 1900 : 290, 40), Size(600, 100)}, 4);
        ASSERT_EQ(product.Run(Context(threads)), LSM_OK) << lsm_last_error();
        if (expected.empty()) expected = product.out.Bits();
        EXPECT_EQ(product.out.Bits(), expected) << m << " rows, " << threads << " threads";
      }
    }
  }
}

TEST(PowerProduct, BadArguments) {
  struct Bad {
    const char* argument;
    const char* got;
    void (*spoil)(Product*);
  };
  const auto ones = [](DType type, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    return HostTensor(type, shape, std::vector<double>(count, 1));
  };
  static const auto make = ones;
  const std::vector<Bad> all = {
      {"bits", "9", [](Product* p) { p->options.bits = 9; }},
      {"bits", "1", [](Product* p) { p->options.bits = 1; }},
      {"range", "1", [](Product* p) { p->options.range = LSM_POWER_UNSIGNED; }},
      {"groups.axis", "1",
       [](Product* p) {
         p->options.groups = {1, 0};
       }},
      {"groups.columns", "-1", [](Product* p) { p->options.groups.columns = -1; }},
      {"x", "i32",
       [](Product* p) {
         p->x = make(DType::kI32, {2, 8});
       }},
      {"x", "[2]", [](Product* p) { p->x = make(DType::kF32, {2}); }},
      {"codes", "[3,3]",
       [](Product* p) {
         p->codes = make(DType::kU8, {3, 3});
       }},
      {"codes", "f32",
       [](Product* p) {
         p->codes = make(DType::kF32, {3, 4});
       }},
      {"scale", "[2]", [](Product* p) { p->scale = make(DType::kF32, {2}); }},
      {"scale", "f64", [](Product* p) { p->scale = make(DType::kF64, {3}); }},
      {"exponent", "[2]", [](Product* p) { p->exponent = make(DType::kF32, {2}); }},
      {"exponent", "f64", [](Product* p) { p->exponent = make(DType::kF64, {1}); }},
      {"bias", "[4]", [](Product* p) { p->bias = make(DType::kF32, {4}); }},
      {"bias", "bf16", [](Product* p) { p->bias = make(DType::kBF16, {3}); }},
      {"out", "[3,2]",
       [](Product* p) {
         p->out = HostTensor(DType::kF32, {3, 2});
       }},
      {"out", "f16",
       [](Product* p) {
         p->out = HostTensor(DType::kF16, {2, 3});
       }},
  };
  const Context context;
  for (const Bad& bad : all) {
    SCOPED_TRACE(std::string(bad.argument) + " " + bad.got);
    Product product(4, kRows, false, DType::kF32, {2, 3, 8}, 2);
    bad.spoil(&product);
    EXPECT_TRUE(Rejects(product.Run(context), bad.argument, bad.got));
    EXPECT_TRUE(product.out.Untouched());
  }
  Product product(4, kRows, false, DType::kF32, {2, 3, 8}, 2);
  EXPECT_TRUE(Rejects(
      lsm_power_product(context, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr),
      "options", "NULL"));
  EXPECT_TRUE(Rejects(lsm_power_product(context, &product.options, nullptr, nullptr, nullptr,
                                        nullptr, nullptr, nullptr),
                      "x", "NULL"));
  if (OnDevice()) return;
  product.scale.Set(1, -1);
  EXPECT_TRUE(Rejects(product.Run(context), "scale", "index 1"));
  product.scale.Set(1, 1);
  product.exponent.Set(0, 0);
  EXPECT_TRUE(Rejects(product.Run(context), "exponent", "index 0"));
  EXPECT_TRUE(product.out.Untouched());
  // What is needed at least is said, and is enough.
  Product small(4, kRows, false, DType::kF32, {70, 3, 8}, 2);
  EXPECT_EQ(small.Run(Context(2, 1)), LSM_BUDGET_TOO_SMALL);
  const int64_t least = LargestNumberIn(lsm_last_error());
  EXPECT_EQ(small.Run(Context(2, least)), LSM_OK) << lsm_last_error();
}

}  // namespace
}  // namespace lossmith_test
