// The true class of a confident prediction: its gradient is p - 1, and rounding p first would lose
// all of it. With x_i = y_i = e_i the gradient of pair i along e_i is scale (p - 1) c.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "oracle/contrastive_oracle.h"
#include "support/call.h"
#include "support/device.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

constexpr int64_t kPairs = 64;

std::vector<double> Identity(int64_t n) {
  std::vector<double> matrix(n * n, 0);
  for (int64_t i = 0; i < n; ++i) matrix[i * n + i] = 1;
  return matrix;
}

// One hot rows; the scale makes every true class have probability p.
Problem Confident(double p) {
  Problem problem = RandomInfoNce(kPairs, kPairs, kPairs, 1);
  problem.x = problem.y = Identity(kPairs);
  problem.log_scale = {std::log(std::log(p * (kPairs - 1) / (1 - p)))};
  return problem;
}

struct Direction {
  const char* name;
  double row, column;
};
constexpr Direction kDirections[] = {{"rows", 1, 0}, {"columns", 0, 1}, {"both", 0.5, 0.5}};

// Relative errors of the true-class gradients: at most twice that of the straightforward
// implementation (which subtracts 1 in f32 before it rounds), the roundings of the score, which
// move p - 1 by p times as much, and those of operand and output. The CPU widens f16 operands, a
// device multiplies them as they are.
void ExpectTrueClassGradient(Problem problem, double p, double directions, DType dtype,
                             DType gradients, const char* what) {
  problem.log_scale[0] = Rounded(DType::kF32, problem.log_scale[0]);
  const double scale = std::exp(problem.log_scale[0]);
  const double miss = (kPairs - 1) / (std::exp(scale) + kPairs - 1);
  const double expected = -scale * directions * miss / kPairs;
  const Types types{dtype, DType::kF32, gradients, DType::kF32};
  const Result result = Evaluate(problem, types);
  const Result plain = Straightforward(problem, types);
  const bool narrow = dtype == DType::kBF16 || (dtype == DType::kF16 && OnDevice());
  const double roundings = 2 * UnitRoundoff(DType::kF32) * (1 + scale) + UnitRoundoff(gradients) +
                           (narrow ? UnitRoundoff(dtype) : 0);
  const auto worst = [expected](const std::vector<double>& gradient) {
    double largest = 0;
    for (int64_t i = 0; i < kPairs; ++i) {
      largest = std::max(largest, std::fabs(gradient[i * kPairs + i] / expected - 1));
    }
    return largest;
  };
  for (Output output : {kGradX, kGradY}) {
    EXPECT_LE(worst(result[output]), 2 * worst(plain[output]) + roundings)
        << what << ", p " << p << ", " << OutputName(output) << ", " << Name(dtype) << " to "
        << Name(gradients);
  }
}

constexpr double kProbabilities[] = {0.9, 0.99, 0.999, 0.9999, 0.999999};
constexpr DType kMatrixTypes[] = {DType::kF32, DType::kBF16, DType::kF16};

TEST(Peaked, InfoNceKeepsTheGradientOfTheTrueClass) {
  for (double p : kProbabilities) {
    for (const Direction& direction : kDirections) {
      Problem problem = Confident(p);
      problem.options.row_coefficient = direction.row;
      problem.options.column_coefficient = direction.column;
      for (DType dtype : kMatrixTypes) {
        for (DType gradients : {dtype, DType::kF32}) {
          // f16 loses digits of its own below 6e-5.
          if (gradients == DType::kF16 && p > 0.995) continue;
          ExpectTrueClassGradient(problem, p, direction.row + direction.column, dtype, gradients,
                                  direction.name);
        }
      }
    }
  }
}

TEST(Peaked, CwclWithIdentityWeightsKeepsIt) {
  for (double p : kProbabilities) {
    Problem problem = Confident(p);
    problem.cwcl = true;
    problem.weights = Identity(kPairs);
    problem.options.column_coefficient = 1;
    for (DType dtype : kMatrixTypes) {
      ExpectTrueClassGradient(problem, p, 2, dtype, DType::kF32, "weights");
    }
  }
}

TEST(Peaked, CwclByReferenceKeepsItInTheColumnDirection) {
  for (double p : kProbabilities) {
    Problem problem = Confident(p);
    problem.cwcl = true;
    problem.r = 5;
    problem.reference = Random(2).UnitRows(kPairs, 5);
    problem.options.normalize_reference = 1;
    problem.options.row_coefficient = 0;
    problem.options.column_coefficient = 1;
    for (DType dtype : kMatrixTypes) {
      ExpectTrueClassGradient(problem, p, 1, dtype, DType::kF32, "reference");
    }
  }
}

// A bias for all candidates changes no probability, but moves the scores to where f32 has steps of
// 6e-5. They are exact numbers here (1016 and 1024), their log-sum-exp is not.
TEST(Peaked, LargeScoresDoNotBlurTheTrueClass) {
  Problem problem = Confident(0.9);
  problem.log_scale.clear();
  problem.options.temperature = 0.125;
  problem.bias = {1016};
  const double others = (kPairs - 1) * std::exp(-8.0);
  const double miss = others / (1 + others);
  for (const Direction& direction : kDirections) {
    problem.options.row_coefficient = direction.row;
    problem.options.column_coefficient = direction.column;
    const double expected = -8 * (direction.row + direction.column) * miss / kPairs;
    const Result result = Evaluate(problem, SingleTypes(DType::kF32));
    for (Output output : {kGradX, kGradY}) {
      for (int64_t i = 0; i < kPairs; ++i) {
        ASSERT_NEAR(result[output][i * kPairs + i] / expected, 1, 2e-4) << direction.name;
      }
    }
  }
}

TEST(Peaked, TheLossOfAConfidentRowIsNotZero) {
  for (double p : kProbabilities) {
    Problem problem = Confident(p);
    problem.log_scale[0] = Rounded(DType::kF32, problem.log_scale[0]);
    const double scale = std::exp(problem.log_scale[0]);
    const double expected = std::log1p((kPairs - 1) * std::exp(-scale));
    const Types types = SingleTypes(DType::kF32);
    const double got = Evaluate(problem, types)[kLoss][0];
    const double plain = Straightforward(problem, types)[kLoss][0];
    // The loss is a difference of scores: exact to roundings of a score.
    EXPECT_NEAR(got, expected,
                2 * std::fabs(plain - expected) + 2 * UnitRoundoff(DType::kF32) * (1 + scale))
        << "p " << p;
  }
}

}  // namespace
}  // namespace lossmith_test
