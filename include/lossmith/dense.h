/**
 * Matrix products of whole tensors, by the device's library (oneDNN, cuBLAS or the library's own
 * kernel where there is none).
 */
#ifndef LOSSMITH_DENSE_H_
#define LOSSMITH_DENSE_H_

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which operands of lsm_multiply are taken as their transposes. */
typedef struct lsm_multiply_options {
  /** 1: a is [k,m]. */
  int32_t transpose_a;
  /** 1: b is [n,k]. */
  int32_t transpose_b;
  /** 1: the product is added to what out holds, 0: out is overwritten, whatever it holds. */
  int32_t accumulate;
} lsm_multiply_options;

/**
 * out = A B, or out += A B: A [m,k], B [k,n], out [m,n].
 *
 * a, b f32, bf16, f16 or f64, both of one type; both transposed is refused (multiply b by a instead)
 * out  f32 for f32, bf16 and f16 operands, f64 for f64
 *
 * Sums in f32 (f64 for f64), in an order that depends on shapes alone. NaN and infinities propagate.
 * k = 0 gives zeros (or leaves out as it is). Rows may lie apart; those of out do not overlap and come
 * in ascending order. out shares no memory with a and b.
 *
 * Workspace: operands that the library does not multiply as they are, a block at a time, and where out
 * is small and k large, sums of slices of k.
 * Errors: LSM_INVALID_ARGUMENT naming the argument, LSM_BUDGET_TOO_SMALL.
 */
LSM_API lsm_status lsm_multiply(lsm_context context, const lsm_multiply_options* options,
                                lsm_input a, lsm_input b, lsm_output out);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_DENSE_H_ */
