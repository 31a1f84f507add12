// Expectations on failing calls.
#ifndef LOSSMITH_TESTS_SUPPORT_ERRORS_H_
#define LOSSMITH_TESTS_SUPPORT_ERRORS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "lossmith/base.h"

namespace lossmith_test {

// The call failed with `expected`, and the message of this thread holds every given part.
inline ::testing::AssertionResult Fails(lsm_status status, lsm_status expected,
                                        std::initializer_list<std::string> parts) {
  const std::string message = lsm_last_error();
  if (status != expected) {
    return ::testing::AssertionFailure() << "status " << status << " instead of " << expected
                                         << (status == LSM_OK ? "" : ", message: " + message);
  }
  for (const std::string& part : parts) {
    if (message.find(part) == std::string::npos) {
      return ::testing::AssertionFailure() << "'" << part << "' is not in: " << message;
    }
  }
  return ::testing::AssertionSuccess();
}

// An invalid argument: the message names it and says what was expected and what came.
inline ::testing::AssertionResult Rejects(lsm_status status, const std::string& argument,
                                          const std::string& got = "") {
  return Fails(status, LSM_INVALID_ARGUMENT, {argument, "expected", "got", got});
}

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

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_ERRORS_H_
