// Row and column log-sum-exp of every tile of a block of dots, from one read.
//
// Bytes: the dots once (4 rows columns for f32), partials 16 / 128 + 16 / 64 of an element each.
// A tile whose maxima all lie within e^40 of each other uses the largest as one common offset, so
// that one exponential serves both directions: what underflows then is negligible in its row and
// in its column.
#include "cuda/contrastive_kernels.h"
#include "cuda/kernels/contrastive_tile.cuh"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr double kSharedSpread = 40;
constexpr double kLowest = -3.0e38;  // finite, so that (-inf) - max stays -inf

// Scores of the thread's part, -inf where nothing takes part, and the score of a pair that lies in
// it to pair_score.
template <class A>
LSM_DEVICE void load_scores(const DotBlock<A>& block, const TilePlace& p, A* pair_score,
                            A (&s)[kThreadRows][kThreadColumns], bool (&row_used)[kThreadRows]) {
  const A scale = static_cast<A>(block.scalars->scale);
  const TileColumns<A> columns = tile_columns(block, p);
#pragma unroll
  for (int i = 0; i < kThreadRows; ++i) {
    const std::int64_t row = p.row + i;
    const std::int64_t global = block.row0 + row;
    row_used[i] = row < block.rows && !block.skip.at(global);
    A dots[kThreadColumns] = {};
    if (row_used[i]) load_dots(block, row, p.column, dots);
    const std::int64_t pair = global + block.pair_shift - block.column0;
#pragma unroll
    for (int k = 0; k < kThreadColumns; ++k) {
      const bool used = row_used[i] && columns.used[k];
      s[i][k] = used ? math::score<ThreadOps<A>>(dots[k], scale, columns.bias[k]) : -A(INFINITY);
      if (used && pair == p.column + k) pair_score[global] = s[i][k];
    }
  }
}

template <class A, bool kColumns>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks<A>)
    tile_statistics_kernel(DotBlock<A> block, Statistics<A> out, A* pair_score) {
  LSM_SHARED(A, across, kTileWarps * kTileColumns);  // one row of column values for each warp
  LSM_SHARED(A, column_offset, kTileColumns);
  LSM_SHARED(A, extremes, 4 * kTileWarps);
  const std::int64_t column_tiles = (block.columns + kTileColumns - 1) / kTileColumns;
  const TilePlace p = tile_place(column_tiles);
  const int thread = static_cast<int>(threadIdx.x);

  A s[kThreadRows][kThreadColumns];
  bool row_used[kThreadRows];
  load_scores(block, p, pair_score, s, row_used);

  // Maxima of rows in the warp, of columns across the warps; the lowest and highest of them all.
  A row_max[kThreadRows];
  A low = -A(kLowest);
  A high = A(kLowest);
#pragma unroll
  for (int i = 0; i < kThreadRows; ++i) {
    A m = A(kLowest);
#pragma unroll
    for (int k = 0; k < kThreadColumns; ++k) m = larger(m, s[i][k]);
    row_max[i] = warp_max(m);
    if (row_used[i]) low = row_max[i] < low ? row_max[i] : low;
    high = larger(high, row_max[i]);
  }
  if (p.lane == 0) {
    extremes[p.warp] = low;
    extremes[kTileWarps + p.warp] = high;
  }
  if (kColumns) {
#pragma unroll
    for (int k = 0; k < kThreadColumns; ++k) {
      A m = A(kLowest);
#pragma unroll
      for (int i = 0; i < kThreadRows; ++i) m = larger(m, s[i][k]);
      across[p.warp * kTileColumns + p.lane * kThreadColumns + k] = m;
    }
  }
  __syncthreads();
  if (kColumns && thread < kTileColumns) {
    A m = A(kLowest);
    for (int w = 0; w < kTileWarps; ++w) {
      const A other = across[w * kTileColumns + thread];
      m = larger(m, other);
    }
    column_offset[thread] = m;
    const std::int64_t j = p.column_tile * kTileColumns + thread;
    const bool used = j < block.columns && !block.skip.at(block.column0 + j);
    const A lowest = -warp_max(used ? -m : A(kLowest));
    if (p.lane == 0) extremes[2 * kTileWarps + p.warp] = lowest;
  }
  __syncthreads();
  for (int w = 0; w < kTileWarps; ++w) {
    const A row_low = extremes[w];
    const A row_high = extremes[kTileWarps + w];
    low = row_low < low ? row_low : low;
    high = larger(high, row_high);
    if (kColumns && w < kTileColumns / kWarp) {
      const A column_low = extremes[2 * kTileWarps + w];
      low = column_low < low ? column_low : low;
    }
  }
  const bool shared = kColumns && high - low <= A(kSharedSpread);

  // Sums relative to the offsets.
  A column_sum[kThreadColumns] = {};
  A offset[kThreadColumns];
#pragma unroll
  for (int k = 0; k < kThreadColumns; ++k) {
    offset[k] = high;
    if (kColumns && !shared) offset[k] = column_offset[p.lane * kThreadColumns + k];
  }
#pragma unroll
  for (int i = 0; i < kThreadRows; ++i) {
    const A row_offset = shared ? high : row_max[i];
    A sum = 0;
#pragma unroll
    for (int k = 0; k < kThreadColumns; ++k) {
      const A e = exp_of(s[i][k] - row_offset);
      sum += e;
      if (kColumns) column_sum[k] += shared ? e : exp_of(s[i][k] - offset[k]);
    }
    sum = warp_sum(sum);
    if (p.lane == 0 && p.row + i < block.rows) {
      const std::int64_t at = (p.row + i) * column_tiles + p.column_tile;
      out.row_max[at] = row_offset;
      out.row_sum[at] = sum;
    }
  }
  if constexpr (kColumns) {
#pragma unroll
    for (int k = 0; k < kThreadColumns; ++k) {
      across[p.warp * kTileColumns + p.lane * kThreadColumns + k] = column_sum[k];
    }
    __syncthreads();
    const std::int64_t j = p.column_tile * kTileColumns + thread;
    if (thread < kTileColumns && j < block.columns) {
      A sum = 0;
      for (int w = 0; w < kTileWarps; ++w) {
        const A part = across[w * kTileColumns + thread];
        sum += part;
      }
      const A mine = column_offset[thread];
      out.column_max[p.row_tile * block.columns + j] = shared ? high : mine;
      out.column_sum[p.row_tile * block.columns + j] = sum;
    }
  }
}

}  // namespace

template <class A>
void tile_statistics(cudaStream_t stream, const DotBlock<A>& block, const Statistics<A>& statistics,
                     A* pair_score) {
  const LaunchShape shape{dim3(static_cast<unsigned>(block.row_tiles() * block.column_tiles())),
                          dim3(kTileThreads)};
  launch(stream, "contrastive_statistics", shape,
         statistics.column_max != nullptr ? tile_statistics_kernel<A, true>
                                          : tile_statistics_kernel<A, false>,
         block, statistics, pair_score);
}

template void tile_statistics(cudaStream_t, const DotBlock<float>&, const Statistics<float>&,
                              float*);
template void tile_statistics(cudaStream_t, const DotBlock<double>&, const Statistics<double>&,
                              double*);

}  // namespace cuda
}  // namespace lossmith
