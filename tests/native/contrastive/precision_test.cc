// f32, bf16 and f16 by the self-calibrating rule: the error against the float64 oracle is at most
// twice the error of a straightforward implementation in the same types, plus a few roundings.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "oracle/contrastive_oracle.h"
#include "support/call.h"
#include "support/compare.h"
#include "support/device.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

const Types kTypes[] = {
    SingleTypes(DType::kF32),
    SingleTypes(DType::kBF16),
    SingleTypes(DType::kF16),
    {DType::kBF16, DType::kF32, DType::kF32, DType::kF64},
    {DType::kF16, DType::kF64, DType::kF32, DType::kF32},
};

// Bound of the magnitude of the scores: their roundings are what f32 arithmetic starts from.
double ScoreBound(const Problem& problem) {
  const auto norm = [&](const std::vector<double>& rows) {
    if (problem.options.normalize) return 1.0;
    double largest = 0;
    for (size_t i = 0; i < rows.size(); i += problem.d) {
      double square = 0;
      for (int64_t k = 0; k < problem.d; ++k) square += rows[i + k] * rows[i + k];
      largest = std::max(largest, square);
    }
    return std::sqrt(largest);
  };
  const double scale =
      problem.log_scale.empty() ? 1 / problem.options.temperature : std::exp(problem.log_scale[0]);
  return scale * norm(problem.x) * norm(problem.y) + MaxMagnitude(problem.bias);
}

// Rounding of the operands of products. The CPU widens f16 to f32.
double OperandRoundoff(const Types& types) {
  const bool widened = types.matrices == DType::kF16 && !OnDevice();
  return UnitRoundoff(widened ? DType::kF32 : types.matrices);
}

// Roundings that any result must be granted, where the straightforward one happens to have none:
// that of the output itself, two of a score in a loss, and two of a probability of 1 in a gradient
// (one pair's share of it). Rows of one element have two different scores in all: the roundings of
// coefficients are then alike and add up, and chance decides which side has the smaller ones.
double Grant(int output, const Problem& problem, const Types& types, const Result& oracle) {
  const double single = 2 * UnitRoundoff(DType::kF32);
  const double pairs = problem.options.reduction == LSM_MEAN ? static_cast<double>(problem.n) : 1;
  const double score = ScoreBound(problem);
  const double largest = MaxMagnitude(oracle[output]);
  switch (output) {
    case kGradX:
    case kGradY:
      return (UnitRoundoff(types.gradients) + (problem.d == 1 ? OperandRoundoff(types) : 0)) *
                 largest +
             single * (score *
                           MaxMagnitude(problem.row_weight.empty() ? std::vector<double>{1}
                                                                   : problem.row_weight) /
                           pairs +
                       largest);
    case kGradLogScale:
      return 4 * single * (largest + score);
    case kGradBias:
      return 4 * single * (largest + 1);
    default:
      return single * (largest + score);
  }
}

const char* Family(const Problem& problem) {
  if (problem.cwcl) return problem.r > 0 ? "cwcl by reference" : "cwcl by weights";
  return problem.options.column_coefficient > 0 ? "both directions" : "one direction";
}

void ExpectAccurate(const Problem& exact, const char* what) {
  for (const Types& types : kTypes) {
    const Problem problem = RoundedProblem(exact, types.matrices, types.vectors);
    const Result oracle = Oracle(problem);
    const Result plain = Straightforward(problem, types);
    const Result got = Evaluate(problem, types);
    for (int output = 0; output < kOutputs; ++output) {
      if (got[output].empty()) continue;
      ASSERT_TRUE(std::isfinite(MaxMagnitude(oracle[output]))) << OutputName(output);
      EXPECT_LE(MaxError(got[output], oracle[output]),
                2 * MaxError(plain[output], oracle[output]) + Grant(output, problem, types, oracle))
          << what << ", " << Family(problem) << ", " << OutputName(output) << ", "
          << Name(types.matrices) << " to " << Name(types.gradients) << ", largest "
          << MaxMagnitude(oracle[output]);
    }
  }
}

std::vector<Problem> Families(int64_t n, int64_t m, int64_t d, uint64_t seed) {
  Problem by_weights = RandomCwcl(n, m, d, 1, seed);
  by_weights.r = 0;
  by_weights.reference.clear();
  by_weights.reference_y.clear();
  by_weights.weights = Random(seed).Uniforms(n * m, 0, 1);
  return {RandomInfoNce(n, m, d, seed), RandomClip(n, m, d, seed), RandomCwcl(n, m, d, d, seed),
          by_weights};
}

TEST(Precision, RandomInputs) {
  for (const Problem& problem : Families(150, 170, 48, 1)) ExpectAccurate(problem, "random");
  for (const Problem& problem : Families(33, 33, 1024, 2)) ExpectAccurate(problem, "wide");
  for (const Problem& problem : Families(129, 127 + 32, 1, 3)) ExpectAccurate(problem, "narrow");
}

TEST(Precision, RandomUpstreamWeightsBiasAndSmoothing) {
  for (Problem problem : Families(130, 150, 40, 4)) {
    problem.options.reduction = LSM_NONE;
    AddEveryOption(&problem, 5);
    ExpectAccurate(problem, "options");
  }
}

TEST(Precision, NormalizationInside) {
  for (Problem problem : Families(130, 150, 40, 6)) {
    problem.options.normalize = 1;
    for (double& value : problem.x) value *= 30;
    for (double& value : problem.y) value *= 0.01;
    ExpectAccurate(problem, "normalized");
  }
}

// Pairs that match: temperature 0.01, y close to x.
TEST(Precision, PeakedInputs) {
  for (Problem problem : Families(120, 140, 64, 7)) {
    Random random(8);
    problem.options.temperature = 0.01;
    for (size_t i = 0; i < problem.x.size(); ++i) {
      problem.y[i] = problem.x[i] + 0.02 * random.Normal();
    }
    ExpectAccurate(problem, "peaked");
  }
}

TEST(Precision, FlatInputs) {
  for (Problem problem : Families(120, 140, 64, 9)) {
    problem.options.temperature = 100;
    ExpectAccurate(problem, "flat");
    for (size_t i = 0; i < problem.x.size(); ++i) problem.x[i] = 1 + 1e-3 * problem.x[i];
    ExpectAccurate(problem, "nearly equal rows");
  }
}

// Rows of large norm: scores of some hundreds of both signs.
TEST(Precision, LargeScores) {
  for (Problem problem : Families(100, 110, 24, 10)) {
    for (double& value : problem.x) value *= 16;
    ExpectAccurate(problem, "large");
  }
}

TEST(Precision, ManyPairs) {
  const int64_t n = Size(1000, 300);
  ExpectAccurate(RandomClip(n, n, 16, 11), "many pairs");
  ExpectAccurate(RandomCwcl(n, n, 16, 16, 12), "many pairs");
}

}  // namespace
}  // namespace lossmith_test
