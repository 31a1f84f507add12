// Tensor-core operations: fragments are packed and unpacked here by the tables of the PTX manual,
// element by element, and products compared with scalar ones.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include "testing.h"

namespace lossmith_test {
namespace {

using lossmith::bfloat16;
using lossmith::bit_cast;
using lossmith::float16;
using lossmith::to_bfloat16;
using lossmith::to_float;
using lossmith::to_float16;
using lossmith::cuda::to_tf32;

class TensorCore : public Simt {
 protected:
  std::mt19937 random_{7};
  float Uniform() { return std::uniform_real_distribution<float>(-1, 1)(random_); }
};

struct Place2 {
  int row, column;
};

// Element i (of all elements in a lane's registers, in order) of the operands.
Place2 A16(int lane, int i) {
  const int group = lane >> 2, in_group = lane % 4;
  return {(i < 2 || (i >= 4 && i < 6)) ? group : group + 8,
          in_group * 2 + (i & 1) + (i >= 4 ? 8 : 0)};
}
Place2 B16(int lane, int i) { return {lane % 4 * 2 + (i & 1) + (i >= 2 ? 8 : 0), lane >> 2}; }
Place2 Atf32(int lane, int i) {
  return {(i == 0 || i == 2) ? lane >> 2 : (lane >> 2) + 8, i < 2 ? lane % 4 : lane % 4 + 4};
}
Place2 Btf32(int lane, int i) { return {i == 0 ? lane % 4 : lane % 4 + 4, lane >> 2}; }
Place2 A8(int lane, int i) {
  const int group = lane >> 2;
  return {(i < 4 || (i >= 8 && i < 12)) ? group : group + 8,
          lane % 4 * 4 + (i & 3) + (i >= 8 ? 16 : 0)};
}
Place2 B8(int lane, int i) { return {lane % 4 * 4 + (i & 3) + (i >= 4 ? 16 : 0), lane >> 2}; }
Place2 D(int lane, int i) { return {i < 2 ? lane >> 2 : (lane >> 2) + 8, lane % 4 * 2 + (i & 1)}; }

// Registers of all lanes: `bits` of each element of a matrix with `columns` columns.
template <int kRegisters>
std::vector<std::uint32_t> Pack(const std::vector<std::uint32_t>& matrix, int columns, int bits,
                                Place2 (*place)(int, int)) {
  std::vector<std::uint32_t> registers(32 * kRegisters);
  const int per_register = 32 / bits;
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < kRegisters * per_register; ++i) {
      const Place2 p = place(lane, i);
      registers[static_cast<std::size_t>(lane * kRegisters + i / per_register)] |=
          matrix[static_cast<std::size_t>(p.row * columns + p.column)] << i % per_register * bits;
    }
  }
  return registers;
}

// D = C + A B through one instruction, [16, 8].
template <class Number, class Multiply>
std::vector<Number> Product(const std::vector<std::uint32_t>& a,
                            const std::vector<std::uint32_t>& b, const std::vector<Number>& c,
                            Multiply multiply) {
  DeviceVector<std::uint32_t> a_there(a), b_there(b);
  DeviceVector<Number> d_there(c);
  const std::uint32_t* from_a = a_there.data();
  const std::uint32_t* from_b = b_there.data();
  Number* to = d_there.data();
  EXPECT_EQ(RunKernel(32,
                      [=] {
                        const int lane = static_cast<int>(threadIdx.x);
                        std::uint32_t fa[4], fb[2];
                        Number fd[4];
                        for (int i = 0; i < 4; ++i) {
                          fa[i] = from_a[lane * 4 + i];
                          fd[i] = to[D(lane, i).row * 8 + D(lane, i).column];
                        }
                        for (int i = 0; i < 2; ++i) fb[i] = from_b[lane * 2 + i];
                        multiply(fd, fa, fb);
                        for (int i = 0; i < 4; ++i) {
                          to[D(lane, i).row * 8 + D(lane, i).column] = fd[i];
                        }
                      }),
            "");
  return d_there.Read();
}

