// Inverse norms, dot products and weighted sums of rows on a device, against plain code.
#include <gtest/gtest.h>

#include "cuda/rows_support.h"
#include "support/compare.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

TEST(InverseNorms, OfEverySizeAndType) {
  for (DType dtype : kFloats) {
    for (int64_t rows : kEdges) {
      for (int64_t width : kEdges) {
        if (rows > 40 && width > 40) continue;
        const std::vector<double> values = RandomRows(dtype, rows, width);
        const std::vector<double> got = InverseNorms(DeviceMatrix(dtype, rows, width, values));
        for (int64_t i = 0; i < rows; ++i) {
          const double expected = InverseNorm(values.data() + i * width, width);
          ASSERT_NEAR(got[i], expected, 1e-14 * expected) << rows << " x " << width;
        }
      }
    }
  }
}

TEST(InverseNorms, SpecialRows) {
  for (DType dtype : kFloats) {
    std::vector<double> values = RandomRows(dtype, 6, 40);
    values[1 * 40 + 39] = kNaN;
    values[2 * 40 + 3] = -kInfinity;
    for (int k = 0; k < 40; ++k) values[3 * 40 + k] = 0;
    const std::vector<double> got = InverseNorms(DeviceMatrix(dtype, 6, 40, values));
    EXPECT_TRUE(std::isnan(got[1]));
    EXPECT_EQ(got[2], 0);
    EXPECT_EQ(got[3], 0);
    EXPECT_GT(got[4], 0);
  }
}

TEST(InverseNorms, OfLengthsAroundTheThresholdAndBeyondTheRangeOfF32Squares) {
  const std::vector<double> got = InverseNorms(
      DeviceMatrix(DType::kF64, 4, 2, {0.9e-12, 0, 0, 1.1e-12, 3e200 / 1e60, 4e140, 6e-10, 8e-10}));
  EXPECT_EQ(got[0], 0);
  EXPECT_DOUBLE_EQ(got[1], 1 / 1.1e-12);
  EXPECT_DOUBLE_EQ(got[2], 1 / 5e140);
  EXPECT_DOUBLE_EQ(got[3], 1e9);
  const std::vector<double> single =
      InverseNorms(DeviceMatrix(DType::kF32, 1, 2, Rounded(DType::kF32, {3e38, 0})));
  EXPECT_DOUBLE_EQ(single[0], 1 / Rounded(DType::kF32, 3e38));
}

TEST(InverseNorms, SkippedRowsGiveZeroWhateverTheyHold) {
  for (int64_t stride : {1, 3}) {
    const Skipped skipped(20, stride);
    std::vector<double> values = RandomRows(DType::kF32, 25, 7);
    for (int64_t i = 0; i < 25; ++i) {
      if (skipped.at(i)) values[i * 7] = kNaN;
    }
    const std::vector<double> got =
        InverseNorms(DeviceMatrix(DType::kF32, 25, 7, values), skipped.skip);
    for (int64_t i = 0; i < 25; ++i) EXPECT_EQ(got[i] == 0, skipped.at(i)) << i;
  }
}

TEST(InverseNorms, EveryLayoutGivesTheSameBits) {
  for (DType dtype : kFloats) {
    for (int64_t width : {5, 64, 333}) {
      const std::vector<double> values = RandomRows(dtype, 9, width);
      const auto plain = InverseNorms(DeviceMatrix(dtype, 9, width, values));
      for (const MatrixLayout& layout : Layouts(width)) {
        EXPECT_EQ(InverseNorms(DeviceMatrix(dtype, 9, width, layout, values)), plain)
            << Name(dtype) << ", width " << width << ", ld " << layout.ld;
      }
    }
  }
}

TEST(InverseNorms, RowsMayRepeat) {
  const std::vector<double> row = RandomRows(DType::kBF16, 1, 50);
  DeviceMatrix one(DType::kBF16, 1, 50, row);
  lossmith::cuda::Matrix repeated = one.get();
  repeated.rows = 12;
  repeated.ld = 0;
  DeviceArray<double> out(std::vector<double>(12, -7));
  lossmith::cuda::inverse_norms(nullptr, repeated, {}, out.get());
  for (double value : out.Values()) EXPECT_EQ(value, InverseNorms(one)[0]);
}

