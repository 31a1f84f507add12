// CWCL in f64, by reference embeddings and by explicit weights, against the oracle.
#include <gtest/gtest.h>

#include <cmath>

#include "oracle/contrastive_oracle.h"
#include "support/call.h"
#include "support/compare.h"
#include "support/context.h"
#include "support/golden.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

void ExpectOracle(const Problem& problem) {
  EXPECT_TRUE(NearInDouble(Evaluate(problem), Oracle(problem)));
}

Problem ByWeights(int64_t n, int64_t m, int64_t d, uint64_t seed) {
  Problem problem = RandomCwcl(n, m, d, 1, seed);
  problem.r = 0;
  problem.reference.clear();
  problem.reference_y.clear();
  problem.weights = Random(seed).Uniforms(n * m, 0, 1);
  return problem;
}

TEST(Cwcl, DefaultsAreThoseOfTheHeader) {
  lsm_contrastive_options options;
  std::fill_n(reinterpret_cast<unsigned char*>(&options), sizeof options, 0xFF);
  lsm_cwcl_defaults(&options);
  EXPECT_EQ(options.temperature, 0.07);
  EXPECT_EQ(options.row_coefficient, 1);
  EXPECT_EQ(options.column_coefficient, 1);
  EXPECT_EQ(options.normalize_reference, 1);
  EXPECT_EQ(options.normalize, 0);
}

TEST(Cwcl, Golden) {
  const Golden golden = GoldenCwcl();
  EXPECT_TRUE(NearInDouble(Evaluate(golden.problem), golden.expected));
}

TEST(Cwcl, ByReference) {
  ExpectOracle(RandomCwcl(33, 33, 17, 17, 1));
  ExpectOracle(RandomCwcl(33, 33, 17, 1, 2));
  ExpectOracle(RandomCwcl(33, 33, 5, 64, 3));
}

TEST(Cwcl, ByReferencesOfBothSides) {
  ExpectOracle(RandomCwcl(33, 50, 17, 9, 4));
  Problem square = RandomCwcl(33, 33, 17, 9, 5);
  square.reference_y = Random(6).UnitRows(33, 9);
  ExpectOracle(square);
}

TEST(Cwcl, TheReferenceMayBeX) {
  Problem problem = RandomCwcl(33, 33, 17, 17, 7);
  problem.reference = problem.x;
  ExpectOracle(problem);
}

TEST(Cwcl, NormalizesTheReference) {
  Problem problem = RandomCwcl(33, 40, 17, 9, 8);
  Random random(9);
  problem.reference = random.Normals(33 * 9);
  problem.reference_y = random.Normals(40 * 9);
  for (int k = 0; k < 9; ++k) problem.reference[9 + k] = 0;
  ExpectOracle(problem);
}

TEST(Cwcl, TakesShortReferencesAsTheyAre) {
  Problem problem = RandomCwcl(33, 33, 17, 9, 10);
  problem.options.normalize_reference = 0;
  for (double& value : problem.reference) value *= 0.8;
  ExpectOracle(problem);
}

TEST(Cwcl, ByWeights) {
  ExpectOracle(ByWeights(33, 33, 17, 11));
  ExpectOracle(ByWeights(20, 70, 17, 12));
}

TEST(Cwcl, IdentityWeightsGiveTwiceTheSymmetricLoss) {
  Golden golden = GoldenClip();
  golden.problem.cwcl = true;
  golden.problem.options.row_coefficient = golden.problem.options.column_coefficient = 1;
  golden.problem.weights = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  for (auto& output : golden.expected) {
    for (double& value : output) value *= 2;
  }
  EXPECT_TRUE(NearInDouble(Evaluate(golden.problem), golden.expected));
}

TEST(Cwcl, WeightsOfARowHaveNoScale) {
  Problem problem = ByWeights(8, 8, 5, 13);
  for (int j = 0; j < 8; ++j) {
    problem.weights[j] *= 1e-200;
    problem.weights[8 + j] *= 1e200;
  }
  ExpectOracle(problem);
}

TEST(Cwcl, ARowOfZeroWeightsHasNoRowDirection) {
  Problem problem = ByWeights(20, 23, 5, 14);
  for (int j = 0; j < 23; ++j) problem.weights[3 * 23 + j] = 0;
  problem.options.label_smoothing = 0.2;
  ExpectOracle(problem);
  problem.options.column_coefficient = 0;
  const Result result = Evaluate(problem);
  EXPECT_EQ(result[kRowLoss][3], 0);
  for (int k = 0; k < 5; ++k) EXPECT_EQ(result[kGradX][3 * 5 + k], 0);
}

TEST(Cwcl, DirectionsAlone) {
  for (int direction : {0, 1}) {
    Problem by_reference = RandomCwcl(33, 40, 17, 9, 15);
    Problem by_weights = ByWeights(33, 40, 17, 16);
    for (Problem* problem : {&by_reference, &by_weights}) {
      problem->options.row_coefficient = direction == 0 ? 0.75 : 0;
      problem->options.column_coefficient = direction == 1 ? 0.75 : 0;
      ExpectOracle(*problem);
    }
  }
}

TEST(Cwcl, EveryOptionAtOnce) {
  for (int reduction : {LSM_MEAN, LSM_SUM, LSM_NONE}) {
    for (int normalize : {0, 1}) {
      Problem by_reference = RandomCwcl(50, 61, 19, 7, 17);
      Problem by_weights = ByWeights(50, 61, 19, 18);
      for (int j = 0; j < 61; ++j) by_weights.weights[5 * 61 + j] = 0;
      for (Problem* problem : {&by_reference, &by_weights}) {
        problem->options.reduction = reduction;
        problem->options.normalize = normalize;
        AddEveryOption(problem, 19);
        ExpectOracle(*problem);
      }
    }
  }
}

TEST(Cwcl, WeightsOfEveryElementType) {
  for (DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    Problem problem = ByWeights(20, 23, 5, 20);
    problem.weights = Rounded(dtype, problem.weights);
    Call call(problem, Types{});
    call.inputs[kWeights].emplace(dtype, std::vector<int64_t>{20, 23}, problem.weights);
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    EXPECT_TRUE(NearInDouble(call.Values(), Oracle(problem))) << Name(dtype);
  }
}

}  // namespace
}  // namespace lossmith_test
