// Copies: when memory is read and written, and what is refused.
#include <algorithm>
#include <numeric>

#include "testing.h"

namespace lossmith_test {
namespace {

class Copies : public Simt {
 protected:
  Copies() : numbers_(12) { std::iota(numbers_.begin(), numbers_.end(), 1); }
  std::vector<int> numbers_;
};

constexpr std::size_t kBytes = 12 * sizeof(int);

TEST_F(Copies, PageableMemoryIsReadAtTheCall) {
  DeviceVector<int> there(12);
  const std::vector<int> kept = numbers_;
  EXPECT_EQ(cudaMemcpyAsync(there.data(), numbers_.data(), kBytes, cudaMemcpyHostToDevice),
            cudaSuccess);
  numbers_.assign(12, -1);
  EXPECT_EQ(there.Read(), kept);
}

TEST_F(Copies, PageableMemoryIsWrittenAtTheCall) {
  DeviceVector<int> there(numbers_);
  int* p = there.data();
  EXPECT_EQ(simt::launch(nullptr, "writer", 1, 12, 0, [=] { p[threadIdx.x] *= 2; }), cudaSuccess);
  std::vector<int> here(12);
  EXPECT_EQ(cudaMemcpyAsync(here.data(), p, kBytes, cudaMemcpyDeviceToHost), cudaSuccess);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(here[i], 2 * numbers_[i]);
}

TEST_F(Copies, PinnedMemoryIsAccessedWhenTheCopyRuns) {
  void* memory = nullptr;
  EXPECT_EQ(cudaHostAlloc(&memory, kBytes, cudaHostAllocDefault), cudaSuccess);
  int* pinned = static_cast<int*>(memory);
  std::fill(pinned, pinned + 12, 1);
  DeviceVector<int> there(12);
  EXPECT_EQ(cudaMemcpyAsync(there.data(), pinned, kBytes, cudaMemcpyHostToDevice), cudaSuccess);
  std::fill(pinned, pinned + 12, 2);
  EXPECT_EQ(there.Read(), std::vector<int>(12, 2));
  std::fill(pinned, pinned + 12, 3);
  EXPECT_EQ(cudaMemcpyAsync(pinned, there.data(), kBytes, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(pinned[0], 3);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(pinned[0], 2);
  // Blocking copies wait.
  EXPECT_EQ(cudaMemset(there.data(), 0, kBytes), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(pinned, there.data(), kBytes, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(pinned[0], 0);
  EXPECT_EQ(cudaFreeHost(memory), cudaSuccess);
}

TEST_F(Copies, BetweenDevicesNobodyWaits) {
  DeviceVector<int> from(numbers_), to(12);
  simt::reset_counters();
  EXPECT_EQ(cudaMemcpy(to.data(), from.data(), kBytes, cudaMemcpyDeviceToDevice), cudaSuccess);
  EXPECT_EQ(simt::counter("waits"), 0u);
  EXPECT_EQ(simt::counter("cudaMemcpy"), 1u);
  EXPECT_EQ(to.Read(), numbers_);
  EXPECT_EQ(simt::counter("waits"), 1u);
}

TEST_F(Copies, Rows) {
  DeviceVector<int> there(std::vector<int>(20, 0));
  // 3 rows of 2 from rows of 4 to rows of 5.
  EXPECT_EQ(
      cudaMemcpy2DAsync(there.data(), 20, numbers_.data() + 1, 16, 8, 3, cudaMemcpyHostToDevice),
      cudaSuccess);
  numbers_.assign(12, -1);
  EXPECT_EQ(there.Read(),
            (std::vector<int>{2, 3, 0, 0, 0, 6, 7, 0, 0, 0, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(cudaMemcpy2D(there.data(), 4, numbers_.data(), 16, 8, 3, cudaMemcpyHostToDevice),
            cudaErrorInvalidPitchValue);
  cudaGetLastError();
}

TEST_F(Copies, RefuseWhatCannotBe) {
  DeviceVector<int> there(12);
  int* p = there.data();
  int* here = numbers_.data();
  const auto copy = [](void* to, const void* from, std::size_t bytes, int kind) {
    const cudaError_t error = cudaMemcpy(to, from, bytes, static_cast<cudaMemcpyKind>(kind));
    EXPECT_EQ(cudaGetLastError(), error);
    return error;
  };
  EXPECT_EQ(copy(p, here, kBytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(copy(p, here, kBytes, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(copy(here, p, kBytes, cudaMemcpyHostToHost), cudaErrorInvalidValue);
  EXPECT_EQ(copy(p, here, kBytes + 1, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(copy(p + 1, here, kBytes, cudaMemcpyDefault), cudaErrorInvalidValue);
  EXPECT_EQ(copy(p, nullptr, kBytes, cudaMemcpyDefault), cudaErrorInvalidValue);
  EXPECT_EQ(copy(p, here, kBytes, 5), cudaErrorInvalidMemcpyDirection);
  EXPECT_EQ(copy(nullptr, nullptr, 0, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(cudaMemset(p + 11, 0, 8), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(here, 0, 8), cudaErrorInvalidValue);
  int unknown = 0;
  EXPECT_EQ(
      cudaMemcpyAsync(p, here, kBytes, cudaMemcpyDefault, reinterpret_cast<cudaStream_t>(&unknown)),
      cudaErrorInvalidResourceHandle);
  cudaGetLastError();
}

TEST_F(Copies, FreeingWaitsForTheDevice) {
  bool ran = false;
  bool* const done = &ran;
  {
    DeviceVector<int> there(12);
    cudaStream_t stream = nullptr;
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    int* p = there.data();
    EXPECT_EQ(simt::launch(stream, "writer", 1, 12, 0,
                           [=] {
                             p[threadIdx.x] = 1;
                             *done = true;
                           }),
              cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT_FALSE(ran);
  }
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace lossmith_test
