// The search for power exponents: errors against the definition, the choice against a search step by
// step, and what is known of the exponents of normal and Laplace numbers.
#include <limits>

#include "power/search_case.h"
#include "support/budget.h"

namespace lossmith_test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Sums of as many f64 numbers, in another order.
double Tolerance() { return OnDevice() ? 1e-9 : 1e-12; }

void ExpectErrors(const SearchCase& c, const Context& context) {
  std::vector<double> errors;
  ASSERT_EQ(RunErrors(c, &errors, context), LSM_OK) << lsm_last_error();
  ExpectNear(errors, ErrorsByDefinition(c), Tolerance(), 1e-30, "error");
}

// Groups with few elements and with many more than there are thresholds, side by side, in runs and
// alternating; of several parts.
TEST(PowerErrors, AreThoseOfTheDefinition) {
  const Context context;
  struct Form {
    Shape shape;
    int axis;
    int64_t columns;
  };
  std::vector<Form> forms = {{{7, 13}, -1, 0},    {{7, 13}, -1, 5}, {{3, 4, 5}, 1, 0},
                             {{19, 3}, 1, 0},     {{4, 700}, 0, 0}, {{500, 18}, 1, 0},
                             {{2, 3, 200}, 1, 0}, {{6, 90}, -1, 45}};
  if (!OnSimulatedDevice()) forms.push_back({{140, 500}, -1, 0});
  uint64_t seed = 1;
  for (const Form& form : forms) {
    for (const int bits : {2, 4, 7}) {
      for (const int range : {LSM_POWER_SIGNED, LSM_POWER_UNSIGNED}) {
        if (CountOf(form.shape) > 50000 && (bits != 4 || range != LSM_POWER_SIGNED)) continue;
        SCOPED_TRACE(testing::Message()
                     << "axis " << form.axis << " columns " << form.columns << " of "
                     << form.shape[0] << ".. bits " << bits << " range " << range);
        SearchCase c = RandomSearch(PowerOptions(bits, range, form.axis, form.columns), form.shape,
                                    DType::kF32, ++seed, range == LSM_POWER_UNSIGNED && bits != 4);
        if (seed % 2 == 0) c.ratios = Rounded(DType::kF32, {1, 0.8});
        ExpectErrors(c, context);
      }
    }
  }
}

TEST(PowerErrors, EveryTypeAndLayout) {
  const Context context;
  for (const DType type : {DType::kF64, DType::kBF16, DType::kF16, DType::kF32}) {
    for (const Shape& shape : {Shape{5, 21}, Shape{Size(400, 40), 21}, Shape{20, 1}}) {
      for (const int axis : {-1, 0, 1}) {
        SCOPED_TRACE(testing::Message() << Name(type) << " " << shape[0] << " axis " << axis);
        SearchCase c = RandomSearch(PowerOptions(4, LSM_POWER_SIGNED, axis), shape, type, 31);
        c.rows = {3, 1, true, false};
        ExpectErrors(c, context);
      }
    }
  }
}

TEST(PowerErrors, OtherNorms) {
  const Context context;
  for (const double norm : {0.5, 1.0, 2.4, 3.0}) {
    for (const DType type : {DType::kF32, DType::kF64}) {
      SearchCase c = RandomSearch(PowerOptions(3, LSM_POWER_SIGNED, 0), {3, 257}, type, 77);
      c.options.norm = norm;
      c.ratios = Rounded(c.parameters(), {1, 0.9});
      ExpectErrors(c, context);
    }
  }
}

// A grid of more thresholds than are taken at once.
TEST(PowerErrors, ManyCandidates) {
  for (const int64_t elements : {int64_t{700}, Size(36000, 100)}) {
    SearchCase c =
        RandomSearch(PowerOptions(8, LSM_POWER_UNSIGNED), {elements}, DType::kF32, 5, true);
    c.exponents.clear();
    for (int i = 0; i < 70; ++i) c.exponents.push_back(0.2 + 0.02 * i);
    c.exponents = Rounded(DType::kF32, c.exponents);
    ExpectErrors(c, Context());
  }
}