template <class T>
void ExpectProductOf16BitNumbers(std::mt19937& random, T (*narrow)(float)) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  constexpr int kDepth = 16;
  std::vector<std::uint32_t> a(16 * kDepth), b(kDepth * 8);
  std::vector<float> c(16 * 8);
  for (std::uint32_t& x : a) x = narrow(uniform(random)).bits;
  for (std::uint32_t& x : b) x = narrow(uniform(random)).bits;
  for (float& x : c) x = uniform(random);
  const auto value = [](std::uint32_t bits) {
    return static_cast<double>(to_float(T{static_cast<std::uint16_t>(bits)}));
  };
  const std::vector<float> d =
      Product<float>(Pack<4>(a, kDepth, 16, A16), Pack<2>(b, 8, 16, B16), c,
                     [](float(&fd)[4], const std::uint32_t(&fa)[4], const std::uint32_t(&fb)[2]) {
                       lossmith::cuda::mma_m16n8k16(fd, fa, fb, T{});
                     });
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      double sum = c[i * 8 + j];
      for (std::size_t k = 0; k < kDepth; ++k) {
        sum += value(a[i * kDepth + k]) * value(b[k * 8 + j]);
      }
      EXPECT_NEAR(d[i * 8 + j], sum, 2e-6) << i << ", " << j;
    }
  }
}

TEST_F(TensorCore, ProductsOfBfloat16) { ExpectProductOf16BitNumbers(random_, &to_bfloat16); }
TEST_F(TensorCore, ProductsOfFloat16) { ExpectProductOf16BitNumbers(random_, &to_float16); }

TEST_F(TensorCore, ProductsOfTf32UseNoBitBelow) {
  std::vector<std::uint32_t> a(16 * 8), b(8 * 8);
  for (std::uint32_t& x : a) x = bit_cast<std::uint32_t>(Uniform());
  for (std::uint32_t& x : b) x = bit_cast<std::uint32_t>(Uniform());
  const std::vector<float> d =
      Product<float>(Pack<4>(a, 8, 32, Atf32), Pack<2>(b, 8, 32, Btf32), std::vector<float>(16 * 8),
                     [](float(&fd)[4], const std::uint32_t(&fa)[4], const std::uint32_t(&fb)[2]) {
                       lossmith::cuda::mma_m16n8k8_tf32(fd, fa, fb);
                     });
  const auto value = [](std::uint32_t bits) {
    return static_cast<double>(bit_cast<float>(bits >> 13 << 13));
  };
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < 8; ++k) sum += value(a[i * 8 + k]) * value(b[k * 8 + j]);
      EXPECT_NEAR(d[i * 8 + j], sum, 1e-6) << i << ", " << j;
    }
  }
}

void ExpectProductOfBytes(std::mt19937& random, bool unsigned_a) {
  std::vector<std::uint32_t> a(16 * 32), b(32 * 8);
  std::vector<std::int32_t> c(16 * 8);
  for (std::uint32_t& x : a) x = static_cast<std::uint32_t>(random()) & 0xffu;
  for (std::uint32_t& x : b) x = static_cast<std::uint32_t>(random()) & 0xffu;
  for (std::int32_t& x : c) x = static_cast<std::int32_t>(static_cast<std::uint32_t>(random()));
  const std::vector<std::int32_t> d = Product<std::int32_t>(
      Pack<4>(a, 32, 8, A8), Pack<2>(b, 8, 8, B8), c,
      [unsigned_a](std::int32_t(&fd)[4], const std::uint32_t(&fa)[4], const std::uint32_t(&fb)[2]) {
        if (unsigned_a) {
          lossmith::cuda::mma_m16n8k32_u8_s8(fd, fa, fb);
        } else {
          lossmith::cuda::mma_m16n8k32_s8(fd, fa, fb);
        }
      });
  const auto value = [](std::uint32_t bits, bool is_unsigned) {
    return is_unsigned ? std::int64_t{bits} : std::int64_t{static_cast<std::int8_t>(bits)};
  };
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      std::int64_t sum = c[i * 8 + j];
      for (std::size_t k = 0; k < 32; ++k) {
        sum += value(a[i * 32 + k], unsigned_a) * value(b[k * 8 + j], false);
      }
      EXPECT_EQ(static_cast<std::uint32_t>(d[i * 8 + j]), static_cast<std::uint32_t>(sum));
    }
  }
}

TEST_F(TensorCore, ProductsOfBytesAreExactAndWrapAround) {
  ExpectProductOfBytes(random_, false);
  ExpectProductOfBytes(random_, true);
}

TEST_F(TensorCore, SumsOfFourProductsOfBytes) {
  using lossmith::cuda::dot4_s8;
  using lossmith::cuda::dot4_u8_s8;
  // Bytes 255, 1, 128, 2 or -1, 1, -128, 2, and -128, 127, 3, -1.
  constexpr std::uint32_t kA = 0x028001ffu, kB = 0xff037f80u;
  EXPECT_EQ(dot4_s8(kA, kB, 10), 10 + 128 + 127 - 384 - 2);
  EXPECT_EQ(dot4_u8_s8(kA, kB, 10), 10 - 32640 + 127 + 384 - 2);
  EXPECT_EQ(dot4_s8(kA, kB, 0x7fffffff), static_cast<std::int32_t>(0x7fffffffu - 131u));
  EXPECT_EQ(dot4_s8(kB, kA, 0x7ffffff0), dot4_s8(kA, kB, 0x7ffffff0));
}

