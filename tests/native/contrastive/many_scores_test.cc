// More than 2^31 scores. Embeddings of (1, 0) and (-1, 0) have losses in closed form. (With one
// dimension oneDNN's product of a matrix and a vector adds 46,500 equal terms one by one where there
// is no AVX-512, and that alone costs 0.8 % of a gradient.)
#include <gtest/gtest.h>

#include <cmath>

#include "support/call.h"
#include "support/context.h"

namespace lossmith_test {
namespace {

constexpr int64_t kPairs = 46500;  // its square exceeds 2^31
constexpr double kScale = 2.0;

double Sign(int64_t i) { return i % 3 == 0 ? 1.0 : -1.0; }

TEST(ManyScores, LossAndGradientsMatchTheClosedForm) {
  Problem problem;
  problem.n = problem.m = kPairs;
  problem.d = 2;
  lsm_infonce_defaults(&problem.options);
  problem.options.temperature = 1 / kScale;
  problem.options.row_coefficient = problem.options.column_coefficient = 0.5;
  problem.options.plan = LSM_PLAN_RECOMPUTE;
  for (int64_t i = 0; i < kPairs; ++i) {
    problem.x.push_back(Sign(i));
    problem.x.push_back(0);
  }
  problem.y = problem.x;
  const double plus = (kPairs + 2) / 3;
  const double minus = kPairs - plus;
  // exp of the scores of like and of unlike pairs
  const double like = std::exp(kScale), unlike = std::exp(-kScale);

  const Context context;
  Call call(problem, SingleTypes(DType::kF32));
  ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  const Result result = call.Values();
  double loss = 0;
  for (int64_t i = 0; i < kPairs; ++i) {
    const double same = Sign(i) > 0 ? plus : minus;
    const double other = kPairs - same;
    const double total = same * like + other * unlike;
    const double row_loss = std::log(total) - kScale;
    loss += row_loss / kPairs;
    ASSERT_NEAR(result[kRowLoss][i], row_loss, 1e-5) << i;
    // Both directions are alike: x = y and the scores are symmetric, but the sums over the other
    // side see its own log-sum-exp.
    const double other_total = other * like + same * unlike;
    const double own = (same * like - other * unlike) / total - 1;
    const double others = same * like / total - other * unlike / other_total - 1;
    const double gradient = kScale * Sign(i) * 0.5 * (own + others) / kPairs;
    ASSERT_NEAR(result[kGradX][2 * i] / gradient, 1, 1e-3) << i;
    ASSERT_NEAR(result[kGradY][2 * i] / gradient, 1, 1e-3) << i;
  }
  EXPECT_NEAR(result[kLoss][0], loss, 1e-5);
  EXPECT_LE(lsm_context_workspace_bytes(context), LSM_DEFAULT_BUDGET);
}

}  // namespace
}  // namespace lossmith_test
