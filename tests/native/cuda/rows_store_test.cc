// Gradients on their way out, through the normalisation or as they are, against plain code.
#include <gtest/gtest.h>

#include "cuda/rows_support.h"
#include "support/compare.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

struct GradientTypes {
  DType source, accumulator, gradient;
};
std::vector<GradientTypes> EveryGradient() {
  std::vector<GradientTypes> all;
  for (DType source : kFloats) {
    for (DType accumulator : {DType::kF32, DType::kF64}) {
      all.push_back({source, accumulator, source});
      if (source != DType::kF32) all.push_back({source, accumulator, DType::kF32});
    }
  }
  return all;
}

// Gradient of row x for gradient g of x / ||x||, or of x.
std::vector<double> Gradient(const double* x, const double* g, int64_t width, double inverse,
                             double factor, bool normalized) {
  std::vector<double> out(width);
  long double along = 0;
  for (int64_t k = 0; k < width; ++k) {
    along += static_cast<long double>(x[k]) * inverse * g[k] * factor;
  }
  for (int64_t k = 0; k < width; ++k) {
    out[k] = normalized ? static_cast<double>((g[k] * factor - x[k] * inverse * along) * inverse)
                        : g[k] * factor;
  }
  return out;
}

void ExpectGradients(const GradientTypes& types, int64_t rows, int64_t width, bool normalized,
                     double factor, const MatrixLayout& layout) {
  SCOPED_TRACE(std::string(Name(types.source)) + " " + Name(types.accumulator) + " " +
               Name(types.gradient));
  constexpr int64_t kBegin = 2;
  const Skipped skipped(rows + kBegin, 1);
  const std::vector<double> x = RandomRows(types.source, rows + kBegin, width, 3);
  const std::vector<double> g = RandomRows(types.accumulator, rows, width, 4);
  std::vector<double> inverse;
  for (int64_t i = 0; i < rows + kBegin; ++i)
    inverse.push_back(InverseNorm(x.data() + i * width, width));
  const DeviceArray<double> inverse_there(inverse), factor_there(std::vector<double>{factor});
  DeviceMatrix gradient(types.gradient, rows + kBegin, width, layout);
  const std::vector<double> before = gradient.Values();
  lossmith::cuda::store_gradient_rows(nullptr,
                                      DeviceMatrix(types.source, rows + kBegin, width, x).get(),
                                      normalized ? inverse_there.get() : nullptr, skipped.skip,
                                      kBegin, DeviceMatrix(types.accumulator, rows, width, g).get(),
                                      factor == 1 ? nullptr : factor_there.get(), gradient.get());
  const std::vector<double> got = gradient.Values();
  EXPECT_TRUE(gradient.GapsUntouched());
  for (int64_t i = 0; i < kBegin * width; ++i) EXPECT_EQ(got[i], before[i]);  // not its rows
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t row = kBegin + i;
    const std::vector<double> expected = Gradient(x.data() + row * width, g.data() + i * width,
                                                  width, inverse[row], factor, normalized);
    for (int64_t k = 0; k < width; ++k) {
      if (skipped.at(row)) {
        ASSERT_EQ(got[row * width + k], 0);
      } else if (!normalized) {
        ASSERT_EQ(got[row * width + k], Rounded(types.gradient, expected[k]));
      } else {
        ASSERT_NEAR(got[row * width + k], expected[k],
                    1.01 * UnitRoundoff(types.gradient) * std::fabs(expected[k]) +
                        1e-14 * std::fabs(inverse[row]) * (1 + std::fabs(factor)) +
                        (types.gradient == DType::kF16 ? 3e-8 : 0));
      }
    }
  }
}

TEST(StoreGradientRows, OfEveryTypeAndLayout) {
  for (const GradientTypes& types : EveryGradient()) {
    for (bool normalized : {false, true}) {
      for (double factor : {1.0, 0.3}) {
        for (const MatrixLayout& layout : Layouts(37)) {
          ExpectGradients(types, 9, 37, normalized, factor, layout);
        }
      }
    }
  }
}

TEST(StoreGradientRows, OfEverySize) {
  for (int64_t rows : {0, 1, 31, 33, 129}) {
    for (int64_t width : kEdges) {
      if (width == 0 || (rows > 40 && width > 40)) continue;
      for (bool normalized : {false, true}) {
        const GradientTypes types{DType::kBF16, DType::kF32, DType::kBF16};
        ExpectGradients(types, rows, width, normalized, 1, {width});
      }
    }
  }
}

TEST(StoreGradientRows, NormalizedZeroRowsHaveZeroGradientAndNaNStaysInItsRow) {
  const std::vector<double> x = {0, 0, kNaN, 1, 3, 4};
  const DeviceMatrix source(DType::kF32, 3, 2, x);
  const DeviceArray<double> inverse(InverseNorms(source));
  DeviceMatrix gradient(DType::kF32, 3, 2);
  lossmith::cuda::store_gradient_rows(nullptr, source.get(), inverse.get(), {}, 0,
                                      DeviceMatrix(DType::kF32, 3, 2, {1, 2, 3, 4, 4, -3}).get(),
                                      nullptr, gradient.get());
  const std::vector<double> got = gradient.Values();
  EXPECT_EQ(got[0], 0);
  EXPECT_EQ(got[1], 0);
  EXPECT_TRUE(std::isnan(got[2]) && std::isnan(got[3]));
  EXPECT_FLOAT_EQ(static_cast<float>(got[4]), 0.8f);  // across the row: g / ||x||
  EXPECT_FLOAT_EQ(static_cast<float>(got[5]), -0.6f);
}

TEST(StoreGradientRows, EveryLayoutGivesTheSameBits) {
  for (const GradientTypes& types : EveryGradient()) {
    const std::vector<double> x = RandomRows(types.source, 8, 77, 5);
    const std::vector<double> g = RandomRows(types.accumulator, 8, 77, 6);
    const DeviceArray<double> inverse(std::vector<double>(8, 0.11));
    std::vector<double> plain;
    for (const MatrixLayout& layout : Layouts(77)) {
      DeviceMatrix gradient(types.gradient, 8, 77, layout);
      lossmith::cuda::store_gradient_rows(
          nullptr, DeviceMatrix(types.source, 8, 77, layout, x).get(), inverse.get(), {}, 0,
          DeviceMatrix(types.accumulator, 8, 77, layout, g).get(), nullptr, gradient.get());
      if (plain.empty()) plain = gradient.Values();
      EXPECT_EQ(gradient.Values(), plain) << Name(types.source) << ", ld " << layout.ld;
    }
  }
}

}  // namespace
}  // namespace lossmith_test
