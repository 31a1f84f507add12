/**
 * Power quantization (PowerQuant, NUPES): b-bit codes on a grid whose levels are the powers of a
 * uniform one, so that small values get more levels (a < 1) and products of values are products of
 * decoded codes.
 *
 * Operator, for a weight w, the scale s > 0 and the exponent a > 0 of its group:
 *
 *     v = min(|w| / s, 1)       u = Q v^a       q = sign(w) floor(u + 1/2)
 *     w^ = s sign(q) r^(1/a)    r = |q| / Q
 *
 * (halves away from zero), with the largest code Q and the range
 *
 *     LSM_POWER_SIGNED    Q = 2^(b-1) - 1, codes -Q..Q; -2^(b-1) is not used
 *     LSM_POWER_UNSIGNED  Q = 2^b - 1, codes 0..Q; w <= 0 has the code 0
 *
 * With a shift (unsigned only) the operator works on w - shift and adds the shift back to w^: for
 * activations that have a negative minimum, the shift is the minimum. a = 1 is uniform quantization,
 * and w^ is then exactly what s (q / Q) is.
 *
 * With up to 4 bits a code is exact: |q| is the number of j = 1 .. Q with |w| >= s ((j - 1/2) / Q)^(1/a),
 * a threshold that is computed in f64 for each group (a = 1 and a = 1/2 with a single rounding, so that
 * halves are met). With more bits v^a is evaluated in f32 (f64 for f64 weights), and a code may differ
 * from that by one where u lies within 1e-4 of a half. w^ comes from the table r^(1/a), made in f64 and
 * rounded once, times s.
 *
 * Gradients (upstream g, rounding residual held constant, as in LSQ). For |w| <= s and q != 0:
 *
 *     dw^/dw = 1 (LSM_GRADIENT_IDENTITY), or (|w^| / |w|)^(1-a) (LSM_GRADIENT_EXACT)
 *     dw^/da = w^ [ v^a ln(v) / (a r) - ln(r) / a^2 ]
 *     dw^/ds = sign(q) r^(1/a - 1) (r - v^a)
 *
 * For q = 0: dw^/da = dw^/ds = 0, and dw^/dw = 1 (identity) or 0 (exact). For |w| > s: dw^/dw =
 * dw^/da = 0, dw^/ds = sign(w). Unsigned and w < 0 (after the shift): all three are 0. Where a group
 * has s = 0 the codes, the values and all gradients are 0 (with a shift the values are the shift).
 * There is no gradient of the shift. The gradients of scale and exponent are sums over the elements
 * of a group, in an order that depends on the shapes alone.
 *
 * NaN: the code is 0, w^, and the gradients that it enters, are NaN (where s = 0, too). Infinities are
 * clipped like every |w| > s.
 *
 * Packed codes: rows of a bit stream, little-endian, a row of k codes in ceil(k f / 8) bytes, field j
 * in the bits f j .. f j + f - 1, the first field in the lowest bits. f = b for 2, 3 and 4 bits, 8
 * for 5 to 8. A field is the code (unsigned), or sign and magnitude: |q| in the low f - 1 bits and the
 * top bit set where q < 0. Bits behind the last code of a row are 0.
 *
 * Papers: Yvinec, Dapogny, Cord, Bailly: PowerQuant, ICLR 2023, arXiv 2301.09858; the same authors
 * and Fischer: NUPES, 2023, arXiv 2308.05600.
 */
#ifndef LOSSMITH_POWER_H_
#define LOSSMITH_POWER_H_

#include "groups.h"
#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ranges of codes. */
enum { LSM_POWER_SIGNED = 0, LSM_POWER_UNSIGNED = 1 };

/** Gradients of the values in the input; see above. */
enum { LSM_GRADIENT_IDENTITY = 0, LSM_GRADIENT_EXACT = 1 };

/** Hyperparameters of the operator; lsm_power_defaults fills them. */
typedef struct lsm_power_options {
  /** 2 to 8. */
  int32_t bits;
  /** LSM_POWER_SIGNED or LSM_POWER_UNSIGNED. */
  int32_t range;
  /** LSM_GRADIENT_IDENTITY or LSM_GRADIENT_EXACT. */
  int32_t gradient;
  /** 1: codes are packed rows of a matrix, 0: one i8 (signed) or u8 (unsigned) for each code. */
  int32_t packed;
  /** Which elements share a scale, and an exponent unless there is one for all. */
  lsm_groups groups;
} lsm_power_options;

/** Fills bits 4, signed, identity gradient, not packed, per tensor. */
LSM_API void lsm_power_defaults(lsm_power_options* options);

/**
 * Bytes of a packed row of `columns` codes: ceil(columns f / 8); 0 for bits outside 2..8 or negative
 * columns.
 */
LSM_API int64_t lsm_power_packed_bytes(int32_t bits, int64_t columns);

/**
 * Scales from data: s = max |w| over each group, shift = 0; or with a shift wanted (unsigned only)
 * shift = min w and s = max w - min w. Unsigned without shift: s = max(max w, 0). A group with NaN
 * gives NaN; one without elements gives 0.
 *
 * w      floating, any shape with ndim >= 1
 * scale  the parameters' shape (groups.h), f32, or f64 where w is f64
 * shift  optional, like scale
 *
 * Only range and groups of the options are looked at.
 * Cost: w is read once. Errors: LSM_INVALID_ARGUMENT naming the argument.
 */
LSM_API lsm_status lsm_power_scales(lsm_context context, const lsm_power_options* options,
                                    lsm_input w, lsm_output scale, lsm_output shift);

