// How a CTA of 8 warps holds a tile of 64 x 128 dots: warp w has rows 8w .. 8w+7, a lane four
// neighbouring columns of each. One read of the dots serves both directions: rows are reduced
// inside a warp, columns across the warps through shared memory.
#ifndef LOSSMITH_CUDA_KERNELS_CONTRASTIVE_TILE_CUH_
#define LOSSMITH_CUDA_KERNELS_CONTRASTIVE_TILE_CUH_

#include <cstdint>

#include "cuda/contrastive_kernels.h"
#include "cuda/device.h"
#include "cuda/kernels/reduce.cuh"
#include "math/contrastive.h"

namespace lossmith {
namespace cuda {

constexpr int kTileWarps = 8;
constexpr int kTileThreads = kTileWarps * kWarp;
// CTAs that a multiprocessor must hold: the oracle's f64 needs all registers that one may have.
template <class A>
constexpr int kTileBlocks = sizeof(A) == 8 ? 1 : 2;
constexpr int kThreadRows = kTileRows / kTileWarps;   // 8
constexpr int kThreadColumns = kTileColumns / kWarp;  // 4

// Where a thread's part of the tile lies in the block.
struct TilePlace {
  std::int64_t row_tile, column_tile;
  std::int64_t row, column;  // the thread's first row and column in the block
  int warp, lane;
};

LSM_DEVICE TilePlace tile_place(std::int64_t column_tiles) {
  const std::int64_t tile = blockIdx.x;
  TilePlace p{};
  p.warp = static_cast<int>(threadIdx.x) / kWarp;
  p.lane = static_cast<int>(threadIdx.x) % kWarp;
  p.row_tile = tile / column_tiles;
  p.column_tile = tile % column_tiles;
  p.row = p.row_tile * kTileRows + p.warp * kThreadRows;
  p.column = p.column_tile * kTileColumns + p.lane * kThreadColumns;
  return p;
}

// The thread's four dots of one row; the rows of a block are aligned to 16 bytes.
template <class A>
LSM_DEVICE void load_dots(const DotBlock<A>& block, std::int64_t row, std::int64_t column,
                          A (&dots)[kThreadColumns]) {
  constexpr int kVec = sizeof(A) == 4 ? 4 : 2;
  const A* from = block.dots + row * block.ld + column;
  if (column + kThreadColumns <= block.columns) {
#pragma unroll
    for (int k = 0; k < kThreadColumns; k += kVec) {
      const Vec<A, kVec> v = load_vec<kVec>(from + k);
#pragma unroll
      for (int l = 0; l < kVec; ++l) dots[k + l] = v[l];
    }
    return;
  }
#pragma unroll
  for (int k = 0; k < kThreadColumns; ++k) dots[k] = column + k < block.columns ? from[k] : A(0);
}

// What a thread knows of its columns.
template <class A>
struct TileColumns {
  A bias[kThreadColumns];
  bool used[kThreadColumns];  // inside the block and not ignored
};

template <class A>
LSM_DEVICE TileColumns<A> tile_columns(const DotBlock<A>& block, const TilePlace& p) {
  TileColumns<A> c;
#pragma unroll
  for (int k = 0; k < kThreadColumns; ++k) {
    const std::int64_t j = p.column + k;
    c.used[k] = j < block.columns && !block.skip.at(block.column0 + j);
    c.bias[k] = block.bias != nullptr && j < block.columns ? block.bias[block.column0 + j] : A(0);
  }
  return c;
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_CONTRASTIVE_TILE_CUH_
