#include "cuda/error.h"

#include "core/status.h"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

bool is_sticky(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed:
    case cudaErrorExternalDevice:
    case cudaErrorMpsClientTerminated:
      return true;
    default:
      return false;
  }
}

std::string name_and_text(cudaError_t error) {
  return std::string(cudaGetErrorName(error)) + " (" + cudaGetErrorString(error) + ")";
}

std::string dimensions(const dim3& d) {
  return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")";
}

}  // namespace

lsm_status status_of(cudaError_t error) {
  if (error == cudaErrorMemoryAllocation) return LSM_OUT_OF_MEMORY;
  return is_sticky(error) ? LSM_DEVICE_FATAL : LSM_DEVICE_ERROR;
}

std::string text_of(cudaError_t error) {
  return name_and_text(error) +
         (is_sticky(error) ? ", from work queued earlier; the device is lost for this process"
                           : "");
}

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();
  throw Error(status_of(error), std::string(what) + ": " + text_of(error));
}

void check_queued(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();
  throw Error(status_of(error),
              std::string(what) + ": " +
                  (is_sticky(error) ? text_of(error)
                                    : name_and_text(error) + ", from work queued earlier"));
}

void throw_launch_error(const char* name, const LaunchShape& shape, cudaError_t error) {
  cudaGetLastError();
  throw Error(status_of(error), std::string("kernel ") + name + ", grid " + dimensions(shape.grid) +
                                    ", block " + dimensions(shape.block) + ", " +
                                    std::to_string(shape.shared_bytes) +
                                    " bytes of shared memory: " + text_of(error));
}

DeviceGuard::DeviceGuard(int device) : device_(device) {
  check(cudaGetDevice(&previous_), "cudaGetDevice");
  if (previous_ != device_) check(cudaSetDevice(device_), "cudaSetDevice");
}

DeviceGuard::~DeviceGuard() {
  // Setting back cannot fail where it was current before; a lost device reports itself elsewhere.
  if (previous_ != device_) cudaSetDevice(previous_);
}

}  // namespace cuda
}  // namespace lossmith