/**
 * Codes of a tensor.
 *
 * w        f32, bf16, f16 or f64, any shape with ndim >= 1; rows may lie apart (a matrix with a row
 *          stride), other tensors are contiguous
 * scale    the parameters' shape, >= 0, f32, or f64 where w is f64
 * exponent [1], or the shape of scale; > 0; the type of scale
 * shift    optional, unsigned only; the shape and type of scale
 * codes    not packed: the shape of w, i8 (signed) or u8 (unsigned); packed: w is a matrix [n,k],
 *          codes u8 [n, lsm_power_packed_bytes(bits, k)]
 *
 * On the CPU a scale that is negative, NaN or infinite and an exponent outside [0.01, 16] are errors;
 * on CUDA, where nothing is read back, they give unspecified codes.
 * Cost: w is read once; for 2 to 4 bits no power is computed per element.
 * Errors: LSM_INVALID_ARGUMENT naming the argument.
 */
LSM_API lsm_status lsm_power_quantize(lsm_context context, const lsm_power_options* options,
                                      lsm_input w, lsm_input scale, lsm_input exponent,
                                      lsm_input shift, lsm_output codes);

/**
 * Values of codes. out has the shape of the codes (packed: [n,k]) and any floating type; scale and
 * exponent are f32 or f64. Codes beyond Q in magnitude (a bit pattern that quantizing never gives)
 * decode as Q. Cost: the codes are read once, out written once; a table, no power per element.
 */
LSM_API lsm_status lsm_power_dequantize(lsm_context context, const lsm_power_options* options,
                                        lsm_input codes, lsm_input scale, lsm_input exponent,
                                        lsm_input shift, lsm_output out);

/**
 * Fake quantization: values, codes and gradients of one tensor in one pass.
 *
 * w, scale, exponent, shift as in lsm_power_quantize
 * upstream      floating, the shape of w, f32 or the type of w; given with one of the gradients and
 *               only then
 * out           optional, the shape of w, f32 or the type of w: w^
 * codes         optional, as in lsm_power_quantize
 * grad_w        optional, the shape of w, f32 or the type of w: g dw^/dw
 * grad_scale    optional, like scale: sum over the group of g dw^/ds
 * grad_exponent optional, like exponent: sum over the group (or all elements) of g dw^/da
 *
 * out may be the very memory of w, and grad_w the very memory of upstream (same type, address and
 * strides); apart from that outputs share no memory with anything.
 * Cost: each tensor is read or written once; on CUDA w is read twice where packed codes and sums are
 * wanted together of groups whose columns are no multiple of 8. Workspace: partial sums of the
 * gradients; on CUDA also tables of the exponents, for some of the rows at a time where there are many.
 */
LSM_API lsm_status lsm_power_fake_quantize(lsm_context context, const lsm_power_options* options,
                                           lsm_input w, lsm_input scale, lsm_input exponent,
                                           lsm_input shift, lsm_input upstream, lsm_output out,
                                           lsm_output codes, lsm_output grad_w,
                                           lsm_output grad_scale, lsm_output grad_exponent);

/**
 * Soft staircase over codes, for the learned rounding of NUPES: theta lives in the space of codes and
 * travels to any of them.
 *
 *     c = clip(theta, -Q, Q)       q~ = phi(c)        (unsigned: clip(theta, 0, Q))
 *     phi(x) = floor(x) + (1/2) (1 + tanh(beta (x - floor(x) - 1/2)) / tanh(beta / 2))
 *     w^ = s sign(q~) r^(1/a), r = |q~| / Q
 *
 *     dw^/dtheta = s r^(1/a - 1) / (a Q) phi'(c), 0 where theta is clipped
 *     phi'(x)    = (beta / 2) (1 - tanh^2(beta (x - floor(x) - 1/2))) / tanh(beta / 2)
 *     dw^/ds     = w^ / s,   dw^/da = -w^ ln(r) / a^2 (0 where q~ = 0)
 *
 * Where s = 0 the values and all gradients are 0; the codes are those of theta.
 * beta = 0: hard rounding q~ = sign(c) floor(|c| + 1/2), with phi' = 1 (straight through). For a > 1
 * r^(1/a - 1) is taken with r at least 1/(2 Q), so that it stays finite around the code 0; for a < 1
 * it vanishes at 0.
 *
 * options        bits, range, groups; gradient and packed are not looked at
 * beta           0, or > 0: the sharpness, finite
 * theta          f32 (f64: reference), any shape; initialise with u of the operator, signed
 * upstream, out, codes, grad_theta, grad_scale, grad_exponent: as in lsm_power_fake_quantize; codes
 *                (not packed) are those of hard rounding, whatever beta is
 *
 * lsm_power_latents gives the theta = sign(w) u of a tensor.
 */
LSM_API lsm_status lsm_power_staircase(lsm_context context, const lsm_power_options* options,
                                       double beta, lsm_input theta, lsm_input scale,
                                       lsm_input exponent, lsm_input upstream, lsm_output out,
                                       lsm_output codes, lsm_output grad_theta,
                                       lsm_output grad_scale, lsm_output grad_exponent);

/** theta = sign(w) Q min(|w|/s, 1)^a; arguments as in lsm_power_quantize, theta f32 (f64 for f64). */
LSM_API lsm_status lsm_power_latents(lsm_context context, const lsm_power_options* options,
                                     lsm_input w, lsm_input scale, lsm_input exponent,
                                     lsm_output theta);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_POWER_H_ */
