/**
 * Products with power-quantized weights.
 *
 * Weight-only: out = x W^T + bias, W the values of packed codes, decoded in registers for few rows of
 * x and tile by tile in front of an ordinary product for many; W is never stored as a whole.
 *
 * Integer: the exponents of both operands are 1/2, so a code q stands for the integer e(q) =
 * sign(q) q^2 and
 *
 *     (x^ W^^T)_mn = s_x s_w,n / (Qx^2 Qw^2) A_mn,     A_mn = sum_k e(x_mk) e(w_nk)
 *
 * where A is an ordinary sum of products of 8-bit integers: for 4 bits |e| <= 49 (unsigned: 225). The
 * output's codes are q = floor(Q sqrt(y / s_out) + 1/2) of y = s A, computed without a root from the
 * integers at which the code changes.
 *
 * Papers: Yvinec et al., PowerQuant, ICLR 2023, arXiv 2301.09858; NUPES, 2023, arXiv 2308.05600.
 */
#ifndef LOSSMITH_POWER_PRODUCT_H_
#define LOSSMITH_POWER_PRODUCT_H_

#include "power.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * out = x W^T + bias with packed signed weights.
 *
 * options   bits and groups of the codes: per tensor, per channel on axis 0 (of [n,k]) or per group
 *           of columns; range must be signed
 * x         [m,k] f32, bf16 or f16 (f64: reference)
 * codes     u8 [n, lsm_power_packed_bytes(bits, k)], packed as in power.h
 * scale     [1], [n] or [n, ceil(k/columns)] as the groups say; f32 (f64 where x is f64)
 * exponent  [1] or the shape of scale, the type of scale
 * bias      optional, [n], the type of scale or of x
 * out       [m,n] f32 or the type of x
 *
 * Sums are accumulated in f32 (f64 for f64), in an order that depends on shapes alone.
 * On CUDA, many rows of bf16 or f16 are multiplied with weights that are rounded to that type.
 * Codes beyond Q in magnitude count as Q. Without columns (k = 0) the sums are 0.
 *
 * Cost: for small m decoding the codes, each once for all rows of x; for large m the product. A table of
 * values costs a power for each level: one for all weights, or one for each exponent where there are
 * several. On the CPU values of 2 to 4 bits are looked up in registers as long as groups of columns are
 * multiples of 32 and share one exponent; other groups are decoded one code at a time. Workspace: x in
 * f32 and a block of decoded weights per thread.
 * Errors: LSM_INVALID_ARGUMENT naming the argument, LSM_BUDGET_TOO_SMALL.
 */
LSM_API lsm_status lsm_power_product(lsm_context context, const lsm_power_options* options,
                                     lsm_input x, lsm_input codes, lsm_input scale,
                                     lsm_input exponent, lsm_input bias, lsm_output out);

/** Operands of the integer product; all exponents are 1/2. */
typedef struct lsm_power_integer_options {
  /** Bits of the codes of x and of the weights: 2, 3 or 4. The weights are signed. */
  int32_t x_bits, w_bits;
  /** LSM_POWER_SIGNED or LSM_POWER_UNSIGNED codes of x. */
  int32_t x_range;
  /** Bits (2 to 8) and range of the codes of the output; looked at with out_codes. */
  int32_t out_bits, out_range;
} lsm_power_integer_options;

/** Fills 4 bits everywhere, all ranges signed. */
LSM_API void lsm_power_integer_defaults(lsm_power_integer_options* options);

/**
 * The integer product, and what is made of it.
 *
 * x_codes   [m,k] i8 (signed) or u8 (unsigned): codes, not packed; beyond Q in magnitude they count as
 *           Q
 * w_codes   u8 [n, lsm_power_packed_bytes(w_bits, k)]
 * x_scale   [1] f32, >= 0 (0 gives 0), with out or out_codes
 * w_scale   [1] or [n] f32, >= 0, with out or out_codes
 * out_scale [1] or [n] f32, > 0, with out_codes
 * sums      optional, i32 [m,n]: A. k <= 40000, so that A fits
 * out       optional, f32 [m,n]: s_x s_w / (Qx^2 Qw^2) A, in f64 and rounded once
 * out_codes optional, [m,n] i8 (signed) or u8 (unsigned; y <= 0 gives 0): the codes of y at the
 *           exponent 1/2 and out_scale, clipped to the largest code; exact: the result for the real
 *           numbers that the f32 scales are, halves away from zero
 *
 * On CUDA scales are not checked; one that is negative, NaN or infinite gives unspecified results
 * there.
 * Cost: unpacking the weights once for every 128 rows of x (CPU), and the products of small integers; a
 * code of the output is guessed by one square root, and found in whole numbers where the guess is near
 * a change. Workspace: x in 16 bits (CPU).
 * Errors: LSM_INVALID_ARGUMENT naming the argument, LSM_BUDGET_TOO_SMALL.
 */
LSM_API lsm_status lsm_power_integer_product(lsm_context context,
                                             const lsm_power_integer_options* options,
                                             lsm_input x_codes, lsm_input w_codes,
                                             lsm_input x_scale, lsm_input w_scale,
                                             lsm_input out_scale, lsm_output sums, lsm_output out,
                                             lsm_output out_codes);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_POWER_PRODUCT_H_ */
