// lsm_multiply against sums in f64, for every form, type and layout; and what it refuses.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "lossmith/dense.h"
#include "support/compare.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Form {
  int32_t transpose_a, transpose_b;
};
constexpr Form kForms[] = {{0, 0}, {0, 1}, {1, 0}};

struct Size3 {
  int64_t m, n, k;
};

struct MultiplyCase {
  MultiplyCase(const Form& form, const Size3& s, DType operands, uint64_t seed, Layout l = {})
      : size(s), type(operands), layout(l) {
    options = {form.transpose_a, form.transpose_b, 0};
    Random random(seed);
    a = Rounded(type, random.Normals(s.m * s.k));
    b = Rounded(type, random.Normals(s.k * s.n));
    out = Rounded(OutType(), random.Normals(s.m * s.n));
  }

  DType OutType() const { return type == DType::kF64 ? DType::kF64 : DType::kF32; }
  double A(int64_t i, int64_t l) const {
    return a[options.transpose_a != 0 ? l * size.m + i : i * size.k + l];
  }
  double B(int64_t l, int64_t j) const {
    return b[options.transpose_b != 0 ? j * size.k + l : l * size.n + j];
  }

  std::vector<double> Run(const Context& context) const {
    const bool ta = options.transpose_a != 0, tb = options.transpose_b != 0;
    HostTensor ha(type, {ta ? size.k : size.m, ta ? size.m : size.k}, a, layout);
    HostTensor hb(type, {tb ? size.n : size.k, tb ? size.k : size.n}, b, layout);
    HostTensor result(OutType(), {size.m, size.n}, out, layout);
    Mirror device;
    EXPECT_EQ(
        lsm_multiply(context, &options, device.View(&ha), device.View(&hb), device.View(&result)),
        LSM_OK)
        << lsm_last_error();
    device.Return(context);
    EXPECT_TRUE(result.GapsUntouched());
    return result.Values();
  }

  // Each element within the rounding of as many products and sums.
  void Expect(const Context& context) const {
    const std::vector<double> got = Run(context);
    const double unit = UnitRoundoff(OutType());
    for (int64_t i = 0; i < size.m; ++i) {
      for (int64_t j = 0; j < size.n; ++j) {
        double sum = options.accumulate != 0 ? out[i * size.n + j] : 0;
        double magnitude = std::fabs(sum);
        for (int64_t l = 0; l < size.k; ++l) {
          sum += A(i, l) * B(l, j);
          magnitude += std::fabs(A(i, l) * B(l, j));
        }
        const double roundings = 4 + std::sqrt(static_cast<double>(size.k));
        ASSERT_NEAR(got[i * size.n + j], sum, roundings * unit * magnitude)
            << "element " << i << "," << j << " of " << size.m << "x" << size.n << "x" << size.k;
      }
    }
  }

  lsm_multiply_options options{};
  Size3 size;
  DType type;
  Layout layout;
  std::vector<double> a, b, out;
};

// One tile, several in each direction, and an inner length that is cut into slices.
std::vector<Size3> Sizes() {
  if (OnSimulatedDevice()) return {{1, 1, 1}, {7, 33, 5}, {40, 3, 70}};
  return {{1, 1, 1}, {7, 33, 5}, {1, 700, 40}, {260, 520, 3}, {40, 25, 4200}};
}

TEST(Multiply, EveryFormTypeAndLayout) {
  const Context context(2, int64_t{1} << 28);
  const Layout layouts[] = {{}, {3, 1, true, false}, {16, 8, false, false}};
  uint64_t seed = 1;
  for (const Size3& size : Sizes()) {
    for (const Form& form : kForms) {
      for (const DType type : {DType::kF32, DType::kBF16, DType::kF16, DType::kF64}) {
        // Slices are cut alike for all types; one is converted on the way, one is not.
        if (size.k > 1000 && (type == DType::kBF16 || type == DType::kF64)) continue;
        SCOPED_TRACE(testing::Message() << Name(type) << " transposed " << form.transpose_a << " "
                                        << form.transpose_b);
        ++seed;
        MultiplyCase c(form, size, type, seed, layouts[seed % 3]);
        c.options.accumulate = seed / 3 % 2;
        c.Expect(context);
      }
    }
  }
}

TEST(Multiply, OverwritesWhateverIsThere) {
  MultiplyCase c(kForms[0], {5, 6, 7}, DType::kF32, 3);
  const std::vector<double> expected = c.Run(Context());
  c.out.assign(30, kNaN);
  EXPECT_EQ(c.Run(Context()), expected);
}

