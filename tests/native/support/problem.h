// One contrastive problem as plain numbers, and its results: what the oracle, the straightforward
// implementation and the library all take and give.
#ifndef LOSSMITH_TESTS_SUPPORT_PROBLEM_H_
#define LOSSMITH_TESTS_SUPPORT_PROBLEM_H_

#include <array>
#include <cstdint>
#include <vector>

#include "lossmith/contrastive.h"
#include "support/dtype.h"

namespace lossmith_test {

// An absent optional input is an empty vector.
struct Problem {
  bool cwcl = false;
  int64_t n = 0;
  int64_t m = 0;
  int64_t d = 0;
  int64_t r = 0;
  lsm_contrastive_options options{};
  std::vector<double> x, y;
  std::vector<double> reference, reference_y, weights;
  std::vector<double> log_scale, bias, row_weight, upstream;
  std::vector<uint8_t> ignore;
};

enum Output { kLoss, kRowLoss, kGradX, kGradY, kGradLogScale, kGradBias, kOutputs };
const char* OutputName(int output);

// Values by Output; an output that was not wanted is empty.
using Result = std::array<std::vector<double>, kOutputs>;

// Random unit rows, InfoNCE of one direction at temperature 0.1.
Problem RandomInfoNce(int64_t n, int64_t m, int64_t d, uint64_t seed);
// Both directions with coefficient 0.5.
Problem RandomClip(int64_t n, int64_t m, int64_t d, uint64_t seed);
// CWCL with a random reference of width r; with a reference_y where m > n.
Problem RandomCwcl(int64_t n, int64_t m, int64_t d, int64_t r, uint64_t seed);

// Adds log_scale, bias, row_weight, upstream, ignored pairs and label smoothing.
void AddEveryOption(Problem* problem, uint64_t seed);

// The problem with every matrix rounded to `matrices` and every vector to `vectors`.
Problem RoundedProblem(Problem problem, DType matrices, DType vectors);

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_PROBLEM_H_
