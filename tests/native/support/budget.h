// The smallest budget with which a call succeeds, as its refusal states it.
#ifndef LOSSMITH_TESTS_SUPPORT_BUDGET_H_
#define LOSSMITH_TESTS_SUPPORT_BUDGET_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>

#include "support/call.h"
#include "support/context.h"

namespace lossmith_test {

// The largest number in a message.
inline int64_t LargestNumberIn(const std::string& message) {
  int64_t largest = 0;
  for (size_t i = 0; i < message.size(); ++i) {
    int64_t number = 0;
    for (; i < message.size() && std::isdigit(static_cast<unsigned char>(message[i])); ++i) {
      number = 10 * number + message[i] - '0';
    }
    largest = std::max(largest, number);
  }
  return largest;
}

inline int64_t LeastBudget(const Problem& problem, const Types& types, int32_t threads) {
  EXPECT_EQ(Call(problem, types).Run(Context(threads, 1)), LSM_BUDGET_TOO_SMALL);
  return LargestNumberIn(lsm_last_error());
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_BUDGET_H_
