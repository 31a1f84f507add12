/**
 * Tensors with memory of the library's own, views of foreign memory, and copies.
 */
#ifndef LOSSMITH_TENSOR_H_
#define LOSSMITH_TENSOR_H_

#include "context.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Allocates a zeroed, 64-byte aligned tensor in C order on a device.
 * ndim 0..8; shape[i] >= 0; the number of elements and bytes must fit 63 bits.
 * Errors: LSM_INVALID_ARGUMENT (negative extent, unknown dtype, overflow), LSM_OUT_OF_MEMORY.
 */
LSM_API lsm_status lsm_tensor_create(int32_t device_type, int32_t device_id, uint8_t code,
                                     uint8_t bits, int32_t ndim, const int64_t* shape,
                                     lsm_output* tensor);

/**
 * Makes a view of foreign memory at `data` (an address); the memory stays the caller's and must
 * outlive the view. strides in elements, NULL = C order. data may be 0 only if the tensor is
 * empty.
 */
LSM_API lsm_status lsm_tensor_wrap(int64_t data, int32_t device_type, int32_t device_id,
                                   uint8_t code, uint8_t bits, int32_t ndim, const int64_t* shape,
                                   const int64_t* strides, lsm_output* tensor);

/** Frees a tensor or view made by the two functions above; NULL is allowed. */
LSM_API lsm_status lsm_tensor_destroy(lsm_output tensor);

/** Address of the first element (byte_offset included) as an integer. */
LSM_API int64_t lsm_tensor_address(lsm_input tensor);

/**
 * Copies source to target: same shape; strides and devices may differ. Floating types convert into
 * each other (to nearest even; NaN and infinities are kept); an integer type copies to itself only.
 */
LSM_API lsm_status lsm_tensor_copy(lsm_context context, lsm_input source, lsm_output target);

/** Reads a tensor of one element of any type as f64; waits for the context's stream first. */
LSM_API lsm_status lsm_tensor_item(lsm_context context, lsm_input tensor, double* value);

/** Bytes that live tensors of lsm_tensor_create hold in this process (all devices). */
LSM_API int64_t lsm_memory_live_bytes(void);

/** Number of live tensors and views. */
LSM_API int64_t lsm_memory_live_tensors(void);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_TENSOR_H_ */
