// The oracle of the label losses against numbers of independent origin, and its gradients against
// central differences of its objective in extended precision.
#include "oracle/label_oracle.h"

#include <gtest/gtest.h>

#include "support/label_golden.h"

namespace lossmith_test::labels {
namespace {

TEST(LabelOracle, GivesTheGoldenNumbers) {
  for (const Golden& golden : Goldens()) {
    Result got = Oracle(golden.problem);
    for (int output = 0; output < kOutputs; ++output) {
      if (golden.expected[output].empty()) got[output].clear();
    }
    EXPECT_TRUE(Near(got, golden.expected, 2e-15, 1e-15)) << golden.name;
  }
}

std::vector<double> Differences(const Problem& problem, Output gradient, size_t count) {
  constexpr long double kStep = 1e-6L;
  std::vector<double> result;
  for (size_t i = 0; i < count; ++i) {
    const long double up = Objective(problem, gradient, i, kStep);
    const long double down = Objective(problem, gradient, i, -kStep);
    result.push_back(static_cast<double>((up - down) / (2 * kStep)));
  }
  return result;
}

void ExpectExactGradients(const Problem& problem) {
  Result differences;
  differences[kGradX] = Differences(problem, kGradX, problem.x.size());
  differences[kGradLabels] = Differences(problem, kGradLabels, problem.labels.size());
  differences[kGradLogScale] = Differences(problem, kGradLogScale, problem.log_scale.size());
  differences[kGradBias] = Differences(problem, kGradBias, problem.bias.size());
  EXPECT_TRUE(Near(differences, Oracle(problem), 1e-9, 1e-10))
      << LossName(problem.options.loss) << (problem.soft_target.empty() ? "" : ", soft targets");
}

// Every loss, softmax cross-entropy with targets and with soft targets.
std::vector<Problem> Problems(int64_t n, int64_t l, int64_t d, uint64_t seed) {
  std::vector<Problem> problems;
  for (int32_t loss : kLosses) problems.push_back(RandomProblem(loss, n, l, d, seed));
  problems.push_back(WithSoftTargets(problems.back(), seed));
  return problems;
}

TEST(LabelOracle, GradientsAreTheDerivatives) {
  for (const Problem& problem : Problems(4, 9, 3, 1)) ExpectExactGradients(problem);
}

TEST(LabelOracle, GradientsWithEveryOption) {
  for (int reduction : {LSM_MEAN, LSM_SUM, LSM_NONE}) {
    for (Problem problem : Problems(4, 14, 3, 2)) {
      problem.options.reduction = reduction;
      AddEveryOption(&problem, 3);
      problem.options.average = reduction == LSM_SUM ? 0 : 1;
      problem.options.plain = reduction == LSM_NONE ? 1 : 0;
      ExpectExactGradients(problem);
    }
  }
}

TEST(LabelOracle, GradientsThroughNormalizationWithOneBias) {
  for (Problem problem : Problems(4, 9, 3, 4)) {
    problem.options.normalize_x = problem.options.normalize_labels = 1;
    problem.bias = {0.75};
    for (double& value : problem.x) value *= 3;
    for (double& value : problem.labels) value *= 0.25;
    ExpectExactGradients(problem);
  }
}

TEST(LabelOracle, GradientsOfGivenProducts) {
  for (Problem problem : Problems(4, 14, 3, 5)) {
    AddEveryOption(&problem, 6);
    ExpectExactGradients(AsProducts(problem));
  }
}

TEST(LabelOracle, AClampedScaleHasNoGradient) {
  Problem problem = RandomProblem(LSM_DECOUPLED_SOFTMAX, 4, 9, 3, 7);
  problem.log_scale = {2};
  problem.options.max_scale = 5;
  ExpectExactGradients(problem);
  EXPECT_EQ(Oracle(problem)[kGradLogScale][0], 0);
}

TEST(LabelOracle, ARowWithoutPositivesOrNegativesHasNoLoss) {
  Problem problem = RandomProblem(LSM_DECOUPLED_SOFTMAX, 3, 4, 3, 8);
  problem.positives = {};
  problem.positives.Add({});
  problem.positives.Add({3, 1, 0, 2});
  problem.positives.Add({2, 2});
  const Result result = Oracle(problem);
  EXPECT_EQ(result[kRowLoss][0], 0);
  EXPECT_EQ(result[kRowLoss][1], 0);
  EXPECT_GT(result[kRowLoss][2], 0);
  for (int k = 0; k < 6; ++k) EXPECT_EQ(result[kGradX][k], 0);
}

}  // namespace
}  // namespace lossmith_test::labels
