// Races: two threads at one byte, one of them writing, and no barrier that both passed in between.
#include "testing.h"

namespace lossmith_test {
namespace {

using lossmith::bfloat16;
using lossmith::cuda::dynamic_shared;
using lossmith::cuda::Shared;

class Race : public Simt {};

void Read(const Shared<int>& p) {
  const int value = *p;
  EXPECT_EQ(value, value);
}

TEST_F(Race, TwoWrites) {
  ExpectContains(RunKernel(64,
                           [] {
                             LSM_SHARED(int, row, 64);
                             row[threadIdx.x == 50 ? 7 : threadIdx.x] = 1;
                           }),
                 {"thread (50,0,0): race: write of row[7] (4 bytes), which thread (7,0,0) wrote "
                  "with no barrier in between"});
}

TEST_F(Race, AReadAfterAWrite) {
  ExpectContains(RunKernel(64,
                           [] {
                             LSM_SHARED(int, row, 64);
                             row[threadIdx.x] = 1;
                             if (threadIdx.x == 63) Read(row + 2);
                           }),
                 {"thread (63,0,0): race: read of row[2] (4 bytes), which thread (2,0,0) wrote"});
}

TEST_F(Race, AWriteAfterARead) {
  ExpectContains(RunKernel(64,
                           [] {
                             LSM_SHARED(int, row, 64);
                             row[threadIdx.x] = 1;
                             __syncthreads();
                             if (threadIdx.x == 3) Read(row + 33);
                             if (threadIdx.x == 33) row[33] = 2;
                           }),
                 {"thread (33,0,0): race: write of row[33] (4 bytes), which thread (3,0,0) read"});
}

// Without the second barrier a thread that runs ahead overwrites what others have yet to read.
TEST_F(Race, ALoopNeedsABarrierAtItsEndToo) {
  const auto kernel = [](bool both) {
    return [both] {
      LSM_SHARED(int, tile, 64);
      for (int step = 0; step < 2; ++step) {
        tile[threadIdx.x] = step;
        __syncthreads();
        for (int i = 0; i < 64; ++i) Read(tile + i);
        if (both) __syncthreads();
      }
    };
  };
  EXPECT_EQ(RunKernel(64, kernel(true)), "");
  ExpectContains(RunKernel(64, kernel(false)), {"race: read of tile["});
}

TEST_F(Race, ManyReadersAreAllRemembered) {
  for (const unsigned writer : {0u, 5u, 31u, 32u, 63u}) {
    // All but the writer read, in one warp or in both.
    for (const unsigned readers : {32u, 64u}) {
      const std::string text = RunKernel(64, [=] {
        LSM_SHARED(int, row, 1);
        if (threadIdx.x == writer) row[0] = 1;
        __syncthreads();
        if (threadIdx.x != writer && threadIdx.x < readers) Read(row);
        __syncwarp();
        if (threadIdx.x / 32 == 1 - writer / 32) Read(row);
        if (threadIdx.x == writer) row[0] = 2;
      });
      ExpectContains(text, {"race: ", "row[0] (4 bytes)"});
    }
  }
}

TEST_F(Race, ASyncwarpOrdersTheLanesOfItsWarp) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    simt::set_schedule_seed(seed);
    EXPECT_EQ(RunKernel(64,
                        [] {
                          LSM_SHARED(int, row, 64);
                          const unsigned me = threadIdx.x;
                          for (int round = 0; round < 4; ++round) {
                            row[me] = round;
                            __syncwarp();
                            Read(row + (me ^ 1u));
                            Read(row + (me & 32u));
                            __syncwarp();
                          }
                          row[me] = 9;
                        }),
              "")
        << seed;
  }
}

TEST_F(Race, ASyncwarpOrdersNoOtherWarp) {
  ExpectContains(RunKernel(64,
                           [] {
                             LSM_SHARED(int, row, 64);
                             row[threadIdx.x] = 1;
                             __syncwarp();
                             Read(row + (threadIdx.x ^ 32u));
                           }),
                 {"row["});
}

