// Orders of execution: a seed permutes them, and gives the same one again.
#include <algorithm>
#include <numeric>

#include "testing.h"

namespace lossmith_test {
namespace {

class Schedule : public Simt {};

// The threads (of all blocks, numbered) in the order in which they run to their first barrier.
std::vector<int> OrderOfThreads(std::uint64_t seed, int blocks, int threads) {
  simt::set_schedule_seed(seed);
  std::vector<int> order;
  std::vector<int>* const to = &order;
  EXPECT_EQ(RunKernel(static_cast<unsigned>(blocks), static_cast<unsigned>(threads),
                      [=] {
                        to->push_back(static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x));
                        __syncthreads();
                      }),
            "");
  return order;
}

TEST_F(Schedule, WithoutASeedAscends) {
  std::vector<int> ascending(3 * 64);
  std::iota(ascending.begin(), ascending.end(), 0);
  EXPECT_EQ(OrderOfThreads(0, 3, 64), ascending);
}

TEST_F(Schedule, ASeedPermutesThreadsAndBlocks) {
  const std::vector<int> ascending = OrderOfThreads(0, 30, 64);
  bool other_blocks = false;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    std::vector<int> order = OrderOfThreads(seed, 30, 64);
    EXPECT_NE(order, ascending);
    EXPECT_EQ(order, OrderOfThreads(seed, 30, 64));
    EXPECT_NE(order, OrderOfThreads(seed + 1, 30, 64));
    for (std::size_t block = 0; block < 30; ++block) {  // one block after another nevertheless
      const int first = order[block * 64] / 64;
      other_blocks = other_blocks || first != static_cast<int>(block);
      for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(order[block * 64 + i] / 64, first);
    }
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, ascending);
  }
  EXPECT_TRUE(other_blocks);
}

TEST_F(Schedule, LanesAndWarpsPassEachOtherBetweenBarriers) {
  bool lanes_turned = false, warps_turned = false;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    simt::set_schedule_seed(seed);
    std::vector<int> order;
    std::vector<int>* const to = &order;
    EXPECT_EQ(RunKernel(128,
                        [=] {
                          for (int round = 0; round < 4; ++round) {
                            __shfl_xor_sync(kFull, 1, 1);
                            to->push_back(static_cast<int>(threadIdx.x));
                          }
                        }),
              "");
    for (std::size_t i = 1; i < order.size(); ++i) {
      const bool same_warp = order[i] / 32 == order[i - 1] / 32;
      lanes_turned = lanes_turned || (same_warp && order[i] < order[i - 1]);
      warps_turned = warps_turned || order[i] / 32 < order[i - 1] / 32;
    }
  }
  EXPECT_TRUE(lanes_turned);
  EXPECT_TRUE(warps_turned);
}

TEST_F(Schedule, CorrectKernelsGiveTheSameResultInEveryOrder) {
  std::vector<float> values(5000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0f / static_cast<float>(i + 1);
  DeviceVector<float> from(values), to(4);
  const float* source = from.data();
  float* target = to.data();
  std::vector<float> first;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    simt::set_schedule_seed(seed);
    EXPECT_EQ(RunKernel(4, 256,
                        [=] {
                          LSM_SHARED(float, partial, 8);
                          float sum = 0;
                          for (unsigned i = blockIdx.x * 256 + threadIdx.x; i < 5000; i += 1024) {
                            sum += source[i];
                          }
                          for (unsigned d = 16; d > 0; d /= 2) {
                            sum += __shfl_down_sync(kFull, sum, d);
                          }
                          if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
                          __syncthreads();
                          if (threadIdx.x == 0) {
                            for (int i = 1; i < 8; ++i) sum += partial[i];
                            target[blockIdx.x] = sum;
                          }
                        }),
              "");
    if (seed == 0) first = to.Read();
    EXPECT_EQ(to.Read(), first);
  }
}

}  // namespace
}  // namespace lossmith_test
