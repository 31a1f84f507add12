// NaN, infinities, rows of zeros, and empty problems.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "oracle/contrastive_oracle.h"
#include "support/call.h"
#include "support/compare.h"
#include "support/context.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const Types kAllTypes[] = {Types{}, SingleTypes(DType::kF32), SingleTypes(DType::kBF16),
                           SingleTypes(DType::kF16)};

TEST(SpecialValues, NotFiniteInputsReachTheLoss) {
  for (const Types& types : kAllTypes) {
    for (double value : {kNaN, kInfinity, -kInfinity}) {
      for (bool in_x : {true, false}) {
        for (int normalize : {0, 1}) {
          for (const Problem& clean : {RandomClip(20, 25, 6, 1), RandomCwcl(20, 25, 6, 3, 2)}) {
            Problem problem = clean;
            problem.options.normalize = normalize;
            (in_x ? problem.x : problem.y)[7 * 6 + 2] = value;
            Call call(problem, types);
            ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
            EXPECT_FALSE(std::isfinite(call.Values()[kLoss][0]))
                << value << (in_x ? " in x, " : " in y, ") << Name(types.matrices) << ", normalize "
                << normalize;
          }
        }
      }
    }
  }
}

TEST(SpecialValues, ANaNInAnExtraNegativeReachesTheLoss) {
  for (const Types& types : kAllTypes) {
    Problem problem = RandomInfoNce(20, 25, 6, 3);
    problem.y[24 * 6 + 5] = kNaN;
    Call call(problem, types);
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    EXPECT_TRUE(std::isnan(call.Values()[kLoss][0]));
  }
}

TEST(SpecialValues, ANaNInOneRowStaysInThatRowOfTheRowDirection) {
  for (const Types& types : kAllTypes) {
    Problem problem = RandomInfoNce(40, 40, 6, 4);
    const Result clean = Evaluate(problem, types);
    problem.x[11 * 6] = kNaN;
    Call call(problem, types);
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    const Result result = call.Values();
    for (int i = 0; i < 40; ++i) {
      if (i == 11) {
        EXPECT_TRUE(std::isnan(result[kRowLoss][i]));
        EXPECT_TRUE(std::isnan(result[kGradX][i * 6]));
      } else {
        const double roundings = 64 * UnitRoundoff(types.matrices);
        EXPECT_NEAR(result[kRowLoss][i], clean[kRowLoss][i], roundings);
        EXPECT_NEAR(result[kGradX][i * 6], clean[kGradX][i * 6], roundings);
      }
    }
    for (double value : result[kGradY]) EXPECT_TRUE(std::isnan(value));
  }
}

TEST(SpecialValues, NaNReachesTheLossInEveryTileOfALargeProblem) {
  const int64_t n = Size(2100, 300);
  for (int64_t row : {int64_t{0}, n / 3, 2 * n / 3, n - 1}) {
    Problem problem = RandomClip(n, 2 * n, 4, 5);
    problem.x[row * 4 + 1] = kNaN;
    Call call(problem, SingleTypes(DType::kF32), 1u << kLoss);
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    EXPECT_TRUE(std::isnan(call.Values()[kLoss][0])) << row;
  }
}

TEST(SpecialValues, ZeroRowsNormalizeToZeroWithZeroGradient) {
  for (const Types& types : kAllTypes) {
    for (Problem problem : {RandomClip(20, 25, 6, 6), RandomCwcl(20, 25, 6, 3, 7)}) {
      problem.options.normalize = 1;
      for (int k = 0; k < 6; ++k) {
        problem.x[3 * 6 + k] = 0;
        problem.y[5 * 6 + k] = 0;
        problem.y[24 * 6 + k] = 0;
      }
      const Result result = Evaluate(problem, types);
      for (int k = 0; k < 6; ++k) {
        EXPECT_EQ(result[kGradX][3 * 6 + k], 0);
        EXPECT_EQ(result[kGradY][5 * 6 + k], 0);
        EXPECT_EQ(result[kGradY][24 * 6 + k], 0);
      }
      EXPECT_TRUE(std::isfinite(result[kLoss][0]));
    }
  }
}

TEST(SpecialValues, RowsBelowTheThresholdOfNormalizationAreZeroRows) {
  Problem problem = RandomClip(20, 25, 6, 8);
  problem.options.normalize = 1;
  for (int k = 0; k < 6; ++k) problem.x[k] *= 0.9e-12;
  for (int k = 0; k < 6; ++k) problem.x[6 + k] *= 1.1e-12;
  EXPECT_TRUE(NearInDouble(Evaluate(problem), Oracle(problem)));
}

// The square of the norm leaves the range of f32, the norm does not.
TEST(SpecialValues, NormsWhoseSquareOverflowsNormalizeInSinglePrecision) {
  for (double factor : {1e30, 1e-11}) {
    Problem problem = RandomClip(20, 25, 6, 9);
    problem.options.normalize = 1;
    for (double& value : problem.x) value *= factor;
    problem = RoundedProblem(problem, DType::kF32, DType::kF32);
    EXPECT_TRUE(Near(Evaluate(problem, SingleTypes(DType::kF32)), Oracle(problem), 1e-5, 0))
        << factor;
  }
}

TEST(SpecialValues, ABiasOfMinusInfinityRemovesAnExtraNegative) {
  for (const Types& types : kAllTypes) {
    for (Problem problem : {RandomInfoNce(20, 25, 6, 10), RandomClip(20, 25, 6, 11)}) {
      problem.bias.assign(25, 0);
      problem.bias[22] = -kInfinity;
      problem = RoundedProblem(problem, types.matrices, types.vectors);
      const Result oracle = Oracle(problem);
      EXPECT_TRUE(Near(Evaluate(problem, types), oracle, 16 * UnitRoundoff(types.matrices), 1e-6))
          << Name(types.matrices);
      EXPECT_EQ(oracle[kGradBias][22], 0);
    }
  }
}

TEST(SpecialValues, NoPairsGiveZeroLossAndZeroGradients) {
  for (const Types& types : kAllTypes) {
    for (int64_t m : {0, 5}) {
      for (int cwcl : {0, 1}) {
        Problem problem = cwcl ? RandomCwcl(0, m, 6, 3, 11) : RandomClip(0, m, 6, 11);

        Call call(problem, types);
        ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
        EXPECT_EQ(call.Values()[kLoss], std::vector<double>{0});
        EXPECT_EQ(call.Values()[kGradY], std::vector<double>(m * 6, 0));
      }
    }
  }
}

}  // namespace
}  // namespace lossmith_test
