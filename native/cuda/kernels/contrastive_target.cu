// Row-wise parts of the low-rank targets of CWCL; the products are in cuda/contrastive_target.cpp.
#include "cuda/contrastive_kernels.h"
#include "cuda/kernels/contrastive_tile.cuh"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRowsOfBlock = kThreads / kWarp;
// Reference rows may be this much longer than 1: rounding of 16-bit types.
constexpr double kNormTolerance = 1e-3;

__global__ void __launch_bounds__(kThreads)
    check_norms_kernel(const double* inverse, std::int64_t count, CallScalars* scalars) {
  LSM_SHARED(double, room, kThreads / kWarp);
  double too_long = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) {
    if (inverse[i] != 0 && 1.0 / inverse[i] > 1 + kNormTolerance) too_long = 1;
  }
  too_long = block_max<kThreads>(too_long, room);
  if (threadIdx.x == 0 && too_long != 0) scalars->poison = NAN;
}

__global__ void __launch_bounds__(kThreads)
    weight_sums_kernel(const double* dots, std::int64_t count, const CallScalars* scalars,
                       double* out) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count;
       i += stride) {
    const double sum = dots != nullptr ? 0.5 * (scalars->columns_here + dots[i]) : out[i];
    out[i] = sum + scalars->poison;
  }
}

template <class T>
LSM_DEVICE double value_at(const void* data, std::int64_t i) {
  return Convert<double>::from(static_cast<const T*>(data)[i]);
}

// A warp for each row: mixed = M^T r_i becomes -c (1-e) v with v = sum_j a_ij y_j, and <x_i, v> is
// the weighted score.
template <class T, class A>
__global__ void __launch_bounds__(kThreads) target_rows_kernel(TargetRows<A> t) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t i =
      static_cast<std::int64_t>(blockIdx.x) * kRowsOfBlock + static_cast<int>(threadIdx.x) / kWarp;
  if (i >= t.rows) return;
  const double z = t.weight_sum[i];
  // As row_direction: a sum of 0 has no row direction, NaN stays.
  const double half = z <= 1e-6 ? 0.0 : 0.5 / z;
  const double factor = static_cast<double>(t.c[i]) * (1 - t.smoothing);
  A* mixed = t.mixed + i * t.ld;
  double along = 0;
  for (std::int64_t k = lane; k < t.d; k += kWarp) {
    const double v = half * (t.candidate_sum[k] + static_cast<double>(mixed[k]));
    along += value_at<T>(t.x.data, i * t.x.ld + k) * v;
    mixed[k] = static_cast<A>(-factor * v * t.scalars->narrow_factor);
  }
  along = warp_sum(along);
  if (lane != 0) return;
  double term = t.scalars->scale * along;
  if (t.reference_bias != nullptr) term += half * (t.scalars->bias_sum + t.reference_bias[i]);
  t.row_term[i] = term;
  t.target_scale[i] = -factor * along;
}

template <class A>
__global__ void __launch_bounds__(kThreads)
    target_columns_kernel(A* out, std::int64_t rows, std::int64_t d, std::int64_t ld,
                          const double* sum, const CallScalars* scalars) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
       at < rows * d; at += stride) {
    const std::int64_t k = at % d;
    A* element = out + at / d * ld + k;
    *element =
        static_cast<A>(-0.5 * (sum[k] + static_cast<double>(*element)) * scalars->narrow_factor);
  }
}

__global__ void __launch_bounds__(kThreads)
    target_bias_kernel(const double* dots, std::int64_t first, std::int64_t rows, Skip skip,
                       const CallScalars* scalars, double* bias_gradient) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; j < rows;
       j += stride) {
    if (skip.at(first + j)) continue;
    bias_gradient[first + j] -= 0.5 * (scalars->target_weight + dots[j]);
  }
}

__global__ void __launch_bounds__(kThreads)
    target_weight_kernel(const double* factors, std::int64_t count, CallScalars* scalars) {
  LSM_SHARED(double, room, kThreads / kWarp);
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) sum += factors[i];
  sum = block_sum<kThreads>(sum, room);
  if (threadIdx.x == 0) scalars->target_weight = sum;
}

LaunchShape shape_for(std::int64_t count) {
  return {dim3(blocks_for(count, kThreads)), dim3(kThreads)};
}

}  // namespace

void check_norms(cudaStream_t stream, const double* inverse, std::int64_t count,
                 CallScalars* scalars) {
  launch(stream, "check_norms", {dim3(1), dim3(kThreads)}, check_norms_kernel, inverse, count,
         scalars);
}

void low_rank_weight_sums(cudaStream_t stream, const double* dots, std::int64_t count,
                          const CallScalars* scalars, double* weight_sum) {
  launch(stream, "low_rank_weight_sums", shape_for(count), weight_sums_kernel, dots, count, scalars,
         weight_sum);
}

template <class A>
void target_rows(cudaStream_t stream, const TargetRows<A>& rows) {
  dispatch_floating(rows.x.type, [&](auto tag) {
    launch(stream, "target_rows", {dim3(blocks_for(rows.rows, kRowsOfBlock)), dim3(kThreads)},
           target_rows_kernel<decltype(tag), A>, rows);
  });
}

template <class A>
void target_columns(cudaStream_t stream, A* out, std::int64_t rows, std::int64_t d, std::int64_t ld,
                    const double* sum, const CallScalars* scalars) {
  launch(stream, "target_columns", shape_for(rows * d), target_columns_kernel<A>, out, rows, d, ld,
         sum, scalars);
}

void target_bias(cudaStream_t stream, const double* dots, std::int64_t first, std::int64_t rows,
                 const Skip& skip, const CallScalars* scalars, double* bias_gradient) {
  launch(stream, "target_bias", shape_for(rows), target_bias_kernel, dots, first, rows, skip,
         scalars, bias_gradient);
}

void sum_target_weight(cudaStream_t stream, const double* factors, std::int64_t count,
                       CallScalars* scalars) {
  launch(stream, "sum_target_weight", {dim3(1), dim3(kThreads)}, target_weight_kernel, factors,
         count, scalars);
}

#define LSM_INSTANTIATE(A)                                                                 \
  template void target_rows(cudaStream_t, const TargetRows<A>&);                           \
  template void target_columns(cudaStream_t, A*, std::int64_t, std::int64_t, std::int64_t, \
                               const double*, const CallScalars*);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
