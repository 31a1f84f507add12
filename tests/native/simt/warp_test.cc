// Operations of a warp against their definitions.
#include <cstdint>

#include "testing.h"

namespace lossmith_test {
namespace {

class Warp : public Simt {};

int Lane() { return static_cast<int>(threadIdx.x % 32); }

template <class T>
std::vector<T> Numbers() {
  std::vector<T> numbers(64);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<T>(static_cast<T>(i * 37 % 64) * 1000003 - static_cast<T>(7));
  }
  return numbers;
}

// f(value, lane) on two warps; what each thread got.
template <class T, class F>
std::vector<T> OnTwoWarps(const std::vector<T>& values, F f) {
  DeviceVector<T> from(values), to(64);
  const T* source = from.data();
  T* target = to.data();
  EXPECT_EQ(RunKernel(64, [=] { target[threadIdx.x] = f(source[threadIdx.x]); }), "");
  return to.Read();
}

template <class T>
class Shuffle : public Simt {};
using Numeric = ::testing::Types<int, unsigned, long, unsigned long long, float, double>;
TYPED_TEST_SUITE(Shuffle, Numeric);

TYPED_TEST(Shuffle, FromALane) {
  using T = TypeParam;
  const std::vector<T> values = Numbers<T>();
  for (const int width : {1, 2, 4, 8, 16, 32}) {
    for (const int lane : {0, 3, 31, 37, -1}) {
      const std::vector<T> got =
          OnTwoWarps(values, [=](T v) { return __shfl_sync(kFull, v, lane, width); });
      for (int i = 0; i < 64; ++i) {
        const int from = i / width * width + ((lane % width) + width) % width;
        EXPECT_EQ(got[static_cast<std::size_t>(i)], values[static_cast<std::size_t>(from)]);
      }
    }
  }
}

TYPED_TEST(Shuffle, UpDownAndAcross) {
  using T = TypeParam;
  const std::vector<T> values = Numbers<T>();
  for (const int width : {2, 8, 32}) {
    for (const int distance : {0, 1, 3, 16, 31, 40}) {
      const auto delta = static_cast<unsigned>(distance);
      const std::vector<T> up =
          OnTwoWarps(values, [=](T v) { return __shfl_up_sync(kFull, v, delta, width); });
      const std::vector<T> down =
          OnTwoWarps(values, [=](T v) { return __shfl_down_sync(kFull, v, delta, width); });
      const std::vector<T> across =
          OnTwoWarps(values, [=](T v) { return __shfl_xor_sync(kFull, v, distance & 31, width); });
      for (int i = 0; i < 64; ++i) {
        const int first = i / width * width, end = first + width;
        const int other = i / 32 * 32 + (i % 32 ^ (distance & 31));
        const auto at = [&](int k) { return values[static_cast<std::size_t>(k)]; };
        const auto me = static_cast<std::size_t>(i);
        EXPECT_EQ(up[me], at(i - distance >= first ? i - distance : i));
        EXPECT_EQ(down[me], at(i + distance < end ? i + distance : i));
        EXPECT_EQ(across[me], at(other < end ? other : i));
      }
    }
  }
}

TEST_F(Warp, Votes) {
  for (const unsigned pattern : {0u, 1u, 0x80000000u, 0xdeadbeefu, kFull}) {
    EXPECT_EQ(RunKernel(64,
                        [=] {
                          const int predicate = (pattern >> Lane() & 1u) != 0 ? 5 : 0;
                          EXPECT_EQ(__ballot_sync(kFull, predicate), pattern);
                          EXPECT_EQ(__any_sync(kFull, predicate), pattern != 0 ? 1 : 0);
                          EXPECT_EQ(__all_sync(kFull, predicate), pattern == kFull ? 1 : 0);
                        }),
              "");
  }
}

TEST_F(Warp, Matches) {
  const std::vector<int> values = {3, 1, 3, 3, 7, 1, -3, 3};
  const auto value_of = [values](int lane) { return values[static_cast<std::size_t>(lane % 8)]; };
  EXPECT_EQ(RunKernel(32,
                      [=] {
                        unsigned same = 0;
                        for (int l = 0; l < 32; ++l) {
                          if (value_of(l) == value_of(Lane())) same |= 1u << l;
                        }
                        EXPECT_EQ(__match_any_sync(kFull, value_of(Lane())), same);
                        EXPECT_EQ(__match_any_sync(kFull, static_cast<double>(value_of(Lane()))),
                                  same);
                        int all = -1;
                        EXPECT_EQ(__match_all_sync(kFull, value_of(Lane()), &all), 0u);
                        EXPECT_EQ(all, 0);
                        EXPECT_EQ(__match_all_sync(kFull, 2.5, &all), kFull);
                        EXPECT_EQ(all, 1);
                      }),
            "");
}

TEST_F(Warp, Reductions) {
  EXPECT_EQ(RunKernel(32,
                      [] {
                        const int x = Lane() * 1000 - 7000;
                        const unsigned u = 0x80000000u >> Lane();
                        EXPECT_EQ(__reduce_add_sync(kFull, x), 31 * 16 * 1000 - 32 * 7000);
                        EXPECT_EQ(__reduce_min_sync(kFull, x), -7000);
                        EXPECT_EQ(__reduce_max_sync(kFull, x), 24000);
                        EXPECT_EQ(__reduce_add_sync(kFull, u), kFull);
                        EXPECT_EQ(__reduce_min_sync(kFull, u), 1u);
                        EXPECT_EQ(__reduce_max_sync(kFull, u), 0x80000000u);
                        EXPECT_EQ(__reduce_or_sync(kFull, u), kFull);
                        EXPECT_EQ(__reduce_xor_sync(kFull, u | 1u), 0xfffffffeu);  // 32 ones cancel
                        EXPECT_EQ(__reduce_and_sync(kFull, ~u | 6u), 6u);
                        // Sums of unsigned numbers wrap around.
                        EXPECT_EQ(__reduce_add_sync(kFull, 0xffffffffu), 0u - 32u);
                      }),
            "");
}

TEST_F(Warp, MasksSplitAWarp) {
  DeviceVector<int> to(32);
  int* target = to.data();
  EXPECT_EQ(RunKernel(32,
                      [=] {
                        const bool odd = Lane() % 2 != 0;
                        int sum = Lane();
                        if (odd) {
                          for (int d = 2; d < 32; d *= 2) {
                            sum += __shfl_xor_sync(0xaaaaaaaau, sum, d);
                          }
                        } else if (Lane() < 16) {
                          sum = __reduce_add_sync(0x5555u, sum);
                        } else {
                          sum = static_cast<int>(__activemask() == 1u << Lane());
                        }
                        target[Lane()] = sum;
                      }),
            "");
  const std::vector<int> got = to.Read();
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(got[static_cast<std::size_t>(i)], i % 2 != 0 ? 256 : i < 16 ? 56 : 1) << i;
  }
}

