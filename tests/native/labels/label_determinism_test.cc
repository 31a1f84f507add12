// The same input gives the same bits, whatever the number of threads, the budget or the plan; the
// workspace stays within the budget, and the plan says beforehand what a call takes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/context.h"
#include "support/device.h"
#include "support/errors.h"
#include "support/label_call.h"

namespace lossmith_test::labels {
namespace {

using Bits = std::array<std::vector<unsigned char>, kOutputs>;

Bits BitsOf(const Problem& problem, const Types& types, lsm_context context) {
  Call call(problem, types);
  EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  return call.Bits();
}

struct Case {
  std::string name;
  Problem problem;
  Types types;
};

// Several tiles of rows and of labels. A gradient of labels that is not f32 needs all rows in one
// group, so that only f32 shows what several groups do.
std::vector<Case> Cases() {
  std::vector<Case> cases;
  const int64_t n = Size(200, 110), l = Size(700, 270);
  for (int32_t loss : kLosses) {
    const std::string name = LossName(loss);
    Problem problem = RandomProblem(loss, n, l, 9, 1);
    cases.push_back({name, problem, SingleTypes(DType::kF32)});
    AddEveryOption(&problem, 2);
    problem.options.normalize_x = 1;
    cases.push_back({name + " with options", problem, SingleTypes(DType::kF32)});
    problem.options.normalize_labels = 1;
    cases.push_back({name + " in bf16", problem, SingleTypes(DType::kBF16)});
    if (OnSimulatedDevice()) continue;
    cases.push_back({name + " of products", AsProducts(problem), SingleTypes(DType::kF32)});
    cases.push_back({name + " in f64", RandomProblem(loss, 40, 60, 5, 3), Types{}});
  }
  cases.push_back({"soft targets", WithSoftTargets(RandomProblem(LSM_SOFTMAX_CE, n, l, 9, 4), 4),
                   SingleTypes(DType::kF32)});
  Problem sampled = RandomProblem(LSM_DECOUPLED_SOFTMAX, n, l, 9, 5);
  sampled.options.sample = 2;
  cases.push_back({"sampled", sampled, SingleTypes(DType::kF32)});
  return cases;
}

TEST(LabelDeterminism, RepeatedRunsAndAnyNumberOfThreads) {
  for (const Case& c : Cases()) {
    const Bits one = BitsOf(c.problem, c.types, Context(1));
    for (int threads : {2, 5}) {
      const Context context(threads);
      for (int round = 0; round < Size(2, 1); ++round) {
        EXPECT_EQ(BitsOf(c.problem, c.types, context), one) << c.name << ", threads " << threads;
      }
    }
  }
}

TEST(LabelDeterminism, StoredAndRecomputedScores) {
  for (const Case& c : Cases()) {
    const Context context(2, int64_t{1} << 30);
    Problem planned = c.problem;
    planned.options.plan = LSM_PLAN_RECOMPUTE;
    const Bits recomputed = BitsOf(planned, c.types, context);
    for (int plan : {LSM_PLAN_STORE, LSM_PLAN_AUTO}) {
      planned.options.plan = plan;
      EXPECT_EQ(BitsOf(planned, c.types, context), recomputed) << c.name;
    }
  }
}

TEST(LabelDeterminism, AnyBudgetAndTheWorkspaceStaysWithinIt) {
  for (const Case& c : Cases()) {
    const Bits large = BitsOf(c.problem, c.types, Context(2, int64_t{1} << 30));
    const int64_t least = LeastBudget(c.problem, c.types, 2);
    ASSERT_GT(least, 1) << c.name;
    for (double factor : {1.0, 1.3, 3.0}) {
      const int64_t budget = static_cast<int64_t>(factor * static_cast<double>(least));
      const Context context(2, budget);
      EXPECT_EQ(BitsOf(c.problem, c.types, context), large) << c.name << ", " << factor;
      EXPECT_LE(lsm_context_workspace_bytes(context), budget) << c.name;
    }
  }
}

TEST(LabelDeterminism, NoMemoryOfEarlierCalls) {
  Problem other = RandomProblem(LSM_SOFT_TOP_K, Size(50, 20), Size(777, 150), 31, 6);
  AddEveryOption(&other, 7);
  for (const Case& c : Cases()) {
    const Bits fresh = BitsOf(c.problem, c.types, Context());
    const Context used;
    BitsOf(other, c.types, used);
    EXPECT_EQ(BitsOf(c.problem, c.types, used), fresh) << c.name;
  }
}

TEST(LabelBudget, TooLittleIsRefusedWithTheBytesNeeded) {
  for (const Case& c : Cases()) {
    const Context context(2, 64);
    Call call(c.problem, c.types);
    EXPECT_TRUE(
        Fails(call.Run(context), LSM_BUDGET_TOO_SMALL, {"budget", "expected", "got", "64"}));
    EXPECT_TRUE(call.OutputsUntouched()) << c.name;
    const int64_t needed = LargestNumberIn(lsm_last_error());
    ASSERT_EQ(lsm_context_set_budget(context, needed - 1), LSM_OK);
    EXPECT_EQ(call.Run(context), LSM_BUDGET_TOO_SMALL) << c.name;
    EXPECT_TRUE(call.OutputsUntouched()) << c.name;
    ASSERT_EQ(lsm_context_set_budget(context, needed), LSM_OK);
    EXPECT_EQ(call.Run(context), LSM_OK) << c.name << lsm_last_error();
    EXPECT_LE(lsm_context_workspace_bytes(context), needed) << c.name;
  }
}

TEST(LabelBudget, AWarmCallDoesNotGrowTheWorkspace) {
  for (const Case& c : Cases()) {
    const Context context;
    BitsOf(c.problem, c.types, context);
    const int64_t cold = lsm_context_workspace_bytes(context);
    EXPECT_GT(cold, 0);
    BitsOf(c.problem, c.types, context);
    EXPECT_EQ(lsm_context_workspace_bytes(context), cold) << c.name;
  }
}

TEST(LabelBudget, ManyThreadsWorkWithTheDefault) {
  const Problem problem =
      RandomProblem(LSM_DECOUPLED_SOFTMAX, Size(300, 110), Size(5000, 600), 8, 8);
  const Types types = SingleTypes(DType::kF32);
  const Bits one = BitsOf(problem, types, Context(1));
  for (int threads : {64, 1024}) {
    const Context context(threads);
    EXPECT_EQ(BitsOf(problem, types, context), one) << threads;
    EXPECT_LE(lsm_context_workspace_bytes(context), LSM_DEFAULT_BUDGET);
  }
}

TEST(LabelBudget, StoringMoreThanItHoldsIsRefused) {
  Problem problem = RandomProblem(LSM_BCE, 400, 8000, 4, 9);
  problem.options.plan = LSM_PLAN_STORE;
  const Context context(2, 1 << 20);
  Call call(problem, SingleTypes(DType::kF32));
  EXPECT_TRUE(Fails(call.Run(context), LSM_BUDGET_TOO_SMALL, {"budget"}));
  EXPECT_TRUE(call.OutputsUntouched());
}

// ---- plans ---------------------------------------------------------------------------------------

lsm_contrastive_plan Describe(const Problem& problem, DType dtype, lsm_context context,
                              int gradients = 1) {
  lsm_contrastive_plan plan{};
  EXPECT_EQ(lsm_label_describe_plan(context, &problem.options, Abi(dtype).code, Abi(dtype).bits,
                                    problem.n, problem.l, problem.d, gradients, &plan),
            LSM_OK)
      << lsm_last_error();
  return plan;
}

TEST(LabelPlan, TellsTheWorkspaceOfTheCall) {
  for (int32_t loss : kLosses) {
    for (DType dtype : {DType::kF32, DType::kBF16}) {
      Problem problem = RandomProblem(loss, Size(200, 100), Size(4000, 1100), 16, 10);
      const Context context(2);
      const int64_t planned = Describe(problem, dtype, context).workspace_bytes;
      BitsOf(problem, SingleTypes(dtype), context);
      const int64_t held = lsm_context_workspace_bytes(context);
      // The sets are not told to the plan.
      EXPECT_NEAR(static_cast<double>(held), static_cast<double>(planned),
                  0.1 * static_cast<double>(planned))
          << LossName(loss) << ", " << Name(dtype);
    }
  }
}

TEST(LabelPlan, CountsTheOperationsOfTheProducts) {
  Problem problem;
  problem.n = 400;
  problem.l = 5000;
  problem.d = 32;
  lsm_label_defaults(LSM_DECOUPLED_SOFTMAX, &problem.options);
  const double product = 2.0 * 400 * 5000 * 32;
  const Context context(2, int64_t{1} << 30);
  problem.options.plan = LSM_PLAN_STORE;
  EXPECT_EQ(Describe(problem, DType::kF32, context).plan, LSM_PLAN_STORE);
  EXPECT_DOUBLE_EQ(Describe(problem, DType::kF32, context).flops, 3 * product);
  problem.options.plan = LSM_PLAN_RECOMPUTE;
  EXPECT_EQ(Describe(problem, DType::kF32, context).plan, LSM_PLAN_RECOMPUTE);
  EXPECT_DOUBLE_EQ(Describe(problem, DType::kF32, context).flops, 4 * product);
  EXPECT_DOUBLE_EQ(Describe(problem, DType::kF32, context, 2).flops, 4 * product);
  EXPECT_DOUBLE_EQ(Describe(problem, DType::kF32, context, 0).flops, product);
}

// Workspace of the recompute mode: tiles, and what each row needs.
TEST(LabelPlan, RecomputeDoesNotGrowWithTheLabels) {
  Problem problem;
  lsm_label_defaults(LSM_SOFTMAX_CE, &problem.options);
  problem.options.plan = LSM_PLAN_RECOMPUTE;
  problem.n = 256;
  problem.d = 64;
  const Context context(2, int64_t{1} << 40);
  problem.l = int64_t{1} << 17;
  const int64_t few = Describe(problem, DType::kF32, context).workspace_bytes;
  problem.l = int64_t{1} << 33;
  const int64_t many = Describe(problem, DType::kF32, context).workspace_bytes;
  EXPECT_LE(many, few + few / 10);
}

TEST(LabelPlan, RejectsBadArguments) {
  const Context context;
  lsm_label_options options;
  lsm_label_defaults(LSM_BCE, &options);
  lsm_contrastive_plan plan{-9, -9, -9};
  const auto describe = [&](lsm_label_options* o, uint8_t code, int64_t n, int64_t l, int64_t d,
                            int32_t gradients, lsm_contrastive_plan* out) {
    return lsm_label_describe_plan(context, o, code, 32, n, l, d, gradients, out);
  };
  EXPECT_TRUE(Rejects(describe(nullptr, LSM_FLOAT, 4, 4, 4, 1, &plan), "options"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, -1, 4, 4, 1, &plan), "n", "-1"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, 4, -3, 4, 1, &plan), "l", "-3"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, 4, 4, -1, 1, &plan), "d", "-1"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_INT, 4, 4, 4, 1, &plan), "dtype"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, 4, 4, 4, 3, &plan), "gradients", "3"));
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, 4, 4, 4, 1, nullptr), "plan"));
  options.temperature = 0;
  EXPECT_TRUE(Rejects(describe(&options, LSM_FLOAT, 4, 4, 4, 1, &plan), "temperature"));
  EXPECT_EQ(plan.plan, -9);
}

}  // namespace
}  // namespace lossmith_test::labels
