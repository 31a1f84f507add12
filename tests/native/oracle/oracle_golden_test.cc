// The oracle against numbers of independent origin: a direct evaluation in another language, with
// gradients by complex-step differentiation.
#include <gtest/gtest.h>

#include <cmath>

#include "oracle/contrastive_oracle.h"
#include "support/golden.h"

namespace lossmith_test {
namespace {

void ExpectGolden(const Golden& golden) {
  const Result result = Oracle(golden.problem);
  EXPECT_TRUE(Near(result, golden.expected, 0, golden.tolerance));
}

TEST(OracleGolden, InfoNceOfOneDirection) { ExpectGolden(GoldenInfoNce()); }

TEST(OracleGolden, SymmetricInfoNce) { ExpectGolden(GoldenClip()); }

TEST(OracleGolden, InfoNceWithBiasWeightsSmoothingAndExtraNegatives) {
  ExpectGolden(GoldenInfoNceWithOptions());
}

TEST(OracleGolden, Cwcl) { ExpectGolden(GoldenCwcl()); }

TEST(OracleGolden, CwclByExplicitWeights) {
  Golden golden = GoldenCwcl();
  Problem& problem = golden.problem;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      double dot = 0;
      for (int k = 0; k < 2; ++k) dot += problem.x[2 * i + k] * problem.x[2 * j + k];
      problem.weights.push_back((1 + dot) / 2);
    }
  }
  problem.reference.clear();
  problem.r = 0;
  ExpectGolden(golden);
}

// With w = identity the row direction is InfoNCE, and CWCL twice the symmetric loss.
TEST(OracleGolden, CwclWithIdentityWeightsIsTwiceTheSymmetricLoss) {
  Golden golden = GoldenClip();
  Problem& problem = golden.problem;
  problem.cwcl = true;
  problem.options.row_coefficient = 1;
  problem.options.column_coefficient = 1;
  problem.weights = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  for (auto& output : golden.expected) {
    for (double& value : output) value *= 2;
  }
  ExpectGolden(golden);
}

}  // namespace
}  // namespace lossmith_test
