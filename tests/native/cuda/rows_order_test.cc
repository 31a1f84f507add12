// Rows that lie far apart, and threads in any order.
#include <gtest/gtest.h>

#include "cuda/far_rows.h"
#include "cuda/rows_support.h"
#include "simt/control.h"
#include "support/compare.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

TEST(FarRows, StridesBeyondTwoToThe31Elements) {
  constexpr int64_t kLd = (int64_t{1} << 31) + 24, kRows = 4, kWidth = 37;
  const std::vector<double> values = RandomRows(DType::kBF16, kRows, kWidth);
  const FarRows source(DType::kBF16, kRows, kWidth, kLd, values);
  const DeviceMatrix near(DType::kBF16, kRows, kWidth, values);

  const DeviceArray<double> norms(std::vector<double>(kRows, kNaN));
  lossmith::cuda::inverse_norms(nullptr, source.get(), {}, norms.get());
  EXPECT_EQ(norms.Values(), InverseNorms(near));

  const FarRows loaded(DType::kF32, kRows, kWidth, kLd, {});
  lossmith::cuda::load_rows(nullptr, source.get(), 0, nullptr, nullptr, {}, loaded.get());
  EXPECT_EQ(loaded.Values(), values);

  const FarRows gradient(DType::kBF16, kRows, kWidth, kLd, {});
  DeviceMatrix near_gradient(DType::kBF16, kRows, kWidth);
  lossmith::cuda::store_gradient_rows(nullptr, source.get(), norms.get(), {}, 0, loaded.get(),
                                      nullptr, gradient.get());
  lossmith::cuda::store_gradient_rows(nullptr, near.get(), norms.get(), {}, 0, loaded.get(),
                                      nullptr, near_gradient.get());
  EXPECT_EQ(gradient.Values(), near_gradient.Values());

  const DeviceArray<double> vector(std::vector<double>(kWidth, 0.5));
  const DeviceArray<double> dots(std::vector<double>(kRows, kNaN));
  lossmith::cuda::row_dots(nullptr, source.get(), vector.get(), dots.get());
  EXPECT_EQ(dots.Values(), Dots(near, std::vector<double>(kWidth, 0.5)));

  const DeviceArray<double> scratch(
      std::vector<double>(lossmith::cuda::row_sum_scratch(kRows, kWidth), kNaN));
  const DeviceArray<double> sum(std::vector<double>(kWidth, kNaN));
  lossmith::cuda::add_weighted_rows(nullptr, source.get(), nullptr, false, scratch.get(),
                                    sum.get());
  EXPECT_EQ(sum.Values(), WeightedSum(near, nullptr, nullptr));

  lossmith::cuda::fill_zero(nullptr, MatrixView(loaded.get()));
  EXPECT_EQ(loaded.Values(), std::vector<double>(kRows * kWidth, 0));
}

TEST(Schedules, TheOrderOfThreadsDoesNotChangeABit) {
  constexpr int64_t kRows = 200, kWidth = 150;
  const std::vector<double> x = RandomRows(DType::kF32, kRows, kWidth, 11);
  const std::vector<double> g = RandomRows(DType::kF32, kRows, kWidth, 12);
  const std::vector<double> vector = Random(13).Normals(kWidth);
  const DeviceMatrix source(DType::kF32, kRows, kWidth, x);
  std::vector<std::vector<double>> first;
  for (uint64_t seed : {0, 1, 2, 3}) {
    lossmith::cuda::simt::set_schedule_seed(seed);
    std::vector<std::vector<double>> results = {InverseNorms(source), Dots(source, vector),
                                                WeightedSum(source, nullptr, nullptr)};
    const DeviceArray<double> inverse(results[0]);
    DeviceMatrix loaded(DType::kBF16, kRows, kWidth), gradient(DType::kF32, kRows, kWidth);
    lossmith::cuda::load_rows(nullptr, source.get(), 0, inverse.get(), nullptr, {}, loaded.get());
    lossmith::cuda::store_gradient_rows(nullptr, source.get(), inverse.get(), {}, 0,
                                        DeviceMatrix(DType::kF32, kRows, kWidth, g).get(), nullptr,
                                        gradient.get());
    results.push_back(loaded.Values());
    results.push_back(gradient.Values());
    if (first.empty()) first = results;
    EXPECT_EQ(results, first) << "seed " << seed;
  }
  lossmith::cuda::simt::set_schedule_seed(0);
}

}  // namespace
}  // namespace lossmith_test
