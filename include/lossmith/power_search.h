/**
 * The search for the exponent (and the clipping scale) of power quantization without data.
 *
 *     E(a, c) = sum over a group of |x - x^(a, c s)|^p,   s the scale of the group, c a clip ratio
 *
 * with x = w, or w - shift, and x^ as in power.h (without the shift), codes by thresholds whatever the
 * number of bits. lsm_power_errors evaluates a whole grid in one read of the weights, or one for each
 * ratio. On the CPU the thresholds of all candidates are one sorted list that cuts the numbers into
 * intervals; an element is looked up in it once, and E follows from the number, the sum and the squares
 * of the elements in each interval (in small groups, and for p other than 2, element by element). So
 * for p = 2 and large groups an element costs the same for one exponent as for a thousand.
 *
 * lsm_power_search looks at a grid of exponents with all ratios, then at finer grids around the best
 * exponent, with its ratio, and keeps the best that it has seen, for each tensor, channel or group. E
 * is continuous in no interval: codes flip; so the result is the best candidate, not a root of a
 * derivative. For one exponent over many tensors sum their errors (the Java class NetworkExponent
 * does).
 *
 * Paper: Yvinec et al., PowerQuant, ICLR 2023, arXiv 2301.09858.
 */
#ifndef LOSSMITH_POWER_SEARCH_H_
#define LOSSMITH_POWER_SEARCH_H_

#include "power.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Hyperparameters of a search; lsm_power_search_defaults fills them. */
typedef struct lsm_power_search_options {
  /** bits, range and groups are looked at. */
  lsm_power_options power;
  /** p > 0, finite. 2: squared error. */
  double norm;
  /** 0.01 <= lowest < highest <= 16. */
  double lowest, highest;
  /** Exponents of the first grid, both ends included, evenly spaced; 2 to 1024. */
  int32_t steps;
  /**
   * Finer grids after the first, each of 9 exponents over the two cells around the best, and no
   * exponent beyond lowest and highest; 0 to 8.
   */
  int32_t refinements;
  /**
   * Clip ratios tried: 1 - i clip_step for i = 0 .. clips - 1; the smallest must be > 0. 1 to 64.
   */
  int32_t clips;
  double clip_step;
} lsm_power_search_options;

/** 4 bits signed per tensor, norm 2, [0.1, 1.2] in 64 steps, 3 refinements, 1 clip, step 0.02. */
LSM_API void lsm_power_search_defaults(lsm_power_search_options* options);

/**
 * Errors of all pairs of a clip ratio and an exponent.
 *
 * w          f32, bf16, f16 or f64, as in lsm_power_quantize
 * scale      the parameters' shape, f32, or f64 where w is f64
 * shift      optional, unsigned only, like scale
 * exponents  [g], the type of scale, each in [0.01, 16]; 1 <= g <= 1024
 * ratios     optional, [c], the type of scale, each in (0, 1]; NULL: the one ratio 1; c <= 64
 * errors     f64 [count, c, g], count the number of groups (1 per tensor); sums in f64, in an order
 *            that depends on shapes alone
 *
 * Options: power, norm. Groups with NaN or an infinity, also as their scale, have NaN errors. Groups
 * with scale 0 have 0. Sums that f64 cannot hold are NaN. Negative scales are errors on the CPU.
 * Workspace: tables of the candidates, and sums of each part of a large group.
 * Errors: LSM_INVALID_ARGUMENT naming the argument, LSM_BUDGET_TOO_SMALL.
 */
LSM_API lsm_status lsm_power_errors(lsm_context context, const lsm_power_search_options* options,
                                    lsm_input w, lsm_input scale, lsm_input shift,
                                    lsm_input exponents, lsm_input ratios, lsm_output errors);

/**
 * The best exponent and scale of each group.
 *
 * w, scale, shift  as above; scale is that of ratio 1, for example of lsm_power_scales
 * exponent         the parameters' shape and the type of scale: the best exponent; of several equal
 *                  ones the first that was seen (lower exponents first, larger ratios first)
 * best_scale       optional, like scale: scale times the best ratio
 * error            optional, f64, the parameters' shape: E of the best
 *
 * A group with NaN or an infinity gets the exponent NaN, and keeps its scale; one with scale 0 gets 1.
 * Workspace: as above, with the errors of all candidates for the groups that are looked at together
 * (on CUDA as many as the budget has room for).
 * Errors: LSM_INVALID_ARGUMENT naming the argument, LSM_BUDGET_TOO_SMALL.
 */
LSM_API lsm_status lsm_power_search(lsm_context context, const lsm_power_search_options* options,
                                    lsm_input w, lsm_input scale, lsm_input shift,
                                    lsm_output exponent, lsm_output best_scale, lsm_output error);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_POWER_SEARCH_H_ */
