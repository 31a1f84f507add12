// How kernels walk over the rows of a matrix: in chunks of N neighbouring elements, 16 bytes of the
// widest type at hand. A chunk is one access where the matrix is aligned for it and N accesses
// where it is not; who holds which elements, and so the order of every sum, is the same.
#ifndef LOSSMITH_CUDA_KERNELS_ROWS_CUH_
#define LOSSMITH_CUDA_KERNELS_ROWS_CUH_

#include <cstdint>

#include "cuda/device.h"
#include "cuda/launch.h"
#include "cuda/rows.h"

namespace lossmith {
namespace cuda {

constexpr int kRowWarp = 32;
constexpr int kRowWarps = 8;  // of a block
constexpr int kRowThreads = kRowWarps * kRowWarp;

// Elements of a chunk that is read and written in these types.
template <class... T>
struct Widest;
template <class T>
struct Widest<T> {
  static constexpr int kBytes = sizeof(T);
};
template <class T, class... Others>
struct Widest<T, Others...> {
  static constexpr int kBytes = static_cast<int>(sizeof(T)) > Widest<Others...>::kBytes
                                    ? static_cast<int>(sizeof(T))
                                    : Widest<Others...>::kBytes;
};
template <class... T>
constexpr int kChunkOf = 16 / Widest<T...>::kBytes;

// A matrix as a kernel sees it.
template <class T>
struct RowsOf {
  T* data;
  std::int64_t rows, width, ld;
  bool aligned;  // every chunk of every row can be one access

  RowsOf(const Matrix& m, int chunk)
      : data(static_cast<T*>(m.data)), rows(m.rows), width(m.width), ld(m.ld) {
    const std::int64_t bytes = chunk * static_cast<std::int64_t>(sizeof(T));
    aligned =
        reinterpret_cast<std::uintptr_t>(m.data) % bytes == 0 && (rows <= 1 || m.ld % chunk == 0);
  }
  LSM_HD T* row(std::int64_t i) const { return data + i * ld; }
};

// The elements from `column` on; zeros past the end of the row.
template <int N, class T>
LSM_DEVICE Vec<T, N> load_chunk(const T* row, std::int64_t column, const RowsOf<const T>& m) {
  if (m.aligned && column + N <= m.width) return load_vec<N>(row + column);
  Vec<T, N> v;
#pragma unroll
  for (int k = 0; k < N; ++k) v[k] = column + k < m.width ? row[column + k] : T{};
  return v;
}

template <int N, class T>
LSM_DEVICE void store_chunk(T* row, std::int64_t column, const RowsOf<T>& m, const Vec<T, N>& v) {
  if (m.aligned && column + N <= m.width) {
    store_vec(row + column, v);
    return;
  }
#pragma unroll
  for (int k = 0; k < N; ++k) {
    if (column + k < m.width) row[column + k] = v[k];
  }
}

// One warp for each row: its number in the grid, and how many there are.
LSM_DEVICE std::int64_t warp_row() {
  return static_cast<std::int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kRowWarp;
}
LSM_DEVICE std::int64_t warp_rows() { return static_cast<std::int64_t>(gridDim.x) * kRowWarps; }

inline LaunchShape warp_for_each_row(std::int64_t rows) {
  return {dim3(blocks_for(rows, kRowWarps)), dim3(kRowThreads)};
}

// Elementwise kernels: the threads of a block cover some chunks (x) of some rows (y), and stride
// over the rest.
inline LaunchShape threads_for_chunks(std::int64_t rows, std::int64_t width, int chunk) {
  constexpr std::int64_t kMostColumnBlocks = 65535;
  constexpr std::int64_t kChunksOfAThread = 4;
  const std::int64_t chunks = (width + chunk - 1) / chunk;
  if (rows <= 0 || chunks <= 0) return {dim3(0), dim3(kRowThreads)};
  unsigned x = 1;
  while (x < kRowThreads && x < chunks) x *= 2;
  const unsigned y = kRowThreads / x;
  const std::int64_t columns = (chunks + x * kChunksOfAThread - 1) / (x * kChunksOfAThread);
  return {dim3(blocks_for(rows, y),
               static_cast<unsigned>(columns < kMostColumnBlocks ? columns : kMostColumnBlocks)),
          dim3(x, y)};
}
LSM_DEVICE std::int64_t chunk_row() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
}
LSM_DEVICE std::int64_t chunk_rows() { return static_cast<std::int64_t>(gridDim.x) * blockDim.y; }
LSM_DEVICE std::int64_t first_chunk() {
  return static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
}
LSM_DEVICE std::int64_t chunk_step() { return static_cast<std::int64_t>(gridDim.y) * blockDim.x; }

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_ROWS_CUH_
