// Rows on their way into the products, against plain code.
#include <gtest/gtest.h>

#include "cuda/rows_support.h"
#include "support/compare.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

// As the header of the kernel says: f32 arithmetic, f64 where either side is f64.
double Scaled(DType from, DType to, double x, double factor) {
  if (from == DType::kF64 || to == DType::kF64) return Rounded(to, x * factor);
  const float product = static_cast<float>(x) * static_cast<float>(factor);
  return Rounded(to, static_cast<double>(product));
}

TEST(LoadRows, ConvertsBetweenAllTypesInEveryLayout) {
  for (DType from : kFloats) {
    for (DType to : kFloats) {
      for (int64_t width : {1, 31, 64, 130}) {
        const std::vector<double> values = RandomRows(from, 11, width);
        for (const MatrixLayout& source_layout : Layouts(width)) {
          for (const MatrixLayout& target_layout : Layouts(width)) {
            if (source_layout.ld != width && target_layout.ld != width) continue;
            const DeviceMatrix source(from, 11, width, source_layout, values);
            DeviceMatrix target(to, 11, width, target_layout);
            lossmith::cuda::load_rows(nullptr, source.get(), 0, nullptr, nullptr, {}, target.get());
            ASSERT_EQ(target.Values(), Rounded(to, values)) << Name(from) << " to " << Name(to);
            ASSERT_TRUE(target.GapsUntouched());
          }
        }
      }
    }
  }
}

TEST(LoadRows, ConvertsEverySize) {
  for (int64_t rows : kEdges) {
    for (int64_t width : kEdges) {
      if (rows > 40 && width > 40) continue;
      const std::vector<double> values = RandomRows(DType::kF32, rows, width);
      DeviceMatrix target(DType::kBF16, rows, width);
      lossmith::cuda::load_rows(nullptr, DeviceMatrix(DType::kF32, rows, width, values).get(), 0,
                                nullptr, nullptr, {}, target.get());
      ASSERT_EQ(target.Values(), Rounded(DType::kBF16, values)) << rows << " x " << width;
    }
  }
}

TEST(LoadRows, KeepsInfinitiesAndNaN) {
  const std::vector<double> values = {kInfinity, -kInfinity, kNaN, -0.0, 1e-40, 65504, 70000, 1};
  for (DType from : {DType::kF32, DType::kF64}) {
    for (DType to : kFloats) {
      const std::vector<double> exact = Rounded(from, values);
      DeviceMatrix target(to, 1, 8);
      lossmith::cuda::load_rows(nullptr, DeviceMatrix(from, 1, 8, exact).get(), 0, nullptr, nullptr,
                                {}, target.get());
      EXPECT_EQ(MaxError(target.Values(), Rounded(to, exact)), 0) << Name(from) << Name(to);
      EXPECT_TRUE(std::signbit(target.Values()[3]));
    }
  }
}

TEST(LoadRows, MultipliesByInverseNormsAndFactors) {
  constexpr int64_t kRows = 14, kWidth = 45, kBegin = 4;
  Random random(2);
  std::vector<double> inverse = random.Uniforms(kRows, 0.1, 3);
  const std::vector<double> factor = random.Normals(kRows);
  inverse[6] = 0;
  const DeviceArray<double> inverse_there(inverse), factor_there(factor);
  for (DType from : kFloats) {
    for (DType to : kFloats) {
      const std::vector<double> values = RandomRows(from, kRows, kWidth);
      const DeviceMatrix source(from, kRows, kWidth, values);
      for (int which : {1, 2, 3}) {
        DeviceMatrix target(to, kRows - kBegin, kWidth, MatrixLayout{kWidth + 1, 1});
        lossmith::cuda::load_rows(nullptr, source.get(), kBegin,
                                  which & 1 ? inverse_there.get() : nullptr,
                                  which & 2 ? factor_there.get() : nullptr, {}, target.get());
        const std::vector<double> got = target.Values();
        EXPECT_TRUE(target.GapsUntouched());
        for (int64_t i = 0; i < kRows - kBegin; ++i) {
          const double scale =
              (which & 1 ? inverse[kBegin + i] : 1) * (which & 2 ? factor[kBegin + i] : 1);
          for (int64_t k = 0; k < kWidth; ++k) {
            ASSERT_EQ(got[i * kWidth + k],
                      Scaled(from, to, values[(kBegin + i) * kWidth + k], scale))
                << Name(from) << " to " << Name(to) << ", row " << i;
          }
        }
      }
    }
  }
}

TEST(LoadRows, SkippedRowsAreZeros) {
  constexpr int64_t kRows = 20, kWidth = 33, kBegin = 3;
  const Skipped skipped(17, 2);
  for (DType dtype : kFloats) {
    std::vector<double> values = RandomRows(dtype, kRows, kWidth);
    std::vector<double> inverse(kRows, 0.5);
    for (int64_t i = 0; i < kRows; ++i) {
      if (!skipped.at(i)) continue;
      inverse[i] = kNaN;
      for (int64_t k = 0; k < kWidth; ++k) values[i * kWidth + k] = k % 2 == 0 ? kNaN : kInfinity;
    }
    const DeviceArray<double> inverse_there(inverse);
    for (const double* scales :
         {static_cast<const double*>(nullptr), static_cast<const double*>(inverse_there.get())}) {
      DeviceMatrix target(dtype, kRows - kBegin, kWidth);
      lossmith::cuda::load_rows(nullptr, DeviceMatrix(dtype, kRows, kWidth, values).get(), kBegin,
                                scales, nullptr, skipped.skip, target.get());
      const std::vector<double> got = target.Values();
      for (int64_t i = 0; i < (kRows - kBegin) * kWidth; ++i) {
        const double x = values[kBegin * kWidth + i];
        const double expected = skipped.at(kBegin + i / kWidth) ? 0 : scales ? x / 2 : x;
        ASSERT_EQ(got[i], expected) << i;
      }
    }
  }
}

}  // namespace
}  // namespace lossmith_test
