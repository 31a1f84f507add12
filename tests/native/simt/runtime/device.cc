// Devices: how many, which one, what they are.
#include <cstdio>

#include "runtime/state.h"
#include "simt/shared_check.h"

namespace simt = lossmith::cuda::simt;
using simt::Call;
using simt::Device;
using simt::device_of;
using simt::state;

namespace {

bool exists(int device) { return device >= 0 && device < state().device_count; }

constexpr int kVersion = CUDART_VERSION;
constexpr int kKiB = 1024;

}  // namespace

cudaError_t cudaDriverGetVersion(int* version) {
  Call call("cudaDriverGetVersion", Call::nothing);
  if (call.failed()) return call.error();
  if (version == nullptr) return call.give(cudaErrorInvalidValue);
  const simt::State& s = state();
  // Without a driver there is no version, and no error.
  const bool missing = s.device_count == 0 && s.no_device_reason == cudaErrorInsufficientDriver;
  *version = missing ? 0 : kVersion;
  return call.give(cudaSuccess);
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  Call call("cudaRuntimeGetVersion", Call::nothing);
  if (call.failed()) return call.error();
  if (version == nullptr) return call.give(cudaErrorInvalidValue);
  *version = kVersion;
  return call.give(cudaSuccess);
}

cudaError_t cudaGetDeviceCount(int* count) {
  Call call("cudaGetDeviceCount", Call::a_device);
  if (count != nullptr) *count = 0;
  if (call.failed()) return call.error();
  if (count == nullptr) return call.give(cudaErrorInvalidValue);
  *count = state().device_count;
  return call.give(cudaSuccess);
}

cudaError_t cudaGetDevice(int* device) {
  Call call("cudaGetDevice", Call::a_device);
  if (call.failed()) return call.error();
  if (device == nullptr) return call.give(cudaErrorInvalidValue);
  *device = simt::current_device();
  return call.give(cudaSuccess);
}

cudaError_t cudaSetDevice(int device) {
  Call call("cudaSetDevice", Call::a_device);
  if (call.failed()) return call.error();
  if (!exists(device)) return call.give(cudaErrorInvalidDevice);
  simt::set_current_device(device);
  // Selecting a device initialises it, which shows what it has run into.
  return call.give(device_of(device).sticky);
}

cudaError_t cudaDeviceSynchronize() {
  Call call("cudaDeviceSynchronize");
  if (call.failed()) return call.error();
  simt::count_wait();
  simt::finish(device_of(simt::current_device()));
  return call.give(cudaSuccess);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  Call call("cudaDeviceGetAttribute", Call::a_device);
  if (call.failed()) return call.error();
  if (value == nullptr) return call.give(cudaErrorInvalidValue);
  if (!exists(device)) return call.give(cudaErrorInvalidDevice);
  const Device& d = device_of(device);
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
    case cudaDevAttrMaxBlockDimX:
    case cudaDevAttrMaxBlockDimY:
      *value = simt::kMaxThreads;
      break;
    case cudaDevAttrMaxBlockDimZ:
      *value = 64;
      break;
    case cudaDevAttrMaxGridDimX:
      *value = 0x7fffffff;
      break;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ:
      *value = 65535;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = 48 * kKiB;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(simt::kDynamicBytes);
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = 228 * kKiB;
      break;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      *value = kKiB;
      break;
    case cudaDevAttrWarpSize:
      *value = simt::kWarp;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = d.multiprocessors;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = 2048;
      break;
    case cudaDevAttrL2CacheSize:
      *value = 50 * kKiB * kKiB;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = d.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = d.minor;
      break;
    case cudaDevAttrCanMapHostMemory:
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrUnifiedAddressing:
      *value = 1;
      break;
    case cudaDevAttrAsyncEngineCount:
      *value = 2;
      break;
    case cudaDevAttrIntegrated:
    case cudaDevAttrComputeMode:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrPageableMemoryAccess:
    case cudaDevAttrConcurrentManagedAccess:
    case cudaDevAttrMemoryPoolsSupported:
      *value = 0;
      break;
    default:
      return call.give(cudaErrorInvalidValue);
  }
  return call.give(cudaSuccess);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
  Call call("cudaGetDeviceProperties", Call::a_device);
  if (call.failed()) return call.error();
  if (prop == nullptr) return call.give(cudaErrorInvalidValue);
  if (!exists(device)) return call.give(cudaErrorInvalidDevice);
  const Device& d = device_of(device);
  *prop = cudaDeviceProp{};
  std::snprintf(prop->name, sizeof prop->name, "Simulated device %d", device);
  prop->totalGlobalMem = d.memory;
  prop->sharedMemPerBlock = 48 * kKiB;
  prop->warpSize = simt::kWarp;
  prop->maxThreadsPerBlock = simt::kMaxThreads;
  prop->major = d.major;
  prop->minor = d.minor;
  prop->multiProcessorCount = d.multiprocessors;
  prop->canMapHostMemory = 1;
  prop->concurrentKernels = 1;
  prop->asyncEngineCount = 2;
  prop->unifiedAddressing = 1;
  prop->l2CacheSize = 50 * kKiB * kKiB;
  prop->maxThreadsPerMultiProcessor = 2048;
  prop->sharedMemPerMultiprocessor = 228 * kKiB;
  prop->sharedMemPerBlockOptin = simt::kDynamicBytes;
  return call.give(cudaSuccess);
}
