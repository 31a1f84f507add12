/**
 * Losses of queries against a set of labels, from some hundred to many millions: decoupled softmax,
 * soft top-k, multi-label InfoNCE, SupCon, binary cross-entropy, softmax cross-entropy, normalised
 * softmax. The n x l matrix of scores is never stored whole unless the byte budget of the context
 * holds it.
 *
 * Notation. x [n,d] queries, labels z [l,d] (a table of embeddings, or the weight matrix of a linear
 * head). Scores
 *
 *     s_ij = cap(scale <x_i, z_j> + bias_j),    scale = min(exp(log_scale), max_scale)
 *
 * with log_scale = -ln(temperature) where no log_scale tensor is given, and cap(s) = s, or
 * softcap tanh(s / softcap) with softcap > 0. Where `labels` is NULL, x [n,l] holds the products
 * themselves: s_ij = cap(scale x_ij + bias_j), and grad_x is the gradient of x.
 *
 * Sets. P_i are the positives of row i (CSR: positive_offsets, positive_ids, optional relevances
 * positive_values; relevances <= 1e-8 are no positives; an id that comes twice counts once, with its
 * first relevance above that), I_i the labels that row i ignores (CSR). A_i are all labels (or the
 * candidates) without I_i, l_i = |A_i|. A positive outside A_i is left out. With
 * lse_{j in S} s_ij = ln sum_{j in S} exp(s_ij), softplus(x) = ln(1 + e^x), sigm(x) = 1/(1+e^-x),
 * v_ij = the relevance with `weighted`, otherwise 1, and a_i = 1/|P_i| with `average`, otherwise 1:
 *
 *     decoupled softmax   loss_i = a_i sum_{p in P_i} v_ip softplus(lse_{j in A_i \ P_i} s_ij - s_ip)
 *     soft top-k          loss_i = -a_i sum_{p in P_i} v_ip ln y_ip   (or y_ip: `plain`),
 *                         y_ij = sigm(alpha (s_ij + t_i)), t_i such that sum_{j in A_i} y_ij = k_i
 *     multi-label InfoNCE loss_i = a_i sum_{p in P_i} v_ip (lse_{j in A_i} s_ij - s_ip)
 *     SupCon              the same with a_i = 1/|P_i|
 *     BCE                 loss_i = (1/l_i) (sum_{j in A_i} softplus(s_ij) - sum_{p in P_i} v_ip s_ip)
 *     softmax CE          loss_i = sum_{j in A_i} q_ij w_j (lse_{k in A_i} s_ik - s_ij)
 *                                  + z_weight (lse_{k in A_i} s_ik)^2,
 *                         q_ij = (1-e) (j = target_i, or soft_target_ij) + e/l_i
 *
 * with w = class_weight (1 without) and e = label_smoothing. Normalised (hyperspherical) softmax is
 * softmax CE with normalize_x, the temperature 1/s and normalize_labels, or with a projection of the
 * labels after each step (update.h: project_rows).
 *
 * A row without positives (not for BCE, where all labels of such a row are negatives), without
 * negatives (decoupled softmax), or whose target is ignore_index has loss 0, gradient 0 and
 * threshold 0.
 *
 * Reduction. MEAN: loss = sum_i loss_i / N, SUM: loss = sum_i loss_i, NONE: only row_loss. N = n; for
 * softmax CE with target N = sum of class_weight[target_i] over the rows that count (without
 * class_weight their number). loss_i is multiplied by row_weight_i, which does not change N.
 * Gradients are multiplied by upstream.
 *
 * Gradient. With c_i = upstream row_weight_i / N and G_ij = dL/ds_ij:
 *
 *     decoupled softmax   positives -c_i a_i v_ip sigm(N_i - s_ip), N_i = lse over the negatives,
 *                         negatives c_i a_i (sum_p v_ip sigm(N_i - s_ip)) exp(s_ij - N_i)
 *     soft top-k          g_ij - (sum_k g_ik) pi_ij, g_ip = -c_i a_i v_ip alpha sigm(-alpha(s_ip+t_i))
 *                         (plain: times y_ip), pi_ij = y_ij (1-y_ij) / sum_k y_ik (1-y_ik)
 *     InfoNCE, SupCon     c_i a_i ((sum_p v_ip) exp(s_ij - lse_i) - [j in P_i] v_ij)
 *     BCE                 (c_i/l_i) (sigm(s_ij) - [j in P_i] v_ij)
 *     softmax CE          c_i ((sum_k q_ik w_k + 2 z_weight lse_i) exp(s_ij - lse_i) - q_ij w_j)
 *
 * then through the cap (1 - (s/softcap)^2) and the products: grad_x = scale G z,
 * grad_labels = scale G^T x, grad_log_scale = sum_ij G_ij scale <x_i, z_j>, grad_bias_j =
 * sum_i G_ij. Entries of G at positives and targets are computed from the score in f64 and written
 * once. No gradient flows into k, alpha, relevances, soft targets or weights.
 *
 * Types. x and labels share one of f32, bf16, f16, f64 (f64: reference arithmetic). On the CPU 16-bit
 * types are widened to f32 tile by tile. Vectors are f32 or f64, ids i32 or i64, offsets, target and
 * candidates i64; gradients have the type of what they are the gradient of or f32. NaN and infinities
 * in x or labels propagate into the loss.
 *
 * On CUDA all tensors are on the device of the context and the call is queued. Demands on values (an
 * id out of range, offsets that fall, a target in the ignored set, k_i outside its range, weights
 * that are not finite) are errors on the CPU; on CUDA such a row has loss NaN.
 *
 * Cost. Products of 2 n l d operations: three where the scores of a group of rows fit the budget
 * (store), else four (recompute); soft top-k without store one more for each Newton step, about five
 * (CUDA: always ten, since the host does not wait to hear which rows are done).
 * Workspace: some tiles and one f32 row sum for each of up to 16 ranges of labels. The same input
 * gives the same bits whatever the number of threads, the budget or the plan.
 *
 * Papers: Gupta et al., Dual-Encoders for Extreme Multi-Label Classification, ICLR 2024,
 * arXiv 2310.10636 (decoupled softmax, soft top-k); Khosla et al. 2020, arXiv 2004.11362 (SupCon);
 * Wijmans et al. 2024, arXiv 2411.09009 (gradient filtering).
 */
