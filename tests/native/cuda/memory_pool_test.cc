// The pool of device memory: what it hands out, when it waits, what it keeps and gives back.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "core/status.h"
#include "cuda/cuda_context.h"
#include "cuda/memory.h"
#include "simt/control.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;
using lossmith::cuda::DevicePool;

std::vector<unsigned char> BytesAt(const void* memory, size_t count) {
  std::vector<unsigned char> bytes(count, 0xA5);
  EXPECT_EQ(cudaMemcpy(bytes.data(), memory, count, cudaMemcpyDeviceToHost), cudaSuccess);
  return bytes;
}

bool AllZero(const void* memory, size_t count) {
  const std::vector<unsigned char> bytes = BytesAt(memory, count);
  return std::all_of(bytes.begin(), bytes.end(), [](unsigned char c) { return c == 0; });
}

class MemoryPool : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(lsm_memory_trim(LSM_CUDA, 0), LSM_OK) << lsm_last_error();
    before_ = simt::memory_used(0);
    live_ = lsm_memory_live_bytes();
    simt::reset_counters();
  }
  // Each test releases what it took.
  void TearDown() override {
    simt::reset();
    EXPECT_EQ(pool_.bytes().live_bytes, 0);
    pool_.trim();
    EXPECT_EQ(simt::memory_used(0), before_);
    EXPECT_EQ(lsm_memory_live_bytes(), live_);
    EXPECT_TRUE(simt::take_violations().empty());
  }

  DevicePool pool_{0};
  size_t before_ = 0;
  int64_t live_ = 0;
};

TEST_F(MemoryPool, RoundsSizesUpByLessThanAnEighth) {
  EXPECT_EQ(DevicePool::block_size(1), 512u);
  EXPECT_EQ(DevicePool::block_size(512), 512u);
  EXPECT_EQ(DevicePool::block_size(513), 1024u);
  size_t last = 0;
  for (size_t bytes = 5000; bytes < size_t{1} << 34; bytes = bytes * 11 / 10 + 3) {
    const size_t size = DevicePool::block_size(bytes);
    EXPECT_GE(size, bytes);
    EXPECT_LT(size - bytes, bytes / 8) << bytes;
    EXPECT_EQ(size % 512, 0u);
    EXPECT_EQ(DevicePool::block_size(size), size) << "a size is its own";
    EXPECT_GE(size, last);
    last = size;
  }
}

TEST_F(MemoryPool, GivesZeroedMemory) {
  for (size_t bytes : {1, 511, 512, 1000, 100000}) {
    void* memory = pool_.allocate(bytes);
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
    EXPECT_TRUE(AllZero(memory, bytes)) << bytes;
    ASSERT_EQ(cudaMemset(memory, 7, bytes), cudaSuccess);
    pool_.release(memory, bytes);
    memory = pool_.allocate(bytes);
    EXPECT_TRUE(AllZero(memory, bytes)) << "used again, " << bytes;
    pool_.release(memory, bytes);
  }
  EXPECT_EQ(pool_.allocate(0), nullptr);
  pool_.release(nullptr, 0);
}

