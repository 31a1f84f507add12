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
 */
typedef struct lsm_context_s* lsm_context;

/** How to create a context. Zero-initialise it; zero means "the default" for every field. */
typedef struct lsm_context_options {
  /** Device; {0, 0} means the CPU. */
  lsm_device device;
  /** CPU threads, 1..1024; 0 = all that OpenMP offers (OMP_NUM_THREADS, else the cores). */
  int32_t threads;
  /** Workspace budget in bytes; 0 = LSM_DEFAULT_BUDGET. */
  int64_t budget;
  /** A foreign stream of the device (cudaStream_t as an integer); 0 = the default stream. */
  int64_t stream;
} lsm_context_options;

enum {
  /**
   * Workspace budget of a context that names none: 56 MiB. With what oneDNN and the threads take
   * beside the workspace a call then stays below 64 MiB in all.
   */
  LSM_DEFAULT_BUDGET = 58720256
};

/**
 * Creates a context. options may be NULL (all defaults).
 * Errors: LSM_INVALID_ARGUMENT for a device that does not exist, a negative number of threads
 * or budget; LSM_UNSUPPORTED for a device type that this build does not hold.
 */
LSM_API lsm_status lsm_context_create(const lsm_context_options* options, lsm_context* context);

/** Frees a context and its workspace; NULL is allowed. No call on it may be running. */
LSM_API lsm_status lsm_context_destroy(lsm_context context);

/** Sets the byte budget for later calls (> 0) and gives workspace above it back. */
LSM_API lsm_status lsm_context_set_budget(lsm_context context, int64_t budget);

/** Workspace bytes that the context holds now: the peak of its calls so far. */
LSM_API int64_t lsm_context_workspace_bytes(lsm_context context);

/** Waits until all work queued on the context's stream is done (on the CPU: returns). */
LSM_API lsm_status lsm_context_synchronize(lsm_context context);

/** CPU threads that the context uses. */
LSM_API int32_t lsm_context_threads(lsm_context context);

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
