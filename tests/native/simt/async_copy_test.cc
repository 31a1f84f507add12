// cp.async: bytes arrive at the wait.
#include "testing.h"

namespace lossmith_test {
namespace {

using lossmith::cuda::cp_async16;
using lossmith::cuda::cp_async_commit;
using lossmith::cuda::cp_async_wait;
using lossmith::cuda::dynamic_shared;
using lossmith::cuda::Shared;

class AsyncCopy : public Simt {
 protected:
  AsyncCopy() : source_(Numbers()), target_(64) {}
  static std::vector<int> Numbers() {
    std::vector<int> numbers(64);
    for (int i = 0; i < 64; ++i) numbers[static_cast<std::size_t>(i)] = 100 + i;
    return numbers;
  }
  DeviceVector<int> source_, target_;
};

TEST_F(AsyncCopy, ArrivesAtTheWaitAndIsSeenAfterTheBarrier) {
  const int* from = source_.data();
  int* to = target_.data();
  EXPECT_EQ(RunKernel(16,
                      [=] {
                        LSM_SHARED(int, row, 64);
                        const unsigned me = threadIdx.x;
                        cp_async16(row + 4 * me, from + 4 * me, 16);
                        cp_async_commit();
                        cp_async_wait<0>();
                        __syncthreads();
                        for (unsigned i = 0; i < 4; ++i) to[4 * me + i] = row[63 - (4 * me + i)];
                      }),
            "");
  const std::vector<int> got = target_.Read();
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(got[i], 163 - static_cast<int>(i));
}

TEST_F(AsyncCopy, BytesBeyondTheCountAreZero) {
  const int* from = source_.data();
  int* to = target_.data();
  EXPECT_EQ(RunKernel(5,
                      [=] {
                        LSM_SHARED(int, row, 20);
                        const unsigned me = threadIdx.x;
                        for (unsigned i = 0; i < 4; ++i) row[4 * me + i] = -1;
                        cp_async16(row + 4 * me, from + 4 * me, 4 * static_cast<int>(me));
                        cp_async_commit();
                        cp_async_wait<0>();
                        for (unsigned i = 0; i < 4; ++i) to[4 * me + i] = row[4 * me + i];
                      }),
            "");
  const std::vector<int> got = target_.Read();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(got[static_cast<std::size_t>(i)], i % 4 < i / 4 ? 100 + i : 0) << i;
  }
}

TEST_F(AsyncCopy, AMissingWaitShows) {
  const int* from = source_.data();
  ExpectContains(
      RunKernel(16,
                [=] {
                  LSM_SHARED(int, row, 64);
                  const unsigned me = threadIdx.x;
                  cp_async16(row + 4 * me, from + 4 * me, 16);
                  cp_async_commit();
                  __syncthreads();
                  const int x = row[4 * (me ^ 1u)];
                  EXPECT_EQ(x, 0);
                }),
      {"read of row[", "not there yet, the cp_async16 of thread (", "has had no cp_async_wait"});
}

TEST_F(AsyncCopy, AMissingBarrierShows) {
  const int* from = source_.data();
  ExpectContains(RunKernel(16,
                           [=] {
                             LSM_SHARED(int, row, 64);
                             const unsigned me = threadIdx.x;
                             cp_async16(row + 4 * me, from + 4 * me, 16);
                             cp_async_commit();
                             cp_async_wait<0>();
                             if (me == 9) {
                               const int x = row[8];
                               EXPECT_EQ(x, 0);
                             }
                           }),
                 {"thread (9,0,0): race: read of row[8] (4 bytes), which thread (2,0,0) wrote"});
}

TEST_F(AsyncCopy, TheNewestGroupsMayBeOnTheirWay) {
  const int* from = source_.data();
  const auto kernel = [from](int group) {
    return [from, group] {
      LSM_SHARED(int, row, 12);
      for (int i = 0; i < 3; ++i) {
        cp_async16(row + 4 * i, from + 4 * i, 16);
        cp_async_commit();
      }
      cp_async_wait<1>();
      const int x = row[4 * group];
      EXPECT_EQ(x, 100 + 4 * group);
      cp_async_wait<0>();
      const int last = row[11];
      EXPECT_EQ(last, 111);
    };
  };
  EXPECT_EQ(RunKernel(1, kernel(0)), "");
  EXPECT_EQ(RunKernel(1, kernel(1)), "");
  ExpectContains(RunKernel(1, kernel(2)), {"read of row[8]", "not there yet"});
}

TEST_F(AsyncCopy, WithoutACommitNothingIsWaitedFor) {
  const int* from = source_.data();
  ExpectContains(RunKernel(1,
                           [=] {
                             LSM_SHARED(int, row, 4);
                             cp_async16(row, from, 16);
                             cp_async_wait<0>();
                             const int x = row[0];
                             EXPECT_EQ(x, 0);
                           }),
                 {"not there yet"});
}

// The copy for the next step starts before all have read this step's data.
TEST_F(AsyncCopy, IsAWriteFromTheStart) {
  const int* from = source_.data();
  ExpectContains(RunKernel(32,
                           [=] {
                             LSM_SHARED(int, row, 4);
                             if (threadIdx.x == 31) row[0] = 1;
                             __syncthreads();
                             if (threadIdx.x == 0) {
                               const int x = row[0];
                               EXPECT_EQ(x, 1);
                             }
                             if (threadIdx.x == 31) cp_async16(row, from, 16);
                           }),
                 {"thread (31,0,0): race: write of row[0] (16 bytes), which thread (0,0,0) read"});
}

TEST_F(AsyncCopy, AddressesAreMultiplesOf16) {
  const int* from = source_.data();
  ExpectContains(RunKernel(
                     1, [=] { cp_async16(dynamic_shared<int>(), from + 1, 16); }, 64),
                 {"misaligned cp_async16: the source is not at a multiple of 16 bytes"});
  ExpectContains(RunKernel(
                     1, [=] { cp_async16(dynamic_shared<int>() + 2, from, 16); }, 64),
                 {"misaligned cp_async16 of dynamic shared memory, byte 8"});
  ExpectContains(RunKernel(
                     1, [=] { cp_async16(dynamic_shared<int>() + 16, from, 16); }, 64),
                 {"out of bounds: cp_async16 of dynamic shared memory, byte 64"});
  ExpectContains(RunKernel(
                     1, [=] { cp_async16(dynamic_shared<int>(), from, 17); }, 64),
                 {"cp_async16 of 17 bytes, not 0 to 16"});
}

}  // namespace
}  // namespace lossmith_test
