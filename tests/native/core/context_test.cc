// Contexts: options, limits, and the measured rates.
#include "lossmith/context.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>

#include "support/context.h"
#include "support/device.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

lsm_status Create(const lsm_context_options& options) {
  lsm_context context = nullptr;
  const lsm_status status = lsm_context_create(&options, &context);
  EXPECT_EQ(context == nullptr, status != LSM_OK);
  lsm_context_destroy(context);
  return status;
}

TEST(Context, NullOptionsAreTheDefaults) {
  lsm_context context = nullptr;
  ASSERT_EQ(lsm_context_create(nullptr, &context), LSM_OK) << lsm_last_error();
  EXPECT_GE(lsm_context_threads(context), 1);
  EXPECT_EQ(lsm_context_workspace_bytes(context), 0);
  EXPECT_EQ(lsm_context_synchronize(context), LSM_OK);
  EXPECT_EQ(lsm_context_destroy(context), LSM_OK);
}

TEST(Context, ZeroedOptionsAreTheDefaults) {
  lsm_context_options options{};
  EXPECT_EQ(Create(options), LSM_OK);
  options.device = {LSM_CPU, 0};
  EXPECT_EQ(Create(options), LSM_OK);
}

TEST(Context, KeepsTheNumberOfThreads) {
  for (int32_t threads : {1, 2, 3, 1024}) {
    EXPECT_EQ(lsm_context_threads(Context(threads)), threads);
  }
}

TEST(Context, DestroyingNullIsAllowed) { EXPECT_EQ(lsm_context_destroy(nullptr), LSM_OK); }

TEST(Context, RejectsBadOptionsByName) {
  lsm_context_options options{};
  options.threads = -1;
  EXPECT_TRUE(Rejects(Create(options), "threads", "-1"));
  options.threads = 1025;
  EXPECT_TRUE(Rejects(Create(options), "threads", "1025"));
  options = {};
  options.budget = -5;
  EXPECT_TRUE(Rejects(Create(options), "budget", "-5"));
  options = {};
  options.device = {LSM_CPU, 1};
  EXPECT_TRUE(Rejects(Create(options), "device"));
  options.device = {LSM_CUDA, -1};
  EXPECT_NE(Create(options), LSM_OK);
  options.device = {99, 0};
  EXPECT_NE(Create(options), LSM_OK);
  EXPECT_TRUE(Rejects(lsm_context_create(nullptr, nullptr), "context"));
}

TEST(Context, RejectsBadBudgets) {
  const Context context;
  for (int64_t budget : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    EXPECT_TRUE(Rejects(lsm_context_set_budget(context, budget), "budget"));
  }
  EXPECT_EQ(lsm_context_set_budget(context, 1), LSM_OK);
  EXPECT_EQ(lsm_context_set_budget(context, std::numeric_limits<int64_t>::max()), LSM_OK);
}

TEST(Context, NullHandlesAreRejected) {
  double rate = 0;
  EXPECT_TRUE(Rejects(lsm_context_set_budget(nullptr, 1), "context"));
  EXPECT_TRUE(Rejects(lsm_context_synchronize(nullptr), "context"));
  EXPECT_TRUE(Rejects(lsm_measure_copy(nullptr, 1024, 1, &rate), "context"));
}

TEST(Context, MeasuresTheRateOfProducts) {
  const Context context;
  double rate = 0;
  ASSERT_EQ(lsm_measure_gemm(context, LSM_FLOAT, 32, 128, 96, 64, 3, &rate), LSM_OK)
      << lsm_last_error();
  EXPECT_GT(rate, 1e6);
  EXPECT_LT(rate, 1e16);
  // oneDNN has no products of bf16 for every CPU.
  const lsm_status status = lsm_measure_gemm(context, LSM_BFLOAT, 16, 128, 96, 64, 3, &rate);
  if (status == LSM_UNSUPPORTED && !OnDevice()) {
    EXPECT_NE(std::string(lsm_describe()).find("\"bf16_products\":false"), std::string::npos)
        << lsm_last_error();
    return;
  }
  ASSERT_EQ(status, LSM_OK) << lsm_last_error();
  EXPECT_GT(rate, 1e6);
}

TEST(Context, MeasuresTheBandwidthOfCopies) {
  const Context context;
  double rate = 0;
  ASSERT_EQ(lsm_measure_copy(context, 1 << 20, 3, &rate), LSM_OK) << lsm_last_error();
  EXPECT_GT(rate, 1e6);
  EXPECT_LT(rate, 1e15);
}

TEST(Context, MeasurementsLeaveTheWorkspaceAlone) {
  const Context context;
  double rate = 0;
  ASSERT_EQ(lsm_measure_gemm(context, LSM_FLOAT, 32, 64, 64, 64, 1, &rate), LSM_OK);
  ASSERT_EQ(lsm_measure_copy(context, 1 << 16, 1, &rate), LSM_OK);
  EXPECT_EQ(lsm_context_workspace_bytes(context), 0);
}

TEST(Context, RejectsBadMeasurements) {
  const Context context;
  double rate = 0;
  EXPECT_TRUE(Rejects(lsm_measure_gemm(context, LSM_FLOAT, 32, 0, 8, 8, 1, &rate), "m"));
  EXPECT_TRUE(Rejects(lsm_measure_gemm(context, LSM_FLOAT, 32, 8, 8, 8, 0, &rate), "repeats"));
  EXPECT_NE(lsm_measure_gemm(context, LSM_INT, 32, 8, 8, 8, 1, &rate), LSM_OK);
  EXPECT_TRUE(Rejects(lsm_measure_gemm(context, LSM_FLOAT, 32, 8, 8, 8, 1, nullptr), "rate"));
  EXPECT_TRUE(Rejects(lsm_measure_copy(context, 0, 1, &rate), "bytes"));
  EXPECT_TRUE(Rejects(lsm_measure_copy(context, 8, -1, &rate), "repeats"));
}

}  // namespace
}  // namespace lossmith_test
