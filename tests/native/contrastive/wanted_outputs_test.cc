// Any subset of outputs has the same bits as all of them together, and nothing else is written.
#include <gtest/gtest.h>

#include "support/call.h"
#include "support/context.h"

namespace lossmith_test {
namespace {

void ExpectSameBitsForEverySubset(const Problem& problem, const Types& types) {
  const Context context;
  Call all(problem, types);
  ASSERT_EQ(all.Run(context), LSM_OK) << lsm_last_error();
  const auto expected = all.Bits();
  const Wanted every = EveryOutput(problem);
  for (Wanted wanted = 0; wanted <= every; ++wanted) {
    if ((wanted & every) != wanted) continue;
    Call some(problem, types, wanted);
    ASSERT_EQ(some.Run(context), LSM_OK) << lsm_last_error();
    const auto bits = some.Bits();
    for (int output = 0; output < kOutputs; ++output) {
      if (!(wanted & 1u << output)) continue;
      EXPECT_EQ(bits[output], expected[output])
          << OutputName(output) << " of subset " << wanted << ", " << Name(types.matrices);
    }
  }
}

void ExpectSameBits(Problem problem) {
  for (const Types& types :
       {Types{}, SingleTypes(DType::kF32), SingleTypes(DType::kBF16), SingleTypes(DType::kF16)}) {
    for (int plan : {LSM_PLAN_STORE, LSM_PLAN_RECOMPUTE}) {
      problem.options.plan = plan;
      ExpectSameBitsForEverySubset(problem, types);
    }
  }
}

TEST(WantedOutputs, SubsetsOfInfoNce) {
  Problem problem = RandomInfoNce(45, 52, 12, 1);
  AddEveryOption(&problem, 2);
  ExpectSameBits(problem);
}

TEST(WantedOutputs, SubsetsOfTheSymmetricLoss) {
  Problem problem = RandomClip(45, 52, 12, 3);
  AddEveryOption(&problem, 4);
  problem.options.normalize = 1;
  ExpectSameBits(problem);
}

TEST(WantedOutputs, SubsetsOfCwcl) {
  Problem problem = RandomCwcl(45, 52, 12, 7, 5);
  AddEveryOption(&problem, 6);
  ExpectSameBits(problem);
}

TEST(WantedOutputs, SubsetsWithoutReduction) {
  Problem problem = RandomCwcl(45, 45, 12, 7, 7);
  problem.options.reduction = LSM_NONE;
  AddEveryOption(&problem, 8);
  ExpectSameBits(problem);
}

TEST(WantedOutputs, SubsetsOverSeveralBlocks) {
  Problem problem = RandomClip(Size(1100, 150), Size(1300, 300), 6, 9);
  problem.log_scale = {2.5};
  problem.bias.assign(problem.m, 0.125);
  const Types types = SingleTypes(DType::kF32);
  const Context context;
  Call all(problem, types);
  ASSERT_EQ(all.Run(context), LSM_OK) << lsm_last_error();
  for (int output = 0; output < kOutputs; ++output) {
    Call one(problem, types, 1u << output);
    ASSERT_EQ(one.Run(context), LSM_OK) << lsm_last_error();
    EXPECT_EQ(one.Bits()[output], all.Bits()[output]) << OutputName(output);
  }
}

}  // namespace
}  // namespace lossmith_test
