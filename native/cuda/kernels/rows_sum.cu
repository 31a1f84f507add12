// Weighted sums of rows, in two stages. Stage 1: a block takes a piece of the rows and a tile of the
// columns; warp w adds rows w, w + 8, ... of the piece in order, and the warps are added in order.
// Stage 2 adds the pieces in order. Where the pieces begin depends on the number of rows alone.
#include "cuda/kernels/rows.cuh"

namespace lossmith {
namespace cuda {
namespace {

constexpr std::int64_t kLeastPiece = 64;
constexpr std::int64_t kMostPieces = 128;

std::int64_t piece_rows(std::int64_t rows) {
  const std::int64_t piece = (rows + kMostPieces - 1) / kMostPieces;
  return piece < kLeastPiece ? kLeastPiece : piece;
}
std::int64_t piece_count(std::int64_t rows) {
  return (rows + piece_rows(rows) - 1) / piece_rows(rows);
}

// partial[piece, k]; blockIdx.x: column tile, blockIdx.y: piece.
template <class S>
__global__ void __launch_bounds__(kRowThreads)
    weighted_rows_kernel(RowsOf<const S> rows, const double* weights, std::int64_t piece,
                         double* partial) {
  constexpr int kChunk = kChunkOf<S>;
  constexpr int kColumns = kRowWarp * kChunk;
  LSM_SHARED(double, sums, kRowWarps* kColumns);  // [warp, k, lane]
  const int warp = static_cast<int>(threadIdx.x) / kRowWarp;
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  const std::int64_t first_column = static_cast<std::int64_t>(blockIdx.x) * kColumns;
  const std::int64_t column = first_column + lane * kChunk;
  const std::int64_t begin = blockIdx.y * piece;
  const std::int64_t end = begin + piece < rows.rows ? begin + piece : rows.rows;

  double sum[kChunk] = {};
  for (std::int64_t i = begin + warp; i < end; i += kRowWarps) {
    const double weight = weights != nullptr ? weights[i] : 1.0;
    const Vec<S, kChunk> x = load_chunk<kChunk>(rows.row(i), column, rows);
#pragma unroll
    for (int k = 0; k < kChunk; ++k) sum[k] += weight * Convert<double>::from(x[k]);
  }
#pragma unroll
  for (int k = 0; k < kChunk; ++k) sums[(warp * kChunk + k) * kRowWarp + lane] = sum[k];
  __syncthreads();
  for (int c = static_cast<int>(threadIdx.x); c < kColumns; c += kRowThreads) {
    if (first_column + c >= rows.width) break;
    double total = 0;
    for (int w = 0; w < kRowWarps; ++w) {
      const double part = sums[(w * kChunk + c % kChunk) * kRowWarp + c / kChunk];
      total += part;
    }
    partial[blockIdx.y * rows.width + first_column + c] = total;
  }
}

__global__ void __launch_bounds__(kRowThreads)
    add_pieces_kernel(const double* partial, std::int64_t pieces, std::int64_t width,
                      bool accumulate, double* sum) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kRowThreads;
  for (std::int64_t k = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       k < width; k += step) {
    double total = accumulate ? sum[k] : 0.0;
    for (std::int64_t p = 0; p < pieces; ++p) total += partial[p * width + k];
    sum[k] = total;
  }
}

}  // namespace

// The most that any number of rows up to this one needs.
std::int64_t row_sum_scratch(std::int64_t rows, std::int64_t width) {
  const std::int64_t pieces = (rows + kLeastPiece - 1) / kLeastPiece;
  return (pieces < kMostPieces ? pieces : kMostPieces) * width;
}

void add_weighted_rows(cudaStream_t stream, const Matrix& rows, const double* weights,
                       bool accumulate, double* scratch, double* sum) {
  const std::int64_t pieces = piece_count(rows.rows);
  dispatch_floating(rows.type, [&](auto tag) {
    using S = decltype(tag);
    constexpr int kChunk = kChunkOf<S>;
    launch(
        stream, "weighted_rows",
        LaunchShape{dim3(blocks_for(rows.width, kRowWarp * kChunk), static_cast<unsigned>(pieces)),
                    dim3(kRowThreads)},
        weighted_rows_kernel<S>, RowsOf<const S>(rows, kChunk), weights, piece_rows(rows.rows),
        scratch);
  });
  launch(stream, "add_pieces",
         LaunchShape{dim3(blocks_for(rows.width, kRowThreads)), dim3(kRowThreads)},
         add_pieces_kernel, scratch, pieces, rows.width, accumulate, sum);
}

}  // namespace cuda
}  // namespace lossmith