TEST_F(MemoryPool, HandsAReleasedBlockOutOnlyAfterTheWorkThatUsesIt) {
  cudaStream_t stream;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  void* first = pool_.allocate(1000);
  ASSERT_EQ(cudaMemsetAsync(first, 7, 1000, stream), cudaSuccess);
  simt::reset_counters();
  pool_.release(first, 1000);
  EXPECT_EQ(simt::counter("waits"), 0u) << "a release does not wait";
  void* second = pool_.allocate(1000);
  EXPECT_EQ(second, first);
  EXPECT_EQ(simt::counter("cudaDeviceSynchronize"), 1u);
  EXPECT_EQ(simt::counter("cudaMalloc"), 0u);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_TRUE(AllZero(second, 1000)) << "the queued work came after the zeros";
  pool_.release(second, 1000);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST_F(MemoryPool, WaitsOnceForAllThatWasReleased) {
  std::vector<void*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(pool_.allocate(1000));
  for (void* block : blocks) pool_.release(block, 1000);
  simt::reset_counters();
  for (void*& block : blocks) block = pool_.allocate(1000);
  EXPECT_EQ(simt::counter("cudaDeviceSynchronize"), 1u);
  EXPECT_EQ(simt::counter("cudaMalloc"), 0u);
  for (void* block : blocks) pool_.release(block, 1000);
}

TEST_F(MemoryPool, DoesNotWaitForWorkWhereNothingWasReleased) {
  cudaStream_t stream;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  void* busy = pool_.allocate(1000);
  ASSERT_EQ(cudaMemsetAsync(busy, 7, 1000, stream), cudaSuccess);
  void* fresh = pool_.allocate(1000);
  EXPECT_EQ(simt::counter("cudaDeviceSynchronize"), 0u);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady) << "the work has not run yet";
  cudaGetLastError();
  pool_.release(busy, 1000);
  pool_.release(fresh, 1000);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST_F(MemoryPool, CountsWhatIsLiveAndWhatIsKept) {
  void* a = pool_.allocate(600);
  void* b = pool_.allocate(100);
  lsm_memory_pool bytes = pool_.bytes();
  EXPECT_EQ(bytes.live_bytes, 1536);
  EXPECT_EQ(bytes.cached_bytes, 0);
  EXPECT_EQ(lsm_memory_live_bytes(), live_ + 700) << "exact bytes";
  EXPECT_EQ(simt::memory_used(0), before_ + 1536);
  pool_.release(a, 600);
  bytes = pool_.bytes();
  EXPECT_EQ(bytes.live_bytes, 512);
  EXPECT_EQ(bytes.cached_bytes, 1024);
  EXPECT_EQ(bytes.peak_bytes, 1536);
  EXPECT_EQ(lsm_memory_live_bytes(), live_ + 100);
  pool_.trim();
  EXPECT_EQ(pool_.bytes().cached_bytes, 0);
  EXPECT_EQ(simt::memory_used(0), before_ + 512);
  pool_.release(b, 100);
  EXPECT_EQ(pool_.bytes().peak_bytes, 1536);
}

std::string OutOfMemory(DevicePool& pool, size_t bytes) {
  try {
    pool.release(pool.allocate(bytes), bytes);
  } catch (const lossmith::Error& e) {
    EXPECT_EQ(e.status(), LSM_OUT_OF_MEMORY);
    return e.what();
  }
  ADD_FAILURE() << bytes << " bytes were there";
  return "";
}

TEST_F(MemoryPool, KeepsToItsLimit) {
  pool_.set_limit(4096);
  EXPECT_EQ(pool_.bytes().limit_bytes, 4096);
  void* a = pool_.allocate(2048);
  const std::string message = OutOfMemory(pool_, 3000);
  for (const char* part : {"3000 bytes", "cuda:0", "2048 bytes of tensors are live",
                           "0 bytes are kept", "the limit is 4096 bytes", "are free"}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  void* b = pool_.allocate(2048);
  pool_.release(b, 2048);
  // 2048 live and 2048 kept: what is kept must make room for another size.
  void* c = pool_.allocate(1024);
  EXPECT_EQ(simt::memory_used(0), before_ + 3072);
  pool_.set_limit(0);
  void* d = pool_.allocate(1 << 20);
  pool_.release(a, 2048);
  pool_.release(c, 1024);
  pool_.release(d, 1 << 20);
}

TEST_F(MemoryPool, GivesUpWhatItKeepsWhereTheDeviceIsFull) {
  simt::set_memory_limit(0, simt::memory_used(0) + 8192);
  void* a = pool_.allocate(4096);
  pool_.release(a, 4096);
  EXPECT_EQ(pool_.bytes().cached_bytes, 4096);
  void* b = pool_.allocate(8192);
  EXPECT_EQ(pool_.bytes().cached_bytes, 0);
  const std::string message = OutOfMemory(pool_, 512);
  EXPECT_NE(
      message.find("0 of " + std::to_string(before_ + 8192) + " bytes of the device are free"),
      std::string::npos)
      << message;
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
  pool_.release(b, 8192);
  void* c = pool_.allocate(512);
  pool_.release(c, 512);
}

TEST_F(MemoryPool, SaysWhenASizeCannotBe) {
  const std::string message = OutOfMemory(pool_, size_t{1} << 62);
  EXPECT_NE(message.find(std::to_string(size_t{1} << 62)), std::string::npos) << message;
  OutOfMemory(pool_, ~size_t{0});
}

TEST_F(MemoryPool, AFailureLeavesTheAccountsRight) {
  struct Case {
    const char* function;
    const char* says;
  };
  for (const Case& c :
       {Case{"cudaMalloc", "cudaMalloc"}, Case{"cudaMemsetAsync", "cudaMemsetAsync"},
        Case{"cudaStreamSynchronize", "zeroed"}, Case{"cudaDeviceSynchronize", "reuse memory"}}) {
    const lsm_memory_pool bytes = pool_.bytes();
    // The kept block of 512 bytes is pending; other sizes must be asked for.
    const bool reuse = std::string(c.function) == "cudaDeviceSynchronize";
    const size_t size = reuse ? 512 : 700;
    if (reuse) pool_.release(pool_.allocate(size), size);
    simt::fail_call(c.function, 1, cudaErrorUnknown);
    try {
      pool_.release(pool_.allocate(size), size);
      ADD_FAILURE() << c.function;
    } catch (const lossmith::Error& e) {
      EXPECT_EQ(e.status(), LSM_DEVICE_ERROR);
      EXPECT_NE(std::string(e.what()).find(c.says), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("cudaErrorUnknown"), std::string::npos) << e.what();
    }
    EXPECT_EQ(pool_.bytes().live_bytes, bytes.live_bytes);
    EXPECT_EQ(static_cast<int64_t>(simt::memory_used(0) - before_), pool_.bytes().cached_bytes);
    void* memory = pool_.allocate(size);
    EXPECT_TRUE(AllZero(memory, size));
    pool_.release(memory, size);
  }
}

TEST_F(MemoryPool, ServesManyThreads) {
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      cudaStream_t stream;
      ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
      for (int round = 0; round < 100; ++round) {
        const size_t bytes = 300 * (1 + (round + t) % 5);
        void* memory = pool_.allocate(bytes);
        ASSERT_TRUE(AllZero(memory, bytes));
        ASSERT_EQ(cudaMemsetAsync(memory, t + 1, bytes, stream), cudaSuccess);
        pool_.release(memory, bytes);
        if (round % 40 == 0) pool_.trim();
      }
      ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The same through the C ABI.
TEST(DeviceTensors, ComeFromThePoolAndGoBack) {
  ASSERT_EQ(lsm_memory_trim(LSM_CUDA, 0), LSM_OK);
  const lsm_memory_pool before = PoolBytes();
  void* address;
  {
    OwnedTensor tensor;
    ASSERT_EQ(CreateTensor(0, DType::kF32, {5, 7}, &tensor), LSM_OK) << lsm_last_error();
    EXPECT_EQ(tensor.get()->device.type, LSM_CUDA);
    EXPECT_EQ(PoolBytes().live_bytes, before.live_bytes + 512);
    EXPECT_TRUE(AllZero(tensor.get()->data, 140));
    address = tensor.get()->data;
  }
  EXPECT_EQ(PoolBytes().live_bytes, before.live_bytes);
  EXPECT_EQ(PoolBytes().cached_bytes, before.cached_bytes + 512);
  OwnedTensor again;
  ASSERT_EQ(CreateTensor(0, DType::kBF16, {100}, &again), LSM_OK);
  EXPECT_EQ(again.get()->data, address);
}

TEST(DeviceTensors, LimitsAreCheckedByName) {
  EXPECT_TRUE(Rejects(lsm_memory_set_limit(LSM_CUDA, 0, -1), "bytes", "-1"));
  EXPECT_TRUE(Rejects(lsm_memory_pool_bytes(LSM_CUDA, 0, nullptr), "pool"));
  EXPECT_TRUE(Rejects(lsm_memory_pool_bytes(LSM_CUDA, 5, nullptr), "device", "cuda:5"));
  EXPECT_TRUE(Rejects(lsm_memory_trim(LSM_CPU, 1), "device"));
  EXPECT_TRUE(Rejects(lsm_memory_set_limit(9, 0, 1), "device", "9"));
}

TEST(HostTensors, HaveALimitToo) {
  lsm_memory_pool host{};
  ASSERT_EQ(lsm_memory_pool_bytes(LSM_CPU, 0, &host), LSM_OK);
  EXPECT_EQ(host.cached_bytes, 0);
  ASSERT_EQ(lsm_memory_set_limit(LSM_CPU, 0, host.live_bytes + 1000), LSM_OK);
  const int64_t shape[] = {1001};
  OwnedTensor tensor, pinned;
  EXPECT_TRUE(Fails(lsm_tensor_create(LSM_CPU, 0, LSM_UINT, 8, 1, shape, tensor.receive()),
                    LSM_OUT_OF_MEMORY, {"1001 bytes", "cpu:0", "limit"}));
  EXPECT_TRUE(
      Fails(CreatePinned(0, DType::kU8, {1001}, &pinned), LSM_OUT_OF_MEMORY, {"1001 bytes"}));
  const int64_t fits[] = {1000};
  EXPECT_EQ(lsm_tensor_create(LSM_CPU, 0, LSM_UINT, 8, 1, fits, tensor.receive()), LSM_OK);
  ASSERT_EQ(lsm_memory_set_limit(LSM_CPU, 0, 0), LSM_OK);
  lsm_memory_pool after{};
  ASSERT_EQ(lsm_memory_pool_bytes(LSM_CPU, 0, &after), LSM_OK);
  EXPECT_EQ(after.live_bytes, host.live_bytes + 1000);
  EXPECT_GE(after.peak_bytes, after.live_bytes);
}

}  // namespace
}  // namespace lossmith_test
