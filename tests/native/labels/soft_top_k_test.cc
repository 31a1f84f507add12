// The threshold of soft top-k: memberships sum to k within 1e-6 k, whatever the scores.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "oracle/label_oracle.h"
#include "support/context.h"
#include "support/device.h"
#include "support/errors.h"
#include "support/label_call.h"
#include "support/random.h"

namespace lossmith_test::labels {
namespace {

// Given scores, alpha 2, no temperature; the first label of each row is its positive.
Problem Scores(int64_t n, int64_t l, const std::vector<double>& scores) {
  Problem problem;
  problem.n = n;
  problem.l = l;
  lsm_label_defaults(LSM_SOFT_TOP_K, &problem.options);
  problem.x = scores;
  for (int64_t i = 0; i < n; ++i) problem.positives.Add({0});
  return problem;
}

double Members(const Problem& problem, int64_t i, double threshold) {
  long double sum = 0;
  for (int64_t j = 0; j < problem.l; ++j) {
    const long double s = problem.x[i * problem.l + j];
    sum += 1 / (1 + std::exp(-static_cast<long double>(problem.options.alpha) * (s + threshold)));
  }
  return static_cast<double>(sum);
}

void ExpectMembers(Problem problem, const std::vector<double>& k, const char* what) {
  for (DType dtype : {DType::kF64, DType::kF32, DType::kBF16}) {
    const Problem rounded = RoundedProblem(problem, dtype, DType::kF64);
    Types types;
    types.matrices = types.gradients = dtype;
    Call call(rounded, types);
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    const Result got = call.Values();
    for (int64_t i = 0; i < problem.n; ++i) {
      EXPECT_NEAR(Members(rounded, i, got[kThreshold][i]), k[i], 1e-6 * k[i])
          << what << ", row " << i << ", " << Name(dtype);
      // A membership more is a membership less elsewhere: the gradients of a row sum to 0.
      double sum = 0, largest = 0;
      for (int64_t j = 0; j < problem.l; ++j) {
        const double g = got[kGradX][i * problem.l + j];
        ASSERT_TRUE(std::isfinite(g)) << what;
        sum += g;
        largest = std::max(largest, std::fabs(g));
      }
      const double rounding = 4 * UnitRoundoff(dtype) * std::sqrt(static_cast<double>(problem.l));
      EXPECT_LE(std::fabs(sum), rounding * largest + 1e-30) << what << ", " << Name(dtype);
    }
  }
}

TEST(SoftTopK, MembershipsSumToK) {
  const int64_t l = Size(2000, 700);
  const std::vector<double> scores = Random(1).Normals(6 * l);
  for (int64_t k : {int64_t{1}, int64_t{5}, l / 2, l - 1}) {
    Problem problem = Scores(6, l, scores);
    problem.options.k = k;
    ExpectMembers(problem, std::vector<double>(6, static_cast<double>(k)), "normal");
    for (double& score : problem.x) score *= 20;
    ExpectMembers(problem, std::vector<double>(6, static_cast<double>(k)), "far apart");
    for (double& score : problem.x) score *= 1e-4;
    ExpectMembers(problem, std::vector<double>(6, static_cast<double>(k)), "close");
  }
}

// More scores near the threshold than a row keeps in mind, beside a row of few, and one whose
// threshold lies far from where the search begins: a single score has nearly all of the exponentials.
TEST(SoftTopK, FewAndManyNearTheThreshold) {
  const int64_t l = Size(20000, 900);
  Problem problem = Scores(3, l, Random(7).Normals(3 * l));
  problem.options.k = 0;
  problem.k_rows = {l / 2, 3, 6};
  for (int64_t j = 0; j < l; ++j) {
    problem.x[l + j] *= 3;
    problem.x[2 * l + j] *= 2;
  }
  problem.x[2 * l + 5] = 30;
  ExpectMembers(problem, {static_cast<double>(l / 2), 3, 6}, "few and many");
}

TEST(SoftTopK, EveryRowHasItsOwnK) {
  const std::vector<double> scores = Random(2).Normals(4 * 50);
  Problem problem = Scores(4, 50, scores);
  problem.options.k = 0;
  problem.k_rows = {1, 7, 25, 49};
  ExpectMembers(problem, {1, 7, 25, 49}, "k_rows");
  problem.k_rows.clear();
  problem.positives = {};
  problem.positives.Add({3, 9}, {0.5, 0.25});
  problem.positives.Add({1, 2, 1, 4}, {1, 1, 9, 1e-9});
  problem.positives.Add({0, 1, 2}, {1, 1.5, 1});
  problem.positives.Add({7});
  problem.positives.values.push_back(0.125);
  ExpectMembers(problem, {1, 2, 4, 1}, "relevances");
}

TEST(SoftTopK, FlatRows) {
  Problem problem = Scores(2, 1000, std::vector<double>(2000, 0.75));
  ExpectMembers(problem, {5, 5}, "flat");
  const Result got = Evaluate(problem);
  for (int64_t i : {0, 1}) {
    EXPECT_NEAR(got[kThreshold][i], std::log(5.0 / 995) / 2 - 0.75, 1e-6);
  }
}

// All memberships are 0 or 1 to the last digit: y (1 - y) underflows everywhere, and the plain ratio
// of the gradient would be 0/0.
TEST(SoftTopK, SaturatedRows) {
  for (double far : {80.0, 400.0, 1000.0}) {
    std::vector<double> scores(3 * 40, -far);
    for (int64_t j = 0; j < 5; ++j) scores[j] = scores[40 + 3 * j] = scores[80 + j] = far;
    scores[80] = 2 * far;
    Problem problem = Scores(3, 40, scores);
    ExpectMembers(problem, {5, 5, 5}, "saturated");
    const Result got = Evaluate(problem);
    for (int64_t i = 0; i < 3; ++i) EXPECT_NEAR(got[kRowLoss][i], 0, 1e-11) << far;
    // Four of six equal scores: the others have no part.
    scores.assign(3 * 40, -far);
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t j = 0; j < 6; ++j) scores[40 * i + j] = far;
    }
    problem = Scores(3, 40, scores);
    problem.options.k = 4;
    ExpectMembers(problem, {4, 4, 4}, "saturated but for six");
    EXPECT_TRUE(Near(Evaluate(problem), Oracle(problem), 1e-9, 1e-14)) << far;
  }
}

