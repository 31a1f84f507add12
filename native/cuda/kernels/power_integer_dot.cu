// The integer product by products of four bytes, for devices without the tensor cores that
// power_integer_mma.cu wants.
//
// A block of 16 x 16 threads computes a 64 x 64 tile in steps of 64 bytes along k, 4 x 4 sums a
// thread, 16 rows and columns apart. Both operands' pieces lie in shared memory as words, a line of
// 16 words in 17 places: reading, the lanes of a warp ask for the same word of 16 neighbouring lines
// of w, which lie in different banks, and of 2 lines of x. Filling, 4 lanes hold one line, the words
// of which they store one by one: two-way conflicts at most.
//
// Floor: m n k / 4 products of four bytes, 64 a cycle and multiprocessor on sm_75; two words are read
// for 4 products each, so shared memory is as busy as they are.
//
// nvcc 13.0, no spills on sm_75, 80, 90. Registers: 64 on sm_75, 48 on sm_90.
#include "cuda/kernels/gemm_problem.cuh"
#include "cuda/kernels/power_integer_end.cuh"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kTile = 64;
constexpr int kStep = 64;  // bytes along k
constexpr int kWords = kStep / 4;
constexpr int kLine = kWords + 1;
constexpr int kSide = 16;  // threads
constexpr int kSums = kTile / kSide;

// One vector of each thread: a quarter of a line.
LSM_DEVICE Vec<std::uint32_t, 4> load_line(const ByteMatrix& m, std::int64_t row0,
                                           std::int64_t depth) {
  const std::int64_t row = row0 + threadIdx.x / 4;
  const std::int64_t column = depth + threadIdx.x % 4 * 16;
  if (row >= m.rows || column >= m.ld) return {};
  return load_vec<4>(reinterpret_cast<const std::uint32_t*>(m.data + row * m.ld + column));
}
LSM_DEVICE void store_line(Shared<std::uint32_t> tile, const Vec<std::uint32_t, 4>& words) {
  const int at = static_cast<int>(threadIdx.x) / 4 * kLine + static_cast<int>(threadIdx.x) % 4 * 4;
#pragma unroll
  for (int i = 0; i < 4; ++i) tile[at + i] = words[i];
}

template <bool kUnsigned>
__global__ void __launch_bounds__(kThreads)
    multiply_bytes_kernel(ByteMatrix x, ByteMatrix w, std::int64_t column_tiles, IntegerEnd end) {
  LSM_SHARED(std::uint32_t, x_tile, kTile * kLine);
  LSM_SHARED(std::uint32_t, w_tile, kTile * kLine);
  const std::int64_t row0 = blockIdx.x / column_tiles * kTile;
  const std::int64_t column0 = blockIdx.x % column_tiles * kTile;
  const int my_row = static_cast<int>(threadIdx.x) / kSide;
  const int my_column = static_cast<int>(threadIdx.x) % kSide;

  std::int32_t sums[kSums][kSums] = {};
  Vec<std::uint32_t, 4> from_x = load_line(x, row0, 0), from_w = load_line(w, column0, 0);
  for (std::int64_t depth = 0; depth < x.ld; depth += kStep) {
    store_line(x_tile, from_x);
    store_line(w_tile, from_w);
    __syncthreads();
    from_x = load_line(x, row0, depth + kStep);
    from_w = load_line(w, column0, depth + kStep);
#pragma unroll
    for (int word = 0; word < kWords; ++word) {
      std::uint32_t a[kSums], b[kSums];
#pragma unroll
      for (int i = 0; i < kSums; ++i) {
        a[i] = x_tile[(my_row + i * kSide) * kLine + word];
        b[i] = w_tile[(my_column + i * kSide) * kLine + word];
      }
#pragma unroll
      for (int i = 0; i < kSums; ++i) {
#pragma unroll
        for (int j = 0; j < kSums; ++j) {
          sums[i][j] =
              kUnsigned ? dot4_u8_s8(a[i], b[j], sums[i][j]) : dot4_s8(a[i], b[j], sums[i][j]);
        }
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < kSums; ++i) {
#pragma unroll
    for (int j = 0; j < kSums; ++j) {
      const std::int64_t row = row0 + my_row + i * kSide, column = column0 + my_column + j * kSide;
      if (row < x.rows && column < w.rows) store_integer(end, row, column, sums[i][j]);
    }
  }
}

}  // namespace

void multiply_bytes(cudaStream_t stream, const ByteMatrix& x, const ByteMatrix& w,
                    const IntegerEnd& end) {
  const std::int64_t column_tiles = (w.rows + kTile - 1) / kTile;
  const std::int64_t tiles = (x.rows + kTile - 1) / kTile * column_tiles;
  launch(stream, "power_integer_dot", {dim3(blocks_for(tiles, 1)), dim3(kThreads)},
         x.is_unsigned ? multiply_bytes_kernel<true> : multiply_bytes_kernel<false>, x, w,
         column_tiles, end);
}

}  // namespace cuda
}  // namespace lossmith
