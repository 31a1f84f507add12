// Devices and their memory.
#include <cstring>

#include "testing.h"

namespace lossmith_test {
namespace {

class Devices : public Simt {};
class DeviceMemory : public Simt {};
using DeviceMemoryDeathTest = DeviceMemory;

int Attribute(cudaDeviceAttr attribute, int device = 0) {
  int value = -1;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, attribute, device), cudaSuccess);
  return value;
}

TEST_F(Devices, AreAsManyAsSet) {
  int count = -1;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 1);
  simt::set_device_count(3);
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 3);
  EXPECT_EQ(cudaSetDevice(2), cudaSuccess);
  int current = -1;
  EXPECT_EQ(cudaGetDevice(&current), cudaSuccess);
  EXPECT_EQ(current, 2);
  EXPECT_EQ(cudaSetDevice(3), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
}

TEST_F(Devices, WithoutOneCallsGiveTheReason) {
  for (const cudaError_t reason : {cudaErrorNoDevice, cudaErrorInsufficientDriver}) {
    simt::set_device_count(0, reason);
    int count = 7;
    EXPECT_EQ(cudaGetDeviceCount(&count), reason);
    EXPECT_EQ(count, 0);
    void* p = nullptr;
    EXPECT_EQ(cudaMalloc(&p, 16), reason);
    EXPECT_EQ(cudaSetDevice(0), reason);
    EXPECT_EQ(cudaDeviceSynchronize(), reason);
    EXPECT_EQ(cudaPeekAtLastError(), reason);
    int version = -1;
    EXPECT_EQ(cudaDriverGetVersion(&version), cudaSuccess);
    EXPECT_EQ(version, reason == cudaErrorNoDevice ? 13000 : 0);
    EXPECT_EQ(cudaRuntimeGetVersion(&version), cudaSuccess);
    EXPECT_EQ(version, 13000);
    EXPECT_EQ(cudaGetLastError(), reason);
  }
}

TEST_F(Devices, SayWhatTheyAre) {
  simt::set_device_count(2);
  simt::set_capability(1, 8, 6);
  simt::set_multiprocessors(1, 84);
  simt::set_memory_limit(1, 12345678);
  EXPECT_EQ(Attribute(cudaDevAttrComputeCapabilityMajor), 9);
  EXPECT_EQ(Attribute(cudaDevAttrComputeCapabilityMajor, 1), 8);
  EXPECT_EQ(Attribute(cudaDevAttrComputeCapabilityMinor, 1), 6);
  EXPECT_EQ(Attribute(cudaDevAttrMultiProcessorCount, 1), 84);
  EXPECT_EQ(Attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin), 232448);
  int value = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 2), cudaErrorInvalidDevice);
  cudaDeviceProp properties;
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 1), cudaSuccess);
  EXPECT_STREQ(properties.name, "Simulated device 1");
  EXPECT_EQ(properties.totalGlobalMem, 12345678u);
  EXPECT_EQ(properties.major * 10 + properties.minor, 86);
  EXPECT_EQ(properties.multiProcessorCount, 84);
  cudaGetLastError();
}

TEST_F(DeviceMemory, IsAlignedAndFullOfNaN) {
  void* p = nullptr;
  EXPECT_EQ(cudaMalloc(&p, 100), cudaSuccess);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 256, 0u);
  std::vector<unsigned char> bytes(100);
  EXPECT_EQ(cudaMemcpy(bytes.data(), p, 100, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(bytes, std::vector<unsigned char>(100, 0xff));
  EXPECT_EQ(cudaFree(p), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFree(&p), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMalloc(&p, 0), cudaSuccess);
  EXPECT_EQ(p, nullptr);
  cudaGetLastError();
}

TEST_F(DeviceMemory, EndsSomewhere) {
  simt::set_memory_limit(0, 10000);
  const std::size_t before = simt::memory_used(0);
  void *p = nullptr, *q = nullptr;
  EXPECT_EQ(cudaMalloc(&p, 6000), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&q, 4001), cudaErrorMemoryAllocation);
  EXPECT_EQ(q, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);  // nothing that stays
  std::size_t free = 0, total = 0;
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(free, 4000u);
  EXPECT_EQ(total, 10000u);
  EXPECT_EQ(cudaMalloc(&q, 4000), cudaSuccess);
  EXPECT_EQ(simt::memory_used(0), before + 10000);
  EXPECT_EQ(cudaFree(p), cudaSuccess);
  EXPECT_EQ(cudaFree(q), cudaSuccess);
  EXPECT_EQ(simt::memory_used(0), before);
}

