// InfoNCE in f64, every option, against the oracle.
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

TEST(InfoNce, DefaultsAreThoseOfTheHeader) {
  lsm_contrastive_options options;
  std::fill_n(reinterpret_cast<unsigned char*>(&options), sizeof options, 0xFF);
  lsm_infonce_defaults(&options);
  EXPECT_EQ(options.temperature, 0.07);
  EXPECT_TRUE(std::isinf(options.max_scale) && options.max_scale > 0);
  EXPECT_EQ(options.row_coefficient, 1);
  EXPECT_EQ(options.column_coefficient, 0);
  EXPECT_EQ(options.label_smoothing, 0);
  EXPECT_EQ(options.reduction, LSM_MEAN);
  EXPECT_EQ(options.normalize, 0);
  EXPECT_EQ(options.plan, LSM_PLAN_AUTO);
}

TEST(InfoNce, GoldenOfOneDirection) {
  const Golden golden = GoldenInfoNce();
  EXPECT_TRUE(NearInDouble(Evaluate(golden.problem), golden.expected));
}

TEST(InfoNce, GoldenOfTheSymmetricLoss) {
  const Golden golden = GoldenClip();
  EXPECT_TRUE(NearInDouble(Evaluate(golden.problem), golden.expected));
}

TEST(InfoNce, GoldenWithBiasWeightsSmoothingAndExtraNegatives) {
  const Golden golden = GoldenInfoNceWithOptions();
  EXPECT_TRUE(NearInDouble(Evaluate(golden.problem), golden.expected));
}

TEST(InfoNce, OneDirection) { ExpectOracle(RandomInfoNce(33, 33, 17, 1)); }

TEST(InfoNce, BothDirections) { ExpectOracle(RandomClip(33, 33, 17, 2)); }

TEST(InfoNce, ColumnDirectionAlone) {
  Problem problem = RandomInfoNce(33, 40, 17, 3);
  problem.options.row_coefficient = 0;
  problem.options.column_coefficient = 1.5;
  ExpectOracle(problem);
}

TEST(InfoNce, NoDirectionGivesZeros) {
  Problem problem = RandomInfoNce(9, 11, 4, 3);
  problem.options.row_coefficient = 0;
  ExpectOracle(problem);
}

TEST(InfoNce, ExtraNegatives) {
  ExpectOracle(RandomInfoNce(20, 57, 17, 4));
  ExpectOracle(RandomClip(20, 57, 17, 5));
}

TEST(InfoNce, AnyCoefficients) {
  Problem problem = RandomClip(33, 35, 8, 6);
  problem.options.row_coefficient = 3;
  problem.options.column_coefficient = 0.25;
  ExpectOracle(problem);
}

TEST(InfoNce, SumReduction) {
  Problem problem = RandomClip(33, 35, 8, 7);
  problem.options.reduction = LSM_SUM;
  ExpectOracle(problem);
}

// Gradients under a random gradient for every row loss, and under one that is not 1.
TEST(InfoNce, UpstreamGradients) {
  Random random(8);
  for (int reduction : {LSM_MEAN, LSM_SUM, LSM_NONE}) {
    Problem problem = RandomClip(33, 35, 8, 8);
    problem.options.reduction = reduction;
    problem.upstream = random.Normals(reduction == LSM_NONE ? 33 : 1);
    ExpectOracle(problem);
  }
}

TEST(InfoNce, NoUpstreamMeansOneForEveryRow) {
  Problem problem = RandomClip(33, 35, 8, 9);
  problem.options.reduction = LSM_NONE;
  ExpectOracle(problem);
}

TEST(InfoNce, UpstreamLeavesTheLossAlone) {
  Problem problem = RandomClip(12, 12, 8, 10);
  const Result plain = Evaluate(problem);
  problem.upstream = {-2.5};
  const Result scaled = Evaluate(problem);
  EXPECT_EQ(plain[kLoss], scaled[kLoss]);
  EXPECT_EQ(plain[kRowLoss], scaled[kRowLoss]);
}

