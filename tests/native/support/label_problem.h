// One problem of the label losses as plain numbers, and its results: what the oracle, the
// straightforward implementation and the library all take and give.
#ifndef LOSSMITH_TESTS_SUPPORT_LABEL_PROBLEM_H_
#define LOSSMITH_TESTS_SUPPORT_LABEL_PROBLEM_H_

#include <array>
#include <cstdint>
#include <vector>

#include "lossmith/labels.h"
#include "support/dtype.h"

namespace lossmith_test::labels {

// Sets of ids for each row; absent if there are no offsets.
struct Sets {
  std::vector<int64_t> offsets, ids;
  std::vector<double> values;

  bool present() const { return !offsets.empty(); }
  // Appends the next row.
  void Add(const std::vector<int64_t>& row, const std::vector<double>& row_values = {});
};

// An absent optional input is an empty vector.
struct Problem {
  int64_t n = 0;
  int64_t l = 0;
  int64_t d = 0;  // 0: x [n,l] holds the products
  lsm_label_options options{};
  std::vector<double> x, labels;
  Sets positives, ignored;
  std::vector<int64_t> target;
  std::vector<double> soft_target;
  std::vector<int64_t> candidates, k_rows;
  std::vector<double> log_scale, bias, class_weight, row_weight, upstream;
};

enum Output {
  kLoss,
  kRowLoss,
  kThreshold,
  kGradX,
  kGradLabels,
  kGradLogScale,
  kGradBias,
  kOutputs
};
const char* OutputName(int output);

// Values by Output; an output that was not wanted is empty.
using Result = std::array<std::vector<double>, kOutputs>;

constexpr int32_t kLosses[] = {LSM_DECOUPLED_SOFTMAX, LSM_SOFT_TOP_K, LSM_MULTI_LABEL_INFONCE,
                               LSM_BCE, LSM_SOFTMAX_CE};
const char* LossName(int32_t loss);

// Unit rows and temperature 0.1; one to five positives for each row, out of order, or one target.
// Soft top-k has as many members as the row has positives.
Problem RandomProblem(int32_t loss, int64_t n, int64_t l, int64_t d, uint64_t seed);

// Adds log_scale, bias, softcap, row_weight, upstream, relevances that count, ignored labels and
// candidates; to softmax cross-entropy smoothing, class weights, the weight of the squared
// log-sum-exp and rows that do not count.
void AddEveryOption(Problem* problem, uint64_t seed);

// Softmax cross-entropy with random soft targets in place of the targets.
Problem WithSoftTargets(Problem problem, uint64_t seed);

// The same scores, without normalisation, given as products: x [n,l], no labels.
Problem AsProducts(const Problem& problem);

// The problem with every matrix rounded to `matrices` and every vector to `vectors`.
Problem RoundedProblem(Problem problem, DType matrices, DType vectors);

}  // namespace lossmith_test::labels

#endif  // LOSSMITH_TESTS_SUPPORT_LABEL_PROBLEM_H_
