// Partial log-sum-exps of the tiles and partial sums of the coefficients, merged in the order of
// the tiles: one thread for each row and column, f64.
#include "cuda/contrastive_kernels.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 256;
constexpr double kLowest = -3.0e38;

struct Running {
  double max, sum;
};

LSM_DEVICE Running merged(Running a, double max, double sum) {
  if (max <= a.max) return {a.max, a.sum + sum * ::exp(max - a.max)};
  return {max, a.sum * ::exp(a.max - max) + sum};
}

// Element i of `count`: `parts` partials `step` apart from first + i * start on.
template <class A>
__global__ void merge_kernel(std::int64_t count, const A* max, const A* sum, std::int64_t parts,
                             std::int64_t start, std::int64_t step, bool fresh, double* running_max,
                             double* running_sum) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count;
       i += stride) {
    Running run{kLowest, 0};
    if (!fresh) run = {running_max[i], running_sum[i]};
    for (std::int64_t t = 0; t < parts; ++t) {
      const std::int64_t at = i * start + t * step;
      run = merged(run, static_cast<double>(max[at]), static_cast<double>(sum[at]));
    }
    running_max[i] = run.max;
    running_sum[i] = run.sum;
  }
}

__global__ void finish_kernel(std::int64_t count, const double* max, const double* sum,
                              double* lse) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count;
       i += stride) {
    lse[i] = max[i] + ::log(sum[i]);
  }
}

__global__ void __launch_bounds__(kThreads)
    sum_scale_kernel(std::int64_t count, const double* partial, CallScalars* scalars) {
  LSM_SHARED(double, room, kThreads / kWarp);
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) sum += partial[i];
  sum = block_sum<kThreads>(sum, room);
  if (threadIdx.x == 0) scalars->scale_gradient += sum;
}

__global__ void sum_columns_kernel(std::int64_t columns, std::int64_t parts, const double* partial,
                                   double* sums) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; j < columns;
       j += stride) {
    double sum = sums[j];
    for (std::int64_t t = 0; t < parts; ++t) sum += partial[t * columns + j];
    sums[j] = sum;
  }
}

LaunchShape shape_for(std::int64_t count) {
  return {dim3(blocks_for(count, kThreads)), dim3(kThreads)};
}

}  // namespace

template <class A>
void merge_statistics(cudaStream_t stream, const DotBlock<A>& block,
                      const Statistics<A>& statistics, bool fresh_rows, bool fresh_columns) {
  launch(stream, "merge_rows", shape_for(block.rows), merge_kernel<A>, block.rows,
         statistics.row_max, statistics.row_sum, block.column_tiles(), block.column_tiles(),
         std::int64_t{1}, fresh_rows, statistics.running_row_max + block.row0,
         statistics.running_row_sum + block.row0);
  if (statistics.column_max == nullptr) return;
  launch(stream, "merge_columns", shape_for(block.columns), merge_kernel<A>, block.columns,
         statistics.column_max, statistics.column_sum, block.row_tiles(), std::int64_t{1},
         block.columns, fresh_columns, statistics.running_column_max + block.column0,
         statistics.running_column_sum + block.column0);
}

void finish_lse(cudaStream_t stream, const double* max, const double* sum, std::int64_t count,
                double* lse) {
  launch(stream, "finish_lse", shape_for(count), finish_kernel, count, max, sum, lse);
}

template <class A>
void merge_coefficients(cudaStream_t stream, const DotBlock<A>& block,
                        const CoefficientOutputs<A>& out, CallScalars* scalars,
                        double* bias_gradient) {
  launch(stream, "sum_scale_gradient", {dim3(1), dim3(kThreads)}, sum_scale_kernel,
         block.row_tiles() * block.column_tiles(), out.scale_partial, scalars);
  if (bias_gradient == nullptr) return;
  launch(stream, "sum_bias_gradient", shape_for(block.columns), sum_columns_kernel, block.columns,
         block.row_tiles(), out.column_partial, bias_gradient + block.column0);
}

#define LSM_INSTANTIATE(A)                                                                         \
  template void merge_statistics(cudaStream_t, const DotBlock<A>&, const Statistics<A>&, bool,     \
                                 bool);                                                            \
  template void merge_coefficients(cudaStream_t, const DotBlock<A>&, const CoefficientOutputs<A>&, \
                                   CallScalars*, double*);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
