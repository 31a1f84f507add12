// The label losses against golden numbers, and against the oracle in f64 for every loss and option.
#include "support/label_golden.h"

#include <gtest/gtest.h>

#include <cmath>

#include "oracle/label_oracle.h"
#include "support/context.h"
#include "support/label_call.h"

namespace lossmith_test::labels {
namespace {

// Every loss, softmax cross-entropy with targets and with soft targets.
std::vector<Problem> Problems(int64_t n, int64_t l, int64_t d, uint64_t seed) {
  std::vector<Problem> problems;
  for (int32_t loss : kLosses) problems.push_back(RandomProblem(loss, n, l, d, seed));
  problems.push_back(WithSoftTargets(problems.back(), seed));
  return problems;
}

// A threshold is found to 1e-6 of k by contract, and that is what its loss inherits.
void ExpectExact(const Problem& problem, const char* what, const Types& types = {}) {
  const double relative = problem.options.loss == LSM_SOFT_TOP_K ? 1e-9 : 1e-12;
  EXPECT_TRUE(Near(Evaluate(problem, types), Oracle(problem), relative, 1e-14))
      << LossName(problem.options.loss) << (problem.soft_target.empty() ? ", " : " (soft), ")
      << what;
}

TEST(LabelGolden, InDouble) {
  for (const Golden& golden : Goldens()) {
    const double relative = golden.problem.options.loss == LSM_SOFT_TOP_K ? 1e-9 : 1e-13;
    EXPECT_TRUE(Near(Evaluate(golden.problem), golden.expected, relative, 1e-14)) << golden.name;
  }
}

// The numbers of the examples are not exact in 16 bits.
TEST(LabelGolden, InSinglePrecision) {
  for (const Golden& golden : Goldens()) {
    EXPECT_TRUE(
        Near(Evaluate(golden.problem, SingleTypes(DType::kF32)), golden.expected, 2e-6, 2e-6))
        << golden.name;
  }
}

TEST(LabelLoss, MatchesTheOracle) {
  for (const Problem& problem : Problems(20, 30, 7, 1)) ExpectExact(problem, "small");
  // Several tiles of rows and of columns, none of them full.
  const int64_t n = 100, l = 530;
  for (const Problem& problem : Problems(n, l, 5, 2)) ExpectExact(problem, "tiles");
}

TEST(LabelLoss, MatchesTheOracleWithEveryOption) {
  for (int reduction : {LSM_MEAN, LSM_SUM, LSM_NONE}) {
    for (Problem problem : Problems(30, 80, 5, 3)) {
      problem.options.reduction = reduction;
      AddEveryOption(&problem, 4);
      problem.options.average = reduction == LSM_SUM ? 0 : 1;
      problem.options.plain = reduction == LSM_NONE ? 1 : 0;
      ExpectExact(problem, "every option");
    }
  }
}

// Each option by itself, so that none hides behind another.
TEST(LabelLoss, MatchesTheOracleWithAnyOneOption) {
  for (const Problem& plain : Problems(25, 40, 5, 5)) {
    Problem all = plain;
    AddEveryOption(&all, 6);
    Problem one = plain;
    one.options.softcap = 4;
    ExpectExact(one, "softcap");
    one = plain;
    one.ignored = all.ignored;
    ExpectExact(one, "ignored");
    one = plain;
    one.candidates = all.candidates;
    for (int64_t& target : one.target) target = all.candidates[target % all.candidates.size()];
    ExpectExact(one, "candidates");
    one = plain;
    one.positives.values = all.positives.values;
    ExpectExact(one, "relevances");
    one.options.weighted = 1;
    ExpectExact(one, "weighted");
    one = plain;
    one.options.average = 1 - one.options.average;
    ExpectExact(one, "average");
    one = plain;
    one.bias = {0.5};
    ExpectExact(one, "one bias");
    one = plain;
    one.options.label_smoothing = 0.2;
    ExpectExact(one, "smoothing");
    one = plain;
    one.options.z_weight = 0.1;
    ExpectExact(one, "squared log-sum-exp");
    one = plain;
    one.class_weight = all.class_weight;
    ExpectExact(one, "class weights");
    one = plain;
    if (!one.target.empty()) one.target[3] = one.options.ignore_index;
    ExpectExact(one, "ignored target");
    one = plain;
    one.log_scale = {2.5};
    one.options.max_scale = 3;
    ExpectExact(one, "clamped scale");
  }
}

TEST(LabelLoss, MatchesTheOracleThroughNormalization) {
  for (Problem problem : Problems(40, 50, 6, 7)) {
    for (int which : {1, 2, 3}) {
      problem.options.normalize_x = which & 1;
      problem.options.normalize_labels = which >> 1;
      for (double& value : problem.x) value *= 3;
      for (double& value : problem.labels) value *= 0.25;
      ExpectExact(problem, "normalized");
      Problem options = problem;
      AddEveryOption(&options, 8);
      ExpectExact(options, "normalized, every option");
    }
  }
}

TEST(LabelLoss, GivenProductsMatchTheOracle) {
  for (Problem problem : Problems(100, 200, 5, 9)) {
    ExpectExact(AsProducts(problem), "products");
    AddEveryOption(&problem, 10);
    ExpectExact(AsProducts(problem), "products, every option");
  }
}

// With labels = identity the products are x itself.
TEST(LabelLoss, GivenProductsAreThoseWithTheIdentity) {
  for (Problem problem : Problems(12, 20, 20, 11)) {
    AddEveryOption(&problem, 12);
    problem.labels.assign(20 * 20, 0);
    for (int j = 0; j < 20; ++j) problem.labels[21 * j] = 1;
    const Result with_identity = Evaluate(problem);
    Result given = Evaluate(AsProducts(problem));
    given[kGradLabels] = with_identity[kGradLabels];
    EXPECT_TRUE(Near(given, with_identity, 1e-12, 1e-14)) << LossName(problem.options.loss);
  }
}

// Softmax cross-entropy has no ids to map, so the others tell: the candidates' rows are gathered, and
// the positives and ignored labels get their places in them.
TEST(LabelLoss, CandidatesAreTheSameCallOnGatheredLabels) {
  for (Problem problem : Problems(30, 60, 6, 13)) {
    AddEveryOption(&problem, 14);
    const std::vector<int64_t> candidates = problem.candidates;
    std::vector<int64_t> place(problem.l, -1);
    Problem gathered = problem;
    gathered.l = static_cast<int64_t>(candidates.size());
    gathered.candidates.clear();
    gathered.labels.clear();
    gathered.bias.clear();
    gathered.class_weight.clear();
    gathered.soft_target.clear();
    for (size_t a = 0; a < candidates.size(); ++a) {
      const int64_t j = candidates[a];
      place[j] = static_cast<int64_t>(a);
      const auto row = problem.labels.begin() + j * problem.d;
      gathered.labels.insert(gathered.labels.end(), row, row + problem.d);
      gathered.bias.push_back(problem.bias[j]);
      if (!problem.class_weight.empty()) gathered.class_weight.push_back(problem.class_weight[j]);
    }
    for (int64_t i = 0; i < problem.n && !problem.soft_target.empty(); ++i) {
      for (int64_t j : candidates) {
        gathered.soft_target.push_back(problem.soft_target[i * problem.l + j]);
      }
    }
    for (int64_t& target : gathered.target) {
      if (target != problem.options.ignore_index) target = place[target];
    }
    for (Sets Problem::*which : {&Problem::positives, &Problem::ignored}) {
      const Sets& from = problem.*which;
      Sets to;
      for (int64_t i = 0; i < problem.n && from.present(); ++i) {
        std::vector<int64_t> ids;
        std::vector<double> values;
        for (int64_t e = from.offsets[i]; e < from.offsets[i + 1]; ++e) {
          if (place[from.ids[e]] < 0) continue;
          ids.push_back(place[from.ids[e]]);
          if (!from.values.empty()) values.push_back(from.values[e]);
        }
        to.Add(ids, values);
      }
      gathered.*which = to;
    }
    Call call(problem, Types{}), expected(gathered, Types{});
    const Context context;
    ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
    ASSERT_EQ(expected.Run(context), LSM_OK) << lsm_last_error();
    for (int output : {kLoss, kRowLoss, kThreshold, kGradX, kGradLogScale}) {
      EXPECT_EQ(call.Bits()[output], expected.Bits()[output])
          << LossName(problem.options.loss) << ", " << OutputName(output);
    }
    const Result got = call.Values(), small = expected.Values();
    for (int64_t j = 0; j < problem.l; ++j) {
      for (int64_t k = 0; k < problem.d; ++k) {
        EXPECT_EQ(got[kGradLabels][j * problem.d + k],
                  place[j] < 0 ? 0 : small[kGradLabels][place[j] * problem.d + k]);
      }
      EXPECT_EQ(got[kGradBias][j], place[j] < 0 ? 0 : small[kGradBias][place[j]]);
    }
  }
}

// What is not wanted changes nothing in the rest.
TEST(LabelLoss, AnyOutputAlone) {
  for (Problem problem : Problems(30, 60, 6, 15)) {
    AddEveryOption(&problem, 16);
    const Context context;
    Call all(problem, Types{});
    ASSERT_EQ(all.Run(context), LSM_OK) << lsm_last_error();
    for (int output = 0; output < kOutputs; ++output) {
      if (!all.outputs[output]) continue;
      Call one(problem, Types{}, 1u << output);
      ASSERT_EQ(one.Run(context), LSM_OK) << lsm_last_error();
      EXPECT_EQ(one.Bits()[output], all.Bits()[output])
          << LossName(problem.options.loss) << ", " << OutputName(output);
    }
  }
}

}  // namespace
}  // namespace lossmith_test::labels
