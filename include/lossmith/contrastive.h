/**
 * Contrastive losses over two sets of embeddings: InfoNCE (one direction or both, as in CLIP)
 * and CWCL. Loss and gradients come from one call; the N x M matrix of scores is never stored
 * whole unless the byte budget of the context holds it.
 *
 * Notation. x [n,d] and y [m,d], m >= n: row i of x pairs with row i of y, the rows n..m-1 of y
 * are extra hard negatives. Scores
 *
 *     s_ij = scale <x_i, y_j> + bias_j,    scale = min(exp(log_scale), max_scale)
 *
 * with log_scale = -ln(temperature) where no log_scale tensor is given. With
 * lse_j z_j = ln sum_j exp(z_j):
 *
 *     row direction      lx_i = lse_j s_ij - sum_j t_ij s_ij        (x_i looks for its y)
 *     column direction   ly_i = lse_k s_ki - sum_k u_ki s_ki        (y_i looks for its x)
 *     loss_i = row_weight_i (row_coefficient lx_i + column_coefficient ly_i)
 *
 * with targets t_ij = (1-e) a_ij + e/m and u_ki = (1-e) [k = i] + e/n, e = label_smoothing.
 * InfoNCE: a_ij = [i = j]. CWCL: a_ij = w_ij / sum_j w_ij.
 *
 * Reduction. MEAN: loss = (1/n) sum loss_i; SUM: loss = sum loss_i; NONE: only row_loss. n counts
 * the pairs that are not ignored (row weights do not change it: a row weight acts as an upstream
 * gradient). Gradients are multiplied by upstream.
 *
 * Gradient, with c_i = upstream * row_weight_i * (1/n for MEAN) and the coefficients folded in:
 *
 *     G_ij = cx_i (exp(s_ij - lse_i) - t_ij) + cy_j (exp(s_ij - lse'_j) - u_ij)
 *     grad_x = scale G y,  grad_y = scale G^T x,  grad_log_scale = sum_ij G_ij scale <x_i, y_j>,
 *     grad_bias_j = sum_i G_ij
 *
 * (cy_j = 0 for the extra negatives j >= n). With `normalize` x and y are divided by their row
 * norms first (rows with norm <= 1e-12 become 0 and get gradient 0), and the gradient goes through
 * the division exactly.
 *
 * Types. x and y share one of f32, bf16, f16, f64 (f64: reference arithmetic). bf16 inputs are
 * multiplied in bf16 with f32 accumulation where the machine has such instructions; f16 is widened
 * to f32. Vectors (log_scale, bias, row_weight, upstream) are f32 or f64, gradients have the
 * element type of what they are the gradient of or f32; loss and row_loss are f32 or f64. Sums
 * over rows are kept in f64. NaN and infinities in x or y propagate into the loss.
 *
 * On CUDA all tensors of a call are on the device of the context, the call is queued on its stream
 * and returns before it has run; loss and gradients are there when the stream has been waited for.
 * bf16 and f16 are multiplied as such with f32 accumulation; f32 as f32, unless the context allows
 * tf32. Nothing is read back, so a demand on the values of a tensor cannot give an error there: a
 * row weight that is not finite, an explicit weight that is negative or not finite and a reference
 * row that is too long make the loss and the gradients that depend on it NaN.
 *
 * Cost. Store mode 6 n m d operations, recompute mode 8 n m d; loss alone 2 n m d. Workspace:
 * recompute O(n + m) plus tiles of fixed size (CUDA: blocks of 2048 x 4096 scores). The same input
 * gives the same bits whatever the number of threads, the budget or the mode.
 *
 * Papers: InfoNCE: van den Oord et al. 2018, arXiv 1807.03748; CLIP: Radford et al. 2021,
 * arXiv 2103.00020; CWCL: Srinivasa et al., NeurIPS 2023, arXiv 2309.14580.
 */
#ifndef LOSSMITH_CONTRASTIVE_H_
#define LOSSMITH_CONTRASTIVE_H_

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Reduction of the per-row losses. */
enum { LSM_MEAN = 0, LSM_SUM = 1, LSM_NONE = 2 };

/** What the engine does with the scores between loss and gradient. */
enum {
  /** The faster of the two that the budget allows. */
  LSM_PLAN_AUTO = 0,
  /** Keep the scores: three products. */
  LSM_PLAN_STORE = 1,
  /** Compute them again: four products, O(n + m) memory. */
  LSM_PLAN_RECOMPUTE = 2
};

/** Hyperparameters; the functions *_defaults fill them. */
typedef struct lsm_contrastive_options {
  /** Temperature > 0; used where no log_scale tensor is given. */
  double temperature;
  /** Upper clamp of the scale, > 0; infinity = none. Beyond it grad_log_scale is 0. */
  double max_scale;
  /** Coefficient of the row direction, finite, >= 0. */
  double row_coefficient;
  /** Coefficient of the column direction, finite, >= 0; 0 = that direction is not computed. */
  double column_coefficient;
  /** Label smoothing e in [0, 1). */
  double label_smoothing;
  /** LSM_MEAN, LSM_SUM or LSM_NONE. */
  int32_t reduction;
  /** 1: x and y are normalised inside. */
  int32_t normalize;
  /** CWCL: 1: the reference rows are normalised inside. */
  int32_t normalize_reference;
  /** LSM_PLAN_AUTO, LSM_PLAN_STORE or LSM_PLAN_RECOMPUTE. */
  int32_t plan;
} lsm_contrastive_options;

