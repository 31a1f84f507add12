// CUDA errors as exceptions of the library, and the guard that selects a device for one scope.
#ifndef LOSSMITH_CUDA_ERROR_H_
#define LOSSMITH_CUDA_ERROR_H_

#include <cuda_runtime_api.h>

namespace lossmith {
namespace cuda {

// Throws unless success. "what: cudaErrorName (text)". Sticky errors, after which every call of the
// process on that device fails, give LSM_DEVICE_FATAL, exhausted memory LSM_OUT_OF_MEMORY, all
// others LSM_DEVICE_ERROR.
void check(cudaError_t error, const char* what);

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
