// Explicit weights of CWCL, a matrix [n,m]: their row sums and the sums of weighted scores, one
// block of threads for each row, f64.
#include "cuda/contrastive_kernels.h"
#include "cuda/kernels/contrastive_tile.cuh"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 256;
// Rows are taken in strides of the grid: its y and z are limited, and so is what is worth queueing.
constexpr std::int64_t kMostBlocks = std::int64_t{1} << 20;

template <class T>
__global__ void __launch_bounds__(kThreads)
    weight_sums_kernel(Matrix weights, Skip skip, bool only_check, double* out) {
  LSM_SHARED(double, room, kThreads / kWarp);
  for (std::int64_t i = blockIdx.x; i < weights.rows; i += gridDim.x) {
    const T* row = static_cast<const T*>(weights.data) + i * weights.ld;
    const bool row_used = !skip.at(i);
    double sum = 0;
    for (std::int64_t j = threadIdx.x; row_used && j < weights.width; j += kThreads) {
      if (skip.at(j)) continue;
      const double w = Convert<double>::from(row[j]);
      sum += w >= 0 && w - w == 0 ? w : NAN;
    }
    sum = block_sum<kThreads>(sum, room);
    if (threadIdx.x == 0 && (!only_check || sum != sum)) out[i] = sum;
    __syncthreads();
  }
}

template <class T, class A>
__global__ void __launch_bounds__(kThreads)
    weighted_scores_kernel(DotBlock<A> block, Matrix weights, bool fresh, double* row_term) {
  LSM_SHARED(double, room, kThreads / kWarp);
  const A scale = static_cast<A>(block.scalars->scale);
  for (std::int64_t i = blockIdx.x; i < block.rows; i += gridDim.x) {
    const std::int64_t global = block.row0 + i;
    const bool row_used = !block.skip.at(global);
    const A* dots = block.dots + i * block.ld;
    const T* row = static_cast<const T*>(weights.data) + global * weights.ld + block.column0;
    double sum = 0;
    for (std::int64_t j = threadIdx.x; row_used && j < block.columns; j += kThreads) {
      const double w = Convert<double>::from(row[j]);
      // A candidate that is masked by its bias may have a weight of 0, but 0 times -inf is NaN.
      if (w == 0 || block.skip.at(block.column0 + j)) continue;
      const A bias = block.bias != nullptr ? block.bias[block.column0 + j] : A(0);
      sum += w * static_cast<double>(math::score<ThreadOps<A>>(dots[j], scale, bias));
    }
    sum = block_sum<kThreads>(sum, room);
    if (threadIdx.x == 0) row_term[global] = fresh ? sum : row_term[global] + sum;
    __syncthreads();
  }
}

LaunchShape shape_for(std::int64_t rows) {
  return {dim3(static_cast<unsigned>(rows < kMostBlocks ? rows : kMostBlocks)), dim3(kThreads)};
}

}  // namespace

void weight_sums(cudaStream_t stream, const Matrix& weights, const Skip& skip, bool only_check,
                 double* weight_sum) {
  dispatch_floating(weights.type, [&](auto tag) {
    launch(stream, "weight_sums", shape_for(weights.rows), weight_sums_kernel<decltype(tag)>,
           weights, skip, only_check, weight_sum);
  });
}

template <class A>
void weighted_scores(cudaStream_t stream, const DotBlock<A>& block, const WeightBlock& weights,
                     bool fresh, double* row_term) {
  dispatch_floating(weights.matrix.type, [&](auto tag) {
    launch(stream, "weighted_scores", shape_for(block.rows),
           weighted_scores_kernel<decltype(tag), A>, block, weights.matrix, fresh, row_term);
  });
}

template void weighted_scores(cudaStream_t, const DotBlock<float>&, const WeightBlock&, bool,
                              double*);
template void weighted_scores(cudaStream_t, const DotBlock<double>&, const WeightBlock&, bool,
                              double*);

}  // namespace cuda
}  // namespace lossmith
