#include "cuda/devices.h"

#include <cuda_runtime_api.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "core/status.h"
#include "cuda/cublas.h"
#include "cuda/error.h"

namespace lossmith {
namespace cuda {
namespace {

// 13000 is 13.0
std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string why(cudaError_t error, const Devices& found) {
  if (error == cudaErrorInsufficientDriver) {
    if (found.driver == 0) return "no NVIDIA driver: libcuda.so.1 could not be loaded";
    return "the NVIDIA driver supports CUDA " + version_text(found.driver) +
           ", this build needs CUDA " + version_text(found.runtime);
  }
  return text_of(error);
}

cudaError_t read_device(int index, Device* device) {
  cudaDeviceProp properties{};
  const cudaError_t error = cudaGetDeviceProperties(&properties, index);
  if (error != cudaSuccess) return error;
  device->name = properties.name;
  device->capability = 10 * properties.major + properties.minor;
  device->memory = static_cast<std::int64_t>(properties.totalGlobalMem);
  device->multiprocessors = properties.multiProcessorCount;
  return cudaSuccess;
}

constexpr int kMostDevices = 64;
std::atomic<bool> g_used[kMostDevices];

}  // namespace

Devices discover_devices() {
  Devices found;
  const char* setting = std::getenv("LOSSMITH_CUDA");
  if (setting != nullptr && std::string(setting) == "off") {
    found.reason = "hidden by LOSSMITH_CUDA=off";
    return found;
  }
  cudaError_t error = cudaDriverGetVersion(&found.driver);
  if (error == cudaSuccess) error = cudaRuntimeGetVersion(&found.runtime);
  int count = 0;
  if (error == cudaSuccess) error = cudaGetDeviceCount(&count);
  for (int i = 0; error == cudaSuccess && i < count; ++i) {
    found.list.emplace_back();
    error = read_device(i, &found.list.back());
  }
  if (error != cudaSuccess) {
    cudaGetLastError();
    found.list.clear();
    found.reason = why(error, found);
  } else if (count == 0) {
    found.reason = "the driver shows no device";
  }
  return found;
}

const Devices& devices() {
  static const Devices found = discover_devices();
  return found;
}

void expect_device(const Devices& devices, int index) {
  const int count = static_cast<int>(devices.list.size());
  if (count == 0) {
    throw Error(LSM_UNSUPPORTED, "device: expected cpu:0, got cuda:" + std::to_string(index) +
                                     " (no CUDA device: " + devices.reason + ")");
  }
  if (index >= 0 && index < count) return;
  reject("device", count == 1 ? "cuda:0" : "cuda:0 to cuda:" + std::to_string(count - 1),
         "cuda:" + std::to_string(index));
}

std::string describe_backend(const Devices& devices) {
  std::string text = "\"name\":\"cuda\",\"available\":";
  text += devices.list.empty() ? "false,\"reason\":" + json_text(devices.reason) : "true";
  if (devices.driver != 0) text += ",\"driver\":\"" + version_text(devices.driver) + "\"";
  if (devices.runtime != 0) text += ",\"runtime\":\"" + version_text(devices.runtime) + "\"";
  text += std::string(",\"architectures\":\"") + kArchitectures + "\"";
  if (!devices.list.empty()) text += ",\"cublas\":" + describe_cublas();
  return text;
}

std::string describe_list(const Devices& devices) {
  std::string text;
  for (std::size_t i = 0; i < devices.list.size(); ++i) {
    const Device& device = devices.list[i];
    text += (i == 0 ? "" : ",") + std::string("{\"type\":\"cuda\",\"index\":") + std::to_string(i) +
            ",\"name\":" + json_text(device.name) + ",\"capability\":\"" +
            std::to_string(device.capability / 10) + "." + std::to_string(device.capability % 10) +
            "\",\"memory\":" + std::to_string(device.memory) +
            ",\"multiprocessors\":" + std::to_string(device.multiprocessors) + "}";
  }
  return text;
}

std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      quoted += code;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

void mark_used(int device) {
  if (device >= 0 && device < kMostDevices) g_used[device].store(true);
}

void wait_for_used_devices() noexcept {
  int previous = 0;
  if (cudaGetDevice(&previous) != cudaSuccess) return;
  for (int i = 0; i < kMostDevices; ++i) {
    if (g_used[i].load() && cudaSetDevice(i) == cudaSuccess) cudaDeviceSynchronize();
  }
  cudaSetDevice(previous);
  cudaGetLastError();
}

}  // namespace cuda
}  // namespace lossmith
