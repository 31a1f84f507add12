// What a contrastive call promises on a device beyond its numbers: it waits for nothing, a warm one
// allocates nothing, no schedule of threads changes a bit, and data that break a demand of the
// header give NaN.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "oracle/contrastive_oracle.h"
#include "simt/control.h"
#include "support/call.h"
#include "support/compare.h"
#include "support/context.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;

const int kDeviceIsSet =
    setenv("LOSSMITH_TEST_DEVICE", "cuda:0", 1) + setenv("LOSSMITH_TEST_SIMULATED", "1", 1);

Problem ExplicitWeights(int64_t n, int64_t m, int64_t d) {
  Problem p = RandomCwcl(n, m, d, 1, 3);
  p.r = 0;
  p.reference.clear();
  p.reference_y.clear();
  for (int64_t i = 0; i < n * m; ++i) p.weights.push_back(0.125 * static_cast<double>(i % 9));
  return p;
}

std::vector<Problem> Problems() {
  Problem options = RandomClip(150, 290, 24, 1);
  AddEveryOption(&options, 2);
  Problem cwcl = RandomCwcl(140, 140, 16, 9, 5);
  AddEveryOption(&cwcl, 6);
  Problem normalised = RandomInfoNce(70, 135, 33, 7);
  normalised.options.normalize = 1;
  return {options, cwcl, ExplicitWeights(65, 130, 12), normalised};
}

using Bits = std::array<std::vector<unsigned char>, kOutputs>;
Bits BitsOf(const Problem& problem, DType dtype, lsm_context context) {
  Call call(problem, SingleTypes(dtype));
  EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  return call.Bits();
}

TEST(ContrastiveDevice, NoScheduleChangesABit) {
  for (const Problem& problem : Problems()) {
    for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
      const Context context;
      simt::set_schedule_seed(0);
      simt::set_deferred(true);
      const Bits first = BitsOf(problem, dtype, context);
      for (const std::uint64_t seed : {1u, 2u, 3u}) {
        simt::set_schedule_seed(seed);
        simt::set_deferred(seed != 2);
        EXPECT_EQ(BitsOf(problem, dtype, context), first) << "seed " << seed;
      }
    }
  }
  simt::set_schedule_seed(0);
  simt::set_deferred(true);
}

TEST(ContrastiveDevice, NoBudgetAndNoPlanChangesABit) {
  for (Problem problem : Problems()) {
    const Context roomy;
    const Bits first = BitsOf(problem, DType::kF32, roomy);
    problem.options.plan = LSM_PLAN_RECOMPUTE;
    EXPECT_EQ(BitsOf(problem, DType::kF32, roomy), first);
    lsm_contrastive_plan plan{};
    ASSERT_EQ(lsm_contrastive_describe_plan(roomy, &problem.options, LSM_FLOAT, 32, problem.n,
                                            problem.m, problem.d, problem.r, 1, &plan),
              LSM_OK);
    EXPECT_EQ(plan.plan, LSM_PLAN_RECOMPUTE);
    problem.options.plan = LSM_PLAN_AUTO;
    // Between the two plans: some rows of dots are kept.
    const Context tight(1, plan.workspace_bytes + 200 * 1024);
    EXPECT_EQ(BitsOf(problem, DType::kF32, tight), first);
  }
}

// Tensors of a call that stay on the device, so that nothing but the call itself runs there.
class ResidentCall {
 public:
  ResidentCall(int64_t n, int64_t d) {
    const int64_t matrix[] = {n, d};
    const int64_t one[] = {1};
    for (OwnedTensor* t : {&x_, &y_, &grad_x_, &grad_y_}) Make(2, matrix, t);
    for (OwnedTensor* t : {&loss_, &log_scale_, &grad_scale_}) Make(1, one, t);
    lsm_infonce_defaults(&options_);
    options_.column_coefficient = options_.row_coefficient = 0.5;
  }
  lsm_status Run(lsm_context context) {
    return lsm_infonce(context, &options_, x_.get(), y_.get(), log_scale_.get(), nullptr, nullptr,
                       nullptr, nullptr, loss_.get(), nullptr, grad_x_.get(), grad_y_.get(),
                       grad_scale_.get(), nullptr);
  }
  lsm_output loss() { return loss_.get(); }

