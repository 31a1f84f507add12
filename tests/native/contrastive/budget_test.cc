// The workspace stays within the budget, and the plan says beforehand what a call takes.
#include "support/budget.h"

#include <gtest/gtest.h>

#include <string>

#include "support/call.h"
#include "support/context.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

const Types kTypes[] = {Types{}, SingleTypes(DType::kF32), SingleTypes(DType::kBF16),
                        SingleTypes(DType::kF16)};

// Problems that must have several blocks, and their budgets: the blocks of a GPU are larger than
// those of the CPU, those of the simulated device smaller.
int64_t Side(int64_t side) { return OnRealDevice() ? 4 * side : Size(side, side / 4); }
int64_t Mebibytes(int64_t count) {
  return OnRealDevice() ? 16 * count << 20 : Size(count << 20, count << 16);
}

std::vector<Problem> Problems() {
  Problem options = RandomCwcl(Size(300, 130), Size(320, 140), 24, 9, 1);
  AddEveryOption(&options, 2);
  options.options.normalize = 1;
  return {RandomClip(Size(1500, 200), Size(1600, 300), 16, 3),
          RandomCwcl(Size(700, 150), Size(700, 150), 24, 16, 4), options,
          RandomInfoNce(5, 9, 3, 5)};
}

TEST(Budget, TheWorkspaceStaysWithinIt) {
  for (const Problem& problem : Problems()) {
    for (const Types& types : kTypes) {
      const int64_t least = LeastBudget(problem, types, 2);
      for (int64_t budget : {least, 2 * least, int64_t{LSM_DEFAULT_BUDGET}}) {
        const Context context(2, budget);
        Call call(problem, types);
        ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
        EXPECT_LE(lsm_context_workspace_bytes(context), budget);
      }
    }
  }
}

TEST(Budget, AWarmCallDoesNotGrowTheWorkspace) {
  for (const Problem& problem : Problems()) {
    const Context context;
    Call call(problem, SingleTypes(DType::kF32));
    ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
    const int64_t cold = lsm_context_workspace_bytes(context);
    EXPECT_GT(cold, 0);
    for (int round = 0; round < 3; ++round) ASSERT_EQ(call.Run(context), LSM_OK);
    EXPECT_EQ(lsm_context_workspace_bytes(context), cold);
  }
}

TEST(Budget, TooLittleIsRefusedWithTheBytesNeeded) {
  for (const Problem& problem : Problems()) {
    for (const Types& types : kTypes) {
      const Context context(2, 64);
      Call call(problem, types);
      EXPECT_TRUE(
          Fails(call.Run(context), LSM_BUDGET_TOO_SMALL, {"budget", "expected", "got", "64"}));
      EXPECT_TRUE(call.OutputsUntouched());
      const int64_t needed = LargestNumberIn(lsm_last_error());
      ASSERT_EQ(lsm_context_set_budget(context, needed - 1), LSM_OK);
      EXPECT_EQ(call.Run(context), LSM_BUDGET_TOO_SMALL);
      EXPECT_TRUE(call.OutputsUntouched());
      ASSERT_EQ(lsm_context_set_budget(context, needed), LSM_OK);
      EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
      EXPECT_LE(lsm_context_workspace_bytes(context), needed);
    }
  }
}

// On a machine of many cores all of them are the default, and the default budget must do: a budget
// limits how many threads work side by side, it does not refuse the call.
TEST(Budget, TheDefaultServesAnyNumberOfThreads) {
  const Problem problem = RandomClip(Size(1300, 200), Size(1400, 300), 8, 13);
  for (const Types& types : {Types{}, SingleTypes(DType::kF32)}) {
    Call one(problem, types);
    ASSERT_EQ(one.Run(Context(1)), LSM_OK) << lsm_last_error();
    for (int threads : {64, 256, 1024}) {
      const Context context(threads);
      Call call(problem, types);
      ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
      EXPECT_EQ(call.Bits(), one.Bits()) << threads;
      EXPECT_LE(lsm_context_workspace_bytes(context), LSM_DEFAULT_BUDGET);
    }
  }
}

TEST(Budget, StoringMoreThanItHoldsIsRefused) {
  Problem problem = RandomClip(2000, 2000, 8, 6);
  problem.options.plan = LSM_PLAN_STORE;
  const Types types = SingleTypes(DType::kF32);
  const Context context(2, 8 << 20);
  Call call(problem, types);
  EXPECT_TRUE(Fails(call.Run(context), LSM_BUDGET_TOO_SMALL, {"budget"}));
  EXPECT_TRUE(call.OutputsUntouched());
}

TEST(Budget, LoweringItGivesMemoryBack) {
  const Context context;
  Call call(RandomClip(Size(1500, 200), Size(1600, 300), 16, 7), SingleTypes(DType::kF32));
  ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  ASSERT_GT(lsm_context_workspace_bytes(context), 4096);
  ASSERT_EQ(lsm_context_set_budget(context, 4096), LSM_OK);
  EXPECT_LE(lsm_context_workspace_bytes(context), 4096);
}

lsm_contrastive_plan Describe(const Problem& problem, DType dtype, lsm_context context,
                              int gradients = 1) {
  lsm_contrastive_plan plan{};
  EXPECT_EQ(
      lsm_contrastive_describe_plan(context, &problem.options, Abi(dtype).code, Abi(dtype).bits,
                                    problem.n, problem.m, problem.d, problem.r, gradients, &plan),
      LSM_OK)
      << lsm_last_error();
  return plan;
}

