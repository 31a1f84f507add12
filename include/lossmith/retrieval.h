/**
 * Retrieval: the best labels of every row, exactly, without storing the matrix of scores.
 *
 * Notation. x [n,d] queries, labels z [l,d]. Scores
 *
 *     s_ij = <x_i, z_j> / temperature + bias_j
 *
 * and where `labels` is NULL x [n,l] holds the products themselves: s_ij = x_ij / temperature +
 * bias_j. E_i are the labels that row i leaves out (CSR: excluded_offsets, excluded_ids). Row i gets
 * the k labels that rank first among those outside E_i, best first:
 *
 *     j ranks before j'  <=>  s_ij > s_ij', or s_ij = s_ij' and j < j'
 *
 * NaN ranks after every number, -infinity included; two NaNs rank by label. Where fewer than k labels
 * are left, the remaining ids are -1 and the remaining scores -infinity.
 *
 * Types. x and labels share one of f32, bf16, f16, f64. bf16 is multiplied in bf16 with f32
 * accumulation where the machine has such instructions, f16 is widened to f32 (CUDA: both as such,
 * f32 accumulation); labels are converted tile by tile. Scores are f32 (f64 for f64) when they are
 * compared. bias is f32 or f64, offsets are i64, excluded ids i32 or i64, in any order, repeated or
 * not. x, labels and the outputs may have any row stride.
 *
 * On CUDA all tensors are on the device of the context and the call is queued. Offsets and ids are
 * not read back there: offsets outside the ids are held to them, and an id that is no label leaves
 * nothing out. On the CPU both are errors.
 *
 * Cost. One product of 2 n l d operations; beside it the selection compares every score once with
 * the k-th best of its row so far and handles about k ln(l/k) scores of a row further. Workspace:
 * tiles, about 1.5 k candidates of 12 or 16 bytes for the rows in work, and on the CPU 8 bytes for each
 * excluded id; LSM_BUDGET_TOO_SMALL where that does not fit. The same input gives the same bits
 * whatever the number of threads or the budget.
 */
#ifndef LOSSMITH_RETRIEVAL_H_
#define LOSSMITH_RETRIEVAL_H_

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /** The largest k on CUDA. */
  LSM_TOP_K_CUDA_LIMIT = 2048
};

/** What is looked for; lsm_top_k_defaults fills it. */
typedef struct lsm_top_k_options {
  /** Labels per row, >= 1; on CUDA at most LSM_TOP_K_CUDA_LIMIT. */
  int64_t k;
  /** Divides the products; finite, > 0. */
  double temperature;
  /** 1: rows of x, rows of labels are divided by their L2 norm inside (norms <= 1e-12 give 0). */
  int32_t normalize_x;
  int32_t normalize_labels;
} lsm_top_k_options;

/** Fills k 10, temperature 1, no normalisation. */
LSM_API void lsm_top_k_defaults(lsm_top_k_options* options);

/**
 * The k best labels of every row.
 *
 * x                 [n,d] queries; [n,l] scores where labels is NULL (then nothing is normalised)
 * labels            optional, [l,d]
 * bias              optional, [l] or one element
 * excluded_offsets  optional, i64 [n+1]: starts at 0, never falls, ends with the number of ids
 * excluded_ids      i32 or i64, together with excluded_offsets
 * scores            optional, [n,k], f32 or f64
 * ids               [n,k], i64
 *
 * Errors: LSM_INVALID_ARGUMENT naming the argument; LSM_UNSUPPORTED for a larger k than the device
 * offers; LSM_BUDGET_TOO_SMALL with the bytes needed.
 */
LSM_API lsm_status lsm_top_k(lsm_context context, const lsm_top_k_options* options, lsm_input x,
                             lsm_input labels, lsm_input bias, lsm_input excluded_offsets,
                             lsm_input excluded_ids, lsm_output scores, lsm_output ids);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_RETRIEVAL_H_ */