 private:
  static void Make(int ndim, const int64_t* shape, OwnedTensor* tensor) {
    ASSERT_EQ(lsm_tensor_create(LSM_CUDA, 0, LSM_FLOAT, 32, ndim, shape, tensor->receive()),
              LSM_OK);
  }
  OwnedTensor x_, y_, loss_, log_scale_, grad_x_, grad_y_, grad_scale_;
  lsm_contrastive_options options_;
};

TEST(ContrastiveDevice, AWarmCallNeitherWaitsNorAllocates) {
  const Context context;
  ResidentCall call(200, 24);
  ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  double loss = 0;
  ASSERT_EQ(lsm_tensor_item(context, call.loss(), &loss), LSM_OK);
  EXPECT_NEAR(loss, std::log(200.0), 1e-6);  // all embeddings are zero
  simt::reset_counters();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(call.Run(context), LSM_OK);
  for (const char* name : {"waits", "cudaMalloc", "cudaFree", "cudaHostAlloc", "cudaMemcpy"}) {
    EXPECT_EQ(simt::counter(name), 0u) << name;
  }
  EXPECT_GT(simt::counter("cudaLaunchKernel"), 0u);
}

TEST(ContrastiveDevice, AFailedLaunchIsNamed) {
  const Context context;
  ResidentCall call(20, 8);
  ASSERT_EQ(call.Run(context), LSM_OK);
  simt::fail_call("cudaLaunchKernel", 2, cudaErrorInvalidConfiguration);
  EXPECT_EQ(call.Run(context), LSM_DEVICE_ERROR);
  const std::string message = lsm_last_error();
  for (const char* part : {"kernel ", "grid (", "block (", "cudaErrorInvalidConfiguration"}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " is not in: " << message;
  }
  EXPECT_EQ(call.Run(context), LSM_OK) << "the context stays usable: " << lsm_last_error();
}

double LossOf(const Problem& problem) {
  Call call(problem, SingleTypes(DType::kF32));
  EXPECT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
  return call.Values()[kLoss][0];
}

TEST(ContrastiveDevice, DataThatBreakADemandGiveNaN) {
  Problem row_weight = RandomClip(20, 30, 8, 1);
  row_weight.row_weight.assign(20, 1.0);
  EXPECT_TRUE(std::isfinite(LossOf(row_weight)));
  row_weight.row_weight[3] = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isnan(LossOf(row_weight)));

  Problem weights = ExplicitWeights(20, 30, 8);
  EXPECT_TRUE(std::isfinite(LossOf(weights)));
  weights.weights[77] = -0.25;
  EXPECT_TRUE(std::isnan(LossOf(weights)));
  weights.weights[77] = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isnan(LossOf(weights)));

  Problem reference = RandomCwcl(20, 20, 8, 5, 1);
  reference.options.normalize_reference = 0;
  EXPECT_TRUE(std::isfinite(LossOf(reference)));
  for (int k = 0; k < 5; ++k) reference.reference[static_cast<size_t>(k)] *= 1.5;
  EXPECT_TRUE(std::isnan(LossOf(reference)));
}

// f16 has 2^-24 as its smallest number: coefficients far below it must not be lost.
TEST(ContrastiveDevice, SmallCoefficientsSurviveF16) {
  for (const double upstream : {1e-9, 1.0, 1e9}) {
    Problem problem = RandomClip(60, 70, 16, 9);
    problem.upstream = {upstream};
    Types types = SingleTypes(DType::kF16);
    types.gradients = DType::kF32;
    const Problem rounded = RoundedProblem(problem, DType::kF16, DType::kF32);
    Call call(problem, types);
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    EXPECT_TRUE(Near(call.Values(), Oracle(rounded), 2e-3, 0)) << "upstream " << upstream;
  }
}

}  // namespace
}  // namespace lossmith_test
