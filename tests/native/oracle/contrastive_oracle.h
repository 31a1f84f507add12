// The references of the contrastive losses: the float64 oracle, and the same loss written
// straightforwardly in the arithmetic of an element type.
#ifndef LOSSMITH_TESTS_ORACLE_CONTRASTIVE_ORACLE_H_
#define LOSSMITH_TESTS_ORACLE_CONTRASTIVE_ORACLE_H_

#include <vector>

#include "support/call.h"
#include "support/problem.h"

namespace lossmith_test {

// Loss and gradients of the problem. Ignored pairs are really deleted before anything is computed.
// loss is given with LSM_NONE too: the sum of upstream_i loss_i, whose gradient the others are.
Result Oracle(const Problem& problem);

// What one gets without special care in f32, or with bf16 operands and f32 sums: dense arrays, sums
// in index order. Its error is the measure of ours. f16 is widened to f32 on the CPU; on a device
// operands are f16 too.
Result Straightforward(const Problem& problem, const Types& types);

// upstream * loss (MEAN, SUM), or the sum of upstream_i row_loss_i (NONE), with the small step
// `step` added to element `index` of one input: what the gradients are the derivatives of.
long double Objective(const Problem& problem, Output gradient, int64_t index, long double step);

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_ORACLE_CONTRASTIVE_ORACLE_H_
