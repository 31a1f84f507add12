// Gradient coefficients G_ij = scale dL/ds_ij of a block, in place of the dots or narrowed to the
// type of the gradient products, with their sums for the scale and the bias. One read and one
// write of the block.
#include "cuda/contrastive_kernels.h"
#include "cuda/kernels/contrastive_tile.cuh"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

template <class A>
struct CoefficientKernel {
  DotBlock<A> block;
  Direction<A> row, column;  // from the corner of the block on
  WeightBlock weights;
  const A* weight_factor;  // [block rows] or null
  CoefficientOutputs<A> out;
};

template <class A>
LSM_DEVICE A weight_at(const WeightBlock& w, std::int64_t i, std::int64_t j) {
  const std::int64_t at = i * w.matrix.ld + j;
  switch (w.matrix.type) {
    case Type::f64:
      return Convert<A>::from(static_cast<const double*>(w.matrix.data)[at]);
    case Type::bf16:
      return Convert<A>::from(static_cast<const bfloat16*>(w.matrix.data)[at]);
    case Type::f16:
      return Convert<A>::from(static_cast<const float16*>(w.matrix.data)[at]);
    default:
      return Convert<A>::from(static_cast<const float*>(w.matrix.data)[at]);
  }
}

// What the columns of a thread bring.
template <class A>
struct ColumnValues {
  A hi[kThreadColumns], lo[kThreadColumns], c[kThreadColumns], uniform[kThreadColumns];
};

// The coefficient of an entry that is not a pair.
template <class A, bool kColumns>
LSM_DEVICE A dense_coefficient(const CoefficientKernel<A>& k, const ColumnValues<A>& columns,
                               std::int64_t row, int column, A s) {
  using Ops = ThreadOps<A>;
  A g = math::softmax_coefficient<Ops>(s, k.row.lse_hi[row], k.row.lse_lo[row], k.row.c[row]) -
        k.row.uniform[row];
  if constexpr (kColumns) {
    g += math::softmax_coefficient<Ops>(s, columns.hi[column], columns.lo[column],
                                        columns.c[column]) -
         columns.uniform[column];
  }
  return g;
}

// The coefficient of row i's pair, from f64: written once, nothing cancels.
template <class A, bool kColumns>
LSM_DEVICE double pair_coefficient(const CoefficientKernel<A>& k, std::int64_t i, std::int64_t j,
                                   A s) {
  double g = math::target_coefficient(static_cast<double>(s), k.row.lse_hi[i], k.row.lse_lo[i],
                                      k.row.c[i], k.row.uniform[i], k.row.target[i]);
  if constexpr (kColumns) {
    g += math::target_coefficient(static_cast<double>(s), k.column.lse_hi[j], k.column.lse_lo[j],
                                  k.column.c[j], k.column.uniform[j], k.column.target[j]);
  }
  return g;
}

template <class T, class A>
LSM_DEVICE void store_row(const CoefficientKernel<A>& k, std::int64_t row, std::int64_t column,
                          const A (&g)[kThreadColumns], A factor) {
  constexpr int kVec = sizeof(T) == 8 ? 2 : 4;
  T* to = static_cast<T*>(k.out.coefficients) + row * k.out.ld + column;
  if (column + kThreadColumns <= k.block.columns) {
#pragma unroll
    for (int at = 0; at < kThreadColumns; at += kVec) {
      Vec<T, kVec> v;
#pragma unroll
      for (int l = 0; l < kVec; ++l) v[l] = Convert<T>::from(g[at + l] * factor);
      store_vec(to + at, v);
    }
    return;
  }
#pragma unroll
  for (int at = 0; at < kThreadColumns; ++at) {
    if (column + at < k.block.columns) to[at] = Convert<T>::from(g[at] * factor);
  }
}

