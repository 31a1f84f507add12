// Sums of the chunks of groups, in a fixed order.
#include "cuda/kernels/grouped_fold.cuh"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

// More chunks of a sum than this are first summed piece by piece.
constexpr std::int64_t kPiece = 4096;

template <class T>
struct SumTo : Sums<1> {
  T* out;
  LSM_DEVICE void finish(std::int64_t group, const double (&values)[1]) const {
    out[group] = static_cast<T>(values[0]);
  }
};

// scratch[i] = the sum of the values [i kPiece, (i + 1) kPiece).
__global__ void __launch_bounds__(kRowThreads)
    sum_pieces_kernel(const double* values, std::int64_t count, double* sums) {
  const std::int64_t pieces = (count + kPiece - 1) / kPiece;
  for (std::int64_t piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
    const std::int64_t begin = piece * kPiece;
    const std::int64_t end = begin + kPiece < count ? begin + kPiece : count;
    double sum[1] = {0};
    for (std::int64_t i = begin + threadIdx.x; i < end; i += kRowThreads) sum[0] += values[i];
    fold_team<Sums<1>, true>(kRowThreads, sum);
    if (threadIdx.x == 0) sums[piece] = sum[0];
  }
}

}  // namespace

std::int64_t sum_scratch(const ChunkShape& chunks) {
  std::int64_t doubles = 0;
  for (std::int64_t count = chunks.chunks(); count > kPiece;) {
    count = (count + kPiece - 1) / kPiece;
    doubles += count;
  }
  return doubles;
}

void sum_chunks(cudaStream_t stream, const double* values, const ChunkShape& chunks,
                double* scratch, const View& out) {
  ChunkShape shape = chunks;
  if (out.elements() == 1) {
    std::int64_t count = chunks.chunks();
    while (count > kPiece) {
      const std::int64_t pieces = (count + kPiece - 1) / kPiece;
      launch(stream, "sum_pieces", {dim3(blocks_for(pieces, 1)), dim3(kRowThreads)},
             sum_pieces_kernel, values, count, scratch);
      values = scratch;
      scratch += pieces;
      count = pieces;
    }
    shape = ChunkShape(1, 1, count);
  }
  if (out.type == Type::f64) {
    SumTo<double> sum;
    sum.out = reinterpret_cast<double*>(out.data);
    fold_chunks(stream, "sum_chunks", values, shape, sum);
  } else {
    SumTo<float> sum;
    sum.out = reinterpret_cast<float*>(out.data);
    fold_chunks(stream, "sum_chunks", values, shape, sum);
  }
}

}  // namespace cuda
}  // namespace lossmith
