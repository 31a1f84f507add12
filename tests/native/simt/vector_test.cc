// Accesses of several elements at once.
#include "testing.h"

namespace lossmith_test {
namespace {

using lossmith::bfloat16;
using lossmith::cuda::dynamic_shared;
using lossmith::cuda::load_vec;
using lossmith::cuda::Shared;
using lossmith::cuda::store_vec;
using lossmith::cuda::Vec;

class Vectors : public Simt {};

TEST_F(Vectors, MoveElementsInOrder) {
  std::vector<float> values(64);
  for (std::size_t i = 0; i < 64; ++i) values[i] = static_cast<float>(i);
  DeviceVector<float> from(values), to(64);
  const float* source = from.data();
  float* target = to.data();
  EXPECT_EQ(
      RunKernel(16,
                [=] {
                  LSM_SHARED(float, row, 64);
                  const unsigned me = threadIdx.x;
                  store_vec(row + 4 * me, load_vec<4>(source + 4 * me));
                  __syncthreads();
                  const Vec<float, 2> low = load_vec<2>(Shared<const float>(row + 4 * (15 - me)));
                  const Vec<float, 2> high = load_vec<2>(row + (4 * (15 - me) + 2));
                  store_vec(target + 4 * me, Vec<float, 4>{{high[1], high[0], low[1], low[0]}});
                }),
      "");
  std::vector<float> reversed(values.rbegin(), values.rend());
  EXPECT_EQ(to.Read(), reversed);
}

TEST_F(Vectors, GlobalAddressesAreMultiplesOfTheSize) {
  DeviceVector<float> from(16);
  const float* source = from.data();
  float* target = from.data();
  ExpectContains(
      RunKernel(4, [=] { load_vec<4>(source + 2 * threadIdx.x); }),
      {"thread (1,0,0): misaligned load_vec of global memory: 8 bytes beyond a multiple of 16"});
  ExpectContains(
      RunKernel(4, [=] { store_vec(target + threadIdx.x, Vec<float, 2>{}); }),
      {"thread (1,0,0): misaligned store_vec of global memory: 4 bytes beyond a multiple of 8"});
}

TEST_F(Vectors, SharedAddressesAreMultiplesOfTheSize) {
  ExpectContains(RunKernel(1,
                           [] {
                             LSM_SHARED(bfloat16, row, 64);
                             store_vec(row + 8, Vec<bfloat16, 8>{});
                             store_vec(row + 20, Vec<bfloat16, 8>{});
                           }),
                 {"misaligned write of row[20]: not at a multiple of 16 bytes"});
}

TEST_F(Vectors, LieInsideTheirArray) {
  ExpectContains(RunKernel(1,
                           [] {
                             LSM_SHARED(float, row, 6);
                             store_vec(row + 4, Vec<float, 4>{});
                           }),
                 {"out of bounds: write of row[4] (16 bytes), of 6 elements"});
}

TEST_F(Vectors, ReadNoByteThatNobodyWrote) {
  ExpectContains(RunKernel(1,
                           [] {
                             LSM_SHARED(float, row, 8);
                             for (int i = 0; i < 7; ++i) row[i] = 1.0f;
                             load_vec<4>(row);
                             load_vec<4>(row + 4);
                           }),
                 {"uninitialised read of row[4] (16 bytes)"});
}

TEST_F(Vectors, TakePartInRaces) {
  ExpectContains(RunKernel(2,
                           [] {
                             LSM_SHARED(float, row, 8);
                             if (threadIdx.x == 0) {
                               store_vec(row, Vec<float, 4>{});
                             } else {
                               row[3] = 1.0f;
                             }
                           }),
                 {"race: write of row[3] (4 bytes), which thread (0,0,0) wrote"});
}

}  // namespace
}  // namespace lossmith_test