template <class T, class A, bool kColumns>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks<A>)
    tile_coefficients_kernel(CoefficientKernel<A> k) {
  LSM_SHARED(double, room, kTileWarps);
  LSM_SHARED(double, across, kTileWarps* kTileColumns);
  const std::int64_t column_tiles = (k.block.columns + kTileColumns - 1) / kTileColumns;
  const TilePlace p = tile_place(column_tiles);
  const A scale = static_cast<A>(k.block.scalars->scale);
  const A factor = static_cast<A>(k.block.scalars->narrow_factor);
  const TileColumns<A> columns = tile_columns(k.block, p);
  ColumnValues<A> values = {};
  if constexpr (kColumns) {
#pragma unroll
    for (int l = 0; l < kThreadColumns; ++l) {
      const std::int64_t j = p.column + l;
      if (j >= k.block.columns) continue;
      values.hi[l] = k.column.lse_hi[j];
      values.lo[l] = k.column.lse_lo[j];
      values.c[l] = k.column.c[j];
      values.uniform[l] = k.column.uniform[j];
    }
  }
  double total = 0;
  double column_sum[kThreadColumns] = {};
#pragma unroll 1
  for (int i = 0; i < kThreadRows; ++i) {
    const std::int64_t row = p.row + i;
    if (row >= k.block.rows) break;
    const std::int64_t global = k.block.row0 + row;
    A dots[kThreadColumns];
    A g[kThreadColumns] = {};
    load_dots(k.block, row, p.column, dots);
    const std::int64_t pair = global + k.block.pair_shift - k.block.column0;
    const bool row_used = !k.block.skip.at(global);
    A sum = 0;
#pragma unroll
    for (int l = 0; l < kThreadColumns; ++l) {
      if (!row_used || !columns.used[l]) continue;
      const std::int64_t j = p.column + l;
      const A s = math::score<ThreadOps<A>>(dots[l], scale, columns.bias[l]);
      const A weight =
          k.weight_factor != nullptr
              ? k.weight_factor[row] * weight_at<A>(k.weights, global, k.block.column0 + j)
              : A(0);
      if (pair == j) {
        const double exact =
            pair_coefficient<A, kColumns>(k, row, j, s) - static_cast<double>(weight);
        total += exact * static_cast<double>(dots[l]);
        g[l] = static_cast<A>(exact);
        if (k.out.pair_score != nullptr) k.out.pair_score[global] = s;
      } else {
        g[l] = dense_coefficient<A, kColumns>(k, values, row, l, s) - weight;
        sum = multiply_add(g[l], dots[l], sum);
      }
      column_sum[l] += static_cast<double>(g[l]);
    }
    total += static_cast<double>(sum);
    store_row<T>(k, row, p.column, g, factor);
  }
  total = block_sum<kTileThreads>(total, room);
  if (threadIdx.x == 0) k.out.scale_partial[blockIdx.x] = total;
  if (k.out.column_partial == nullptr) return;
#pragma unroll
  for (int l = 0; l < kThreadColumns; ++l) {
    across[p.warp * kTileColumns + p.lane * kThreadColumns + l] = column_sum[l];
  }
  __syncthreads();
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t j = p.column_tile * kTileColumns + thread;
  if (thread < kTileColumns && j < k.block.columns) {
    double sum = 0;
    for (int w = 0; w < kTileWarps; ++w) {
      const double part = across[w * kTileColumns + thread];
      sum += part;
    }
    k.out.column_partial[p.row_tile * k.block.columns + j] = sum;
  }
}

template <class T, class A>
void launch_as(cudaStream_t stream, const CoefficientKernel<A>& k) {
  const LaunchShape shape{dim3(static_cast<unsigned>(k.block.row_tiles() * k.block.column_tiles())),
                          dim3(kTileThreads)};
  launch(stream, "contrastive_coefficients", shape,
         k.column.c != nullptr ? tile_coefficients_kernel<T, A, true>
                               : tile_coefficients_kernel<T, A, false>,
         k);
}

}  // namespace

template <class A>
void tile_coefficients(cudaStream_t stream, const DotBlock<A>& block, const Direction<A>& row,
                       const Direction<A>& column, const WeightBlock& weights,
                       const A* weight_factor, const CoefficientOutputs<A>& out) {
  const CoefficientKernel<A> k{block,
                               row.at(block.row0),
                               column.at(block.column0),
                               weights,
                               weight_factor != nullptr ? weight_factor + block.row0 : nullptr,
                               out};
  if constexpr (sizeof(A) == 8) {
    launch_as<double>(stream, k);
  } else {
    if (out.type == Type::bf16) return launch_as<bfloat16>(stream, k);
    if (out.type == Type::f16) return launch_as<float16>(stream, k);
    launch_as<float>(stream, k);
  }
}

#define LSM_INSTANTIATE(A)                                                               \
  template void tile_coefficients(cudaStream_t, const DotBlock<A>&, const Direction<A>&, \
                                  const Direction<A>&, const WeightBlock&, const A*,     \
                                  const CoefficientOutputs<A>&);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
