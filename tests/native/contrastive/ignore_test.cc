// Ignored pairs are as if neither of their rows were there, whatever those rows hold.
#include <gtest/gtest.h>

#include <limits>

#include "oracle/contrastive_oracle.h"
#include "support/call.h"
#include "support/compare.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<Problem> Problems() {
  std::vector<Problem> problems = {RandomInfoNce(37, 37, 9, 1), RandomClip(37, 44, 9, 2),
                                   RandomCwcl(37, 37, 9, 5, 3), RandomCwcl(37, 44, 9, 5, 4)};
  Problem by_weights = RandomCwcl(37, 44, 9, 1, 5);
  by_weights.r = 0;
  by_weights.reference.clear();
  by_weights.reference_y.clear();
  by_weights.weights = Random(6).Uniforms(37 * 44, 0, 1);
  problems.push_back(by_weights);
  return problems;
}

void FillRow(std::vector<double>* matrix, int64_t row, int64_t width, double value) {
  if (matrix->empty()) return;
  for (int64_t k = 0; k < width; ++k) (*matrix)[row * width + k] = value;
}

TEST(Ignore, PairsAreDeletedForEveryReduction) {
  for (Problem problem : Problems()) {
    for (int reduction : {LSM_MEAN, LSM_SUM, LSM_NONE}) {
      problem.options.reduction = reduction;
      problem.options.label_smoothing = 0.1;
      problem.ignore.assign(37, 0);
      for (int i : {0, 5, 6, 20, 36}) problem.ignore[i] = 1;
      EXPECT_TRUE(NearInDouble(Evaluate(problem), Oracle(problem)));
    }
  }
}

TEST(Ignore, AnyByteButZeroIgnores) {
  Problem problem = RandomClip(5, 6, 3, 7);
  problem.ignore = {0, 255, 0, 128, 2};
  EXPECT_TRUE(NearInDouble(Evaluate(problem), Oracle(problem)));
}

TEST(Ignore, RowsOfNaNDoNotReachTheOthers) {
  for (Problem problem : Problems()) {
    problem.ignore.assign(37, 0);
    problem.ignore[3] = problem.ignore[30] = 1;
    const Result expected = Oracle(problem);
    for (int i : {3, 30}) {
      FillRow(&problem.x, i, 9, kNaN);
      FillRow(&problem.y, i, 9, i == 3 ? kNaN : std::numeric_limits<double>::infinity());
      FillRow(&problem.reference, i, problem.r, kNaN);
      FillRow(&problem.reference_y, i, problem.r, kNaN);
    }
    for (int normalize : {0, 1}) {
      problem.options.normalize = normalize;
      if (normalize == 0) {
        EXPECT_TRUE(NearInDouble(Evaluate(problem), expected));
      } else {
        EXPECT_LT(MaxMagnitude(Evaluate(problem)[kGradY]), 1e3);
      }
    }
  }
}

TEST(Ignore, AllPairsIgnoredGiveZeros) {
  for (Problem problem : Problems()) {
    problem.ignore.assign(37, 1);
    const Result result = Evaluate(problem);
    for (int output = 0; output < kOutputs; ++output) {
      EXPECT_EQ(MaxMagnitude(result[output]), 0) << OutputName(output);
    }
  }
}

TEST(Ignore, OnePairLeftHasNoLossInTheColumns) {
  Problem problem = RandomClip(37, 37, 9, 8);
  problem.ignore.assign(37, 1);
  problem.ignore[17] = 0;
  EXPECT_TRUE(NearInDouble(Evaluate(problem), Oracle(problem)));
  EXPECT_NEAR(Evaluate(problem)[kLoss][0], 0, 1e-15);
}

}  // namespace
}  // namespace lossmith_test
