#include "engine/backend.h"

#include "core/status.h"

namespace lossmith {
namespace {

constexpr const char* kNoCuda = "this build holds the CPU backend only";

}  // namespace

lsm_device resolved(const lsm_device& device) {
  return device.type == 0 && device.id == 0 ? lsm_device{LSM_CPU, 0} : device;
}

const Backend& backend_of(const lsm_device& device) {
  if (device.type == LSM_CUDA) {
    throw Error(LSM_UNSUPPORTED, "device: expected cpu:0, got cuda:" + std::to_string(device.id) +
                                     " (" + kNoCuda + ")");
  }
  if (device.type != LSM_CPU) reject("device", "type 1 (CPU) or 2 (CUDA)", device.type);
  cpu_backend().expect_device(device);
  return cpu_backend();
}

std::string describe_backends() {
  return "[" + cpu_backend().describe() + ",{\"name\":\"cuda\",\"available\":false,\"reason\":\"" +
         kNoCuda + "\"}]";
}

}  // namespace lossmith