TEST(Plan, TellsTheWorkspaceOfTheCall) {
  for (int64_t budget : {Mebibytes(16), Mebibytes(256)}) {
    for (const Problem& problem :
         {RandomClip(Side(1500), Side(1600), 16, 8), RandomInfoNce(100, 100, 8, 9),
          RandomCwcl(Side(700), Side(700), 24, 16, 10)}) {
      for (const Types& types : kTypes) {
        const Context context(2, budget);
        const lsm_contrastive_plan plan = Describe(problem, types.matrices, context);
        Call call(problem, types);
        ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
        EXPECT_LE(lsm_context_workspace_bytes(context), plan.workspace_bytes);
        EXPECT_GE(lsm_context_workspace_bytes(context), plan.workspace_bytes * 9 / 10);
      }
    }
  }
}

TEST(Plan, CountsTheOperationsOfTheProducts) {
  Problem problem = RandomClip(400, 500, 32, 11);
  const Context context(2, int64_t{256} << 20);
  const double product = 2.0 * 400 * 500 * 32;
  problem.options.plan = LSM_PLAN_STORE;
  EXPECT_EQ(Describe(problem, DType::kF32, context).plan, LSM_PLAN_STORE);
  EXPECT_DOUBLE_EQ(Describe(problem, DType::kF32, context).flops, 3 * product);
  problem.options.plan = LSM_PLAN_RECOMPUTE;
  EXPECT_EQ(Describe(problem, DType::kF32, context).plan, LSM_PLAN_RECOMPUTE);
  EXPECT_DOUBLE_EQ(Describe(problem, DType::kF32, context).flops, 4 * product);
  EXPECT_DOUBLE_EQ(Describe(problem, DType::kF32, context, 0).flops, product);
}

TEST(Plan, StoresWhereTheBudgetHoldsTheScoresAndRecomputesElsewhere) {
  const Problem problem = RandomClip(Side(2048), Side(2048), 64, 12);
  EXPECT_EQ(Describe(problem, DType::kF32, Context(2, Mebibytes(256))).plan, LSM_PLAN_STORE);
  EXPECT_EQ(Describe(problem, DType::kF32, Context(2, Mebibytes(12))).plan, LSM_PLAN_RECOMPUTE);
}

TEST(Plan, StoresTheRowsThatFit) {
  const Problem problem = RandomClip(Side(4096), Side(4096), 64, 14);
  const double product = 2.0 * static_cast<double>(problem.n * problem.m * problem.d);
  double last = 4 * product;
  bool partial = false;
  for (int64_t mebibytes : {20, 24, 32, 40, 48, 56, 64, 72, 128}) {
    const int64_t budget = Mebibytes(mebibytes);
    const lsm_contrastive_plan plan = Describe(problem, DType::kF32, Context(2, budget));
    EXPECT_LE(plan.workspace_bytes, budget);
    EXPECT_LE(plan.flops, last) << mebibytes;
    partial = partial || (plan.flops < 4 * product && plan.flops > 3 * product);
    last = plan.flops;
  }
  EXPECT_TRUE(partial);
  EXPECT_DOUBLE_EQ(last, 3 * product);
}

// Workspace of the recompute mode: tiles of fixed size and O(n + m).
TEST(Plan, RecomputeNeedsMemoryLinearInThePairs) {
  Problem problem;
  lsm_infonce_defaults(&problem.options);
  problem.options.column_coefficient = 1;
  problem.options.plan = LSM_PLAN_RECOMPUTE;
  problem.d = 128;
  const Context context(2, int64_t{1} << 40);
  std::vector<int64_t> bytes;
  for (int64_t n : {1 << 15, 1 << 16, 1 << 17}) {
    problem.n = problem.m = n;
    bytes.push_back(Describe(problem, DType::kF32, context).workspace_bytes);
  }
  EXPECT_LE(bytes[2] - bytes[1], 2 * (bytes[1] - bytes[0]) + 4096);
  EXPECT_LT(bytes[2], int64_t{1} << 30);
}

TEST(Plan, RejectsBadArguments) {
  const Context context;
  lsm_contrastive_options options;
  lsm_infonce_defaults(&options);
  lsm_contrastive_plan plan{-9, -9, -9};
  const auto describe = [&](lsm_contrastive_options* o, uint8_t code, int64_t n, int64_t m,
                            int64_t d, lsm_contrastive_plan* out) {
    return lsm_contrastive_describe_plan(context, o, code, 32, n, m, d, 0, 1, out);
  };
  EXPECT_TRUE(Rejects(describe(nullptr, LSM_FLOAT, 4, 4, 4, &plan), "options"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, -1, 4, 4, &plan), "n", "-1"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, 4, 3, 4, &plan), "m", "3"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, 4, 4, 0, &plan), "d", "0"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_INT, 4, 4, 4, &plan), "dtype"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, 4, 4, 4, nullptr), "plan"));
  options.temperature = 0;
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, 4, 4, 4, &plan), "temperature"));
  EXPECT_EQ(plan.plan, -9);
}

}  // namespace
}  // namespace lossmith_test
