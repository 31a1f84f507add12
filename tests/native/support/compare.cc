#include "support/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lossmith_test {

double MaxMagnitude(const std::vector<double>& values) {
  double largest = 0;
  for (double value : values) {
    if (std::isnan(value)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::fabs(value));
  }
  return largest;
}

double MaxError(const std::vector<double>& got, const std::vector<double>& expected) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (got.size() != expected.size()) return kInfinity;
  double largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(expected[i])) continue;
    if (got[i] == expected[i]) continue;
    const double error = std::fabs(got[i] - expected[i]);
    largest = std::max(largest, std::isnan(error) ? kInfinity : error);
  }
  return largest;
}

::testing::AssertionResult Near(const Result& got, const Result& expected, double relative,
                                double absolute) {
  auto failure = ::testing::AssertionFailure();
  bool passed = true;
  for (int output = 0; output < kOutputs; ++output) {
    if (got[output].empty()) continue;
    const double error = MaxError(got[output], expected[output]);
    const double magnitude = MaxMagnitude(expected[output]);
    const double bound = relative * magnitude + absolute;
    // A reference that is not finite would allow anything.
    if (std::isfinite(magnitude) && error <= bound) continue;
    passed = false;
    failure << "\n  " << OutputName(output) << ": error " << error << " > " << bound;
    for (size_t i = 0; i < std::min(got[output].size(), expected[output].size()); ++i) {
      const double own = std::fabs(got[output][i] - expected[output][i]);
      if (own <= bound) continue;
      failure << "; first at " << i << ": " << got[output][i] << " instead of "
              << expected[output][i];
      break;
    }
  }
  return passed ? ::testing::AssertionSuccess() : failure;
}

}  // namespace lossmith_test
