// What the product kernels share: the problem as they see it, the order of their tiles, and how
// sums reach C. Each block computes one kTile x kTile tile of C and walks along k in steps, so each
// sum of C is made by one thread (or one tensor-core instruction after the other) from k = 0
// upwards. Neither the size of the tile nor the way operands are loaded changes that order, hence
// not a bit of the result.
#ifndef LOSSMITH_CUDA_KERNELS_GEMM_PROBLEM_CUH_
#define LOSSMITH_CUDA_KERNELS_GEMM_PROBLEM_CUH_

#include <cstdint>
#include <string>
#include <type_traits>

#include "core/status.h"
#include "cuda/device.h"
#include "cuda/gemm.h"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {

template <class T>
using SumOf = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <class T>
struct GemmProblem {
  const T* a;
  const T* b;
  SumOf<T>* c;
  std::int64_t lda, ldb, ldc;
  std::int64_t m, n, k;
  std::int64_t row_tiles, column_tiles;
  // Base and leading dimension are multiples of 16 bytes: whole vectors can be moved.
  bool wide_a, wide_b, wide_c;
  bool accumulate;
};

inline bool moves_vectors(const void* base, std::int64_t ld, std::size_t element) {
  return reinterpret_cast<std::uintptr_t>(base) % 16 == 0 &&
         ld % static_cast<std::int64_t>(16 / element) == 0;
}

template <class T>
GemmProblem<T> problem_of(const GemmCall& call, int tile) {
  GemmProblem<T> p = {};
  p.a = static_cast<const T*>(call.a);
  p.b = static_cast<const T*>(call.b);
  p.c = static_cast<SumOf<T>*>(call.c);
  p.lda = call.lda;
  p.ldb = call.ldb;
  p.ldc = call.ldc;
  p.m = call.m;
  p.n = call.n;
  p.k = call.k;
  p.row_tiles = (call.m + tile - 1) / tile;
  p.column_tiles = (call.n + tile - 1) / tile;
  p.wide_a = moves_vectors(call.a, call.lda, sizeof(T));
  p.wide_b = moves_vectors(call.b, call.ldb, sizeof(T));
  p.wide_c = moves_vectors(call.c, call.ldc, sizeof(SumOf<T>));
  p.accumulate = call.accumulate;
  return p;
}

// Whether tiles of that size give every multiprocessor one; smaller tiles are worth it otherwise.
inline bool fills_device(const GemmCall& call, int tile, const DeviceFacts& facts) {
  return ((call.m + tile - 1) / tile) * ((call.n + tile - 1) / tile) >= facts.multiprocessors;
}

// One block for each tile, all along grid.x. That many tiles of a C that exists: 2^31 of them hold
// 2^37 rows of one element at least, 512 GiB.
template <class T>
unsigned tile_blocks(const GemmProblem<T>& p) {
  const std::int64_t tiles = p.row_tiles * p.column_tiles;
  if (tiles > 0x7fffffff) {
    throw Error(LSM_UNSUPPORTED, "product [" + std::to_string(p.m) + "," + std::to_string(p.n) +
                                     "]: more tiles than one grid has blocks");
  }
  return static_cast<unsigned>(tiles);
}

// Calls launch_product(std::integral_constant<Product, ...>): the product as a compile-time value.
template <class F>
void dispatch_product(Product product, F&& launch_product) {
  switch (product) {
    case Product::nt:
      return launch_product(std::integral_constant<Product, Product::nt>{});
    case Product::nn:
      return launch_product(std::integral_constant<Product, Product::nn>{});
    case Product::tn:
      return launch_product(std::integral_constant<Product, Product::tn>{});
  }
}

// First row and column of this block's tile of C. Tiles are taken in bands of 8 rows of tiles,
// column by column, so that blocks that run together share their operands through the L2 cache.
struct TileOrigin {
  std::int64_t row, column;
};
template <class T>
LSM_DEVICE TileOrigin tile_origin(const GemmProblem<T>& p, int tile) {
  constexpr std::int64_t kBand = 8;
  const std::int64_t index = blockIdx.x;
  const std::int64_t first = index / (kBand * p.column_tiles) * kBand;
  const std::int64_t rows = p.row_tiles - first < kBand ? p.row_tiles - first : kBand;
  const std::int64_t inside = index - first * p.column_tiles;
  return {(first + inside % rows) * tile, inside / rows * tile};
}

// Memory holds an operand as lines: rows of its matrix. Along the depth (the k axis) in the A of nt
// and nn and in the B of nt; along the outer axis (the m axis of A, the n axis of B) in the others.
template <Product kProduct>
struct Layout {
  static constexpr bool kADepth = kProduct != Product::tn;
  static constexpr bool kBDepth = kProduct == Product::nt;
};

// A kTile x kDepth piece of an operand: its first element, and how many of its lines, and of the
// elements of each line, are inside the matrix. The others count as zeros.
template <class T>
struct Piece {
  const T* from;
  std::int64_t ld;
  int lines, elements;
};
LSM_DEVICE int at_most(std::int64_t value, int limit) {
  return value < limit ? static_cast<int>(value) : limit;
}
template <bool kAlongDepth, int kTile, int kDepth, class T>
LSM_DEVICE Piece<T> piece_of(const T* matrix, std::int64_t ld, std::int64_t outer,
                             std::int64_t outer_count, std::int64_t depth,
                             std::int64_t depth_count) {
  const int outer_left = at_most(outer_count - outer, kTile);
  const int depth_left = at_most(depth_count - depth, kDepth);
  if constexpr (kAlongDepth) {
    return {matrix + outer * ld + depth, ld, outer_left, depth_left};
  } else {
    return {matrix + depth * ld + outer, ld, depth_left, outer_left};
  }
}

// N neighbours of one row of C, of which `left` are inside; wide: as one vector where all are.
template <int N, class S>
LSM_DEVICE void store_sums(S* c, const S (&sums)[N], std::int64_t left, bool wide,
                           bool accumulate) {
  if (wide && left >= N) {
    Vec<S, N> result = {};
    if (accumulate) result = load_vec<N>(c);
#pragma unroll
    for (int i = 0; i < N; ++i) result[i] = accumulate ? result[i] + sums[i] : sums[i];
    store_vec(c, result);
    return;
  }
#pragma unroll
  for (int i = 0; i < N; ++i) {
    if (i < left) c[i] = accumulate ? c[i] + sums[i] : sums[i];
  }
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_GEMM_PROBLEM_CUH_
