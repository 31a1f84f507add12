// Optimizer steps against numbers by hand, against the formulas in the same arithmetic (equal bits)
// and in f64, for every rule, type and layout.
#include <cmath>
#include <limits>
#include <string>

#include "support/compare.h"
#include "update/step_case.h"

namespace lossmith_test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

StepCase ByHand(int32_t rule, std::vector<double> weights, std::vector<double> gradient,
                std::vector<double> state) {
  StepCase c;
  c.options = FullOptions(rule);
  c.options.learning_rate = 0.1;
  c.options.momentum = 0.5;
  c.options.beta2 = 0.75;
  c.options.epsilon = 1;
  c.rows = 1;
  c.width = static_cast<int64_t>(weights.size());
  c.weights = std::move(weights);
  c.gradient = std::move(gradient);
  c.state = std::move(state);
  return c;
}

void ExpectStep(const StepCase& c, const std::vector<double>& weights,
                const std::vector<double>& state, double tolerance = 1e-15) {
  const StepResult result = RunStep(c);
  EXPECT_LE(MaxError(result.weights, weights), tolerance);
  EXPECT_LE(MaxError(result.state, state), tolerance);
}

// g + c w is 0.7 and -0.15.
TEST(Update, GradientDescentByHand) {
  ExpectStep(ByHand(LSM_UPDATE_SGD, {1, -2}, {0.5, 0.25}, {}), {0.93, -1.985}, {});
}
TEST(Update, MomentumByHand) {
  ExpectStep(ByHand(LSM_UPDATE_MOMENTUM, {1, -2}, {0.5, 0.25}, {1, -1}), {0.88, -1.935},
             {1.2, -0.65});
}
// The new sums are 1 and 0.25, the divisors 2 and 1.5.
TEST(Update, AdagradByHand) {
  ExpectStep(ByHand(LSM_UPDATE_ADAGRAD, {1, -2}, {0.5, 0.25}, {0.51, 0.2275}), {0.965, -1.99},
             {1, 0.25});
}
// The signs are 1, -1 and 0.
TEST(Update, LionByHand) {
  ExpectStep(ByHand(LSM_UPDATE_LION, {1, -2, 1}, {0.5, 0.25, 0.5}, {1, -1, -0.5}),
             {0.88, -1.86, 0.98}, {0.875, -0.6875, -0.25});
}
// g + c w is 0.7 and -0.15. At t = 2 the averages' factors add up to 0.75 and 0.4375: the averages
// are 0.6 / 0.75 = 0.8 and -0.45 / 0.75 = -0.6, the divisors sqrt(0.2275 / 0.4375) and
// sqrt(0.0175 / 0.4375) = 0.2, each plus 1.
TEST(Update, AdamByHand) {
  StepCase c =
      ByHand(LSM_UPDATE_ADAM, {1, -2}, {0.5, 0.25}, {0.5, -0.75, 0.14, (0.0175 - 0.005625) / 0.75});
  c.options.step = 1;
  const double step = 0.1 * 0.8 / (1 + std::sqrt(0.52));
  ExpectStep(c, {1 - step, -2 + 0.1 * 0.6 / 1.2}, {0.6, -0.45, 0.2275, 0.0175});
}
// Whatever the gradients' size, the first step has the length of the learning rate.
TEST(Update, TheFirstStepOfAdam) {
  StepCase c;
  lsm_update_defaults(LSM_UPDATE_ADAM, &c.options);
  c.rows = 2;
  c.width = 1;
  c.weights = {1, 1};
  c.gradient = {1e3, -1e-3};
  c.state.assign(4, 0);
  const StepResult result = RunStep(c);
  EXPECT_NEAR(result.weights[0], 1 - 1e-3, 1e-8);
  EXPECT_NEAR(result.weights[1], 1 + 1e-3, 1e-8);
}

// Numbers of independent origin: a step of the normalised softmax and its projection.
TEST(Update, ProjectedStepOfTheNormalisedSoftmax) {
  StepCase c;
  lsm_update_defaults(LSM_UPDATE_SGD, &c.options);
  c.options.learning_rate = 0.1;
  c.options.project_rows = 1;
  c.rows = 4;
  c.width = 3;
  c.weights = {0.6, 0.8, 0, 0, 1, 0, -0.8, 0, 0.6, 1.0 / 3, 2.0 / 3, 2.0 / 3};
  c.gradient = {-1.736367247222, 2.788592089134,  -1.502452278767, 0.665370735635,
                2.638537732546,  -1.319013919495, -1.089279786838, -4.365256517817,
                2.182718674136,  2.160276298424,  -1.061873303863, 0.638747524127};
  const StepResult result = RunStep(c);
  const double expected[2][3] = {{0.818823614089, 0.551579794975, 0.159020812428},
                                 {-0.766038704087, 0.483879442774, 0.423137552933}};
  for (int k = 0; k < 3; ++k) {
    EXPECT_NEAR(result.weights[k], expected[0][k], 1e-12);
    EXPECT_NEAR(result.weights[6 + k], expected[1][k], 1e-12);
  }
}

