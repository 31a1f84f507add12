// The whole protocol of contrastive_sharded.h in one process: statistics of every shard, merge,
// gradients of every shard, sum.
#ifndef LOSSMITH_TESTS_SUPPORT_SHARDED_CALL_H_
#define LOSSMITH_TESTS_SUPPORT_SHARDED_CALL_H_

#include <vector>

#include "lossmith/contrastive_sharded.h"
#include "support/call.h"
#include "support/problem.h"

namespace lossmith_test {

// Ends of the blocks of rows of x and of rows of y; the last entries are n and m.
struct Split {
  std::vector<int64_t> row_ends;
  std::vector<int64_t> column_ends;
};

// A call of one shard; statistics and gradients share its tensors.
class ShardCall {
 public:
  // The block of the problem, and statistics of the given type.
  ShardCall(const Problem& problem, const Types& types, DType statistics, lsm_shard shard,
            int64_t rows, int64_t columns);

  lsm_status Statistics(lsm_context context);
  lsm_status Gradients(lsm_context context);

  lsm_contrastive_options options;
  lsm_shard shard;
  // Inputs are of the shard, but row_weight and upstream of the whole batch. Outputs too: row_loss
  // of the whole batch.
  Call call;
  HostTensor row_lse, column_lse, weight_sum;
};

// Results of the whole problem by its shards; failures of calls are reported to GoogleTest.
Result EvaluateSharded(const Problem& problem, const Types& types, DType statistics,
                       const Split& split, lsm_context context);

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_SHARDED_CALL_H_
