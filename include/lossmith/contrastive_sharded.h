/**
 * The contrastive losses of contrastive.h over a matrix of scores that several processes or
 * devices share: each holds a block of rows of x and a block of rows of y.
 *
 *   1. every shard: lsm_infonce_statistics or lsm_cwcl_statistics
 *   2. a collective: row statistics are merged over the shards that hold the same rows, column
 *      statistics over those that hold the same columns (lsm_merge_logsumexp for the log-sum-exp,
 *      a sum for weight_sum)
 *   3. every shard: lsm_infonce_gradients or lsm_cwcl_gradients with the merged statistics
 *   4. a collective: loss, row_loss, grad_log_scale and, where shards hold the same rows of x or
 *      y, the gradients are summed
 *
 * One shard that holds everything gives exactly what lsm_infonce and lsm_cwcl give.
 */
#ifndef LOSSMITH_CONTRASTIVE_SHARDED_H_
#define LOSSMITH_CONTRASTIVE_SHARDED_H_

#include "contrastive.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which block of the whole matrix of scores a shard holds. */
typedef struct lsm_shard {
  /** Index of the shard's first row of x in the whole batch. */
  int64_t row_offset;
  /** Index of the shard's first row of y in all candidates. */
  int64_t column_offset;
  /** Rows of the whole batch (n). */
  int64_t rows;
  /** Candidates in all (m >= n). */
  int64_t columns;
} lsm_shard;

/**
 * Log-sum-exp of the shard's rows over the shard's columns, and the other way round.
 *
 * x [n',d], y [m',d]: the shard's rows; bias [m'] or one element; log_scale as in lsm_infonce
 * row_lse [n'], column_lse [m']: f32 or f64; -infinity for an empty range. column_lse may be NULL
 * if column_coefficient is 0.
 */
LSM_API lsm_status lsm_infonce_statistics(lsm_context context,
                                          const lsm_contrastive_options* options,
                                          const lsm_shard* shard, lsm_input x, lsm_input y,
                                          lsm_input log_scale, lsm_input bias, lsm_output row_lse,
                                          lsm_output column_lse);

/**
 * As lsm_infonce_statistics, and weight_sum [n'] = sum_j w_ij over the shard's columns.
 * reference [n',r] with reference_y [m',r], or weights [n',m'].
 */
LSM_API lsm_status lsm_cwcl_statistics(lsm_context context, const lsm_contrastive_options* options,
                                       const lsm_shard* shard, lsm_input x, lsm_input y,
                                       lsm_input reference, lsm_input reference_y,
                                       lsm_input weights, lsm_input log_scale, lsm_input bias,
                                       lsm_output row_lse, lsm_output column_lse,
                                       lsm_output weight_sum);

/** merged_i = ln sum_k exp(parts_ki): parts [k,n] and merged [n], f32 or f64. */
LSM_API lsm_status lsm_merge_logsumexp(lsm_context context, lsm_input parts, lsm_output merged);

/**
 * The shard's share of loss and gradients, given merged statistics.
 *
 * row_weight [n] and, with LSM_NONE, upstream [n] are those of the whole batch; row_lse [n'] and
 * column_lse [m'] the merged ones. loss and row_loss [n] (whole batch) are the shard's addends;
 * so are grad_x [n',d], grad_y [m',d], grad_log_scale and grad_bias.
 */
LSM_API lsm_status lsm_infonce_gradients(lsm_context context,
                                         const lsm_contrastive_options* options,
                                         const lsm_shard* shard, lsm_input x, lsm_input y,
                                         lsm_input log_scale, lsm_input bias, lsm_input row_weight,
                                         lsm_input upstream, lsm_input row_lse,
                                         lsm_input column_lse, lsm_output loss, lsm_output row_loss,
                                         lsm_output grad_x, lsm_output grad_y,
                                         lsm_output grad_log_scale, lsm_output grad_bias);

/** As lsm_infonce_gradients, with the weights of lsm_cwcl and the merged weight_sum [n']. */
LSM_API lsm_status lsm_cwcl_gradients(lsm_context context, const lsm_contrastive_options* options,
                                      const lsm_shard* shard, lsm_input x, lsm_input y,
                                      lsm_input reference, lsm_input reference_y, lsm_input weights,
                                      lsm_input log_scale, lsm_input bias, lsm_input row_weight,
                                      lsm_input upstream, lsm_input row_lse, lsm_input column_lse,
                                      lsm_input weight_sum, lsm_output loss, lsm_output row_loss,
                                      lsm_output grad_x, lsm_output grad_y,
                                      lsm_output grad_log_scale, lsm_output grad_bias);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_CONTRASTIVE_SHARDED_H_ */