struct TypePair {
  DType weights, gradient;
};
constexpr TypePair kTypes[] = {{DType::kF32, DType::kF32},  {DType::kBF16, DType::kBF16},
                               {DType::kBF16, DType::kF32}, {DType::kF16, DType::kF16},
                               {DType::kF16, DType::kF32},  {DType::kF64, DType::kF64},
                               {DType::kF64, DType::kF32}};

// A width of several chunks, of whole groups, and one with loose ends.
TEST(Update, EveryRuleAndTypeGivesTheBitsOfTheFormulas) {
  const StepLayout layouts[] = {
      {}, {Layout{3, 1, true, false}, true}, {Layout{8, 8, false, false}}};
  uint64_t seed = 1;
  for (const TypePair& types : kTypes) {
    for (const int32_t rule : kRules) {
      for (const int64_t width : {1, 7, 40, 1100}) {
        SCOPED_TRACE(std::string(Name(types.weights)) + " " + Name(types.gradient) + " rule " +
                     std::to_string(rule) + " width " + std::to_string(width));
        const StepCase c =
            RandomCase(rule, types.weights, types.gradient, width > 100 ? 3 : 9, width, seed++);
        const StepResult expected = ExpectedStep(c);
        EXPECT_TRUE(RunStep(c, layouts[seed % 3]) == expected);
      }
    }
  }
}

TEST(Update, AgreesWithTheOracle) {
  for (const TypePair& types : kTypes) {
    for (const int32_t rule : kRules) {
      for (const int32_t project : {0, 1}) {
        SCOPED_TRACE(std::string(Name(types.weights)) + " rule " + std::to_string(rule) +
                     " project " + std::to_string(project));
        StepCase c = RandomCase(rule, types.weights, types.gradient, 6, 37, 100);
        c.options.project_rows = project;
        const StepResult exact = PlainStep<double>(c);
        const StepResult result = RunStep(c);
        const double unit = UnitRoundoff(c.weight_type) + 4 * UnitRoundoff(c.state_type());
        EXPECT_LE(MaxError(result.weights, exact.weights), unit * MaxMagnitude(exact.weights));
        EXPECT_LE(MaxError(result.state, exact.state),
                  4 * UnitRoundoff(c.state_type()) * (MaxMagnitude(exact.state) + 1));
      }
    }
  }
}

TEST(Update, ManyStepsFollowTheFormulas) {
  for (const int32_t rule : kRules) {
    StepCase c = RandomCase(rule, DType::kF32, DType::kF32, 5, 19, 7);
    StepCase plain = c;
    for (int step = 0; step < 6; ++step) {
      c.options.step = plain.options.step = step;
      c.gradient = plain.gradient = Rounded(DType::kF32, Random(50 + step).Normals(5 * 19));
      const StepResult result = RunStep(c, {{}, true});
      const StepResult expected = ExpectedStep(plain);
      ASSERT_TRUE(result == expected) << "rule " << rule << " step " << step;
      c.weights = result.weights;
      c.state = result.state;
      plain.weights = expected.weights;
      plain.state = expected.state;
    }
  }
}

TEST(Update, ProjectedRowsHaveLengthOneAndDoNotDependOnTheLayout) {
  for (const DType type : {DType::kF32, DType::kBF16, DType::kF16, DType::kF64}) {
    for (const int64_t width : {1, 31, 32, 33, 530, 1100}) {
      StepCase c = RandomCase(LSM_UPDATE_MOMENTUM, type, DType::kF32, 4, width, 11);
      c.options.project_rows = 1;
      const StepResult result = RunStep(c);
      for (int64_t i = 0; i < c.rows; ++i) {
        double square = 0;
        for (int64_t k = 0; k < width; ++k) {
          square += result.weights[i * width + k] * result.weights[i * width + k];
        }
        EXPECT_NEAR(std::sqrt(square), 1, 2 * UnitRoundoff(type) + 1e-14)
            << Name(type) << " " << width;
      }
      EXPECT_TRUE(RunStep(c, {Layout{5, 3, false, false}, true, 1}) == result);
      c.options.project_rows = 0;
      EXPECT_EQ(RunStep(c).state, result.state);
    }
  }
}

