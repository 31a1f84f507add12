// What a call of a label loss promises on a device beyond its numbers: it waits for nothing, a warm
// one allocates nothing, no schedule of threads changes a bit, and data that break a demand of the
// header make the loss of their row NaN.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "oracle/label_oracle.h"
#include "simt/control.h"
#include "support/context.h"
#include "support/label_call.h"

namespace lossmith_test::labels {
namespace {

namespace simt = lossmith::cuda::simt;

const int kDeviceIsSet =
    setenv("LOSSMITH_TEST_DEVICE", "cuda:0", 1) + setenv("LOSSMITH_TEST_SIMULATED", "1", 1);

using Bits = std::array<std::vector<unsigned char>, kOutputs>;
Bits BitsOf(const Problem& problem, DType dtype, lsm_context context) {
  Call call(problem, SingleTypes(dtype));
  EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  return call.Bits();
}

TEST(LabelDevice, NoScheduleChangesABit) {
  for (const int32_t loss : kLosses) {
    Problem problem = RandomProblem(loss, 20, 150, 8, 1);
    AddEveryOption(&problem, 2);
    const Context context;
    simt::set_schedule_seed(0);
    simt::set_deferred(true);
    const Bits first = BitsOf(problem, DType::kBF16, context);
    for (const std::uint64_t seed : {1u, 2u}) {
      simt::set_schedule_seed(seed);
      simt::set_deferred(seed != 2);
      EXPECT_EQ(BitsOf(problem, DType::kBF16, context), first)
          << LossName(loss) << ", seed " << seed;
    }
  }
  simt::set_schedule_seed(0);
  simt::set_deferred(true);
}

// More rows and labels than one block holds, products kept or not: every loss, every output.
TEST(LabelDevice, SeveralBlocksAgainstTheOracle) {
  for (const int32_t loss : kLosses) {
    Problem problem = RandomProblem(loss, 135, 270, 4, 3);
    AddEveryOption(&problem, 4);
    const Result expected = Oracle(RoundedProblem(problem, DType::kF32, DType::kF32));
    problem.options.plan = LSM_PLAN_STORE;
    Call stored(problem, SingleTypes(DType::kF32));
    ASSERT_EQ(stored.Run(Context()), LSM_OK) << lsm_last_error();
    EXPECT_TRUE(Near(stored.Values(), expected, 5e-6, 1e-7)) << LossName(loss);
    problem.options.plan = LSM_PLAN_RECOMPUTE;
    EXPECT_EQ(BitsOf(problem, DType::kF32, Context()), stored.Bits()) << LossName(loss);
  }
}

// f16 has 2^-24 as its smallest number: coefficients far below it must not be lost.
TEST(LabelDevice, SmallCoefficientsSurviveF16) {
  for (const int32_t loss : kLosses) {
    for (const double upstream : {1e-9, 1e9}) {
      Problem problem = RandomProblem(loss, 12, 30, 8, 5);
      problem.upstream = {upstream};
      Types types = SingleTypes(DType::kF16);
      types.gradients = DType::kF32;
      Call call(problem, types);
      ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
      const Result expected = Oracle(RoundedProblem(problem, DType::kF16, DType::kF32));
      EXPECT_TRUE(Near(call.Values(), expected, 3e-3, 0))
          << LossName(loss) << ", upstream " << upstream;
    }
  }
}

// Tensors of a call that stay on the device, so that nothing but the call itself runs there.
class ResidentCall {
 public:
  explicit ResidentCall(int32_t loss) {
    lsm_label_defaults(loss, &options_);
    options_.plan = LSM_PLAN_RECOMPUTE;
    options_.k = 3;
    lsm_update_defaults(LSM_UPDATE_SGD, &update_);
    Make(LSM_FLOAT, {kRows, kWidth}, &x_);
    Make(LSM_FLOAT, {kLabels, kWidth}, &labels_);
    Make(LSM_FLOAT, {kRows, kWidth}, &grad_x_);
    Make(LSM_FLOAT, {1}, &loss_);
    Make(LSM_INT, {kRows + 1}, &offsets_);
    Make(LSM_INT, {0}, &ids_);
    Make(LSM_INT, {kRows}, &target_);
  }
  lsm_status Run(lsm_context context) {
    const bool ce = options_.loss == LSM_SOFTMAX_CE;
    return lsm_label_loss(
        context, &options_, x_.get(), labels_.get(), ce ? nullptr : offsets_.get(),
        ce ? nullptr : ids_.get(), nullptr, ce ? target_.get() : nullptr, nullptr, nullptr, nullptr,
        nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, loss_.get(), nullptr,
        nullptr, grad_x_.get(), nullptr, nullptr, nullptr, &update_, nullptr, labels_.get());
  }
  lsm_output loss() { return loss_.get(); }
  static constexpr int64_t kRows = 140, kLabels = 300, kWidth = 8;

