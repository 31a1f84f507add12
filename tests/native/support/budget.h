// The smallest budget with which a call succeeds, as its refusal states it.
#ifndef LOSSMITH_TESTS_SUPPORT_BUDGET_H_
#define LOSSMITH_TESTS_SUPPORT_BUDGET_H_

#include <gtest/gtest.h>

#include <cstdint>

#include "support/call.h"
#include "support/context.h"
#include "support/errors.h"

namespace lossmith_test {

inline int64_t LeastBudget(const Problem& problem, const Types& types, int32_t threads) {
  EXPECT_EQ(Call(problem, types).Run(Context(threads, 1)), LSM_BUDGET_TOO_SMALL);
  return LargestNumberIn(lsm_last_error());
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_BUDGET_H_