TEST(Update, RowsWithoutLengthStay) {
  StepCase c;
  c.options = FullOptions(LSM_UPDATE_SGD);
  c.options.learning_rate = 1;
  c.options.weight_decay = 0;
  c.options.project_rows = 1;
  c.rows = 3;
  c.width = 2;
  c.weights = {1, 2, 0, 0, 3, 4};
  c.gradient = {1, 2, -3e-13, 4e-13, 0, 0};
  EXPECT_EQ(RunStep(c).weights, (std::vector<double>{0, 0, 3e-13, -4e-13, 3 * 0.2, 4 * 0.2}));
}

TEST(Update, RowIdsNameTheRows) {
  for (const int32_t rule : kRules) {
    for (const int32_t project : {0, 1}) {
      StepCase c = RandomCase(rule, DType::kBF16, DType::kF32, 12, 21, 3);
      c.options.project_rows = project;
      c.options.stochastic_rounding = 1;
      const StepResult all = RunStep(c);
      StepCase some = c;
      some.row_ids = {0, 3, 4, 11};
      some.gradient.clear();
      for (const int64_t id : some.row_ids) {
        some.gradient.insert(some.gradient.end(), c.gradient.begin() + id * c.width,
                             c.gradient.begin() + (id + 1) * c.width);
      }
      const StepResult result = RunStep(some, {Layout{2, 0, false, false}, true});
      for (int64_t i = 0; i < c.rows * c.width; ++i) {
        const int64_t row = i / c.width;
        const bool named = row == 0 || row == 3 || row == 4 || row == 11;
        EXPECT_EQ(result.weights[i], named ? all.weights[i] : c.weights[i]) << row;
        for (int64_t k = i % c.width; !c.state.empty() && k < c.state_width(); k += c.width) {
          const int64_t at = row * c.state_width() + k;
          EXPECT_EQ(result.state[at], named ? all.state[at] : c.state[at]);
        }
      }
    }
  }
}

TEST(Update, ThreadsDoNotMatter) {
  StepCase c = RandomCase(LSM_UPDATE_LION, DType::kBF16, DType::kF32, Size(700, 40), 200, 9);
  c.options.project_rows = 1;
  c.options.stochastic_rounding = 1;
  const StepResult one = RunStep(c, {{}, false, 1});
  for (const int32_t threads : {2, 5}) EXPECT_TRUE(RunStep(c, {{}, false, threads}) == one);
}

TEST(Update, WhatIsNotANumberStaysInItsPlace) {
  for (const int32_t rule : kRules) {
    StepCase c = RandomCase(rule, DType::kF32, DType::kF32, 2, 4, 5);
    c.gradient[1] = kNaN;
    c.weights[2] = INFINITY;
    const StepResult result = RunStep(c);
    for (const int64_t i : {0, 3, 4, 5, 6, 7}) EXPECT_TRUE(std::isfinite(result.weights[i])) << i;
    EXPECT_TRUE(std::isnan(result.weights[1])) << rule;
    EXPECT_FALSE(std::isfinite(result.weights[2])) << rule;
    c.options.project_rows = 1;
    const StepResult projected = RunStep(c);
    EXPECT_TRUE(std::isnan(projected.weights[0]));
    EXPECT_TRUE(std::isfinite(projected.weights[4]));
  }
}

TEST(Update, NothingToDo) {
  for (const int32_t project : {0, 1}) {
    StepCase c;
    lsm_update_defaults(LSM_UPDATE_MOMENTUM, &c.options);
    c.options.project_rows = project;
    c.width = 5;
    EXPECT_TRUE(RunStep(c) == StepResult{});
  }
}

TEST(Update, Defaults) {
  lsm_update_options o;
  lsm_update_defaults(LSM_UPDATE_LION, &o);
  EXPECT_EQ(o.rule, LSM_UPDATE_LION);
  EXPECT_EQ(o.learning_rate, 1e-4);
  EXPECT_EQ(o.momentum, 0.9);
  EXPECT_EQ(o.beta2, 0.99);
  lsm_update_defaults(LSM_UPDATE_ADAGRAD, &o);
  EXPECT_EQ(o.learning_rate, 0.01);
  EXPECT_EQ(o.epsilon, 1e-10);
  EXPECT_EQ(o.weight_decay, 0);
  EXPECT_EQ(o.project_rows + o.stochastic_rounding, 0);
  lsm_update_defaults(LSM_UPDATE_ADAM, &o);
  EXPECT_EQ(o.learning_rate, 1e-3);
  EXPECT_EQ(o.momentum, 0.9);
  EXPECT_EQ(o.beta2, 0.999);
  EXPECT_EQ(o.epsilon, 1e-8);
  lsm_update_defaults(LSM_UPDATE_SGD, nullptr);
}

}  // namespace
}  // namespace lossmith_test
