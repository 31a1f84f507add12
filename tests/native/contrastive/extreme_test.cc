// Scores so far apart that exp underflows or would overflow: in rows, in columns, with bias.
#include <gtest/gtest.h>

#include <cmath>

#include "oracle/contrastive_oracle.h"
#include "support/call.h"
#include "support/compare.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

void ExpectFiniteAndAccurate(const Problem& exact) {
  EXPECT_TRUE(NearInDouble(Evaluate(exact), Oracle(exact)));
  const Types types = SingleTypes(DType::kF32);
  const Problem problem = RoundedProblem(exact, DType::kF32, DType::kF32);
  const Result oracle = Oracle(problem);
  const Result plain = Straightforward(problem, types);
  const Result got = Evaluate(problem, types);
  for (int output = 0; output < kOutputs; ++output) {
    if (got[output].empty()) continue;
    ASSERT_TRUE(std::isfinite(MaxMagnitude(oracle[output]))) << OutputName(output);
    const double grant = 64 * UnitRoundoff(DType::kF32) *
                         (MaxMagnitude(oracle[output]) + MaxMagnitude(oracle[kRowLoss]));
    EXPECT_LE(MaxError(got[output], oracle[output]),
              2 * MaxError(plain[output], oracle[output]) + grant)
        << OutputName(output);
  }
}

std::vector<Problem> Families(uint64_t seed) {
  return {RandomClip(70, 75, 8, seed), RandomCwcl(70, 75, 8, 4, seed)};
}

TEST(Extreme, ScaleOneHundred) {
  for (Problem problem : Families(1)) {
    problem.options.temperature = 0.01;
    ExpectFiniteAndAccurate(problem);
  }
}

TEST(Extreme, ScoresOfTenThousand) {
  for (Problem problem : Families(2)) {
    problem.options.temperature = 1e-4;
    ExpectFiniteAndAccurate(problem);
  }
}

// Every score of some columns lies thousands below those of the others, and the same for rows: a
// common shift would take all of their terms to zero.
TEST(Extreme, WholeColumnsAndRowsUnderflow) {
  for (Problem problem : Families(3)) {
    Random random(4);
    const int64_t d = problem.d;
    problem.options.temperature = 1;
    for (int64_t i = 0; i < problem.n; ++i) problem.x[i * d] = 1;
    for (int64_t j = 0; j < problem.m; ++j) {
      problem.y[j * d] = j % 3 == 0 ? -5000 : j % 3 == 1 ? 3000 : 0;
    }
    ExpectFiniteAndAccurate(problem);
    std::swap(problem.x[0], problem.x[d]);
    for (int64_t i = 0; i < problem.n; ++i) problem.x[i * d] = i % 2 == 0 ? -1 : 1;
    ExpectFiniteAndAccurate(problem);
  }
}

TEST(Extreme, BiasesOfThousands) {
  for (Problem problem : Families(5)) {
    problem.bias.assign(problem.m, 0);
    for (int64_t j = 0; j < problem.m; ++j) problem.bias[j] = j % 2 == 0 ? -3000 : 2000;
    ExpectFiniteAndAccurate(problem);
  }
}

TEST(Extreme, EqualScoresEverywhere) {
  for (Problem problem : Families(6)) {
    problem.x.assign(problem.x.size(), 0.25);
    problem.y.assign(problem.y.size(), -0.5);
    ExpectFiniteAndAccurate(problem);
    EXPECT_NEAR(Evaluate(RandomClip(1, 1, 1, 1))[kLoss][0], 0, 1e-15);
  }
}

TEST(Extreme, TinyAndHugeTemperatures) {
  for (double temperature : {1e-30, 1e30}) {
    Problem problem = RandomClip(20, 20, 6, 7);
    problem.options.temperature = temperature;
    EXPECT_TRUE(NearInDouble(Evaluate(problem), Oracle(problem))) << temperature;
  }
}

}  // namespace
}  // namespace lossmith_test
