// Rounding at random: only neighbours, the right share of each, and bits that depend on the seed, the
// step and the element alone.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "update/step_case.h"

namespace lossmith_test {
namespace {

// Every weight is `weight` and moves by `move`.
StepCase Constant(DType type, int64_t rows, int64_t width, double weight, double move) {
  StepCase c;
  lsm_update_defaults(LSM_UPDATE_SGD, &c.options);
  c.options.learning_rate = 1;
  c.options.stochastic_rounding = 1;
  c.options.seed = 12345;
  c.rows = rows;
  c.width = width;
  c.weight_type = type;
  c.gradient_type = DType::kF32;
  c.weights.assign(rows * width, weight);
  c.gradient.assign(rows * width, -move);
  return c;
}

// The share of elements that became `high`, the others being `low`.
double ShareOf(const StepResult& result, double low, double high) {
  int64_t count = 0;
  for (const double w : result.weights) {
    EXPECT_TRUE(w == low || w == high) << w;
    count += w == high ? 1 : 0;
  }
  return static_cast<double>(count) / static_cast<double>(result.weights.size());
}

struct Rounding {
  DType type;
  double weight, move, low, high;
};

TEST(StochasticRounding, IsUnbiased) {
  const double tiny = std::ldexp(1.0, -24);  // the smallest f16
  const Rounding roundings[] = {
      {DType::kBF16, 1, std::ldexp(1.0, -11), 1, 1 + std::ldexp(1.0, -7)},
      {DType::kBF16, 1, -std::ldexp(1.0, -12), 1 - std::ldexp(1.0, -8), 1},
      {DType::kBF16, -3, 0.0075, -3, -3 + std::ldexp(1.0, -6)},
      {DType::kBF16, 2, -std::ldexp(1.0, -10), 2 - std::ldexp(1.0, -7), 2},
      {DType::kF16, 1, 0.0003, 1, 1 + std::ldexp(1.0, -10)},
      {DType::kF16, -0.5, -0.0002, -0.5 - std::ldexp(1.0, -11), -0.5},
      {DType::kF16, 5 * tiny, 0.3 * tiny, 5 * tiny, 6 * tiny},
      {DType::kF16, 0, 0.75 * tiny, 0, tiny},
      {DType::kF16, -1023 * tiny, -0.5 * tiny, -1024 * tiny, -1023 * tiny},
  };
  const int64_t rows = Size(256, 64), width = 256;
  for (const Rounding& r : roundings) {
    SCOPED_TRACE(std::string(Name(r.type)) + " " + std::to_string(r.weight));
    StepCase c = Constant(r.type, rows, width, r.weight, r.move);
    const double exact = static_cast<float>(r.weight) + static_cast<float>(r.move);
    const double probability = (exact - r.low) / (r.high - r.low);
    const double deviation =
        std::sqrt(probability * (1 - probability) / static_cast<double>(rows * width));
    EXPECT_NEAR(ShareOf(RunStep(c), r.low, r.high), probability, 4 * deviation);
    c.options.stochastic_rounding = 0;
    const double nearest = Rounded(r.type, exact);
    const StepResult result = RunStep(c);
    EXPECT_EQ(std::count(result.weights.begin(), result.weights.end(), nearest), rows * width);
  }
}

TEST(StochasticRounding, WhatIsExactStays) {
  for (const DType type : {DType::kBF16, DType::kF16}) {
    StepCase c = RandomCase(LSM_UPDATE_SGD, type, type, 8, 60, 1);
    c.options.learning_rate = 0;
    c.options.stochastic_rounding = 1;
    c.weights[2] = 0;
    c.weights[3] = std::ldexp(1.0, type == DType::kF16 ? -24 : -133);
    c.weights[4] = type == DType::kF16 ? 65504 : std::ldexp(255.0, 120);
    c.options.weight_decay = 0;
    EXPECT_EQ(RunStep(c).weights, c.weights);
  }
}

TEST(StochasticRounding, WhatIsNotFiniteStaysSo) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const DType type : {DType::kBF16, DType::kF16}) {
    StepCase c = Constant(type, 1, 4, 1, 0);
    c.gradient = {infinity, -infinity, std::numeric_limits<double>::quiet_NaN(), -1e30};
    const StepResult result = RunStep(c);
    EXPECT_EQ(result.weights[0], -infinity);
    EXPECT_EQ(result.weights[1], infinity);
    EXPECT_TRUE(std::isnan(result.weights[2]));
    EXPECT_EQ(std::isinf(result.weights[3]), type == DType::kF16);
  }
}

TEST(StochasticRounding, SeedStepAndElementGiveTheBits) {
  StepCase c = Constant(DType::kBF16, 6, 100, 1, std::ldexp(1.0, -8));
  std::set<std::vector<double>> seen;
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
    for (const uint64_t step : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
      c.options.seed = seed;
      c.options.step = step;
      const StepResult result = RunStep(c);
      EXPECT_TRUE(RunStep(c, {Layout{4, 2, false, false}, true, 1}) == result);
      EXPECT_TRUE(seen.insert(result.weights).second) << seed << " " << step;
    }
  }
  // Neither rows nor the groups of a row repeat.
  const std::vector<double> weights = RunStep(c).weights;
  std::set<std::vector<double>> parts;
  for (int64_t row = 0; row < c.rows; ++row) {
    for (int64_t column = 0; column + 24 <= c.width; column += 24) {
      const auto begin = weights.begin() + row * c.width + column;
      EXPECT_TRUE(parts.emplace(begin, begin + 24).second) << row << " " << column;
    }
  }
}

// Steps far below the precision of bf16 move the weights on average; nearest rounding loses them.
TEST(StochasticRounding, SmallStepsAddUp) {
  const int steps = 64;
  StepCase c = Constant(DType::kBF16, 8, 256, 1, std::ldexp(1.0, -12));
  StepCase nearest = c;
  nearest.options.stochastic_rounding = 0;
  for (int i = 0; i < steps; ++i) {
    c.options.step = i;
    c.weights = RunStep(c, {{}, true}).weights;
    nearest.weights = RunStep(nearest, {{}, true}).weights;
  }
  double mean = 0;
  for (const double w : c.weights) mean += w / static_cast<double>(c.weights.size());
  EXPECT_NEAR(mean, 1 + steps * std::ldexp(1.0, -12), 0.001);
  EXPECT_EQ(nearest.weights, std::vector<double>(8 * 256, 1.0));
}

}  // namespace
}  // namespace lossmith_test
