// Shared memory: bounds, bytes never written, where arrays lie.
#include "testing.h"

namespace lossmith_test {
namespace {

using lossmith::bfloat16;
using lossmith::cuda::dynamic_shared;
using lossmith::cuda::Shared;

class SharedMemory : public Simt {};

TEST_F(SharedMemory, AnIndexBeyondTheEnd) {
  ExpectContains(RunKernel(32,
                           [] {
                             LSM_SHARED(float, row, 30);
                             row[threadIdx.x] = 1.0f;
                           }),
                 {"thread (30,0,0): out of bounds: write of row[30] (4 bytes), of 30 elements"});
  ExpectContains(RunKernel(1,
                           [] {
                             LSM_SHARED(double, row, 4);
                             const double x = row[4];
                             EXPECT_EQ(x, x);
                           }),
                 {"out of bounds: read of row[4] (8 bytes), of 4 elements"});
}

TEST_F(SharedMemory, AnIndexBeforeTheStart) {
  ExpectContains(RunKernel(2,
                           [] {
                             LSM_SHARED(float, first, 8);
                             LSM_SHARED(float, second, 8);
                             first[0] = 0.0f;
                             (second + 2)[static_cast<int>(threadIdx.x) - 3] = 1.0f;
                           }),
                 {"thread (0,0,0): out of bounds: write of second[-1]"});
}

TEST_F(SharedMemory, IndicesDoNotWrapAround) {
  for (const std::int64_t index :
       {std::int64_t{1} << 62, std::int64_t{1} << 32, -(std::int64_t{1} << 61)}) {
    ExpectContains(RunKernel(1,
                             [=] {
                               LSM_SHARED(float, row, 8);
                               row[index] = 1.0f;
                             }),
                   {"out of bounds: write of row["});
  }
}

TEST_F(SharedMemory, APointerMayPointAnywhereAndComeBack) {
  EXPECT_EQ(RunKernel(1,
                      [] {
                        LSM_SHARED(int, row, 8);
                        Shared<int> p = row - 100;
                        p += 103;
                        *p = 5;
                        const Shared<const int> c = p;
                        const int got = c[0];
                        EXPECT_EQ(got, 5);
                        EXPECT_EQ(p - row, 3);
                      }),
            "");
}

TEST_F(SharedMemory, ElementsBehaveLikeVariables) {
  EXPECT_EQ(RunKernel(1,
                      [] {
                        LSM_SHARED(int, x, 4);
                        x[0] = 6;
                        x[1] = x[0];
                        x[0] += 4;
                        x[0] -= 1;
                        x[0] *= 3;
                        x[0] /= 2;
                        x[1] |= 9;
                        x[1] &= 13;
                        x[1] ^= 1;
                        ++x[1];
                        --x[0];
                        x[2] = x[0] < x[1] ? x[0] : x[1];
                        const int a = x[0], b = x[1], c = x[2];
                        EXPECT_EQ(a, 12);
                        EXPECT_EQ(b, 13);
                        EXPECT_EQ(c, 12);
                        EXPECT_EQ(max(x[0], x[1]), 13);
                      }),
            "");
}

TEST_F(SharedMemory, WhatNobodyWroteCannotBeRead) {
  ExpectContains(RunKernel(64,
                           [] {
                             LSM_SHARED(float, row, 64);
                             if (threadIdx.x != 5) row[threadIdx.x] = 1.0f;
                             __syncthreads();
                             const float x = row[63 - threadIdx.x];
                             EXPECT_EQ(x, 1.0f);
                           }),
                 {"thread (58,0,0): uninitialised read of row[5] (4 bytes)"});
}

TEST_F(SharedMemory, EveryByteCounts) {
  ExpectContains(RunKernel(
                     1,
                     [] {
                       const Shared<unsigned char> bytes = dynamic_shared<unsigned char>();
                       for (int i = 0; i < 16; ++i) {
                         if (i != 10) bytes[i] = 1;
                       }
                       const Shared<unsigned> words = dynamic_shared<unsigned>();
                       const unsigned x = words[1];
                       EXPECT_EQ(x, 0x01010101u);
                       const unsigned y = words[2];
                       EXPECT_EQ(y, 0u);
                     },
                     16),
                 {"uninitialised read of dynamic shared memory, byte 8 (4 bytes)"});
}

TEST_F(SharedMemory, EveryBlockStartsFresh) {
  ExpectContains(RunKernel(2, 32,
                           [] {
                             LSM_SHARED(int, row, 32);
                             if (blockIdx.x == 0) row[threadIdx.x] = 1;
                             const int x = row[threadIdx.x];
                             EXPECT_EQ(x, 1);
                           }),
                 {"block (1,0,0), thread (0,0,0): uninitialised read of row[0]"});
}

template <class T>
Shared<T> Storage() {
  LSM_SHARED(T, storage, 4);
  return storage;
}
Shared<int> OtherStorage() {
  LSM_SHARED(int, storage, 4);
  return storage;
}

TEST_F(SharedMemory, ADeclarationIsOneArrayForAllThreads) {
  EXPECT_EQ(RunKernel(4,
                      [] {
                        Storage<int>()[threadIdx.x] = static_cast<int>(threadIdx.x);
                        Storage<float>()[threadIdx.x] = 0.5f;
                        OtherStorage()[threadIdx.x] = 7;
                        __syncthreads();
                        const int mine = Storage<int>()[3 - threadIdx.x];
                        EXPECT_EQ(mine, 3 - static_cast<int>(threadIdx.x));
                        const float real = Storage<float>()[3 - threadIdx.x];
                        EXPECT_EQ(real, 0.5f);
                        const int other = OtherStorage()[3 - threadIdx.x];
                        EXPECT_EQ(other, 7);
                      }),
            "");
}

TEST_F(SharedMemory, DynamicMemoryIsAsLargeAsLaunched) {
  const auto kernel = [] {
    const Shared<float> floats = dynamic_shared<float>();
    const Shared<double> doubles = dynamic_shared<double>(64);
    floats[threadIdx.x] = 1.0f;
    doubles[threadIdx.x] = 2.0;
  };
  EXPECT_EQ(RunKernel(16, kernel, 64 + 128), "");
  ExpectContains(RunKernel(16, kernel, 64 + 120),
                 {"thread (15,0,0): out of bounds: write of dynamic shared memory, byte 184"});
}

TEST_F(SharedMemory, AnOffsetMustFitItsType) {
  ExpectContains(RunKernel(
                     1, [] { dynamic_shared<double>(4)[0] = 1.0; }, 64),
                 {"dynamic_shared at byte 4, which is not a multiple of the 8 bytes"});
}

TEST_F(SharedMemory, StaticArraysShareTheBlocksMemory) {
  ExpectContains(RunKernel(1,
                           [] {
                             LSM_SHARED(double, large, 6145);
                             large[0] = 1.0;
                           }),
                 {"static shared memory exceeds 48 KiB with array large"});
  const auto kernel = [] {
    LSM_SHARED(double, medium, 512);
    medium[0] = 1.0;
  };
  EXPECT_EQ(RunKernel(1, kernel, 223 * 1024), "");
  ExpectContains(RunKernel(1, kernel, 224 * 1024),
                 {"static and dynamic shared memory exceed 227 KiB with array medium"});
}

TEST_F(SharedMemory, HalvesOfAWordBelongToDifferentThreads) {
  EXPECT_EQ(RunKernel(64,
                      [] {
                        LSM_SHARED(bfloat16, row, 64);
                        LSM_SHARED(unsigned char, bytes, 64);
                        const auto me = threadIdx.x;
                        for (int round = 0; round < 3; ++round) {
                          row[me] = bfloat16{static_cast<std::uint16_t>(me + 1)};
                          bytes[me] = static_cast<unsigned char>(2 * me);
                          const bfloat16 own = row[me];
                          EXPECT_EQ(own.bits, me + 1);
                          __syncthreads();
                          const bfloat16 x = row[63 - me];
                          EXPECT_EQ(x.bits, 64 - me);
                          const unsigned char y = bytes[me ^ 1u];
                          EXPECT_EQ(y, 2 * (me ^ 1u));
                          __syncthreads();
                        }
                      }),
            "");
}

}  // namespace
}  // namespace lossmith_test
