/**
 * Groups: which elements of a tensor share the parameters (scale, exponent, offset) of a quantizer.
 *
 *     per tensor       axis -1, columns 0                 parameters [1]
 *     per channel      axis 0 .. ndim-1, columns 0        parameters [shape[axis]]
 *     per group        columns > 0, the tensor a matrix   parameters [rows, ceil(width / columns)]
 *
 * A channel is all elements with one index on the axis, whichever axis it is: the first of weights
 * [out,in,kh,kw], the second of activations in NCHW, the last. A group is `columns` consecutive
 * elements of a row, the last one of a row possibly fewer; axis is -1 there.
 */
#ifndef LOSSMITH_GROUPS_H_
#define LOSSMITH_GROUPS_H_

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which elements share parameters. {-1, 0}: all. */
typedef struct lsm_groups {
  /** -1, or the axis whose indices are channels. */
  int32_t axis;
  /** 0, or the number of consecutive columns of a matrix that make a group; then axis is -1. */
  int64_t columns;
} lsm_groups;

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_GROUPS_H_ */
