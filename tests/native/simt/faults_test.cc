// Launches that CUDA refuses, errors that stay, faults on demand, violations that nobody takes.
#include <cstdlib>
#include <thread>

#include "testing.h"

namespace lossmith_test {
namespace {

class Faults : public Simt {};
using FaultsDeathTest = Faults;

cudaError_t Launch(dim3 grid, dim3 block, unsigned bytes = 0) {
  const cudaError_t error = simt::launch(nullptr, "empty", grid, block, bytes, [] {});
  EXPECT_EQ(cudaGetLastError(), error);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  return error;
}

TEST_F(Faults, LaunchesHaveLimits) {
  EXPECT_EQ(Launch(1, 1024), cudaSuccess);
  EXPECT_EQ(Launch(1, 1025), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Launch(1, dim3(32, 33)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Launch(1, dim3(1, 1, 64)), cudaSuccess);
  EXPECT_EQ(Launch(1, dim3(1, 1, 65)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Launch(1, dim3(65536, 65536)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Launch(dim3(1, 65535), 1), cudaSuccess);
  EXPECT_EQ(Launch(dim3(1, 65536), 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Launch(dim3(1, 1, 65536), 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Launch(0x80000000u, 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Launch(dim3(0, 1), 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Launch(1, dim3(1, 0)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Launch(1, 1, 227 * 1024), cudaSuccess);
  EXPECT_EQ(Launch(1, 1, 227 * 1024 + 1), cudaErrorInvalidValue);
}

TEST_F(Faults, AViolationStaysWithTheDevice) {
  EXPECT_EQ(simt::launch(nullptr, "broken", 1, 1, 0, [] { __trap(); }), cudaSuccess);
  bool later = false;
  bool* const ran = &later;
  EXPECT_EQ(simt::launch(nullptr, "later", 1, 1, 0, [=] { *ran = true; }), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_FALSE(later);
  void* p = nullptr;
  EXPECT_EQ(cudaMalloc(&p, 16), cudaErrorLaunchFailure);
  EXPECT_EQ(simt::launch(nullptr, "more", 1, 1, 0, [] {}), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  const std::vector<std::string> violations = simt::take_violations();
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0], "kernel broken, block (0,0,0), thread (0,0,0): __trap");
  simt::reset();
  cudaGetLastError();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST_F(Faults, AViolationShowsAtTheLaunchWhereWorkIsNotDeferred) {
  simt::set_deferred(false);
  EXPECT_EQ(simt::launch(nullptr, "broken", 1, 1, 0, [] { __trap(); }), cudaErrorLaunchFailure);
  EXPECT_EQ(simt::take_violations().size(), 1u);
  simt::reset();
  cudaGetLastError();
}

TEST_F(Faults, OneDeviceFailsAlone) {
  simt::set_device_count(2);
  simt::set_sticky_error(1, cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(1), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  cudaGetLastError();
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(Faults, TheNthCallFails) {
  void *p = nullptr, *q = nullptr;
  simt::fail_call("cudaMalloc", 2, cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&p, 16), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&q, 16), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&q, 16), cudaSuccess);
  EXPECT_EQ(cudaFree(p), cudaSuccess);
  EXPECT_EQ(cudaFree(q), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);

  simt::fail_call("cudaLaunchKernel", 1, cudaErrorLaunchOutOfResources);
  bool ran = false;
  bool* const done = &ran;
  const auto kernel = [=] { *done = true; };
  EXPECT_EQ(simt::launch(nullptr, "k", 1, 1, 0, kernel), cudaErrorLaunchOutOfResources);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_FALSE(ran);

  simt::fail_call("cudaDeviceSynchronize", 1, cudaErrorECCUncorrectable, true);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorECCUncorrectable);
  EXPECT_EQ(cudaMalloc(&p, 16), cudaErrorECCUncorrectable);
  simt::reset();
  cudaGetLastError();
}

TEST_F(Faults, CallsAreCounted) {
  simt::reset_counters();
  for (int i = 0; i < 3; ++i) simt::launch(nullptr, "counted", 1, 1, 0, [] {});
  EXPECT_EQ(simt::counter("cudaLaunchKernel"), 3u);
  EXPECT_EQ(simt::counter("kernel counted"), 3u);
  EXPECT_EQ(simt::counter("kernel other"), 0u);
  EXPECT_EQ(simt::counter("waits"), 0u);
  cudaDeviceSynchronize();
  EXPECT_EQ(simt::counter("waits"), 1u);
  EXPECT_EQ(simt::counter("cudaDeviceSynchronize"), 1u);
}

TEST_F(Faults, ErrorsBelongToTheHostThread) {
  void* p = nullptr;
  simt::fail_call("cudaMalloc", 1, cudaErrorMemoryAllocation);
  std::thread([&] { EXPECT_EQ(cudaMalloc(&p, 16), cudaErrorMemoryAllocation); }).join();
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
}

TEST_F(Faults, HostThreadsTakeTurns) {
  DeviceVector<int> sums(std::vector<int>(4, 0));
  int* to = sums.data();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([=] {
      cudaStream_t stream = nullptr;
      EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
      for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(simt::launch(stream, "add", 2, 64, 0,
                               [=] {
                                 LSM_SHARED(int, ones, 64);
                                 ones[threadIdx.x] = 1;
                                 __syncthreads();
                                 const int one = ones[63 - threadIdx.x];
                                 atomicAdd(to + t, one);
                               }),
                  cudaSuccess);
        if (i % 7 == 0) {
          EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
        }
      }
      EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
      EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sums.Read(), std::vector<int>(4, 50 * 2 * 64));
}

TEST_F(FaultsDeathTest, AProcessDoesNotEndWellWithViolationsLeft) {
  EXPECT_EXIT(
      {
        simt::launch(nullptr, "forgotten", 1, 1, 0, [] { __trap(); });
        cudaDeviceSynchronize();
        std::exit(0);
      },
      ::testing::ExitedWithCode(86), "simt: kernel forgotten, block");
}

TEST_F(FaultsDeathTest, DeviceCodeBelongsIntoKernels) {
  EXPECT_DEATH(__syncthreads(), "device code outside of a kernel");
}

}  // namespace
}  // namespace lossmith_test