/** What a call will do, and the memory it takes. */
typedef struct lsm_contrastive_plan {
  /** LSM_PLAN_STORE or LSM_PLAN_RECOMPUTE. */
  int32_t plan;
  /** Workspace bytes of the call. */
  int64_t workspace_bytes;
  /** Floating-point operations of the products over n x m. */
  double flops;
} lsm_contrastive_plan;

/**
 * Fills temperature 0.07, max_scale infinity, row_coefficient 1, column_coefficient 0,
 * label_smoothing 0, LSM_MEAN, normalize 0, LSM_PLAN_AUTO. For the symmetric (CLIP) loss set both
 * coefficients to 0.5.
 */
LSM_API void lsm_infonce_defaults(lsm_contrastive_options* options);

/**
 * InfoNCE. Mean of both directions (CLIP) with row_coefficient = column_coefficient = 0.5.
 *
 * x          [n,d] queries
 * y          [m,d] candidates, m >= n
 * log_scale  optional, one element: ln of the scale
 * bias       optional, [m] or one element: added to the scores of a candidate (for example
 *            -ln of its sampling probability)
 * row_weight optional, [n], finite
 * upstream   optional, one element (MEAN, SUM) or [n] (NONE): gradient of what follows
 * ignore     optional, u8 [n]: a pair i with ignore[i] != 0 is treated as if neither x_i nor y_i
 *            were there; its row_loss and gradients are 0
 * loss       optional, one element; must be NULL with LSM_NONE
 * row_loss   optional, [n]: loss_i
 * grad_x [n,d], grad_y [m,d], grad_log_scale one element, grad_bias as bias: optional
 *
 * n = 0 gives loss 0 and empty gradients (grad_y: zeros). Errors: LSM_INVALID_ARGUMENT naming the
 * argument; LSM_BUDGET_TOO_SMALL with the bytes needed.
 */
LSM_API lsm_status lsm_infonce(lsm_context context, const lsm_contrastive_options* options,
                               lsm_input x, lsm_input y, lsm_input log_scale, lsm_input bias,
                               lsm_input row_weight, lsm_input upstream, lsm_input ignore,
                               lsm_output loss, lsm_output row_loss, lsm_output grad_x,
                               lsm_output grad_y, lsm_output grad_log_scale, lsm_output grad_bias);

/**
 * As lsm_infonce_defaults, with row_coefficient = column_coefficient = 1 (the paper's sum) and
 * normalize_reference 1.
 */
LSM_API void lsm_cwcl_defaults(lsm_contrastive_options* options);

/**
 * CWCL: the row direction (modality U to V) has continuous weights, the column direction is plain
 * InfoNCE.
 *
 *     w_ij = (1 + <r_i, r_j>) / 2   from reference embeddings, or weights_ij >= 0 as given
 *
 * The matrix w of reference embeddings has rank r+1 and is never formed: loss and both gradients
 * cost four products of 2 n r d operations more. No gradient flows into the reference or the
 * weights. A row of explicit weights that sums to 0 has no row direction.
 *
 * x           [n,d] modality U (normally frozen and strong)
 * y           [m,d] modality V (trained)
 * reference   [n,r] embeddings of U that give the weights (often x itself); exactly one of
 *             reference and weights is given
 * reference_y optional, [m,r]: reference embeddings of the candidates; NULL = reference, then
 *             m = n
 * weights     [n,m] explicit weights, finite and >= 0, f32, bf16, f16 or f64
 * The others are as in lsm_infonce. Without normalize_reference reference rows must have
 * norm <= 1 (checked to 1e-3), so that no weight is negative.
 */
LSM_API lsm_status lsm_cwcl(lsm_context context, const lsm_contrastive_options* options,
                            lsm_input x, lsm_input y, lsm_input reference, lsm_input reference_y,
                            lsm_input weights, lsm_input log_scale, lsm_input bias,
                            lsm_input row_weight, lsm_input upstream, lsm_input ignore,
                            lsm_output loss, lsm_output row_loss, lsm_output grad_x,
                            lsm_output grad_y, lsm_output grad_log_scale, lsm_output grad_bias);

/**
 * Plan and memory of a call of either function on n x m x d with the given element type
 * (code, bits); gradients != 0 if grad_x or grad_y is wanted; reference_width = r of CWCL or 0.
 */
LSM_API lsm_status lsm_contrastive_describe_plan(lsm_context context,
                                                 const lsm_contrastive_options* options,
                                                 uint8_t code, uint8_t bits, int64_t n, int64_t m,
                                                 int64_t d, int64_t reference_width,
                                                 int32_t gradients, lsm_contrastive_plan* plan);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_CONTRASTIVE_H_ */
