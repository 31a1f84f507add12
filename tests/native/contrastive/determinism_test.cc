// The same input gives the same bits, whatever the number of threads, the budget or the mode.
#include <gtest/gtest.h>

#include <functional>

#include "support/budget.h"
#include "support/call.h"
#include "support/context.h"

namespace lossmith_test {
namespace {

using Bits = std::array<std::vector<unsigned char>, kOutputs>;

Bits BitsOf(const Problem& problem, const Types& types, lsm_context context) {
  Call call(problem, types);
  EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  return call.Bits();
}

struct Case {
  const char* name;
  Problem problem;
};

// Problems of one tile, of many tiles, and of several blocks of rows and of columns.
std::vector<Case> Cases() {
  const int64_t n = Size(300, 140), m = Size(600, 270);
  Problem options = RandomClip(n, m, 24, 1);
  AddEveryOption(&options, 2);
  Problem weights = RandomCwcl(n, m, 24, 1, 3);
  weights.r = 0;
  weights.reference.clear();
  weights.reference_y.clear();
  weights.weights.assign(n * m, 0.5);
  for (size_t i = 0; i < weights.weights.size(); i += 7) weights.weights[i] = 0.875;
  return {{"small", RandomClip(33, 40, 7, 4)},
          {"options", options},
          {"cwcl", RandomCwcl(Size(700, 150), Size(700, 150), 24, 16, 5)},
          {"weights", weights},
          {"columns", RandomClip(Size(300, 70), Size(4200, 600), 8, 6)},
          // Wide enough to be worth storing: budgets hold none, some or all of the rows.
          {"blocks", RandomClip(Size(2100, 270), Size(2300, 520), Size(32, 16), 7)}};
}

const Types kTypes[] = {Types{}, SingleTypes(DType::kF32), SingleTypes(DType::kBF16),
                        SingleTypes(DType::kF16)};

void ForEveryCase(const std::function<void(const Problem&, const Types&)>& body) {
  for (const Case& c : Cases()) {
    for (const Types& types : kTypes) {
      // f64 arithmetic is slow, and its sums are the same code.
      if (c.problem.n > 1000 && types.matrices == DType::kF64) continue;
      SCOPED_TRACE(std::string(c.name) + " in " + Name(types.matrices));
      body(c.problem, types);
    }
  }
}

TEST(Determinism, RepeatedRuns) {
  ForEveryCase([](const Problem& problem, const Types& types) {
    const Context context;
    const Bits first = BitsOf(problem, types, context);
    for (int round = 0; round < 3; ++round) EXPECT_EQ(BitsOf(problem, types, context), first);
  });
}

TEST(Determinism, AnyNumberOfThreads) {
  ForEveryCase([](const Problem& problem, const Types& types) {
    const Bits one = BitsOf(problem, types, Context(1));
    for (int threads : {2, 3, 5}) EXPECT_EQ(BitsOf(problem, types, Context(threads)), one);
  });
}

TEST(Determinism, StoredAndRecomputedScores) {
  ForEveryCase([](const Problem& problem, const Types& types) {
    const Context context(2, int64_t{1} << 30);
    Problem planned = problem;
    planned.options.plan = LSM_PLAN_STORE;
    const Bits stored = BitsOf(planned, types, context);
    for (int plan : {LSM_PLAN_RECOMPUTE, LSM_PLAN_AUTO}) {
      planned.options.plan = plan;
      EXPECT_EQ(BitsOf(planned, types, context), stored);
    }
  });
}

TEST(Determinism, AnyBudget) {
  ForEveryCase([](const Problem& problem, const Types& types) {
    const Bits large = BitsOf(problem, types, Context(2, int64_t{1} << 30));
    const int64_t least = LeastBudget(problem, types, 2);
    for (double factor : {1.0, 1.3, 2.0, 4.0}) {
      const Context context(2, static_cast<int64_t>(factor * static_cast<double>(least)));
      EXPECT_EQ(BitsOf(problem, types, context), large) << factor;
    }
  });
}

// Another problem in between leaves no trace in the workspace.
TEST(Determinism, NoMemoryOfEarlierCalls) {
  ForEveryCase([](const Problem& problem, const Types& types) {
    const Bits fresh = BitsOf(problem, types, Context());
    const Context used;
    BitsOf(RandomCwcl(500, 777, 31, 9, 8), types, used);
    EXPECT_EQ(BitsOf(problem, types, used), fresh);
  });
}

}  // namespace
}  // namespace lossmith_test