TEST(Multiply, NothingToSumUp) {
  for (const DType type : {DType::kF32, DType::kF16, DType::kF64}) {
    MultiplyCase c(kForms[0], {3, 4, 0}, type, 5);
    EXPECT_EQ(c.Run(Context()), std::vector<double>(12, 0));
    c.options.accumulate = 1;
    EXPECT_EQ(c.Run(Context()), c.out);
    EXPECT_TRUE(MultiplyCase(kForms[1], {0, 4, 2}, type, 5).Run(Context()).empty());
    EXPECT_TRUE(MultiplyCase(kForms[2], {4, 0, 2}, type, 5).Run(Context()).empty());
  }
}

TEST(Multiply, WhatIsNotANumberStaysInItsRowsAndColumns) {
  MultiplyCase c(kForms[0], {4, 5, 6}, DType::kF32, 7);
  c.a[6 + 2] = kNaN;
  c.b[3 * 5 + 4] = INFINITY;
  const std::vector<double> got = c.Run(Context());
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 5; ++j) {
      const double value = got[i * 5 + j];
      EXPECT_EQ(std::isnan(value), i == 1) << i << "," << j;
      EXPECT_EQ(std::isinf(value), i != 1 && j == 4) << i << "," << j;
    }
  }
}

TEST(Multiply, ThreadsDoNotMatter) {
  for (const DType type : {DType::kF32, DType::kF16}) {
    for (const Size3& size : {Size3{Size(600, 20), 300, 40}, Size3{40, 25, Size(4200, 300)}}) {
      const MultiplyCase c(kForms[2], size, type, 9);
      const std::vector<double> expected = c.Run(Context(1));
      for (const int32_t threads : {2, 5}) EXPECT_EQ(c.Run(Context(threads)), expected);
    }
  }
}

TEST(Multiply, WhatDoesNotFit) {
  struct Bad {
    lsm_multiply_options options{0, 0, 0};
    HostTensor a{DType::kF32, {2, 3}, std::vector<double>(6, 1)};
    HostTensor b{DType::kF32, {3, 4}, std::vector<double>(12, 1)};
    HostTensor out{DType::kF32, {2, 4}};
  };
  const Context context;
  const auto rejected = [&](const char* argument, const char* got, const auto& spoil) {
    Bad bad;
    spoil(&bad);
    Mirror device;
    EXPECT_TRUE(Rejects(lsm_multiply(context, &bad.options, device.View(&bad.a),
                                     device.View(&bad.b), device.View(&bad.out)),
                        argument, got));
    device.Return(context);
    EXPECT_TRUE(bad.out.Untouched());
  };
  rejected("transpose_a", "2", [](Bad* bad) { bad->options.transpose_a = 2; });
  rejected("transpose_b", "1", [](Bad* bad) { bad->options = {1, 1, 0}; });
  rejected("accumulate", "-1", [](Bad* bad) { bad->options.accumulate = -1; });
  rejected("b", "[3,4]", [](Bad* bad) { bad->options.transpose_a = 1; });
  rejected("b", "[3,4]", [](Bad* bad) { bad->options.transpose_b = 1; });
  rejected("b", "f16", [](Bad* bad) { bad->b = HostTensor(DType::kF16, {3, 4}); });
  rejected("a", "i64", [](Bad* bad) { bad->a = HostTensor(DType::kI64, {2, 3}); });
  rejected("a", "[6]", [](Bad* bad) { bad->a = HostTensor(DType::kF32, {6}); });
  rejected("out", "[2,5]", [](Bad* bad) { bad->out = HostTensor(DType::kF32, {2, 5}); });
  rejected("out", "f64", [](Bad* bad) { bad->out = HostTensor(DType::kF64, {2, 4}); });
  Bad bad;
  Mirror device;
  lsm_tensor* a = device.View(&bad.a);
  lsm_tensor* b = device.View(&bad.b);
  EXPECT_TRUE(Rejects(lsm_multiply(context, nullptr, a, b, device.View(&bad.out)), "options"));
  EXPECT_TRUE(Rejects(lsm_multiply(context, &bad.options, nullptr, b, b), "a", "NULL"));
  EXPECT_TRUE(Rejects(lsm_multiply(context, &bad.options, a, b, nullptr), "out", "NULL"));
  // A view of b with the shape of the product.
  lsm_tensor inside = *b;
  int64_t shape[] = {2, 4};
  inside.shape = shape;
  EXPECT_TRUE(Rejects(lsm_multiply(context, &bad.options, a, b, &inside), "out", "an overlap"));
  int64_t strides[] = {-4, 1};
  lsm_tensor backwards = *device.View(&bad.out);
  backwards.strides = strides;
  backwards.byte_offset += 16;
  EXPECT_TRUE(Rejects(lsm_multiply(context, &bad.options, a, b, &backwards), "out", "-4"));
  device.Return(context);
}

}  // namespace
}  // namespace lossmith_test
