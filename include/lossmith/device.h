/**
 * Devices of this machine: how many there are, what they are, and waiting for one.
 */
#ifndef LOSSMITH_DEVICE_H_
#define LOSSMITH_DEVICE_H_

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a device is. */
typedef struct lsm_device_facts {
  /** Name that the driver gives; "cpu" for the CPU. Valid for the life of the process. */
  const char* name;
  /** Bytes of its memory; 0 for the CPU. */
  int64_t memory_bytes;
  /** CUDA: compute capability, 10 major + minor; 0 for the CPU. */
  int32_t capability;
  /** CUDA: streaming multiprocessors; 0 for the CPU. */
  int32_t multiprocessors;
} lsm_device_facts;

/**
 * The number of devices of a type: 1 for LSM_CPU; 0 for LSM_CUDA where this build or machine has
 * none (lsm_device_describe says why), and for other types.
 */
LSM_API int32_t lsm_device_count(int32_t type);

/**
 * Fills `facts` for a device.
 * Errors: LSM_INVALID_ARGUMENT for a device that does not exist; LSM_UNSUPPORTED, with the reason,
 * where there is none of the type.
 */
LSM_API lsm_status lsm_device_describe(int32_t type, int32_t id, lsm_device_facts* facts);

/**
 * Waits until all work queued on the device is done, on whatever stream; returns at once on the
 * CPU. A failure of that work is reported here. Errors: as lsm_device_describe, LSM_DEVICE_ERROR,
 * LSM_DEVICE_FATAL.
 */
LSM_API lsm_status lsm_device_synchronize(int32_t type, int32_t id);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_DEVICE_H_ */
