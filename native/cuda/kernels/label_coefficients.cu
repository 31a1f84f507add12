// Gradient coefficients G_ij = scale dL/ds_ij of a block, in place of the products or narrowed to
// the type of the gradient products, with their sums for the scale and the bias: one read and one
// write of the block. Elements that a bit marks hold their coefficient already (label_patch.cu).
#include "cuda/kernels/contrastive_tile.cuh"
#include "cuda/kernels/element_at.cuh"
#include "cuda/kernels/label_score.cuh"
#include "cuda/label_kernels.h"
#include "cuda/launch.h"
#include "math/labels.h"

namespace lossmith {
namespace cuda {
namespace {

template <class A>
struct DenseKernel {
  LabelBlock<A> block;
  A alpha;
  LabelRows<A> rows;  // from the block's first row on
  LabelTargets<A> targets;
  EntryMarks marks;
  CoefficientOutputs<A> out;
};

// What a row brings.
template <class A>
struct DenseRow {
  A factor, hi, lo, least, uniform, target;

  LSM_DEVICE DenseRow(const LabelRows<A>& rows, std::int64_t i)
      : factor(rows.factor_a[i]),
        hi(rows.hi[i]),
        lo(rows.lo[i]),
        least(rows.least[i]),
        uniform(rows.uniform[i]),
        target(rows.target[i]) {}
};

// The coefficient of an element that is no entry, before the cap.
template <class A, LabelDense kDense>
LSM_DEVICE A dense_coefficient(const DenseKernel<A>& k, const DenseRow<A>& row, A s,
                               std::int64_t global, std::int64_t column) {
  using Ops = ThreadOps<A>;
  if constexpr (kDense == LabelDense::sigmoid) {
    const A e = exp_of(-magnitude(s));
    const A r = A(1) / (A(1) + e);
    return row.factor * (s < A(0) ? e * r : r);
  } else if constexpr (kDense == LabelDense::top_k) {
    const A size = magnitude(math::top_k_argument<Ops>(s, k.alpha, row.hi, row.lo));
    const A r = A(1) / (A(1) + exp_of(-size));
    return row.factor * exp_of(row.least - size) * r * r;
  } else {
    const A g = math::softmax_coefficient<Ops>(s, row.hi, row.lo, row.factor);
    if (row.uniform == A(0) && k.targets.soft.data == nullptr) return g;
    const A w = k.targets.weight != nullptr ? k.targets.weight[column] : A(1);
    A subtracted = row.uniform;
    if (k.targets.soft.data != nullptr) {
      const double q = element_at(k.targets.soft, global,
                                  k.targets.ids != nullptr ? k.targets.ids[column] : column);
      subtracted = multiply_add(row.target, static_cast<A>(q), subtracted);
    }
    return g - subtracted * w;
  }
}

template <class T, class A>
LSM_DEVICE void store_row(const DenseKernel<A>& k, std::int64_t row, std::int64_t column,
                          const A (&g)[kThreadColumns], A factor) {
  constexpr int kVec = sizeof(T) == 8 ? 2 : 4;
  T* to = static_cast<T*>(k.out.coefficients) + row * k.out.ld + column;
  if (column + kThreadColumns <= k.block.dots.columns) {
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
    if (column + at < k.block.dots.columns) to[at] = Convert<T>::from(g[at] * factor);
  }
}

template <class T, class A, LabelDense kDense>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks<A>)
    label_coefficients_kernel(DenseKernel<A> k) {
  LSM_SHARED(double, room, kTileWarps);
  LSM_SHARED(double, across, kTileWarps* kTileColumns);
  const DotBlock<A>& block = k.block.dots;
  const TilePlace p = tile_place((block.columns + kTileColumns - 1) / kTileColumns);
  const A narrow = static_cast<A>(block.scalars->narrow_factor);
  const ScoreOf<A> score(k.block);
  const TileColumns<A> columns = tile_columns(block, p);
  double total = 0;
  double column_sum[kThreadColumns] = {};
#pragma unroll 1
  for (int i = 0; i < kThreadRows; ++i) {
    const std::int64_t row = p.row + i;
    if (row >= block.rows) break;
    const DenseRow<A> values(k.rows, row);
    A products[kThreadColumns];
    A g[kThreadColumns] = {};
    load_dots(block, row, p.column, products);
    std::uint32_t marked = 0;
    if (p.column < block.columns) {
      marked = k.marks.bits[row * k.marks.words + p.column / 32] >> (p.column % 32);
    }
    A sum = 0;
#pragma unroll
    for (int l = 0; l < kThreadColumns; ++l) {
      if (!columns.used[l]) continue;
      if ((marked >> l & 1u) != 0) {
        g[l] = products[l];
      } else {
        const A s = score(products[l], columns.bias[l]);
        g[l] = dense_coefficient<A, kDense>(k, values, s, block.row0 + row,
                                            block.column0 + p.column + l);
        if (products[l] != taken_out<A>()) {
          if (score.softcap != A(0)) {
            const A u = s / score.softcap;
            g[l] *= A(1) - u * u;
          }
          sum = multiply_add(g[l], products[l], sum);
        }
      }
      column_sum[l] += static_cast<double>(g[l]);
    }
    total += static_cast<double>(sum);
    store_row<T>(k, row, p.column, g, narrow);
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
  if (thread < kTileColumns && j < block.columns) {
    double sum = 0;
    for (int w = 0; w < kTileWarps; ++w) {
      const double part = across[w * kTileColumns + thread];
      sum += part;
    }
    k.out.column_partial[p.row_tile * block.columns + j] = sum;
  }
}

template <class T, class A>
void launch_as(cudaStream_t stream, const DenseKernel<A>& k, LabelDense dense) {
  const DotBlock<A>& block = k.block.dots;
  const LaunchShape shape{dim3(static_cast<unsigned>(block.row_tiles() * block.column_tiles())),
                          dim3(kTileThreads)};
  const auto kernel =
      dense == LabelDense::sigmoid ? label_coefficients_kernel<T, A, LabelDense::sigmoid>
      : dense == LabelDense::top_k ? label_coefficients_kernel<T, A, LabelDense::top_k>
                                   : label_coefficients_kernel<T, A, LabelDense::exponential>;
  launch(stream, "label_coefficients", shape, kernel, k);
}

template <class A>
LabelRows<A> rows_from(LabelRows<A> rows, std::int64_t begin) {
  for (A** v : {&rows.factor_a, &rows.hi, &rows.lo, &rows.least, &rows.uniform, &rows.target}) {
    *v += begin;
  }
  return rows;
}

}  // namespace

template <class A>
void label_coefficients(cudaStream_t stream, const LabelBlock<A>& block, LabelDense dense,
                        double alpha, const LabelRows<A>& rows, const LabelTargets<A>& targets,
                        const EntryMarks& marks, const CoefficientOutputs<A>& out) {
  const DenseKernel<A> k{
      block, static_cast<A>(alpha), rows_from(rows, block.dots.row0), targets, marks, out};
  if constexpr (sizeof(A) == 8) {
    launch_as<double>(stream, k, dense);
  } else {
    if (out.type == Type::bf16) return launch_as<bfloat16>(stream, k, dense);
    if (out.type == Type::f16) return launch_as<float16>(stream, k, dense);
    launch_as<float>(stream, k, dense);
  }
}

#define LSM_INSTANTIATE(A)                                                                         \
  template void label_coefficients(cudaStream_t, const LabelBlock<A>&, LabelDense, double,         \
                                   const LabelRows<A>&, const LabelTargets<A>&, const EntryMarks&, \
                                   const CoefficientOutputs<A>&);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
