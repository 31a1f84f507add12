// Merging log-sum-exps.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lossmith/contrastive_sharded.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> Merged(DType dtype, int64_t parts, int64_t length,
                           const std::vector<double>& values, const Layout& layout = {}) {
  HostTensor input(dtype, {parts, length}, values, layout);
  HostTensor output(dtype, {length});
  const Context context;
  Mirror device;
  EXPECT_EQ(lsm_merge_logsumexp(context, device.View(&input), device.View(&output)), LSM_OK)
      << lsm_last_error();
  device.Return(context);
  return output.Values();
}

TEST(MergeLogSumExp, AddsInTheExponent) {
  Random random(1);
  std::vector<double> values = random.Normals(5 * 200);
  for (double& value : values) value = 300 * value;
  for (const Layout& layout : {Layout{}, Layout{3, 1, true, false}}) {
    const std::vector<double> merged = Merged(DType::kF64, 5, 200, values, layout);
    for (int64_t i = 0; i < 200; ++i) {
      double largest = -kInfinity, sum = 0;
      for (int64_t p = 0; p < 5; ++p) largest = std::max(largest, values[p * 200 + i]);
      for (int64_t p = 0; p < 5; ++p) sum += std::exp(values[p * 200 + i] - largest);
      EXPECT_NEAR(merged[i], largest + std::log(sum), 1e-13 * std::fabs(merged[i]) + 1e-15);
    }
  }
}

TEST(MergeLogSumExp, EmptyRangesChangeNothing) {
  EXPECT_EQ(
      Merged(DType::kF64, 3, 2, {-kInfinity, -kInfinity, 1.25, -kInfinity, -kInfinity, -kInfinity}),
      (std::vector<double>{1.25, -kInfinity}));
}

TEST(MergeLogSumExp, OnePartIsKept) {
  const std::vector<double> values = {0.1, -700.25, 1e5, 0};
  EXPECT_EQ(Merged(DType::kF64, 1, 4, values), values);
  EXPECT_EQ(Merged(DType::kF32, 1, 4, Rounded(DType::kF32, values)), Rounded(DType::kF32, values));
}

TEST(MergeLogSumExp, NaNAndPlusInfinityPropagate) {
  const std::vector<double> merged =
      Merged(DType::kF32, 2, 2, {std::numeric_limits<double>::quiet_NaN(), kInfinity, 1, 2});
  EXPECT_TRUE(std::isnan(merged[0]));
  EXPECT_FALSE(std::isfinite(merged[1]));
}

TEST(MergeLogSumExp, RejectsBadTensors) {
  const Context context;
  HostTensor parts(DType::kF64, {2, 3}, {1, 2, 3, 4, 5, 6});
  HostTensor merged(DType::kF64, {3}), wrong(DType::kF64, {2}), integer(DType::kI32, {3});
  HostTensor flat(DType::kF64, {6}, {1, 2, 3, 4, 5, 6});
  Mirror device;
  const auto rejects = [&](lsm_context where, HostTensor* from, HostTensor* to,
                           const std::string& argument, const std::string& got = "") {
    return Rejects(lsm_merge_logsumexp(where, device.View(from), device.View(to)), argument, got);
  };
  EXPECT_TRUE(rejects(context, nullptr, &merged, "parts"));
  EXPECT_TRUE(rejects(context, &parts, nullptr, "merged"));
  EXPECT_TRUE(rejects(context, &flat, &merged, "parts"));
  EXPECT_TRUE(rejects(context, &parts, &wrong, "merged", "2"));
  EXPECT_TRUE(rejects(context, &parts, &integer, "merged"));
  EXPECT_TRUE(rejects(nullptr, &parts, &merged, "context"));
  device.Return(context);
  EXPECT_TRUE(merged.Untouched());
}

}  // namespace
}  // namespace lossmith_test
