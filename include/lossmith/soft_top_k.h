/**
 * The soft top-k operator: differentiable membership of the k largest of a row of scores.
 *
 *     y_ij = sigm(alpha (s_ij + t_i)),   t_i such that sum_{j in A_i} y_ij = k_i
 *
 * with sigm(z) = 1/(1+e^-z) and A_i the entries of row i that it does not ignore. The threshold is
 * found by safeguarded Newton on ln sum y - ln k inside the bracket
 *
 *     [-max_j s_ij + logit(k_i/l_i)/alpha, -min_j s_ij + logit(k_i/l_i)/alpha],   l_i = |A_i|,
 *
 * at whose ends every y is at most, and at least, k_i/l_i. The sum of a row agrees with k_i within
 * 1e-6 k_i for f32 arithmetic and 1e-11 k_i for f64.
 *
 * Output: ln y (stable where y underflows), or y with `plain`; ignored entries are -infinity, or 0.
 * Gradient for an upstream g_ij: with
 *
 *     u_ij = alpha g_ij sigm(-alpha (s_ij + t_i))   (plain: times y_ij)
 *     pi_ij = y_ij (1 - y_ij) / sum_k y_ik (1 - y_ik)
 *     grad_scores_ij = u_ij - (sum_k u_ik) pi_ij
 *
 * Every row sums to 0. pi is computed as a softmax of -|z| - 2 ln(1 + e^-|z|), so that it holds
 * where all memberships saturate. No gradient flows into k or alpha.
 *
 * Cost: a row is read once and kept (CPU: l elements of f32 for each thread), then a few passes over
 * it in the cache. Paper: Gupta et al., ICLR 2024, arXiv 2310.10636.
 */
#ifndef LOSSMITH_SOFT_TOP_K_H_
#define LOSSMITH_SOFT_TOP_K_H_

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Hyperparameters. */
typedef struct lsm_soft_top_k_options {
  /** Steepness, finite, > 0. */
  double alpha;
  /** 0 < k < l_i for every row; 0: k_rows. */
  int64_t k;
  /** 1: memberships y, 0: ln y. */
  int32_t plain;
} lsm_soft_top_k_options;

/** Fills alpha 2, k 5, plain 0. */
LSM_API void lsm_soft_top_k_defaults(lsm_soft_top_k_options* options);

/**
 * Memberships and their gradient.
 *
 * scores          [n,l] f32, bf16, f16 or f64 (f64: reference arithmetic)
 * k_rows          i32 or i64 [n] where option k is 0, else NULL
 * ignored_offsets optional, i64 [n+1] with ignored_ids i32 or i64 [any]: entries left out per row
 * upstream        [n,l], f32 or the type of scores; given with grad_scores and only then
 * memberships     optional, [n,l], f32 or the type of scores
 * threshold       optional, f32 or f64 [n]
 * grad_scores     optional, [n,l], f32 or the type of scores
 *
 * NaN in a row makes its outputs NaN. On CUDA a row with a k outside (0, l_i) or a bad id gives NaN
 * instead of an error. Errors: LSM_INVALID_ARGUMENT naming the argument, LSM_BUDGET_TOO_SMALL.
 */
LSM_API lsm_status lsm_soft_top_k(lsm_context context, const lsm_soft_top_k_options* options,
                                  lsm_input scores, lsm_input k_rows, lsm_input ignored_offsets,
                                  lsm_input ignored_ids, lsm_input upstream, lsm_output memberships,
                                  lsm_output threshold, lsm_output grad_scores);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_SOFT_TOP_K_H_ */
