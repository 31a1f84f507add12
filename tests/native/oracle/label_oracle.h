// The references of the label losses: the float64 oracle, and the same loss written
// straightforwardly in the arithmetic of an element type.
#ifndef LOSSMITH_TESTS_ORACLE_LABEL_ORACLE_H_
#define LOSSMITH_TESTS_ORACLE_LABEL_ORACLE_H_

#include <vector>

#include "support/label_call.h"
#include "support/label_problem.h"

namespace lossmith_test::labels {

// Loss and gradients of the problem, which draws no positives. Labels that a row ignores are really
// left out of its sums. loss is given with LSM_NONE too: the sum of upstream_i loss_i, whose
// gradient the others are. The threshold of a row without a loss is NaN.
Result Oracle(const Problem& problem);

// The same for soft top-k with given thresholds: memberships sum to k within some tolerance, and
// where they are all close to 0 or 1 that leaves the thresholds free; the rest must fit them.
Result OracleAt(const Problem& problem, const std::vector<double>& thresholds);
// The largest |sum of memberships - k| / k of a row with these thresholds, beyond what relative
// roundings `roundoff` of thresholds and of scores up to `score_bound` explain.
double MembershipError(const Problem& problem, const std::vector<double>& thresholds,
                       double score_bound, double roundoff);

// What one gets without special care in f32: dense arrays, sums in index order, thresholds by
// bisection. Its error is the measure of ours. 16-bit types are widened on the CPU; on a device the
// operands of products have their type.
Result Straightforward(const Problem& problem, const Types& types);

// upstream * loss (MEAN, SUM), or the sum of upstream_i row_loss_i (NONE), with the small step
// `step` added to element `index` of one input: what the gradients are the derivatives of.
long double Objective(const Problem& problem, Output gradient, int64_t index, long double step);

}  // namespace lossmith_test::labels

#endif  // LOSSMITH_TESTS_ORACLE_LABEL_ORACLE_H_