// One score far above all others takes one membership; the rest share k - 1.
TEST(SoftTopK, OneOutlier) {
  std::vector<double> scores = Random(3).Normals(3 * 300);
  scores[0] = scores[300 + 17] = 200;
  scores[600 + 5] = -300;
  Problem problem = Scores(3, 300, scores);
  for (int64_t k : {1, 2, 5, 299}) {
    problem.options.k = k;
    ExpectMembers(problem, std::vector<double>(3, static_cast<double>(k)), "outlier");
  }
}

// A bracket that ends where a score alone has a membership of e^-10 is wrong above some 110,000
// labels at k = 5: their sum there exceeds k.
TEST(SoftTopK, ManyLabels) {
  constexpr int64_t kLabels = 150000;
  std::vector<double> scores(3 * kLabels, 0.5);
  Random random(4);
  for (int64_t j = 0; j < kLabels; ++j) {
    scores[kLabels + j] = random.Normal();
    scores[2 * kLabels + j] = random.Uniform(-1e-3, 1e-3);
  }
  if (OnSimulatedDevice()) scores.resize(kLabels);  // the flat row, where the bracket matters most
  const int64_t n = static_cast<int64_t>(scores.size()) / kLabels;
  Problem problem = Scores(n, kLabels, scores);
  for (DType dtype : {DType::kF64, DType::kF32}) {
    if (OnSimulatedDevice() && dtype == DType::kF64) continue;
    const Problem rounded = RoundedProblem(problem, dtype, DType::kF64);
    Types types;
    types.matrices = dtype;
    Call call(rounded, types, 1u << kThreshold | 1u << kRowLoss);
    ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_NEAR(Members(rounded, i, call.Values()[kThreshold][i]), 5, 5e-6) << Name(dtype) << i;
    }
  }
}

TEST(SoftTopK, EmbeddingsFindTheSameThresholdAsTheirProducts) {
  Problem problem = RandomProblem(LSM_SOFT_TOP_K, 30, 200, 6, 5);
  problem.options.k = 7;
  const Result expected = Evaluate(AsProducts(problem));
  for (int plan : {LSM_PLAN_STORE, LSM_PLAN_RECOMPUTE}) {
    problem.options.plan = plan;
    const Result got = Evaluate(problem);
    for (int64_t i = 0; i < 30; ++i) {
      EXPECT_NEAR(got[kThreshold][i], expected[kThreshold][i], 1e-9);
      EXPECT_NEAR(got[kRowLoss][i], expected[kRowLoss][i], 1e-9);
    }
  }
}

// Refused on the CPU; a device is not waited for, and the row's loss is NaN there.
void ExpectRefused(const Problem& problem, const std::string& argument, int64_t row) {
  Call call(problem, Types{});
  if (!OnDevice()) {
    EXPECT_TRUE(Rejects(call.Run(Context()), argument));
    EXPECT_TRUE(call.OutputsUntouched());
    return;
  }
  ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
  for (int64_t i = 0; i < problem.n; ++i) {
    EXPECT_EQ(std::isnan(call.Values()[kRowLoss][i]), i == row) << argument << " " << i;
  }
}

TEST(SoftTopK, KOutOfRange) {
  Problem problem = Scores(3, 10, Random(6).Normals(30));
  problem.options.k = 0;
  for (int64_t bad : {-1, 0, 10, 11}) {
    problem.k_rows = {2, bad, 3};
    ExpectRefused(problem, "k", 1);
  }
  problem.k_rows = {2, 5, 3};
  problem.ignored.Add({});
  problem.ignored.Add({1, 2, 3, 4, 5});  // leaves five labels
  problem.ignored.Add({});
  ExpectRefused(problem, "k", 1);
  problem.k_rows.clear();
  problem.options.k = 5;
  ExpectRefused(problem, "k", 1);
  problem.options.k = 0;
  problem.positives.values = {1, 4.5, 1};  // five members of five labels
  ExpectRefused(problem, "k", 1);
}

}  // namespace
}  // namespace lossmith_test::labels