TEST_F(Warp, AMaskMustHoldTheCaller) {
  ExpectContains(RunKernel(32, [] { __shfl_sync(0x0000ffffu, 1, 0); }),
                 {"thread (16,0,0): the mask does not hold the calling lane: __shfl_sync with mask "
                  "0x0000ffff at warp_test.cc:"});
}

TEST_F(Warp, AllLanesOfAMaskMustArrive) {
  ExpectContains(
      RunKernel(64,
                [] {
                  if (threadIdx.x != 37) __ballot_sync(kFull, 1);
                  __syncthreads();
                }),
      {"barrier divergence", "thread (0,0,0) and 32 more in __syncthreads at warp_test.cc:",
       "thread (32,0,0) and 30 more in __ballot_sync with mask 0xffffffff at",
       ", without thread (37,0,0)"});
}

TEST_F(Warp, LanesThatExitedOrNeverWereDoNotArrive) {
  ExpectContains(RunKernel(32,
                           [] {
                             if (threadIdx.x < 3) return;
                             __any_sync(kFull, 1);
                           }),
                 {"thread (3,0,0): the mask names lane 0, which has exited: __any_sync"});
  ExpectContains(RunKernel(40, [] { __syncwarp(); }),
                 {"thread (32,0,0): the mask names lane 8, which does not exist: __syncwarp"});
  ExpectContains(RunKernel(32,
                           [] {
                             if (threadIdx.x == 31) return;
                             __syncwarp();
                           }),
                 {"barrier divergence", "thread (0,0,0) and 30 more in __syncwarp",
                  ", without thread (31,0,0); thread (31,0,0) exited"});
}

TEST_F(Warp, LanesOfOneMaskBringTheSameMaskToTheSameOperation) {
  ExpectContains(RunKernel(32, [] { __syncwarp(threadIdx.x == 4 ? 0x7fffffffu : kFull); }),
                 {"barrier divergence", "thread (4,0,0) in __syncwarp with mask 0x7fffffff",
                  "in __syncwarp with mask 0xffffffff"});
  const std::string text = RunKernel(32, [] {
    if (threadIdx.x % 2 == 0) {
      __shfl_xor_sync(kFull, 1, 1);
    } else {
      __shfl_down_sync(kFull, 1, 1);
    }
  });
  ExpectContains(text, {"barrier divergence", "__shfl_xor_sync", "__shfl_down_sync"});
}

TEST_F(Warp, AShuffleReadsNoLaneOutsideItsMask) {
  ExpectContains(RunKernel(32,
                           [] {
                             if (threadIdx.x < 16) __shfl_down_sync(0xffffu, 1, 4);
                           }),
                 {"thread (12,0,0): shuffle from lane 16, which takes no part: __shfl_down_sync"});
}

TEST_F(Warp, WidthsArePowersOfTwo) {
  ExpectContains(RunKernel(32, [] { __shfl_sync(kFull, 1, 0, 12); }), {"shuffle of width 12"});
}

TEST_F(Warp, AtomicsReturnTheOldValueAndKeepTheNew) {
  DeviceVector<unsigned> cells(std::vector<unsigned>{0, 5, 0, 0xffu, 0, 7});
  DeviceVector<double> sums(1);
  DeviceVector<int> old_values(64);
  unsigned* c = cells.data();
  double* s = sums.data();
  int* old = old_values.data();
  EXPECT_EQ(RunKernel(64,
                      [=] {
                        old[threadIdx.x] = static_cast<int>(atomicAdd(c, 1u));
                        atomicMin(c + 1, threadIdx.x + 2);
                        atomicMax(c + 2, threadIdx.x);
                        atomicAnd(c + 3, ~(1u << threadIdx.x % 4));
                        atomicOr(c + 4, 1u << threadIdx.x % 32);
                        if (threadIdx.x == 9) {
                          EXPECT_EQ(atomicCAS(c + 5, 8u, 1u), 7u);
                          EXPECT_EQ(atomicCAS(c + 5, 7u, 4u), 7u);
                          EXPECT_EQ(atomicExch(c + 5, 6u), 4u);
                        }
                        atomicAdd(s, 0.5);
                      }),
            "");
  EXPECT_EQ(cells.Read(), (std::vector<unsigned>{64, 2, 63, 0xf0u, kFull, 6}));
  EXPECT_EQ(sums.Read()[0], 32.0);
  std::vector<int> old_read = old_values.Read();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(old_read[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace lossmith_test