#ifndef LOSSMITH_LABELS_H_
#define LOSSMITH_LABELS_H_

#include "contrastive.h"
#include "update.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which loss. */
enum {
  LSM_DECOUPLED_SOFTMAX = 1,
  LSM_SOFT_TOP_K = 2,
  LSM_MULTI_LABEL_INFONCE = 3,
  LSM_BCE = 4,
  LSM_SOFTMAX_CE = 5
};

/** Hyperparameters; lsm_label_defaults fills them. */
typedef struct lsm_label_options {
  /** LSM_DECOUPLED_SOFTMAX ... LSM_SOFTMAX_CE. */
  int32_t loss;
  /** LSM_MEAN, LSM_SUM or LSM_NONE. */
  int32_t reduction;
  /** Temperature > 0; used where no log_scale tensor is given. */
  double temperature;
  /** Upper clamp of the scale, > 0; infinity = none. Beyond it grad_log_scale is 0. */
  double max_scale;
  /** Softcap > 0; 0 = none. */
  double softcap;
  /** 1: rows of x, rows of labels are divided by their L2 norm inside (norms <= 1e-12 give 0). */
  int32_t normalize_x;
  int32_t normalize_labels;
  /** a_i = 1/|P_i|. */
  int32_t average;
  /** v_ij = relevance. */
  int32_t weighted;
  /**
   * Positives that take part in each row, drawn without replacement with probability proportional to
   * the relevance (1 without values); the others are ignored in that row. 0 = all. |P_i| then is
   * the number drawn. The draw of an entry depends on seed and on row and position alone.
   */
  int64_t sample;
  uint64_t seed;
  /** Soft top-k: steepness > 0. */
  double alpha;
  /** Soft top-k: 0 < k < l_i; 0: k_rows, or without it k_i = ceil(sum of the relevances of P_i). */
  int64_t k;
  /** Soft top-k: 1 = loss of y, 0 = loss of ln y. */
  int32_t plain;
  /** LSM_PLAN_AUTO, LSM_PLAN_STORE or LSM_PLAN_RECOMPUTE. */
  int32_t plan;
  /** Softmax CE: label smoothing e in [0, 1). */
  double label_smoothing;
  /** Softmax CE: weight >= 0 of the squared log-sum-exp. */
  double z_weight;
  /** Softmax CE: rows with this target do not count. */
  int64_t ignore_index;
  /**
   * Gradient filter eps >= 0, 0 = none: a tile of the coefficients G (96 rows x 512 labels) in which
   * all |G_ij| <= eps/N (eps for SUM and NONE) is taken for zero and its products are not computed
   * (CUDA: computed with zeros, the same result at the full cost of the products).
   * Loss, grad_log_scale and grad_bias stay exact; with S the skipped entries
   *     |error of grad_x_i| <= scale eps/N sum_{j: (i,j) in S} |z_j|, likewise grad_labels with |x_i|.
   */
  double filter;
} lsm_label_options;

