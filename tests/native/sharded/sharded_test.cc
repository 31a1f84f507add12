// Any split of the matrix of scores gives the losses and gradients of the whole.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lossmith/contrastive_sharded.h"
#include "oracle/contrastive_oracle.h"
#include "support/compare.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/random.h"
#include "support/sharded_call.h"

namespace lossmith_test {
namespace {

constexpr int64_t kN = 23, kM = 31, kD = 7;

// Both losses with all options that shards have: no ignored pairs.
std::vector<Problem> Problems() {
  std::vector<Problem> problems = {RandomInfoNce(kN, kM, kD, 1), RandomClip(kN, kM, kD, 2),
                                   RandomCwcl(kN, kM, kD, 5, 3), RandomCwcl(kN, kM, kD, 5, 4)};
  problems[3].r = 0;
  problems[3].reference.clear();
  problems[3].reference_y.clear();
  problems[3].weights = Random(5).Uniforms(kN * kM, 0, 1);
  for (int64_t j = 0; j < kM; ++j) problems[3].weights[4 * kM + j] = 0;
  return problems;
}

const Split kSplits[] = {
    {{kN}, {kM}},          {{11, kN}, {kM}},         {{kN}, {16, kM}},      {{8, 16, kN}, {9, kM}},
    {{1, kN}, {1, 2, kM}}, {{11, kN}, {11, kN, kM}}, {{5, 5, kN}, {0, kM}},
};

TEST(Sharded, AnySplitEqualsTheWhole) {
  const Context context;
  for (Problem problem : Problems()) {
    const Result oracle = Oracle(problem);
    for (const Split& split : kSplits) {
      EXPECT_TRUE(
          NearInDouble(EvaluateSharded(problem, Types{}, DType::kF64, split, context), oracle));
    }
  }
}

TEST(Sharded, EveryOptionInEveryReduction) {
  const Context context;
  for (Problem problem : Problems()) {
    for (int reduction : {LSM_MEAN, LSM_SUM, LSM_NONE}) {
      problem.options.reduction = reduction;
      problem.options.normalize = reduction == LSM_SUM;
      AddEveryOption(&problem, 6);
      problem.ignore.clear();
      const Result oracle = Oracle(problem);
      for (const Split& split : kSplits) {
        EXPECT_TRUE(
            NearInDouble(EvaluateSharded(problem, Types{}, DType::kF64, split, context), oracle));
      }
    }
  }
}

TEST(Sharded, OneBiasForAllCandidates) {
  const Context context;
  Problem problem = RandomClip(kN, kM, kD, 7);
  problem.bias = {0.5};
  EXPECT_TRUE(NearInDouble(EvaluateSharded(problem, Types{}, DType::kF64, kSplits[3], context),
                           Oracle(problem)));
}

// One shard that holds everything goes through the same arithmetic as the whole call, as long as
// its statistics pass between the two halves without a rounding.
TEST(Sharded, OneShardHasTheBitsOfTheWhole) {
  const Context context;
  for (Problem problem : Problems()) {
    problem.options.normalize = 1;
    for (const Types& types : {Types{}, SingleTypes(DType::kF32), SingleTypes(DType::kBF16)}) {
      const Result whole = Evaluate(problem, types, context);
      const Result shard = EvaluateSharded(problem, types, DType::kF64, {{kN}, {kM}}, context);
      for (int output = 0; output < kOutputs; ++output) {
        if (whole[output].empty()) continue;
        EXPECT_EQ(shard[output], whole[output]) << OutputName(output);
      }
    }
  }
}

TEST(Sharded, StatisticsInSinglePrecisionAreEnoughForSinglePrecision) {
  const Context context;
  for (const Problem& exact : Problems()) {
    const Problem problem = RoundedProblem(exact, DType::kF32, DType::kF32);
    EXPECT_TRUE(
        Near(EvaluateSharded(problem, SingleTypes(DType::kF32), DType::kF32, kSplits[3], context),
             Oracle(problem), 1e-5, 1e-6));
  }
}

TEST(Sharded, AnySubsetOfOutputsHasTheSameBits) {
  const Context context;
  for (Problem problem : Problems()) {
    problem.log_scale = {2.0};
    problem.bias = Random(12).Uniforms(kM, -1, 1);
    const auto shard = [&problem] {
      return ShardCall(problem, SingleTypes(DType::kF32), DType::kF64, {4, 2, kN, kM}, 13, 11);
    };
    ShardCall all = shard();
    ASSERT_EQ(all.Statistics(context), LSM_OK) << lsm_last_error();
    ASSERT_EQ(all.Gradients(context), LSM_OK) << lsm_last_error();
    for (int output = 0; output < kOutputs; ++output) {
      ShardCall one = shard();
      for (int other = 0; other < kOutputs; ++other) {
        if (other != output) one.call.outputs[other].reset();
      }
      ASSERT_EQ(one.Statistics(context), LSM_OK) << lsm_last_error();
      ASSERT_EQ(one.Gradients(context), LSM_OK) << lsm_last_error();
      EXPECT_EQ(one.call.Bits()[output], all.call.Bits()[output]) << OutputName(output);
    }
  }
}

TEST(Sharded, SeveralBlocksInEachShard) {
  const Context context;
  const int64_t n = Size(1400, 280), m = Size(2300, 460);
  Problem problem = RandomClip(n, m, 4, 8);
  const Split split = {{Size(1100, 220), n}, {Size(700, 140), m}};
  EXPECT_TRUE(NearInDouble(EvaluateSharded(problem, Types{}, DType::kF64, split, context),
                           Oracle(problem)));
}

TEST(Sharded, AnEmptyRangeHasStatisticsOfMinusInfinity) {
  const Context context;
  const Problem problem = RandomClip(kN, kM, kD, 9);
  ShardCall no_columns(problem, Types{}, DType::kF64, {0, 4, kN, kM}, 5, 0);
  ASSERT_EQ(no_columns.Statistics(context), LSM_OK) << lsm_last_error();
  for (double value : no_columns.row_lse.Values()) {
    EXPECT_EQ(value, -std::numeric_limits<double>::infinity());
  }
  ShardCall no_rows(problem, Types{}, DType::kF64, {5, 0, kN, kM}, 0, 4);
  ASSERT_EQ(no_rows.Statistics(context), LSM_OK) << lsm_last_error();
  for (double value : no_rows.column_lse.Values()) {
    EXPECT_EQ(value, -std::numeric_limits<double>::infinity());
  }
}

TEST(Sharded, RejectsBlocksOutsideOfTheWhole) {
  const Context context;
  const Problem problem = RandomClip(kN, kM, kD, 10);
  const lsm_shard bad[] = {{-1, 0, kN, kM},        {kN - 4, 0, kN, kM},       {0, -1, kN, kM},
                           {0, kM - 5, kN, kM},    {0, 0, kN, kN - 1},        {0, 0, -1, kM},
                           {INT64_MAX, 0, kN, kM}, {0, INT64_MAX - 2, kN, kM}};
  for (const lsm_shard& shard : bad) {
    ShardCall call(problem, Types{}, DType::kF64, {0, 0, kN, kM}, 5, 6);
    call.shard = shard;
    EXPECT_TRUE(Rejects(call.Statistics(context), "shard"));
    EXPECT_TRUE(call.row_lse.Untouched() && call.column_lse.Untouched());
    EXPECT_TRUE(Rejects(call.Gradients(context), "shard"));
    EXPECT_TRUE(call.call.OutputsUntouched());
  }
}

TEST(Sharded, RejectsStatisticsOfWrongShape) {
  const Context context;
  const Problem problem = RandomCwcl(kN, kM, kD, 3, 11);
  const auto make = [&] { return ShardCall(problem, Types{}, DType::kF64, {0, 0, kN, kM}, 5, 6); };
  ShardCall rows = make();
  rows.row_lse = HostTensor(DType::kF64, {6});
  EXPECT_TRUE(Rejects(rows.Statistics(context), "row_lse", "6"));
  EXPECT_TRUE(Rejects(rows.Gradients(context), "row_lse", "6"));
  ShardCall columns = make();
  columns.column_lse = HostTensor(DType::kBF16, {6});
  EXPECT_TRUE(Rejects(columns.Statistics(context), "column_lse", "bf16"));
  ShardCall weights = make();
  weights.weight_sum = HostTensor(DType::kF64, {7});
  EXPECT_TRUE(Rejects(weights.Statistics(context), "weight_sum", "7"));
  EXPECT_TRUE(Rejects(weights.Gradients(context), "weight_sum", "7"));
  EXPECT_TRUE(weights.call.OutputsUntouched());
}

}  // namespace
}  // namespace lossmith_test
