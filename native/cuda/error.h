// CUDA errors as exceptions of the library, and the guard that selects a device for one scope.
#ifndef LOSSMITH_CUDA_ERROR_H_
#define LOSSMITH_CUDA_ERROR_H_

#include <cuda_runtime_api.h>

#include <string>

#include "lossmith/base.h"

namespace lossmith {
namespace cuda {

// Sticky errors, after which every call of the process on that device fails, give LSM_DEVICE_FATAL,
// exhausted memory LSM_OUT_OF_MEMORY, all others LSM_DEVICE_ERROR.
lsm_status status_of(cudaError_t error);

// "cudaErrorName (text)"; of a sticky error also that it comes from work queued earlier.
std::string text_of(cudaError_t error);

// Throws unless success. "what: cudaErrorName (text)". The runtime forgets the error, so that it is
// not reported a second time by another call.
void check(cudaError_t error, const char* what);

// The same for calls that wait: whatever they report comes from work queued earlier.
void check_queued(cudaError_t error, const char* what);

// Makes a device current and restores the caller's on leaving.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int device_;
  int previous_ = 0;
};

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_ERROR_H_
