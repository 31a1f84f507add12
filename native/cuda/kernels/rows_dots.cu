// Sums along rows: inverse norms, and dot products with one vector. One warp for each row, which
// reads it once; lane l adds chunks l, l + 32, ... in order, and a fixed tree adds the lanes.
// Longer rows take more rounds, not more threads, so that the order depends on the width alone.
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "math/normalize.h"

namespace lossmith {
namespace cuda {
namespace {

template <class S>
__global__ void __launch_bounds__(kRowThreads)
    inverse_norms_kernel(RowsOf<const S> source, Skip skip, const std::int64_t* ids, double* out) {
  constexpr int kChunk = kChunkOf<S>;
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < source.rows; i += warp_rows()) {
    const bool skipped = skip.at(i);
    const S* row = source.row(ids != nullptr ? ids[i] : i);
    double sum = 0;  // and so the inverse of a skipped row
    for (std::int64_t column = lane * kChunk; !skipped && column < source.width;
         column += kRowWarp * kChunk) {
      const Vec<S, kChunk> chunk = load_chunk<kChunk>(row, column, source);
#pragma unroll
      for (int k = 0; k < kChunk; ++k) {
        const double x = Convert<double>::from(chunk[k]);
        sum += x * x;
      }
    }
    sum = warp_sum(sum);
    if (lane == 0) out[i] = math::inverse_norm(sum);
  }
}

template <class S>
__global__ void __launch_bounds__(kRowThreads)
    row_dots_kernel(RowsOf<const S> rows, const double* vector, double* out) {
  constexpr int kChunk = kChunkOf<S>;
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < rows.rows; i += warp_rows()) {
    double sum = 0;
    for (std::int64_t column = lane * kChunk; column < rows.width; column += kRowWarp * kChunk) {
      const Vec<S, kChunk> chunk = load_chunk<kChunk>(rows.row(i), column, rows);
#pragma unroll
      for (int k = 0; k < kChunk; ++k) {
        if (column + k < rows.width) sum += Convert<double>::from(chunk[k]) * vector[column + k];
      }
    }
    sum = warp_sum(sum);
    if (lane == 0) out[i] = sum;
  }
}

}  // namespace

void inverse_norms(cudaStream_t stream, const Matrix& source, const Skip& skip, double* out,
                   const std::int64_t* ids) {
  dispatch_floating(source.type, [&](auto tag) {
    using S = decltype(tag);
    RowsOf<const S> rows(source, kChunkOf<S>);
    // A single row may then be any row of the matrix.
    if (ids != nullptr) rows.aligned = rows.aligned && source.ld % kChunkOf<S> == 0;
    launch(stream, "inverse_norms", warp_for_each_row(source.rows), inverse_norms_kernel<S>, rows,
           skip, ids, out);
  });
}

void row_dots(cudaStream_t stream, const Matrix& rows, const double* vector, double* out) {
  dispatch_floating(rows.type, [&](auto tag) {
    using S = decltype(tag);
    launch(stream, "row_dots", warp_for_each_row(rows.rows), row_dots_kernel<S>,
           RowsOf<const S>(rows, kChunkOf<S>), vector, out);
  });
}

}  // namespace cuda
}  // namespace lossmith
