// The oracle's gradients against central differences of its objective in extended precision.
#include <gtest/gtest.h>

#include <cmath>

#include "oracle/contrastive_oracle.h"
#include "support/compare.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

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

// The problem must ignore no pair: differences address the elements that are left.
void ExpectExactGradients(const Problem& problem) {
  const Result oracle = Oracle(problem);
  Result differences;
  differences[kGradX] = Differences(problem, kGradX, problem.x.size());
  differences[kGradY] = Differences(problem, kGradY, problem.y.size());
  differences[kGradLogScale] = Differences(problem, kGradLogScale, problem.log_scale.size());
  differences[kGradBias] = Differences(problem, kGradBias, problem.bias.size());
  EXPECT_TRUE(Near(differences, oracle, 1e-9, 1e-10));
}

// All options but ignored pairs.
Problem WithOptions(Problem problem) {
  AddEveryOption(&problem, 1);
  problem.ignore.clear();
  return problem;
}

TEST(OracleGradient, InfoNceOfOneDirection) {
  ExpectExactGradients(WithOptions(RandomInfoNce(5, 5, 3, 1)));
}

TEST(OracleGradient, SymmetricInfoNceWithExtraNegatives) {
  ExpectExactGradients(WithOptions(RandomClip(4, 7, 3, 2)));
}

TEST(OracleGradient, SumAndPerRowReductions) {
  for (int reduction : {LSM_SUM, LSM_NONE}) {
    Problem problem = RandomClip(4, 6, 3, 3);
    problem.options.reduction = reduction;
    ExpectExactGradients(WithOptions(problem));
  }
}

TEST(OracleGradient, OneBiasForAllCandidates) {
  Problem problem = WithOptions(RandomClip(4, 6, 3, 4));
  problem.bias = {0.75};
  ExpectExactGradients(problem);
}

TEST(OracleGradient, ThroughNormalization) {
  Problem problem = RandomClip(4, 6, 3, 5);
  problem.options.normalize = 1;
  Random random(6);
  problem.x = random.Normals(4 * 3);
  problem.y = random.Normals(6 * 3);
  ExpectExactGradients(WithOptions(problem));
}

TEST(OracleGradient, ClampedScaleHasNoGradient) {
  Problem problem = WithOptions(RandomClip(4, 4, 3, 7));
  problem.options.max_scale = 5;
  ExpectExactGradients(problem);
  EXPECT_EQ(Oracle(problem)[kGradLogScale][0], 0);
}

TEST(OracleGradient, CwclByReference) {
  for (int64_t m : {4, 6}) {
    Problem problem = RandomCwcl(4, m, 3, 2, 8);
    Random random(9);
    problem.reference = random.Normals(4 * 2);
    ExpectExactGradients(WithOptions(problem));
  }
}

TEST(OracleGradient, CwclByWeightsWithARowWithoutTargets) {
  Problem problem = RandomCwcl(4, 6, 3, 2, 10);
  Random random(11);
  problem.r = 0;
  problem.reference.clear();
  problem.reference_y.clear();
  problem.weights = random.Uniforms(4 * 6, 0, 1);
  for (int j = 0; j < 6; ++j) problem.weights[6 + j] = 0;
  ExpectExactGradients(WithOptions(problem));
}

// Deleting pairs is all that ignoring does: the values of the others are those of the problem that
// never held them.
TEST(OracleGradient, IgnoredPairsLeaveTheSmallerProblem) {
  Problem whole = RandomClip(4, 5, 2, 12);
  whole.ignore = {0, 1, 0, 0};
  Problem smaller = whole;
  smaller.n = 3;
  smaller.m = 4;
  smaller.ignore.clear();
  smaller.x.erase(smaller.x.begin() + 2, smaller.x.begin() + 4);
  smaller.y.erase(smaller.y.begin() + 2, smaller.y.begin() + 4);
  const Result got = Oracle(whole);
  Result expected = Oracle(smaller);
  expected[kRowLoss].insert(expected[kRowLoss].begin() + 1, 0);
  expected[kGradX].insert(expected[kGradX].begin() + 2, 2, 0);
  expected[kGradY].insert(expected[kGradY].begin() + 2, 2, 0);
  EXPECT_TRUE(Near(got, expected, 0, 0));
}

}  // namespace
}  // namespace lossmith_test
