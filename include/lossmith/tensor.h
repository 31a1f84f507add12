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
 * CUDA memory comes from a pool of the device: memory of destroyed tensors is kept and handed out
 * again, once the device is done with what was queued before. The memory is zero when the function
 * returns, for every stream.
 * Errors: LSM_INVALID_ARGUMENT (negative extent, unknown dtype, overflow), LSM_OUT_OF_MEMORY.
 */
LSM_API lsm_status lsm_tensor_create(int32_t device_type, int32_t device_id, uint8_t code,
                                     uint8_t bits, int32_t ndim, const int64_t* shape,
                                     lsm_output* tensor);

/**
 * The same in page-locked host memory, which every CUDA device copies from and to without waiting
 * (see lsm_tensor_copy). The tensor is on {LSM_CPU, 0}. device_id names the CUDA device that locks
 * the memory. Errors: as lsm_tensor_create, and those of a CUDA device that does not exist.
 */
LSM_API lsm_status lsm_tensor_create_pinned(int32_t device_id, uint8_t code, uint8_t bits,
                                            int32_t ndim, const int64_t* shape, lsm_output* tensor);

/**
 * Makes a view of foreign memory at `data` (an address); the memory stays the caller's and must
 * outlive the view. strides in elements, NULL = C order. data may be 0 only if the tensor is
 * empty. CUDA: the memory must be the device's, managed, or host memory that the device can reach.
 */
LSM_API lsm_status lsm_tensor_wrap(int64_t data, int32_t device_type, int32_t device_id,
                                   uint8_t code, uint8_t bits, int32_t ndim, const int64_t* shape,
                                   const int64_t* strides, lsm_output* tensor);

/**
 * Frees a tensor or view made by the functions above; NULL is allowed. Queued work may still use
 * memory on a CUDA device, and the call does not wait for it; page-locked memory is freed when the
 * devices in use are done.
 */
LSM_API lsm_status lsm_tensor_destroy(lsm_output tensor);

/** Address of the first element (byte_offset included) as an integer. */
LSM_API int64_t lsm_tensor_address(lsm_input tensor);

/**
 * Copies source to target: same shape, any strides. Floating types convert into each other (to
 * nearest even; NaN and infinities are kept); an integer type copies to itself only. source and
 * target must not overlap.
 *
 * On a CUDA context each of the two lies on the context's device or on the CPU. The copy is queued
 * on the context's stream. If a tensor lies in pageable host memory the function returns when that
 * memory has been read or written, which waits for everything queued before on the stream; if host
 * memory is page-locked, or none takes part, it returns at once, and the memory must be left alone
 * until the stream is done. Copies between pageable memory and the device that convert, or whose
 * strides are not those of whole rows, go through a part of the workspace of at most 4 MiB.
 * Errors: LSM_INVALID_ARGUMENT, LSM_BUDGET_TOO_SMALL (a budget below 4 KiB), LSM_DEVICE_ERROR.
 */
LSM_API lsm_status lsm_tensor_copy(lsm_context context, lsm_input source, lsm_output target);

/**
 * Reads a tensor of one element of any type as f64; waits for the context's stream first. On a
 * CUDA context the tensor lies on the context's device or on the CPU.
 */
LSM_API lsm_status lsm_tensor_item(lsm_context context, lsm_input tensor, double* value);

/**
 * Bytes that live tensors of lsm_tensor_create and lsm_tensor_create_pinned hold in this process,
 * on all devices.
 */
LSM_API int64_t lsm_memory_live_bytes(void);

/** Number of live tensors and views. */
LSM_API int64_t lsm_memory_live_tensors(void);

/** The memory of the tensors of one device. Workspaces of contexts do not count. */
typedef struct lsm_memory_pool {
  /** Bytes that live tensors hold, rounded up as they were allocated. */
  int64_t live_bytes;
  /** Bytes that no tensor holds and that are kept for the next one; 0 on the CPU. */
  int64_t cached_bytes;
  /** The largest that live_bytes has been. */
  int64_t peak_bytes;
  /** The limit of lsm_memory_set_limit; 0 = none. */
  int64_t limit_bytes;
} lsm_memory_pool;

/** Fills `pool` for a device. Errors: those of a device that does not exist. */
LSM_API lsm_status lsm_memory_pool_bytes(int32_t device_type, int32_t device_id,
                                         lsm_memory_pool* pool);

/**
 * Limits the memory that tensors hold on a device, what is kept for later ones included; 0 = no
 * limit. Beyond it lsm_tensor_create fails with LSM_OUT_OF_MEMORY. What tensors hold already
 * stays.
 */
LSM_API lsm_status lsm_memory_set_limit(int32_t device_type, int32_t device_id, int64_t bytes);

/**
 * Gives memory that no tensor holds back to the device; waits for the device first. On the CPU
 * there is none.
 */
LSM_API lsm_status lsm_memory_trim(int32_t device_type, int32_t device_id);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_TENSOR_H_ */