 private:
  static void Make(uint8_t code, const std::vector<int64_t>& shape, OwnedTensor* tensor) {
    ASSERT_EQ(
        lsm_tensor_create(LSM_CUDA, 0, code, code == LSM_INT ? 64 : 32,
                          static_cast<int32_t>(shape.size()), shape.data(), tensor->receive()),
        LSM_OK);
  }
  OwnedTensor x_, labels_, grad_x_, loss_, offsets_, ids_, target_;
  lsm_label_options options_;
  lsm_update_options update_;
};

TEST(LabelDevice, AWarmCallNeitherWaitsNorAllocates) {
  for (const int32_t loss : {LSM_SOFTMAX_CE, LSM_SOFT_TOP_K}) {
    const Context context;
    ResidentCall call(loss);
    ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
    double value = 0;
    ASSERT_EQ(lsm_tensor_item(context, call.loss(), &value), LSM_OK);
    // All embeddings are zero, and without positives there is no loss.
    EXPECT_NEAR(value, loss == LSM_SOFTMAX_CE ? std::log(300.0) : 0.0, 1e-6);
    simt::reset_counters();
    ASSERT_EQ(call.Run(context), LSM_OK);
    for (const char* name : {"waits", "cudaMalloc", "cudaFree", "cudaHostAlloc", "cudaMemcpy"}) {
      EXPECT_EQ(simt::counter(name), 0u) << name;
    }
    EXPECT_GT(simt::counter("cudaLaunchKernel"), 0u);
  }
}

// row_loss of a problem in which the data of row 3 are as `change` leaves them.
template <class Change>
std::vector<double> LossesWith(Problem problem, const Change& change) {
  change(problem);
  Call call(problem, SingleTypes(DType::kF32));
  EXPECT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
  return call.Values()[kRowLoss];
}

TEST(LabelDevice, DataThatBreakADemandMakeTheirRowNaN) {
  const double infinity = std::numeric_limits<double>::infinity();
  Problem sets = RandomProblem(LSM_DECOUPLED_SOFTMAX, 8, 30, 4, 6);
  sets.positives.values.assign(sets.positives.ids.size(), 1.0);
  sets.row_weight.assign(8, 1.0);
  Problem ce = RandomProblem(LSM_SOFTMAX_CE, 8, 30, 4, 7);
  Problem top_k = RandomProblem(LSM_SOFT_TOP_K, 8, 30, 4, 8);
  top_k.k_rows.assign(8, 2);
  const auto first = [](Problem& p) { return static_cast<size_t>(p.positives.offsets[3]); };
  const std::vector<std::vector<double>> cases = {
      LossesWith(sets, [&](Problem& p) { p.positives.ids[first(p)] = 30; }),
      LossesWith(sets, [&](Problem& p) { p.positives.ids[first(p)] = -1; }),
      LossesWith(sets, [&](Problem& p) { p.positives.values[first(p)] = infinity; }),
      LossesWith(sets, [&](Problem& p) { p.row_weight[3] = infinity; }),
      LossesWith(ce, [](Problem& p) { p.target[3] = 30; }),
      LossesWith(top_k, [](Problem& p) { p.k_rows[3] = 30; }),
      LossesWith(top_k, [](Problem& p) { p.k_rows[3] = 0; }),
  };
  for (size_t c = 0; c < cases.size(); ++c) {
    for (size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(std::isnan(cases[c][i]), i == 3) << "case " << c << ", row " << i;
    }
  }
  // Data of all rows.
  const auto weights = LossesWith(ce, [&](Problem& p) {
    p.class_weight.assign(30, 1.0);
    p.class_weight[2] = -1;
  });
  const auto candidates = LossesWith(sets, [](Problem& p) { p.candidates = {4, 4, 5, 6}; });
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(std::isnan(weights[i]));
    EXPECT_TRUE(std::isnan(candidates[i]));
  }
}

}  // namespace
}  // namespace lossmith_test::labels