TEST(PowerErrors, WhatHasNoError) {
  for (const int64_t columns : {4, 200}) {
    for (const double norm : {2.0, 1.5}) {
      SearchCase c =
          RandomSearch(PowerOptions(4, LSM_POWER_SIGNED, 0), {6, columns}, DType::kF32, 3);
      c.options.norm = norm;
      c.w[0] = kNaN;
      c.w[columns] = -kInfinity;
      c.scale[2] = 0;
      c.scale[3] = kNaN;
      c.scale[4] = kInfinity;
      std::vector<double> errors;
      ASSERT_EQ(RunErrors(c, &errors, Context()), LSM_OK) << lsm_last_error();
      for (int64_t i = 0; i < c.grid(); ++i) {
        EXPECT_TRUE(std::isnan(errors[i]));
        EXPECT_TRUE(std::isnan(errors[c.grid() + i]));
        EXPECT_EQ(errors[2 * c.grid() + i], 0);
        EXPECT_TRUE(std::isnan(errors[3 * c.grid() + i]));
        EXPECT_TRUE(std::isnan(errors[4 * c.grid() + i]));
        EXPECT_GT(errors[5 * c.grid() + i], 0);
      }
      Found found;
      ASSERT_EQ(RunSearch(c, &found, Context()), LSM_OK) << lsm_last_error();
      for (const int group : {0, 1, 3, 4}) {
        EXPECT_TRUE(std::isnan(found.exponent[group])) << group;
        EXPECT_TRUE(std::isnan(found.error[group])) << group;
      }
      EXPECT_EQ(found.exponent[2], 1);
      EXPECT_EQ(found.scale[2], 0);
      EXPECT_EQ(found.error[2], 0);
      EXPECT_EQ(found.scale[5], c.scale[5]);
    }
  }
}

TEST(PowerErrors, NoElements) {
  SearchCase c = RandomSearch(PowerOptions(4), {0, 3}, DType::kF32, 1);
  c.scale = {1};
  std::vector<double> errors;
  ASSERT_EQ(RunErrors(c, &errors, Context()), LSM_OK) << lsm_last_error();
  EXPECT_EQ(errors, std::vector<double>(6, 0));
}

// Every exponent is as good for magnitudes that are 0 or the scale, and for a single element.
TEST(PowerSearch, OfEqualExponentsTheFirst) {
  for (const int64_t columns : {1, 6, 3000}) {
    SearchCase c = RandomSearch(PowerOptions(4, LSM_POWER_SIGNED, 0), {2, columns}, DType::kF32, 9);
    for (size_t i = 0; i < c.w.size(); ++i) c.w[i] = i % 3 == 0 ? 0.7 : i % 3 == 1 ? -0.7 : 0;
    c.w = Rounded(DType::kF32, c.w);
    c.scale.assign(2, c.w[0]);
    Found found;
    ASSERT_EQ(RunSearch(c, &found, Context()), LSM_OK) << lsm_last_error();
    EXPECT_EQ(found.exponent, Rounded(DType::kF32, {0.1, 0.1})) << columns;
    EXPECT_EQ(found.error, (std::vector<double>{0, 0}));
  }
}

// The same by calls for one grid at a time.
Found StepByStep(const SearchCase& c, const Context& context) {
  const lsm_power_search_options& o = c.options;
  SearchCase grid = c;
  grid.exponents.clear();
  for (int i = 0; i < o.steps; ++i) {
    grid.exponents.push_back(o.lowest + (o.highest - o.lowest) * i / (o.steps - 1));
  }
  grid.exponents = Rounded(c.parameters(), grid.exponents);
  grid.ratios.clear();
  for (int i = 0; i < o.clips; ++i) grid.ratios.push_back(1 - i * o.clip_step);
  grid.ratios = Rounded(c.parameters(), grid.ratios);
  std::vector<double> coarse, errors;
  EXPECT_EQ(RunErrors(grid, &coarse, context), LSM_OK);
  Found found;
  for (int64_t group = 0; group < c.groups(); ++group) {
    double best = kInfinity, exponent = 0, ratio = 0;
    for (int64_t a = 0; a < grid.grid(); ++a) {
      for (int64_t r = 0; r < grid.clips(); ++r) {
        const double error = coarse[(group * grid.clips() + r) * grid.grid() + a];
        if (error < best) best = error, exponent = grid.exponents[a], ratio = grid.ratios[r];
      }
    }
    SearchCase fine = c;
    fine.ratios = {ratio};
    double cell = (o.highest - o.lowest) / (o.steps - 1);
    for (int step = 0; step < o.refinements; ++step, cell /= 4) {
      fine.exponents.clear();
      for (int i = -4; i <= 4; ++i) {
        fine.exponents.push_back(std::clamp(exponent + cell * i / 4, o.lowest, o.highest));
      }
      fine.exponents = Rounded(c.parameters(), fine.exponents);
      EXPECT_EQ(RunErrors(fine, &errors, context), LSM_OK);
      for (int64_t a = 0; a < fine.grid(); ++a) {
        const double error = errors[group * fine.grid() + a];
        if (error < best) best = error, exponent = fine.exponents[a];
      }
    }
    found.exponent.push_back(exponent);
    found.scale.push_back(Rounded(c.parameters(), c.scale[group] * ratio));
    found.error.push_back(best);
  }
  return found;
}

