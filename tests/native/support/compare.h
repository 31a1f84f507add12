// Comparisons of results.
#ifndef LOSSMITH_TESTS_SUPPORT_COMPARE_H_
#define LOSSMITH_TESTS_SUPPORT_COMPARE_H_

#include <gtest/gtest.h>

#include <vector>

#include "support/problem.h"

namespace lossmith_test {

// Largest magnitude; infinity if there is a NaN.
double MaxMagnitude(const std::vector<double>& values);
// Largest difference; infinity if the sizes differ or only one side is NaN or infinite.
double MaxError(const std::vector<double>& got, const std::vector<double>& expected);

// Error at most relative * (largest expected magnitude of the same output) + absolute, for every
// output that `got` holds.
::testing::AssertionResult Near(const Result& got, const Result& expected, double relative,
                                double absolute);

// The rule for f64: 1e-12 of the largest magnitude.
inline ::testing::AssertionResult NearInDouble(const Result& got, const Result& expected) {
  return Near(got, expected, 1e-12, 1e-14);
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_COMPARE_H_