TEST_F(DeviceMemory, PointersSayWhereTheyLead) {
  void *device = nullptr, *pinned = nullptr;
  int pageable = 0;
  EXPECT_EQ(cudaMalloc(&device, 64), cudaSuccess);
  EXPECT_EQ(cudaHostAlloc(&pinned, 64, cudaHostAllocPortable), cudaSuccess);
  cudaPointerAttributes a;
  EXPECT_EQ(cudaPointerGetAttributes(&a, static_cast<char*>(device) + 63), cudaSuccess);
  EXPECT_EQ(a.type, cudaMemoryTypeDevice);
  EXPECT_EQ(a.device, 0);
  EXPECT_EQ(a.devicePointer, static_cast<char*>(device) + 63);
  EXPECT_EQ(a.hostPointer, nullptr);
  EXPECT_EQ(cudaPointerGetAttributes(&a, static_cast<char*>(device) + 64), cudaSuccess);
  EXPECT_EQ(a.type, cudaMemoryTypeUnregistered);
  EXPECT_EQ(cudaPointerGetAttributes(&a, pinned), cudaSuccess);
  EXPECT_EQ(a.type, cudaMemoryTypeHost);
  EXPECT_EQ(a.hostPointer, pinned);
  EXPECT_EQ(cudaPointerGetAttributes(&a, &pageable), cudaSuccess);
  EXPECT_EQ(a.type, cudaMemoryTypeUnregistered);
  EXPECT_EQ(cudaFree(pinned), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(device), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaFree(device), cudaSuccess);
  cudaGetLastError();
}

#if defined(__SANITIZE_ADDRESS__)
constexpr int kBeyond = 0;
const char* const kOverflow = "heap-buffer-overflow";
const char* const kNotTheHosts = "use-after-poison";
#else
constexpr int kBeyond = 64;  // the page guard sees what lies beyond the alignment
const char* const kOverflow = "";
const char* const kNotTheHosts = "";
#endif

TEST_F(DeviceMemoryDeathTest, EndsAtAGuard) {
  DeviceVector<float> vector(10);
  float* p = vector.data();
  EXPECT_DEATH(RunKernel(16, [=] { p[threadIdx.x + kBeyond] = 1.0f; }), kOverflow);
}

TEST_F(DeviceMemoryDeathTest, IsNotTheHosts) {
  DeviceVector<float> vector(10);
  const volatile float* p = vector.data();
  EXPECT_DEATH(EXPECT_EQ(*p, 0.0f), kNotTheHosts);
  EXPECT_EQ(RunKernel(1, [=] { EXPECT_EQ(*p, 0.0f); }), "");
  EXPECT_DEATH(EXPECT_EQ(*p, 0.0f), kNotTheHosts);
  simt::set_host_access(true);
  EXPECT_EQ(*p, 0.0f);
  simt::set_host_access(false);
  EXPECT_DEATH(EXPECT_EQ(*p, 0.0f), kNotTheHosts);
}

TEST_F(DeviceMemoryDeathTest, IsGoneAfterItWasFreed) {
  float* p = nullptr;
  {
    DeviceVector<float> vector(10);
    p = vector.data();
  }
  EXPECT_DEATH(RunKernel(1, [=] { *p = 1.0f; }), "");
}

int Deep(volatile int* level) {
  volatile char room[1024] = {};
  *level = *level + 1;
  return *level < 0 ? room[5] : Deep(level) + room[7];
}

TEST_F(DeviceMemoryDeathTest, AStackEndsAtAGuardToo) {
  EXPECT_DEATH(RunKernel(2,
                         [] {
                           volatile int level = 0;
                           Deep(&level);
                         }),
               "");
}

}  // namespace
}  // namespace lossmith_test
