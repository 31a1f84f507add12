/**
 * Contexts: where a call runs, with how many threads, and how much extra memory it may use.
 */
#ifndef LOSSMITH_CONTEXT_H_
#define LOSSMITH_CONTEXT_H_

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A device, a stream, a number of threads, and a workspace with a byte budget. Calls that
 * share a context run one after another (a second caller waits); use one context per thread
 * to run calls side by side. The workspace grows to what the largest call needed and is kept:
 * a warm call allocates nothing.
 *
 * On a CUDA device a call queues its work on the context's stream and returns; it waits for the
 * device only where its documentation says so, and when the workspace must grow. A failure of
 * queued work is reported by the next call that waits, as "from work queued earlier". Every call
 * leaves the calling thread's current device as it was.
 */
typedef struct lsm_context_s* lsm_context;

/** How to create a context. Zero-initialise it; zero means "the default" for every field. */
typedef struct lsm_context_options {
  /** Device; {0, 0} means the CPU. */
  lsm_device device;
  /** CPU threads, 1..1024; 0 = all that OpenMP offers (OMP_NUM_THREADS, else the cores). */
  int32_t threads;
  /** Workspace budget in bytes; 0 = LSM_DEFAULT_BUDGET, on CUDA LSM_DEFAULT_CUDA_BUDGET. */
  int64_t budget;
  /**
   * CUDA: a foreign stream of the device (cudaStream_t as an integer), which must outlive the
   * context; 0 = the legacy default stream. Ignored on the CPU.
   */
  int64_t stream;
  /**
   * CUDA: 1: the context makes a stream of its own and destroys it at its end; `stream` must be 0
   * then. It is a blocking stream: its work and that of the legacy default stream keep their
   * order. Ignored on the CPU.
   */
  int32_t own_stream;
  /**
   * CUDA: 1: products of f32 operands may round them to tf32 (10 bits of mantissa) on the tensor
   * cores; 0: they are multiplied as f32. Ignored on the CPU.
   */
  int32_t tf32;
} lsm_context_options;

enum {
  /**
   * Workspace budget of a context that names none: 56 MiB. With what oneDNN and the threads take
   * beside the workspace a call then stays below 64 MiB in all.
   */
  LSM_DEFAULT_BUDGET = 58720256,
  /** The same on a CUDA device, in memory of the device: 1 GiB. */
  LSM_DEFAULT_CUDA_BUDGET = 1073741824
};

/**
 * Creates a context. options may be NULL (all defaults).
 * Errors: LSM_INVALID_ARGUMENT for a device that does not exist, a negative number of threads
 * or budget, own_stream together with stream; LSM_UNSUPPORTED, with the reason, for a device type
 * that this build does not hold or the machine does not offer; LSM_DEVICE_ERROR if the device
 * refuses.
 */
LSM_API lsm_status lsm_context_create(const lsm_context_options* options, lsm_context* context);

/**
 * Frees a context and its workspace; NULL is allowed. No call on it may be running. On CUDA it
 * waits for the work that still uses the workspace.
 */
LSM_API lsm_status lsm_context_destroy(lsm_context context);

/**
 * Sets the byte budget for later calls (> 0). A workspace above it is given back whole; on CUDA
 * that waits for the work that still uses it.
 */
LSM_API lsm_status lsm_context_set_budget(lsm_context context, int64_t budget);

/** Workspace bytes that the context holds now: the peak of its calls so far. */
LSM_API int64_t lsm_context_workspace_bytes(lsm_context context);

/** Waits until all work queued on the context's stream is done (on the CPU: returns). */
LSM_API lsm_status lsm_context_synchronize(lsm_context context);

/** CPU threads that the context uses. */
LSM_API int32_t lsm_context_threads(lsm_context context);

/**
 * The stream that the context queues its work on (a cudaStream_t as an integer); 0 = the legacy
 * default stream, and on the CPU.
 */
LSM_API int64_t lsm_context_stream(lsm_context context);

/**
 * Rate of a library GEMM C[m,n] = A[m,k] B[n,k]^T on this context, operations of 2mnk: the
 * compute floor that the losses are judged by. code/bits: f32 or bf16 operands, f32 result.
 * Runs `repeats` times on memory of its own and returns the median, in FLOP per second.
 */
LSM_API lsm_status lsm_measure_gemm(lsm_context context, uint8_t code, uint8_t bits, int64_t m,
                                    int64_t n, int64_t k, int32_t repeats, double* rate);

/**
 * Copy bandwidth of this context for `bytes` bytes (read + write counted), median of `repeats`
 * runs, in bytes per second: the memory floor.
 */
LSM_API lsm_status lsm_measure_copy(lsm_context context, int64_t bytes, int32_t repeats,
                                    double* rate);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_CONTEXT_H_ */