/**
 * Fills the defaults of a loss: temperature 1, max_scale infinity, MEAN, no cap, no normalisation,
 * sample 0, plan AUTO, no filter, ignore_index -100, alpha 2, k 5; average 1 for decoupled softmax
 * and soft top-k. (SupCon: LSM_MULTI_LABEL_INFONCE with average 1.)
 */
LSM_API void lsm_label_defaults(int32_t loss, lsm_label_options* options);

/**
 * Loss and gradients.
 *
 * x                 [n,d] queries, or [n,l] products where labels is NULL
 * labels            [l,d], or NULL
 * positive_offsets  i64 [n+1], positive_ids i32 or i64 [nnz]: P_i; NULL for softmax CE
 * positive_values   optional, [nnz], finite: relevances
 * target            softmax CE: i32 or i64 [n]; exactly one of target and soft_target
 * soft_target       softmax CE: [n,l], f32, bf16, f16 or f64, finite and >= 0
 * ignored_offsets   optional, i64 [n+1] with ignored_ids i32 or i64 [any]: I_i
 * candidates        optional, i64 [c], strictly increasing label ids: the labels that take part. All
 *                   ids stay those of the whole table; gradients of other labels are 0
 * k_rows            optional, i32 or i64 [n]: k_i, with option k = 0
 * log_scale         optional, one element
 * bias              optional, [l] or one element
 * class_weight      softmax CE: optional, [l], finite and >= 0
 * row_weight        optional, [n], finite
 * upstream          optional, one element (MEAN, SUM) or [n] (NONE)
 * loss              optional, one element; NULL with LSM_NONE
 * row_loss          optional, [n]
 * threshold         soft top-k: optional, [n]: t_i
 * grad_x, grad_labels, grad_log_scale, grad_bias: optional, shaped as what they are the gradient of
 * update            optional: labels are stepped by their gradient in the same pass, so that it is
 *                   never stored; grad_labels must be NULL. The same bits as lsm_label_loss followed
 *                   by lsm_update_step with an f32 gradient
 * update_state      [l,d] or [l,2d] of the rule, or NULL (update.h)
 * new_labels        with update: [l,d], the memory of labels itself (in place) or another
 *
 * n = 0 gives loss 0. Errors: LSM_INVALID_ARGUMENT naming the argument; LSM_BUDGET_TOO_SMALL with the
 * bytes needed (an update, or a grad_labels that is not f32, not plain rows or goes through
 * normalisation, needs all rows in one group).
 */
LSM_API lsm_status
lsm_label_loss(lsm_context context, const lsm_label_options* options, lsm_input x, lsm_input labels,
               lsm_input positive_offsets, lsm_input positive_ids, lsm_input positive_values,
               lsm_input target, lsm_input soft_target, lsm_input ignored_offsets,
               lsm_input ignored_ids, lsm_input candidates, lsm_input k_rows, lsm_input log_scale,
               lsm_input bias, lsm_input class_weight, lsm_input row_weight, lsm_input upstream,
               lsm_output loss, lsm_output row_loss, lsm_output threshold, lsm_output grad_x,
               lsm_output grad_labels, lsm_output grad_log_scale, lsm_output grad_bias,
               const lsm_update_options* update, lsm_output update_state, lsm_output new_labels);

/**
 * Plan and memory of such a call on n x l x d with the given element type (d = 0: labels NULL);
 * gradients != 0 if grad_x and grad_labels are wanted, 2: grad_x and a fused update.
 */
LSM_API lsm_status lsm_label_describe_plan(lsm_context context, const lsm_label_options* options,
                                           uint8_t code, uint8_t bits, int64_t n, int64_t l,
                                           int64_t d, int32_t gradients,
                                           lsm_contrastive_plan* plan);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_LABELS_H_ */
