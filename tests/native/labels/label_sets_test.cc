// Sets of every shape: rows without positives, rows full of them, all ignored, repeated and unsorted
// ids, relevances too small to count; empty problems; positives drawn at random.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "oracle/label_oracle.h"
#include "support/compare.h"
#include "support/context.h"
#include "support/label_call.h"
#include "support/random.h"

namespace lossmith_test::labels {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<int64_t> Range(int64_t begin, int64_t end) {
  std::vector<int64_t> ids(end - begin);
  std::iota(ids.begin(), ids.end(), begin);
  return ids;
}

constexpr int32_t kSetLosses[] = {LSM_DECOUPLED_SOFTMAX, LSM_SOFT_TOP_K, LSM_MULTI_LABEL_INFONCE,
                                  LSM_BCE};

// Rows of every kind over l labels.
Problem Ragged(int32_t loss, int64_t l, uint64_t seed) {
  Problem problem = RandomProblem(loss, 9, l, 5, seed);
  problem.options.k = 2;
  std::vector<int64_t> backwards = Range(0, l);
  std::reverse(backwards.begin(), backwards.end());
  problem.positives = {};
  Sets& positives = problem.positives;
  positives.Add({});
  positives.Add(backwards);        // all labels
  positives.Add({5});              // its only positive is ignored
  positives.Add({7, 3, 7, 3, 3});  // repeated
  positives.Add(Range(1, l));      // all but one
  positives.Add({l - 1, 0});       // first and last
  positives.Add({2, 9, 4});
  positives.Add({1, 6});  // one ignored, one not
  positives.Add({8});
  Sets& ignored = problem.ignored;
  for (int64_t i = 0; i < 9; ++i) {
    if (i == 2) {
      ignored.Add({5});
    } else if (i == 7) {
      ignored.Add({6, 6, 0, 2, 6});
    } else {
      ignored.Add({});
    }
  }
  return problem;
}

TEST(LabelSets, RaggedRowsMatchTheOracle) {
  for (int32_t loss : kSetLosses) {
    for (int64_t l : {int64_t{12}, Size(1050, 530)}) {
      const Problem problem = Ragged(loss, l, 1);
      const Result oracle = Oracle(problem);
      const double relative = loss == LSM_SOFT_TOP_K ? 1e-9 : 1e-12;
      for (DType ids : {DType::kI32, DType::kI64}) {
        Types types;
        types.ids = ids;
        const Result got = Evaluate(problem, types);
        EXPECT_TRUE(Near(got, oracle, relative, 1e-14)) << LossName(loss) << " " << l;
        for (int64_t i : {0, 2}) {
          if (loss == LSM_BCE) {  // every label of a row without positives is a negative
            EXPECT_GT(got[kRowLoss][i], 0);
            continue;
          }
          EXPECT_EQ(got[kRowLoss][i], 0) << LossName(loss);
          for (int64_t k = 0; k < 5; ++k) EXPECT_EQ(got[kGradX][5 * i + k], 0) << LossName(loss);
        }
      }
      EXPECT_TRUE(Near(Evaluate(problem, SingleTypes(DType::kF32)), oracle, 2e-5, 1e-5))
          << LossName(loss) << " " << l;
    }
  }
}

TEST(LabelSets, ARowWithoutNegativesHasNoDecoupledLoss) {
  const Result got = Evaluate(Ragged(LSM_DECOUPLED_SOFTMAX, 12, 2));
  EXPECT_EQ(got[kRowLoss][1], 0);
  for (int64_t k = 5; k < 10; ++k) EXPECT_EQ(got[kGradX][k], 0);
}

// Row 0 has lost all labels; the others are whole.
TEST(LabelSets, ARowThatIgnoresEveryLabel) {
  for (int32_t loss : kSetLosses) {
    Problem problem = RandomProblem(loss, 4, 10, 3, 3);
    problem.ignored.Add(Range(0, 10));
    for (int64_t i = 1; i < 4; ++i) problem.ignored.Add({});
    const Result got = Evaluate(problem);
    EXPECT_EQ(got[kRowLoss][0], 0) << LossName(loss);
    for (int64_t k = 0; k < 3; ++k) EXPECT_EQ(got[kGradX][k], 0) << LossName(loss);
    const Result expected = Evaluate(RandomProblem(loss, 4, 10, 3, 3));
    for (int64_t i = 1; i < 4; ++i) {
      EXPECT_EQ(got[kRowLoss][i], expected[kRowLoss][i]) << LossName(loss);
    }
  }
}

TEST(LabelSets, RelevancesOfNothingAreNoPositives) {
  for (int32_t loss : kSetLosses) {
    Problem with = RandomProblem(loss, 3, 12, 4, 4);
    with.options.weighted = 1;
    with.positives = {};
    with.positives.Add({1, 4, 7}, {0.5, 1e-8, 1});
    with.positives.Add({3, 2}, {0, -1});
    with.positives.Add({6, 0, 6}, {2, 1.0001e-8, 7});
    Problem without = with;
    without.positives = {};
    without.positives.Add({1, 7}, {0.5, 1});
    without.positives.Add({});
    without.positives.Add({6, 0}, {2, 1.0001e-8});
    Call call(with, Types{}), expected(without, Types{});
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    ASSERT_EQ(expected.Run(Context()), LSM_OK) << lsm_last_error();
    EXPECT_EQ(call.Bits(), expected.Bits()) << LossName(loss);
    const double relative = loss == LSM_SOFT_TOP_K ? 1e-9 : 1e-12;
    EXPECT_TRUE(Near(call.Values(), Oracle(with), relative, 1e-14)) << LossName(loss);
  }
}

TEST(LabelSets, TheOrderOfASetDoesNotMatter) {
  for (int32_t loss : kSetLosses) {
    Problem problem = RandomProblem(loss, 20, 30, 4, 5);
    Problem sorted = problem;
    for (int64_t i = 0; i < 20; ++i) {
      std::sort(sorted.positives.ids.begin() + sorted.positives.offsets[i],
                sorted.positives.ids.begin() + sorted.positives.offsets[i + 1]);
    }
    ASSERT_NE(sorted.positives.ids, problem.positives.ids);
    Call call(problem, Types{}), expected(sorted, Types{});
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    ASSERT_EQ(expected.Run(Context()), LSM_OK) << lsm_last_error();
    EXPECT_EQ(call.Bits(), expected.Bits()) << LossName(loss);
  }
}

TEST(LabelSets, OneRowAndOneLabel) {
  for (int32_t loss : kLosses) {
    for (auto [n, l] : {std::array<int64_t, 2>{1, 40}, {5, 1}, {1, 1}}) {
      if (loss == LSM_SOFT_TOP_K && l == 1) continue;  // no k is below 1
      const Problem problem = RandomProblem(loss, n, l, 3, 6);
      const double relative = loss == LSM_SOFT_TOP_K ? 1e-9 : 1e-12;
      EXPECT_TRUE(Near(Evaluate(problem), Oracle(problem), relative, 1e-14))
          << LossName(loss) << " " << n << " x " << l;
    }
  }
}

TEST(LabelSets, NoRowsGiveZeroLossAndZeroGradients) {
  for (int32_t loss : kLosses) {
    for (const Types& types : {Types{}, SingleTypes(DType::kF32), SingleTypes(DType::kBF16)}) {
      Problem problem = RandomProblem(loss, 0, 7, 3, 7);
      problem.bias.assign(7, 0.5);
      problem.log_scale = {1};
      Call call(problem, types);
      ASSERT_EQ(call.Run(Context()), LSM_OK) << LossName(loss) << lsm_last_error();
      const Result got = call.Values();
      EXPECT_EQ(got[kLoss], std::vector<double>{0});
      EXPECT_EQ(got[kGradLabels], std::vector<double>(21, 0));
      EXPECT_EQ(got[kGradLogScale], std::vector<double>{0});
      EXPECT_EQ(got[kGradBias], std::vector<double>(7, 0));
    }
  }
}

TEST(LabelSets, NoLabelsGiveZeroLoss) {
  for (int32_t loss : kSetLosses) {
    Call call(RandomProblem(loss, 4, 0, 3, 8), Types{});
    ASSERT_EQ(call.Run(Context()), LSM_OK) << LossName(loss) << lsm_last_error();
    EXPECT_EQ(call.Values()[kRowLoss], std::vector<double>(4, 0));
    EXPECT_EQ(call.Values()[kGradX], std::vector<double>(12, 0));
  }
}

TEST(LabelSets, TargetsThatAllDoNotCountGiveZeroLoss) {
  Problem problem = RandomProblem(LSM_SOFTMAX_CE, 4, 7, 3, 8);
  problem.options.ignore_index = 2;
  problem.options.label_smoothing = 0.1;
  problem.options.z_weight = 0.1;
  problem.target.assign(4, 2);
  const Result got = Evaluate(problem);
  EXPECT_EQ(got[kLoss][0], 0);
  EXPECT_EQ(got[kGradX], std::vector<double>(12, 0));
  EXPECT_EQ(got[kGradLabels], std::vector<double>(21, 0));
}

// ---- values that are not numbers -------------------------------------------------------------

TEST(LabelSets, NotFiniteInputsReachTheLoss) {
  for (int32_t loss : kLosses) {
    for (const Types& types : {Types{}, SingleTypes(DType::kF32), SingleTypes(DType::kBF16)}) {
      for (double value : {kNaN, kInfinity, -kInfinity}) {
        for (bool in_x : {true, false}) {
          Problem problem = RandomProblem(loss, 12, 20, 4, 9);
          // The label is a positive or the target of row 0.
          (loss == LSM_SOFTMAX_CE ? problem.target : problem.positives.ids)[0] = 7;
          (in_x ? problem.x[0] : problem.labels[7 * 4]) = value;
          Call call(problem, types);
          ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
          EXPECT_FALSE(std::isfinite(call.Values()[kLoss][0]))
              << LossName(loss) << ", " << value << (in_x ? " in x, " : " in labels, ")
              << Name(types.matrices);
        }
      }
    }
  }
}

TEST(LabelSets, ANaNInOneRowStaysThere) {
  for (int32_t loss : kLosses) {
    Problem problem = RandomProblem(loss, 12, 20, 4, 10);
    const Result clean = Evaluate(problem);
    problem.x[5 * 4 + 1] = kNaN;
    const Result got = Evaluate(problem);
    for (int64_t i = 0; i < 12; ++i) {
      if (i == 5) {
        EXPECT_TRUE(std::isnan(got[kRowLoss][i])) << LossName(loss);
        EXPECT_TRUE(std::isnan(got[kGradX][4 * i])) << LossName(loss);
      } else {
        EXPECT_NEAR(got[kRowLoss][i], clean[kRowLoss][i], 1e-12) << LossName(loss);
        EXPECT_NEAR(got[kGradX][4 * i], clean[kGradX][4 * i], 1e-12) << LossName(loss);
      }
    }
  }
}

// ---- positives drawn at random ---------------------------------------------------------------

// Which positives took part: those whose score has a gradient. Products are given, so that grad_x is
// the gradient of the scores.
std::vector<std::vector<int64_t>> Drawn(const Problem& problem, const Types& types = {}) {
  const std::vector<double> gradient = Evaluate(problem, types)[kGradX];
  std::vector<std::vector<int64_t>> drawn(problem.n);
  for (int64_t i = 0; i < problem.n; ++i) {
    const Sets& sets = problem.positives;
    for (int64_t e = sets.offsets[i]; e < sets.offsets[i + 1]; ++e) {
      if (gradient[i * problem.l + sets.ids[e]] != 0) drawn[i].push_back(sets.ids[e]);
    }
  }
  return drawn;
}

Problem Sampled(int32_t loss, int64_t sample, uint64_t seed) {
  Problem problem = AsProducts(RandomProblem(loss, 40, 30, 4, 11));
  problem.options.sample = sample;
  problem.options.seed = seed;
  return problem;
}

TEST(LabelSampling, DrawsWithoutReplacementAndIgnoresTheOthers) {
  for (int32_t loss : kSetLosses) {
    for (int64_t sample : {1, 2, 5}) {
      const Problem problem = Sampled(loss, sample, 3);
      const auto drawn = Drawn(problem);
      Problem explicit_sets = problem;
      explicit_sets.options.sample = 0;
      explicit_sets.positives = {};
      for (int64_t i = 0; i < problem.n; ++i) {
        const auto begin = problem.positives.ids.begin() + problem.positives.offsets[i];
        const auto end = problem.positives.ids.begin() + problem.positives.offsets[i + 1];
        ASSERT_EQ(static_cast<int64_t>(drawn[i].size()), std::min<int64_t>(sample, end - begin));
        std::vector<int64_t> others;
        for (auto id = begin; id != end; ++id) {
          const bool took_part = std::find(drawn[i].begin(), drawn[i].end(), *id) != drawn[i].end();
          if (!took_part) others.push_back(*id);
        }
        explicit_sets.positives.Add(drawn[i]);
        explicit_sets.ignored.Add(others);
      }
      Call call(problem, Types{}), expected(explicit_sets, Types{});
      ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
      ASSERT_EQ(expected.Run(Context()), LSM_OK) << lsm_last_error();
      EXPECT_EQ(call.Bits(), expected.Bits()) << LossName(loss) << ", " << sample;
    }
  }
}

TEST(LabelSampling, DependsOnSeedRowAndPositionAlone) {
  const Problem problem = Sampled(LSM_DECOUPLED_SOFTMAX, 1, 4);
  const auto drawn = Drawn(problem);
  EXPECT_EQ(Drawn(problem), drawn);
  EXPECT_EQ(Drawn(problem, SingleTypes(DType::kF32)), drawn);
  EXPECT_NE(Drawn(Sampled(LSM_DECOUPLED_SOFTMAX, 1, 5)), drawn);
  Problem other_scores = problem;
  other_scores.x = Random(12).Normals(problem.n * problem.l);
  EXPECT_EQ(Drawn(other_scores), drawn);
  Problem fewer = problem;  // the first rows alone
  fewer.n = 10;
  fewer.x.resize(10 * fewer.l);
  fewer.positives.offsets.resize(11);
  fewer.positives.ids.resize(fewer.positives.offsets[10]);
  EXPECT_EQ(Drawn(fewer), std::vector<std::vector<int64_t>>(drawn.begin(), drawn.begin() + 10));
}

// 2000 rows of four positives with relevances 1, 2, 3 and 4.
TEST(LabelSampling, DrawsInProportionToTheRelevances) {
  Problem problem;
  problem.n = 2000;
  problem.l = 6;
  lsm_label_defaults(LSM_DECOUPLED_SOFTMAX, &problem.options);
  problem.options.sample = 1;
  problem.options.seed = 17;
  problem.x.assign(problem.n * problem.l, 0);
  for (int64_t i = 0; i < problem.n; ++i) problem.positives.Add({4, 0, 5, 2}, {1, 2, 3, 4});
  const double share[] = {0.2, 0, 0.4, 0, 0.1, 0.3};
  double count[6] = {};
  for (const auto& row : Drawn(problem)) {
    ASSERT_EQ(row.size(), 1u);
    ++count[row[0]];
  }
  for (int j = 0; j < 6; ++j) {
    // Four standard deviations.
    const double deviation = std::sqrt(2000 * share[j] * (1 - share[j]));
    EXPECT_NEAR(count[j], 2000 * share[j], 4 * deviation) << j;
  }
}

// A positive's decoupled loss does not know of other positives, so that the expectation of the
// sampled loss is the full one.
TEST(LabelSampling, TheMeanOverSeedsIsTheFullDecoupledLoss) {
  Problem problem = Sampled(LSM_DECOUPLED_SOFTMAX, 1, 0);
  const int64_t rounds = Size(300, 60);
  double sum = 0, squares = 0;
  const Context context;
  for (int64_t seed = 0; seed < rounds; ++seed) {
    problem.options.seed = 1000 + seed;
    Call call(problem, Types{}, 1u << kLoss);
    ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
    const double loss = call.Values()[kLoss][0];
    sum += loss;
    squares += loss * loss;
  }
  problem.options.sample = 0;
  const double full = Evaluate(problem)[kLoss][0];
  const double count = static_cast<double>(rounds);
  const double mean = sum / count;
  const double deviation = std::sqrt((squares / count - mean * mean) / count);
  EXPECT_GT(deviation, 0);
  EXPECT_NEAR(mean, full, 4 * deviation);
}

TEST(LabelSampling, ASampleOfAllIsNoSample) {
  for (int32_t loss : kSetLosses) {
    Call call(Sampled(loss, 5, 6), Types{}), expected(Sampled(loss, 0, 6), Types{});
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    ASSERT_EQ(expected.Run(Context()), LSM_OK) << lsm_last_error();
    EXPECT_EQ(call.Bits(), expected.Bits()) << LossName(loss);
  }
}

}  // namespace
}  // namespace lossmith_test::labels