TEST(InfoNce, RowWeights) {
  Random random(11);
  for (int reduction : {LSM_MEAN, LSM_SUM, LSM_NONE}) {
    Problem problem = RandomClip(33, 35, 8, 11);
    problem.options.reduction = reduction;
    problem.row_weight = random.Normals(33);
    problem.row_weight[4] = 0;
    ExpectOracle(problem);
  }
}

TEST(InfoNce, LabelSmoothing) {
  for (double smoothing : {1e-3, 0.1, 0.9}) {
    Problem problem = RandomClip(33, 35, 8, 12);
    problem.options.label_smoothing = smoothing;
    ExpectOracle(problem);
  }
}

TEST(InfoNce, BiasOfEachCandidate) {
  Random random(13);
  Problem problem = RandomClip(33, 41, 8, 13);
  problem.bias = random.Normals(41);
  ExpectOracle(problem);
}

TEST(InfoNce, OneBiasForAllCandidates) {
  Problem problem = RandomClip(33, 41, 8, 14);
  problem.bias = {-10};
  ExpectOracle(problem);
}

TEST(InfoNce, LearnedScale) {
  Problem problem = RandomClip(33, 41, 8, 15);
  problem.log_scale = {std::log(14.3)};
  ExpectOracle(problem);
}

TEST(InfoNce, LogScaleReplacesTheTemperature) {
  Problem problem = RandomClip(12, 12, 8, 16);
  problem.options.temperature = 0.25;
  const Result by_temperature = Evaluate(problem);
  problem.options.temperature = 77;
  problem.log_scale = {-std::log(0.25)};
  EXPECT_TRUE(NearInDouble(Evaluate(problem), Oracle(problem)));
  problem.log_scale.clear();
  problem.options.temperature = 0.25;
  EXPECT_TRUE(NearInDouble(by_temperature, Oracle(problem)));
}

TEST(InfoNce, TheScaleIsClamped) {
  Problem problem = RandomClip(33, 41, 8, 17);
  problem.options.max_scale = 6;
  ExpectOracle(problem);
  problem.log_scale = {std::log(7.0)};
  ExpectOracle(problem);
  EXPECT_EQ(Evaluate(problem)[kGradLogScale], std::vector<double>{0});
  problem.log_scale = {std::log(5.0)};
  ExpectOracle(problem);
}

TEST(InfoNce, TheGradientOfTheScaleNeedsNoTensorOfIt) {
  Problem problem = RandomClip(33, 41, 8, 18);
  Call call(problem, Types{}, 1u << kGradLogScale);
  ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
  EXPECT_TRUE(NearInDouble(call.Values(), Oracle(problem)));
}

TEST(InfoNce, NormalizesInside) {
  Random random(19);
  Problem problem = RandomClip(33, 41, 8, 19);
  problem.options.normalize = 1;
  problem.x = random.Normals(33 * 8);
  problem.y = random.Normals(41 * 8);
  for (int k = 0; k < 8; ++k) problem.x[k] *= 1e-6;
  for (int k = 0; k < 8; ++k) problem.y[8 + k] *= 1e6;
  ExpectOracle(problem);
}

TEST(InfoNce, EveryOptionAtOnce) {
  for (int reduction : {LSM_MEAN, LSM_SUM, LSM_NONE}) {
    for (int normalize : {0, 1}) {
      Problem problem = RandomClip(50, 61, 19, 20);
      problem.options.reduction = reduction;
      problem.options.normalize = normalize;
      AddEveryOption(&problem, 21);
      ExpectOracle(problem);
    }
  }
}

TEST(InfoNce, OnePairHasNoLossAndNoGradient) {
  const Result result = Evaluate(RandomClip(1, 1, 5, 22));
  EXPECT_EQ(result[kLoss], std::vector<double>{0});
  EXPECT_LT(MaxMagnitude(result[kGradX]), 1e-15);
  EXPECT_LT(MaxMagnitude(result[kGradY]), 1e-15);
}

}  // namespace
}  // namespace lossmith_test
