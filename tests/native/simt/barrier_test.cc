// Blocks, indices and barriers.
#include "testing.h"

namespace lossmith_test {
namespace {

using lossmith::cuda::Shared;

class Barrier : public Simt {};

int Linear() {
  return static_cast<int>(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
}

TEST_F(Barrier, EveryThreadOfEveryBlockRunsOnceWithItsIndex) {
  const dim3 grid(3, 2, 2), block(5, 3, 2);
  DeviceVector<int> visits(12 * 30);
  int* to = visits.data();
  EXPECT_EQ(RunKernel(grid, block,
                      [=] {
                        EXPECT_EQ(gridDim.x * 100 + gridDim.y * 10 + gridDim.z, 322u);
                        EXPECT_EQ(blockDim.x * 100 + blockDim.y * 10 + blockDim.z, 532u);
                        const unsigned b =
                            blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
                        to[b * 30 + static_cast<unsigned>(Linear())] += 1;
                      }),
            "");
  EXPECT_EQ(visits.Read(), std::vector<int>(12 * 30, 1));
}

TEST_F(Barrier, WritesBeforeItAreSeenAfterIt) {
  for (const int threads : {1, 31, 32, 33, 256, 1024}) {
    DeviceVector<int> out(static_cast<std::size_t>(threads));
    int* to = out.data();
    EXPECT_EQ(RunKernel(threads,
                        [=] {
                          LSM_SHARED(int, values, 1024);
                          const int me = Linear();
                          for (int round = 0; round < 3; ++round) {
                            values[me] = round * threads + me;
                            __syncthreads();
                            to[me] = values[threads - 1 - me];
                            __syncthreads();
                          }
                        }),
              "");
    const std::vector<int> got = out.Read();
    for (int i = 0; i < threads; ++i) {
      EXPECT_EQ(got[static_cast<std::size_t>(i)], 2 * threads + threads - 1 - i);
    }
  }
}

TEST_F(Barrier, CountsAndCombinesPredicates) {
  struct Answers {
    int count, any, all;
  };
  for (const int true_ones : {0, 1, 99, 100}) {
    DeviceVector<Answers> out(100);
    Answers* to = out.data();
    EXPECT_EQ(RunKernel(100,
                        [=] {
                          const int predicate = Linear() >= 100 - true_ones ? 7 : 0;
                          Answers a = {};
                          a.count = __syncthreads_count(predicate);
                          a.any = __syncthreads_or(predicate);
                          a.all = __syncthreads_and(predicate);
                          to[Linear()] = a;
                        }),
              "");
    for (const Answers& a : out.Read()) {
      EXPECT_EQ(a.count, true_ones);
      EXPECT_EQ(a.any, true_ones > 0 ? 1 : 0);
      EXPECT_EQ(a.all, true_ones == 100 ? 1 : 0);
    }
  }
}

TEST_F(Barrier, ThreadsThatExitedAreMissed) {
  const std::string text = RunKernel(64, [] {
    if (threadIdx.x >= 40) return;
    __syncthreads();
  });
  ExpectContains(text,
                 {"kernel kernel_under_test, block (0,0,0), thread (0,0,0)", "barrier divergence",
                  "thread (0,0,0) and 39 more in __syncthreads at barrier_test.cc:",
                  "thread (40,0,0) and 23 more exited"});
}

TEST_F(Barrier, OneBarrierIsOneLine) {
  const int line = __LINE__;
  const std::string text = RunKernel(64, [] {
    if (threadIdx.x % 2 == 0) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  });
  ExpectContains(
      text, {"barrier divergence", "__syncthreads at barrier_test.cc:" + std::to_string(line + 3),
             "__syncthreads at barrier_test.cc:" + std::to_string(line + 5)});
}

TEST_F(Barrier, OneBarrierIsOneKind) {
  // clang-format off
  ExpectContains(RunKernel(64, [] {
    if (threadIdx.x < 32) { __syncthreads(); } else { __syncthreads_or(1); }
  }), {"barrier divergence", "in __syncthreads at", "in __syncthreads_or at"});
  // clang-format on
}

TEST_F(Barrier, AWarpOperationIsNoBarrierOfTheBlock) {
  const std::string text = RunKernel(64, [] {
    if (threadIdx.x == 3) {
      __syncthreads();
    } else {
      __syncwarp();
    }
  });
  ExpectContains(text, {"barrier divergence", "thread (3,0,0) in __syncthreads at",
                        "__syncwarp with mask 0xffffffff at"});
}

TEST_F(Barrier, ADivergenceInALaterBlockNamesTheBlock) {
  ExpectContains(RunKernel(dim3(4, 2), 32,
                           [] {
                             if (blockIdx.x == 2 && blockIdx.y == 1 && threadIdx.x > 3) return;
                             __syncthreads();
                           }),
                 {"block (2,1,0)"});
}

TEST_F(Barrier, ABrokenBlockReleasesWhatItsThreadsHold) {
  int alive = 0;
  struct Counted {
    explicit Counted(int* n) : count(n) { ++*count; }
    ~Counted() { --*count; }
    int* count;
  };
  int* count = &alive;
  EXPECT_NE(RunKernel(64,
                      [=] {
                        const Counted held(count);
                        if (threadIdx.x == 9) return;
                        __syncthreads();
                      }),
            "");
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(RunKernel(64, [] { __syncthreads(); }), "");  // fit for the next block
}

TEST_F(Barrier, ATrapEndsTheLaunch) {
  int blocks = 0;
  int* count = &blocks;
  ExpectContains(RunKernel(5, 32,
                           [=] {
                             if (threadIdx.x == 0) ++*count;
                             if (blockIdx.x == 2 && threadIdx.x == 7) __trap();
                           }),
                 {"kernel kernel_under_test, block (2,0,0), thread (7,0,0): __trap"});
  EXPECT_EQ(blocks, 3);
}

TEST_F(Barrier, AnExceptionEndsTheLaunch) {
  ExpectContains(RunKernel(32, [] { std::vector<int>(3).at(threadIdx.x) = 1; }),
                 {"thread (3,0,0): exception: "});
}

}  // namespace
}  // namespace lossmith_test