TEST_F(Race, ASyncwarpOrdersOnlyTheLanesOfItsMask) {
  const auto kernel = [](unsigned partner) {
    return [partner] {
      LSM_SHARED(int, row, 32);
      const unsigned me = threadIdx.x;
      row[me] = 1;
      __syncwarp(me < 16 ? 0xffffu : 0xffff0000u);
      Read(row + (me ^ partner));
      __syncwarp(me < 16 ? 0xffffu : 0xffff0000u);
      row[me] = 2;
    };
  };
  EXPECT_EQ(RunKernel(32, kernel(8)), "");
  ExpectContains(RunKernel(32, kernel(16)), {"row["});
}

TEST_F(Race, OrderIsPassedOnFromLaneToLane) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    simt::set_schedule_seed(seed);
    EXPECT_EQ(RunKernel(32,
                        [] {
                          LSM_SHARED(int, row, 1);
                          const unsigned me = threadIdx.x;
                          if (me == 0) row[0] = 1;
                          if (me < 2) __syncwarp(0x3u);
                          if (me == 1 || me == 2) __syncwarp(0x6u);
                          if (me == 2) row[0] = 2;
                        }),
              "")
        << seed;
  }
}

TEST_F(Race, ShufflesOrderNothing) {
  ExpectContains(RunKernel(32,
                           [] {
                             LSM_SHARED(int, row, 32);
                             row[threadIdx.x] = 1;
                             __shfl_xor_sync(kFull, 1, 1);
                             Read(row + (threadIdx.x ^ 1u));
                           }),
                 {"race: read of row["});
}

TEST_F(Race, BytesOfOneWordAreSeparate) {
  const auto kernel = [](int reach) {
    return [reach] {
      LSM_SHARED(bfloat16, row, 64);
      const int me = static_cast<int>(threadIdx.x);
      row[me] = bfloat16{1};
      if (me + reach < 64 && me % 2 == 0) {
        const bfloat16 other = row[me + reach];
        EXPECT_EQ(other.bits, 1);
      }
    };
  };
  EXPECT_EQ(RunKernel(64, kernel(0)), "");
  // Thread 0 comes first and finds nothing; a block that runs backwards would find a race.
  ExpectContains(RunKernel(64, kernel(1)), {"read of row[1] (2 bytes)"});
}

TEST_F(Race, AWideAccessMeetsNarrowOnes) {
  ExpectContains(RunKernel(
                     64,
                     [] {
                       const auto bytes = dynamic_shared<unsigned char>();
                       const auto words = dynamic_shared<int>();
                       if (threadIdx.x < 16) bytes[threadIdx.x] = 1;
                       if (threadIdx.x == 40) words[2] = 3;
                     },
                     64),
                 {"thread (40,0,0): race: write of dynamic shared memory, byte 8 (4 bytes), which "
                  "thread (8,0,0) wrote"});
}

TEST_F(Race, AThreadNeverRacesWithItself) {
  EXPECT_EQ(RunKernel(64,
                      [] {
                        LSM_SHARED(int, row, 64);
                        LSM_SHARED(unsigned char, bytes, 64);
                        for (int i = 0; i < 3; ++i) {
                          row[threadIdx.x] = i;
                          bytes[threadIdx.x] = static_cast<unsigned char>(i);
                          Read(row + threadIdx.x);
                          row[threadIdx.x] += 1;
                          bytes[threadIdx.x] |= 1;
                        }
                      }),
            "");
}

TEST_F(Race, IsFoundUnderEveryOrder) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    simt::set_schedule_seed(seed);
    EXPECT_NE(RunKernel(64,
                        [] {
                          LSM_SHARED(int, row, 64);
                          row[threadIdx.x] = 1;
                          if (threadIdx.x == 17) row[44] = 2;
                        }),
              "")
        << seed;
  }
}

}  // namespace
}  // namespace lossmith_test
