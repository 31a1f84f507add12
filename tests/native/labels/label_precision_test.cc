// f32, bf16 and f16 by the self-calibrating rule: the error against the oracle is at most twice the
// error of a straightforward implementation in the same types, plus a few roundings.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "oracle/label_oracle.h"
#include "support/compare.h"
#include "support/device.h"
#include "support/label_call.h"
#include "support/random.h"

namespace lossmith_test::labels {
namespace {

const Types kTypes[] = {
    SingleTypes(DType::kF32),
    SingleTypes(DType::kBF16),
    SingleTypes(DType::kF16),
    {DType::kBF16, DType::kF32, DType::kF32, DType::kF64, DType::kI64},
};

double LargestNorm(const std::vector<double>& rows, int64_t width) {
  double largest = 0;
  for (size_t i = 0; i < rows.size(); i += width) {
    double square = 0;
    for (int64_t k = 0; k < width; ++k) square += rows[i + k] * rows[i + k];
    largest = std::max(largest, square);
  }
  return std::sqrt(largest);
}

double Scale(const Problem& problem) {
  return problem.log_scale.empty() ? 1 / problem.options.temperature
                                   : std::exp(problem.log_scale[0]);
}

double NormOfX(const Problem& problem) {
  return problem.options.normalize_x ? 1 : LargestNorm(problem.x, problem.d);
}
double NormOfLabels(const Problem& problem) {
  return problem.options.normalize_labels ? 1 : LargestNorm(problem.labels, problem.d);
}

// Bound of the magnitude of the scores: their roundings are what f32 arithmetic starts from.
double ScoreBound(const Problem& problem) {
  return Scale(problem) * NormOfX(problem) * NormOfLabels(problem) + MaxMagnitude(problem.bias);
}

// The largest sum of |G_ij| / c_i of a row: v and a of its positives, or of its targets.
double Mass(const Problem& problem) {
  double largest = 1;
  const Sets& sets = problem.positives;
  for (int64_t i = 0; i < problem.n && sets.present(); ++i) {
    double sum = 0;
    for (int64_t e = sets.offsets[i]; e < sets.offsets[i + 1]; ++e) {
      sum += sets.values.empty() || !problem.options.weighted ? 1 : sets.values[e];
    }
    largest = std::max(largest, sum);
  }
  if (problem.options.loss == LSM_SOFT_TOP_K) largest *= problem.options.alpha;
  return largest * (problem.class_weight.empty() ? 1 : MaxMagnitude(problem.class_weight));
}

// Roundings that any result must be granted where the straightforward one happens to have none: that
// of the output itself, two of a score in a loss, and two of a probability of 1 in a gradient (one
// row's share of it).
double Grant(int output, const Problem& problem, const Types& types, const Result& oracle) {
  const double single = 2 * UnitRoundoff(DType::kF32);
  const double rows = problem.options.reduction == LSM_MEAN ? static_cast<double>(problem.n) : 1;
  const double score = ScoreBound(problem);
  double largest = 0;
  for (double value : oracle[output]) {
    if (!std::isnan(value)) largest = std::max(largest, std::fabs(value));
  }
  const double weight = Mass(problem) *
                        (problem.row_weight.empty() ? 1 : MaxMagnitude(problem.row_weight)) *
                        (problem.upstream.empty() ? 1 : MaxMagnitude(problem.upstream));
  // Coefficients are operands of products: on a device they have the type of the matrices.
  const double coefficient = OnDevice() ? std::max(single, UnitRoundoff(types.matrices)) : single;
  switch (output) {
    case kGradX:
      return UnitRoundoff(types.gradients) * largest +
             coefficient * (Scale(problem) * NormOfLabels(problem) * weight / rows + largest);
    case kGradLabels:
      return UnitRoundoff(types.gradients) * largest +
             coefficient * (Scale(problem) * NormOfX(problem) * weight / rows + largest);
    case kGradLogScale:
      return 4 * single * (largest + score * weight);
    case kGradBias:
      return 4 * single * (largest + weight / rows);
    default:
      return single * (largest + score * weight);
  }
}

void ExpectAccurate(const Problem& exact, const char* what) {
  for (const Types& types : kTypes) {
    const Problem problem = RoundedProblem(exact, types.matrices, types.vectors);
    const bool top_k = problem.options.loss == LSM_SOFT_TOP_K;
    const Result plain = Straightforward(problem, types);
    const Result got = Evaluate(problem, types);
    const Result oracle = top_k ? OracleAt(problem, got[kThreshold]) : Oracle(problem);
    const Result oracle_of_plain = top_k ? OracleAt(problem, plain[kThreshold]) : oracle;
    if (top_k) {
      // Rows that are normalised inside are operands of their type on a device.
      const bool narrows =
          OnDevice() && problem.options.normalize_x + problem.options.normalize_labels;
      const double roundoff = 2 * UnitRoundoff(narrows ? types.matrices : DType::kF32);
      EXPECT_LE(MembershipError(problem, got[kThreshold], ScoreBound(problem), roundoff), 1e-6)
          << what << ", " << Name(types.matrices);
    }
    for (int output = 0; output < kOutputs; ++output) {
      if (got[output].empty() || output == kThreshold) continue;
      EXPECT_LE(OutputError(output, got, oracle), 2 * OutputError(output, plain, oracle_of_plain) +
                                                      Grant(output, problem, types, oracle))
          << what << ", " << LossName(problem.options.loss)
          << (problem.soft_target.empty() ? ", " : " (soft), ") << OutputName(output) << ", "
          << Name(types.matrices) << " to " << Name(types.gradients) << ", plain error "
          << OutputError(output, plain, oracle_of_plain);
    }
  }
}

std::vector<Problem> Problems(int64_t n, int64_t l, int64_t d, uint64_t seed) {
  std::vector<Problem> problems;
  for (int32_t loss : kLosses) problems.push_back(RandomProblem(loss, n, l, d, seed));
  problems.push_back(WithSoftTargets(problems.back(), seed));
  return problems;
}

TEST(LabelPrecision, RandomInputs) {
  for (const Problem& problem : Problems(100, Size(300, 200), 24, 1)) {
    ExpectAccurate(problem, "random");
  }
  for (const Problem& problem : Problems(9, 40, 512, 2)) ExpectAccurate(problem, "wide");
}

TEST(LabelPrecision, EveryOption) {
  for (Problem problem : Problems(50, Size(200, 120), 24, 3)) {
    problem.options.reduction = LSM_NONE;
    AddEveryOption(&problem, 4);
    ExpectAccurate(problem, "options");
  }
}

TEST(LabelPrecision, NormalizationInside) {
  for (Problem problem : Problems(50, Size(200, 120), 24, 5)) {
    problem.options.normalize_x = problem.options.normalize_labels = 1;
    for (double& value : problem.x) value *= 30;
    for (double& value : problem.labels) value *= 0.01;
    ExpectAccurate(problem, "normalized");
  }
}

// The first positive's label is the query itself, at temperature 0.02: it has nearly all of the
// probability. The sum over all labels less the positives would hold no digit of the negatives.
TEST(LabelPrecision, PeakedRows) {
  for (Problem problem : Problems(40, Size(200, 120), 24, 6)) {
    Random random(7);
    problem.options.temperature = 0.02;
    for (int64_t i = 0; i < problem.n; ++i) {
      int64_t label = i;
      if (problem.positives.present()) label = problem.positives.ids[problem.positives.offsets[i]];
      if (!problem.target.empty()) label = problem.target[i];
      for (int64_t k = 0; k < problem.d; ++k) {
        problem.x[i * problem.d + k] =
            problem.labels[label * problem.d + k] + 0.02 * random.Normal();
      }
    }
    ExpectAccurate(problem, "peaked");
  }
}

TEST(LabelPrecision, FlatInputs) {
  for (Problem problem : Problems(40, Size(200, 120), 24, 8)) {
    problem.options.temperature = 100;
    ExpectAccurate(problem, "flat");
    for (double& value : problem.x) value = 1 + 1e-3 * value;
    ExpectAccurate(problem, "nearly equal rows");
  }
}

// Scores of some hundreds of both signs.
TEST(LabelPrecision, LargeScores) {
  for (Problem problem : Problems(30, Size(200, 120), 24, 10)) {
    for (double& value : problem.x) value *= 16;
    ExpectAccurate(problem, "large");
  }
}

// Scores of 80 at all positives and -80 at all negatives, and the reverse.
TEST(LabelPrecision, ExtremeScores) {
  for (double sign : {1.0, -1.0}) {
    for (const Problem& random : Problems(6, 40, 8, 11)) {
      if (random.options.loss == LSM_SOFT_TOP_K) continue;  // soft_top_k_test.cc
      Problem problem = AsProducts(random);
      problem.options.temperature = 1;
      for (int64_t i = 0; i < problem.n; ++i) {
        for (int64_t j = 0; j < problem.l; ++j) problem.x[i * problem.l + j] = -80 * sign;
        const auto raise = [&](int64_t j) { problem.x[i * problem.l + j] = 80 * sign; };
        if (!problem.target.empty()) raise(problem.target[i]);
        const Sets& sets = problem.positives;
        for (int64_t e = sets.present() ? sets.offsets[i] : 0;
             sets.present() && e < sets.offsets[i + 1]; ++e) {
          raise(sets.ids[e]);
        }
      }
      for (DType dtype : {DType::kF64, DType::kF32}) {
        Types types;
        types.matrices = types.gradients = dtype;
        const double rounding = 4 * 160 * UnitRoundoff(dtype);  // of scores this large
        const Result oracle = Oracle(problem), got = Evaluate(problem, types);
        EXPECT_TRUE(Near(got, oracle, 4 * UnitRoundoff(dtype), rounding))
            << LossName(random.options.loss) << sign;
        if (random.options.loss != LSM_DECOUPLED_SOFTMAX) continue;
        // Relatively exact for each row: a loss of 40 e^-160 is that, not 0.
        for (int64_t i = 0; i < problem.n; ++i) {
          EXPECT_GT(oracle[kRowLoss][i], 0);
          EXPECT_NEAR(got[kRowLoss][i] / oracle[kRowLoss][i], 1, 1e-4) << i << " " << sign;
        }
      }
    }
  }
}

}  // namespace
}  // namespace lossmith_test::labels