// Matrices at an address of 80 bytes a row, so that rows are not neighbours.
TEST_F(TensorCore, LdmatrixGivesFourMatricesPlainOrTransposed) {
  DeviceVector<std::uint32_t> out(2 * 32 * 4);
  std::uint32_t* to = out.data();
  EXPECT_EQ(RunKernel(32,
                      [=] {
                        LSM_SHARED(bfloat16, rows, 32 * 40);
                        const int lane = static_cast<int>(threadIdx.x);
                        for (int i = 0; i < 8; ++i) {
                          rows[lane * 40 + i] = bfloat16{static_cast<std::uint16_t>(lane * 8 + i)};
                        }
                        __syncwarp();
                        std::uint32_t r[4];
                        lossmith::cuda::ldmatrix_x4(r, rows + lane * 40);
                        for (int i = 0; i < 4; ++i) to[lane * 4 + i] = r[i];
                        lossmith::cuda::ldmatrix_x4_trans(r, rows + lane * 40);
                        for (int i = 0; i < 4; ++i) to[128 + lane * 4 + i] = r[i];
                      }),
            "");
  const std::vector<std::uint32_t> got = out.Read();
  // Element (row, column) of matrix m holds the number 64 m + 8 row + column.
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    for (std::uint32_t m = 0; m < 4; ++m) {
      const std::uint32_t row = lane / 4, column = lane % 4 * 2;
      const std::uint32_t plain = 64 * m + 8 * row + column;
      EXPECT_EQ(got[lane * 4 + m], plain | (plain + 1) << 16);
      const std::uint32_t across = 64 * m + 8 * column + row;
      EXPECT_EQ(got[128 + lane * 4 + m], across | (across + 8) << 16);
    }
  }
}

TEST_F(TensorCore, LdmatrixChecksEveryRow) {
  ExpectContains(RunKernel(32,
                           [] {
                             LSM_SHARED(bfloat16, rows, 32 * 8);
                             for (int i = 0; i < 8; ++i) {
                               if (threadIdx.x != 13 || i != 6) {
                                 rows[threadIdx.x * 8 + static_cast<unsigned>(i)] = bfloat16{1};
                               }
                             }
                             __syncwarp();
                             std::uint32_t r[4];
                             lossmith::cuda::ldmatrix_x4(r, rows + threadIdx.x * 8);
                           }),
                 {"thread (13,0,0): uninitialised read of rows[104] (16 bytes)"});
  ExpectContains(RunKernel(32,
                           [] {
                             LSM_SHARED(bfloat16, rows, 32 * 8);
                             std::uint32_t r[4];
                             lossmith::cuda::ldmatrix_x4(r, rows + 4 * threadIdx.x);
                           }),
                 {"uninitialised read of rows[0]"});
  ExpectContains(RunKernel(32,
                           [] {
                             LSM_SHARED(bfloat16, rows, 32 * 8);
                             std::uint32_t r[4];
                             lossmith::cuda::ldmatrix_x4(r, rows + 12);
                           }),
                 {"misaligned read of rows[12]: not at a multiple of 16 bytes"});
}

TEST_F(TensorCore, AllLanesTakePart) {
  ExpectContains(RunKernel(32,
                           [] {
                             float d[4] = {};
                             const std::uint32_t a[4] = {}, b[2] = {};
                             if (threadIdx.x != 8) {
                               lossmith::cuda::mma_m16n8k16(d, a, b, float16{});
                             }
                             __syncthreads();
                           }),
                 {"barrier divergence", "thread (8,0,0) in __syncthreads", "in mma"});
}

TEST_F(TensorCore, Tf32RoundsToNearestAwayFromZero) {
  const auto rounded = [](std::uint32_t bits) { return to_tf32(bit_cast<float>(bits)); };
  EXPECT_EQ(rounded(0x3f800fffu), 0x3f800000u);
  EXPECT_EQ(rounded(0x3f801000u), 0x3f802000u);
  EXPECT_EQ(rounded(0xbf801000u), 0xbf802000u);
  EXPECT_EQ(rounded(0x3f803000u), 0x3f804000u);
  EXPECT_EQ(rounded(0x7f7fffffu), 0x7f800000u);
  EXPECT_EQ(rounded(0xff800000u), 0xff800000u);
  EXPECT_EQ(rounded(0x7fffffffu), 0x7fffffffu);
  EXPECT_TRUE(std::isnan(bit_cast<float>(to_tf32(std::nanf("")))));
}

}  // namespace
}  // namespace lossmith_test
