#include "engine/backend.h"

#include "core/status.h"

namespace lossmith {

#if defined(LOSSMITH_HAS_CUDA)
namespace {

const Backend& cuda_backend_of(const lsm_device& device) {
  cuda::cuda_backend().expect_device(device);
  return cuda::cuda_backend();
}
int cuda_device_count() { return cuda::cuda_backend().device_count(); }
std::string describe_cuda() { return cuda::cuda_backend().describe(); }
std::string describe_cuda_devices() { return cuda::cuda_backend().describe_devices(); }

}  // namespace
#else
namespace {

constexpr const char* kNoCuda = "this build holds the CPU backend only";

[[noreturn]] const Backend& cuda_backend_of(const lsm_device& device) {
  throw Error(LSM_UNSUPPORTED, "device: expected cpu:0, got cuda:" + std::to_string(device.id) +
                                   " (" + kNoCuda + ")");
}
int cuda_device_count() { return 0; }
std::string describe_cuda() {
  return std::string("{\"name\":\"cuda\",\"available\":false,\"reason\":\"") + kNoCuda + "\"}";
}
std::string describe_cuda_devices() { return ""; }

}  // namespace
#endif

lsm_device resolved(const lsm_device& device) {
  return device.type == 0 && device.id == 0 ? lsm_device{LSM_CPU, 0} : device;
}

const Backend& backend_of(const lsm_device& device) {
  if (device.type == LSM_CUDA) return cuda_backend_of(device);
  if (device.type != LSM_CPU) reject("device", "type 1 (CPU) or 2 (CUDA)", device.type);
  cpu_backend().expect_device(device);
  return cpu_backend();
}

int device_count(int type) {
  if (type == LSM_CUDA) return cuda_device_count();
  return type == LSM_CPU ? cpu_backend().device_count() : 0;
}

std::string describe_backends() {
  return "[" + cpu_backend().describe() + "," + describe_cuda() + "]";
}

std::string describe_devices() {
  const std::string cuda = describe_cuda_devices();
  return "[" + cpu_backend().describe_devices() + (cuda.empty() ? "" : ",") + cuda + "]";
}

}  // namespace lossmith
