// Rows of unit length.
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "lossmith/update.h"
#include "support/compare.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

constexpr DType kFloats[] = {DType::kF32, DType::kF64, DType::kF16, DType::kBF16};

struct Normalized {
  std::vector<double> rows, norms;
};

Normalized Normalize(DType from, DType to, int64_t rows, int64_t width,
                     const std::vector<double>& values, const Layout& layout = {},
                     bool in_place = false, DType norm_type = DType::kF64) {
  HostTensor x(from, {rows, width}, values, layout);
  const std::vector<unsigned char> before = x.Bits();
  HostTensor other(to, {rows, width}, layout);
  HostTensor norms(norm_type, {rows});
  HostTensor& out = in_place ? x : other;
  const Context context;
  Mirror device;
  EXPECT_EQ(lsm_normalize_rows(context, device.View(&x), device.View(&out), device.View(&norms)),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  EXPECT_TRUE(out.GapsUntouched());
  EXPECT_TRUE(in_place || x.Bits() == before);
  return {out.Values(), norms.Values()};
}

TEST(NormalizeRows, ByHand) {
  const Normalized result =
      Normalize(DType::kF64, DType::kF64, 4, 2, {3, 4, 0, 0, -6e-13, 8e-13, -8e-12, 6e-12});
  EXPECT_LE(MaxError(result.rows, {0.6, 0.8, 0, 0, 0, 0, -0.8, 0.6}), 1e-15);
  EXPECT_LE(MaxError(result.norms, {5, 0, 1e-12, 1e-11}), 1e-15);
}

TEST(NormalizeRows, EveryTypeAndLayout) {
  for (const DType from : kFloats) {
    for (const DType to : kFloats) {
      for (const int64_t width : {1, 5, 32, 67, 600}) {
        SCOPED_TRACE(std::string(Name(from)) + " " + Name(to) + " " + std::to_string(width));
        const int64_t rows = width > 100 ? 3 : 10;
        const std::vector<double> x = Rounded(from, Random(width).Normals(rows * width));
        std::vector<double> expected = x, norms(rows);
        for (int64_t i = 0; i < rows; ++i) {
          long double square = 0;
          for (int64_t k = 0; k < width; ++k) square += x[i * width + k] * x[i * width + k];
          norms[i] = static_cast<double>(std::sqrt(square));
          for (int64_t k = 0; k < width; ++k) expected[i * width + k] /= norms[i];
        }
        const Normalized result = Normalize(from, to, rows, width, x);
        EXPECT_LE(MaxError(result.norms, norms), 1e-13 * MaxMagnitude(norms));
        EXPECT_LE(MaxError(result.rows, expected), UnitRoundoff(to) + 1e-14);
        const Normalized strided = Normalize(from, to, rows, width, x, {3, 1, true, false});
        EXPECT_EQ(strided.rows, result.rows);
        EXPECT_EQ(strided.norms, result.norms);
        const Normalized other =
            Normalize(from, to, rows, width, x, {8, 8, false, false}, from == to, DType::kF32);
        EXPECT_EQ(other.rows, result.rows);
        EXPECT_EQ(other.norms, Rounded(DType::kF32, result.norms));
      }
    }
  }
}

TEST(NormalizeRows, WhatIsNotANumberStaysInItsRow) {
  const Normalized result = Normalize(DType::kF32, DType::kF32, 2, 3,
                                      {1, std::numeric_limits<double>::quiet_NaN(), 2, 0, 2, 0});
  EXPECT_TRUE(std::isnan(result.rows[0]) && std::isnan(result.norms[0]));
  EXPECT_EQ(result.rows[4], 1);
}

TEST(NormalizeRows, NothingToDo) {
  EXPECT_TRUE(Normalize(DType::kF32, DType::kF32, 0, 4, {}).rows.empty());
  EXPECT_EQ(Normalize(DType::kF32, DType::kF32, 2, 0, {}).norms, (std::vector<double>{0, 0}));
}

TEST(NormalizeRows, RejectsBadTensors) {
  const Context context;
  HostTensor x(DType::kF32, {2, 3}, {1, 2, 3, 4, 5, 6});
  HostTensor out(DType::kF32, {2, 3}), wrong(DType::kF32, {3, 2}), integer(DType::kI32, {2, 3});
  HostTensor norms(DType::kF32, {2}), three(DType::kF32, {3}), half(DType::kF16, {2});
  Mirror device;
  const auto rejects = [&](HostTensor* from, HostTensor* to, HostTensor* lengths,
                           const std::string& argument, const std::string& got) {
    return Rejects(
        lsm_normalize_rows(context, device.View(from), device.View(to), device.View(lengths)),
        argument, got);
  };
  EXPECT_TRUE(rejects(nullptr, &out, nullptr, "x", "NULL"));
  EXPECT_TRUE(rejects(&integer, &out, nullptr, "x", "i32"));
  EXPECT_TRUE(rejects(&norms, &out, nullptr, "x", "[2]"));
  EXPECT_TRUE(rejects(&x, nullptr, nullptr, "out", "NULL"));
  EXPECT_TRUE(rejects(&x, &wrong, nullptr, "out", "[3,2]"));
  EXPECT_TRUE(rejects(&x, &integer, nullptr, "out", "i32"));
  EXPECT_TRUE(rejects(&x, &out, &three, "norms", "[3]"));
  EXPECT_TRUE(rejects(&x, &out, &half, "norms", "f16"));
  lsm_tensor shifted = *device.View(&x);
  int64_t shape[] = {1, 3};
  lsm_tensor first = shifted;
  first.shape = shifted.shape = shape;
  shifted.byte_offset += 4;
  EXPECT_TRUE(Rejects(lsm_normalize_rows(context, &first, &shifted, nullptr), "out", "overlap"));
  device.Return(context);
  EXPECT_TRUE(out.Untouched() && wrong.Untouched() && norms.Untouched() && three.Untouched());
}

}  // namespace
}  // namespace lossmith_test