TEST(PowerSearch, FindsWhatASearchStepByStepFinds) {
  const Context context;
  for (const int64_t columns : {int64_t{12}, Size(600, 24)}) {
    for (const int axis : {-1, 0, 1}) {
      for (const DType type : {DType::kF32, DType::kF64}) {
        SearchCase c =
            RandomSearch(PowerOptions(3, LSM_POWER_SIGNED, axis), {5, columns}, type, 21);
        c.options.steps = 24;
        c.options.clips = axis == 0 ? 5 : 1;
        c.options.clip_step = 0.07;
        Found found;
        ASSERT_EQ(RunSearch(c, &found, context), LSM_OK) << lsm_last_error();
        const Found expected = StepByStep(c, context);
        EXPECT_EQ(found.exponent, expected.exponent) << columns << " axis " << axis;
        EXPECT_EQ(found.scale, expected.scale);
        ExpectNear(found.error, expected.error, Tolerance(), 1e-30, "error");
      }
    }
  }
}

// For samples of this size the least error of normal numbers is at 0.64 and that of Laplace numbers at
// 0.48; uniform steps have 1.46 and 2.5 times the error.
TEST(PowerSearch, ExponentsOfDistributions) {
  for (const bool laplace : {false, true}) {
    SearchCase c = RandomSearch(PowerOptions(4), {Size(60000, 30000)}, DType::kF32, 4);
    Random random(laplace ? 8 : 9);
    for (double& x : c.w) {
      const double u = random.Uniform(-1, 1);
      x = laplace ? std::copysign(std::log1p(-std::fabs(u)), u) : random.Normal();
    }
    c.w = Rounded(DType::kF32, c.w);
    c.scale[0] = 0;
    for (const double x : c.w) c.scale[0] = std::max(c.scale[0], std::fabs(x));
    c.exponents = {1};
    std::vector<double> uniform;
    Found found;
    ASSERT_EQ(RunErrors(c, &uniform, Context()), LSM_OK) << lsm_last_error();
    ASSERT_EQ(RunSearch(c, &found, Context()), LSM_OK) << lsm_last_error();
    EXPECT_NEAR(found.exponent[0], laplace ? 0.48 : 0.64, 0.06);
    EXPECT_GT(uniform[0] / found.error[0], laplace ? 2.3 : 1.4);
  }
}

TEST(PowerSearch, NeitherThreadsNorBudgetMatter) {
  for (const int axis : {-1, 0, 1}) {
    SearchCase c = RandomSearch(PowerOptions(4, LSM_POWER_SIGNED, axis),
                                {Size(500, 6), Size(400, 70)}, DType::kBF16, 6);
    c.options.clips = 2;
    Found expected, found;
    ASSERT_EQ(RunSearch(c, &expected, Context(1)), LSM_OK) << lsm_last_error();
    ASSERT_EQ(RunSearch(c, &found, Context(1, 1)), LSM_BUDGET_TOO_SMALL);
    const int64_t least = LargestNumberIn(lsm_last_error());
    const Context contexts[] = {Context(3), Context(5, least)};
    for (const Context& context : contexts) {
      ASSERT_EQ(RunSearch(c, &found, context), LSM_OK) << lsm_last_error();
      EXPECT_EQ(found.exponent, expected.exponent);
      EXPECT_EQ(found.error, expected.error);
    }
  }
}

}  // namespace
}  // namespace lossmith_test