void ExpectWeightedSum(DType dtype, int64_t rows, int64_t width) {
  const std::vector<double> values = RandomRows(dtype, rows, width);
  const std::vector<double> weights = Random(7).Normals(rows);
  const std::vector<double> start = Random(8).Normals(width);
  const DeviceArray<double> weights_there(weights);
  const DeviceMatrix matrix(dtype, rows, width, values);
  for (bool weighted : {false, true}) {
    for (bool accumulate : {false, true}) {
      const std::vector<double> got = WeightedSum(matrix, weighted ? weights_there.get() : nullptr,
                                                  accumulate ? &start : nullptr);
      for (int64_t k = 0; k < width; ++k) {
        long double sum = accumulate ? start[k] : 0, magnitude = 1;
        for (int64_t i = 0; i < rows; ++i) {
          const long double term = (weighted ? weights[i] : 1.0L) * values[i * width + k];
          sum += term;
          magnitude += std::fabs(term);
        }
        ASSERT_NEAR(got[k], static_cast<double>(sum), static_cast<double>(1e-15 * magnitude))
            << rows << " x " << width << ", " << Name(dtype);
      }
    }
  }
}

TEST(AddWeightedRows, OfEveryType) {
  for (DType dtype : kFloats) {
    for (int64_t width : kEdges) ExpectWeightedSum(dtype, 41, width);
  }
}

TEST(AddWeightedRows, OfEveryNumberOfRows) {
  for (int64_t rows : {0, 1, 7, 8, 9, 63, 64, 65, 129, 1000, 8192, 8193, 20000}) {
    ExpectWeightedSum(DType::kF32, rows, 3);
  }
}

TEST(AddWeightedRows, ScratchForMoreRowsServesFewer) {
  for (int64_t rows = 0; rows < 20000; ++rows) {
    ASSERT_LE(lossmith::cuda::row_sum_scratch(rows, 7),
              lossmith::cuda::row_sum_scratch(rows + 1, 7));
  }
  const std::vector<double> values = RandomRows(DType::kF32, 8192, 2);
  const DeviceMatrix matrix(DType::kF32, 8192, 2, values);
  const DeviceArray<double> scratch(
      std::vector<double>(lossmith::cuda::row_sum_scratch(8193, 2), kNaN));
  const DeviceArray<double> sum(std::vector<double>(2, kNaN));
  lossmith::cuda::add_weighted_rows(nullptr, matrix.get(), nullptr, false, scratch.get(),
                                    sum.get());
  EXPECT_EQ(sum.Values(), WeightedSum(matrix, nullptr, nullptr));
}

TEST(AddWeightedRows, EveryLayoutGivesTheSameBits) {
  for (DType dtype : kFloats) {
    const std::vector<double> values = RandomRows(dtype, 150, 70);
    const auto plain = WeightedSum(DeviceMatrix(dtype, 150, 70, values), nullptr, nullptr);
    for (const MatrixLayout& layout : Layouts(70)) {
      EXPECT_EQ(WeightedSum(DeviceMatrix(dtype, 150, 70, layout, values), nullptr, nullptr), plain)
          << Name(dtype) << ", ld " << layout.ld;
    }
  }
}

TEST(AddWeightedRows, NaNStaysInItsColumn) {
  std::vector<double> values(100 * 40, 1);
  values[77 * 40 + 13] = kNaN;
  const auto sum = WeightedSum(DeviceMatrix(DType::kBF16, 100, 40, values), nullptr, nullptr);
  for (int k = 0; k < 40; ++k) EXPECT_EQ(std::isnan(sum[k]), k == 13) << k;
}

TEST(RowDots, OfEverySizeAndType) {
  for (DType dtype : kFloats) {
    for (int64_t rows : {0, 1, 8, 33}) {
      for (int64_t width : kEdges) {
        const std::vector<double> values = RandomRows(dtype, rows, width);
        const std::vector<double> vector = Random(9).Normals(width);
        const std::vector<double> got = Dots(DeviceMatrix(dtype, rows, width, values), vector);
        for (int64_t i = 0; i < rows; ++i) {
          long double dot = 0, magnitude = 1;
          for (int64_t k = 0; k < width; ++k) {
            dot += static_cast<long double>(values[i * width + k]) * vector[k];
            magnitude += std::fabs(values[i * width + k] * vector[k]);
          }
          ASSERT_NEAR(got[i], static_cast<double>(dot), static_cast<double>(1e-15 * magnitude));
        }
      }
    }
  }
}

TEST(RowDots, EveryLayoutGivesTheSameBits) {
  for (DType dtype : kFloats) {
    const std::vector<double> values = RandomRows(dtype, 9, 77);
    const std::vector<double> vector = Random(10).Normals(77);
    const auto plain = Dots(DeviceMatrix(dtype, 9, 77, values), vector);
    for (const MatrixLayout& layout : Layouts(77)) {
      EXPECT_EQ(Dots(DeviceMatrix(dtype, 9, 77, layout, values), vector), plain) << Name(dtype);
    }
  }
}

}  // namespace
}  // namespace lossmith_test
