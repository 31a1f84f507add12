// Losses of the pairs, the loss, and the gradients of scale and bias.
#include "cuda/contrastive_kernels.h"
#include "cuda/kernels/contrastive_tile.cuh"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 256;

// A vector or scalar output, f32 or f64.
struct VectorOut {
  void* data;
  bool is_f64;
  std::int64_t stride;

  static VectorOut of(const View& v) {
    return {v.data, v.type == Type::f64, v.ndim == 0 ? 0 : v.strides[v.ndim - 1]};
  }
  LSM_DEVICE void set(std::int64_t i, double value) const {
    if (is_f64) {
      static_cast<double*>(data)[i * stride] = value;
    } else {
      static_cast<float*>(data)[i * stride] = static_cast<float>(value);
    }
  }
};

// Row i of this shard: lse_j s_ij - sum_j t_ij s_ij. A shard that holds the pair also answers for
// the log-sum-exp, which is the whole row's.
template <class A>
LSM_DEVICE double row_loss(const LossInputs<A>& in, std::int64_t i) {
  const CallScalars& scalars = *in.call.scalars;
  const double e = in.call.options.label_smoothing;
  const std::int64_t pair = i + in.pair_shift;
  const bool here = pair >= 0 && pair < in.call.m;
  double term = 0;
  if (in.call.target == Target::pair) {
    term = here ? static_cast<double>(in.pair_score[i]) : 0.0;
  } else {
    const double z = in.call.weight_sum[i];
    if (z <= (in.call.target == Target::dense ? 0.0 : 1e-6)) return 0;
    term = in.call.target == Target::dense ? in.row_term[i] / z : in.row_term[i];
    term += z - z;  // weights that broke a demand
  }
  double loss = here ? in.row_lse[i] - (1 - e) * term : -(1 - e) * term;
  if (e > 0) {
    loss -= e / scalars.columns * (scalars.scale * in.row_smoothing[i] + scalars.bias_sum);
  }
  return loss;
}

template <class A>
LSM_DEVICE double column_loss(const LossInputs<A>& in, std::int64_t j, double rows_here) {
  const CallScalars& scalars = *in.call.scalars;
  const double e = in.call.options.label_smoothing;
  const std::int64_t i = j - in.pair_shift;
  const bool here = i >= 0 && i < in.call.n;
  double loss = here ? in.column_lse[j] - (1 - e) * static_cast<double>(in.pair_score[i]) : 0.0;
  if (e > 0) {
    const double bias = in.bias != nullptr ? static_cast<double>(in.bias[j]) : 0.0;
    loss -= e / scalars.rows * (scalars.scale * in.column_smoothing[j] + rows_here * bias);
  }
  return loss;
}

template <class A>
__global__ void __launch_bounds__(kThreads) pair_losses_kernel(LossInputs<A> in, double* losses) {
  // Rows of this shard that take part: ignored pairs exist in whole calls only.
  const double rows_here =
      in.call.skip.flags != nullptr ? in.call.scalars->rows : static_cast<double>(in.call.n);
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t id = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
       id < in.call.all_rows; id += stride) {
    double loss = 0;
    const std::int64_t i = id - in.call.row_offset;
    const std::int64_t j = id - in.call.column_offset;
    if (!in.call.skip.at(id)) {
      if (i >= 0 && i < in.call.n) loss += in.call.options.row_coefficient * row_loss(in, i);
      if (in.column_lse != nullptr && j >= 0 && j < in.call.m) {
        loss += in.call.options.column_coefficient * column_loss(in, j, rows_here);
      }
      if (in.call.row_weight.present()) {
        const double weight = in.call.row_weight.at(id);
        loss *= weight - weight == 0 ? weight : NAN;
      }
    }
    losses[id] = loss;
  }
}

__global__ void __launch_bounds__(kThreads)
    total_loss_kernel(const double* losses, std::int64_t count, bool mean,
                      const CallScalars* scalars, VectorOut out) {
  LSM_SHARED(double, room, kThreads / kWarp);
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) sum += losses[i];
  sum = block_sum<kThreads>(sum, room);
  if (threadIdx.x != 0) return;
  if (scalars->rows == 0) {
    sum = 0;  // every pair is ignored
  } else if (mean) {
    sum /= scalars->rows;
  }
  out.set(0, sum);
}

__global__ void __launch_bounds__(kThreads)
    scale_gradient_kernel(const double* target_scale, std::int64_t n, const CallScalars* scalars,
                          VectorOut out) {
  LSM_SHARED(double, room, kThreads / kWarp);
  double sum = 0;
  for (std::int64_t i = threadIdx.x; target_scale != nullptr && i < n; i += kThreads) {
    sum += target_scale[i];
  }
  sum = block_sum<kThreads>(sum, room);
  if (threadIdx.x != 0) return;
  out.set(0, scalars->clamped != 0 ? 0.0 : scalars->scale_gradient + sum);
}

__global__ void __launch_bounds__(kThreads)
    bias_gradient_kernel(const double* sums, std::int64_t m, Skip skip, const CallScalars* scalars,
                         VectorOut out) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; j < m;
       j += stride) {
    out.set(j, skip.at(j) ? 0.0 : sums[j] / scalars->scale);
  }
}

__global__ void __launch_bounds__(kThreads)
    bias_total_kernel(const double* sums, std::int64_t m, Skip skip, const CallScalars* scalars,
                      VectorOut out) {
  LSM_SHARED(double, room, kThreads / kWarp);
  double sum = 0;
  for (std::int64_t j = threadIdx.x; j < m; j += kThreads) {
    if (!skip.at(j)) sum += sums[j] / scalars->scale;
  }
  sum = block_sum<kThreads>(sum, room);
  if (threadIdx.x == 0) out.set(0, sum);
}

__global__ void __launch_bounds__(kThreads)
    fill_kernel(VectorOut out, std::int64_t count, double value) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count;
       i += stride) {
    out.set(i, value);
  }
}

LaunchShape shape_for(std::int64_t count) {
  return {dim3(blocks_for(count, kThreads)), dim3(kThreads)};
}
LaunchShape one_block() { return {dim3(1), dim3(kThreads)}; }

}  // namespace

template <class A>
void pair_losses(cudaStream_t stream, const LossInputs<A>& inputs, double* losses) {
  launch(stream, "pair_losses", shape_for(inputs.call.all_rows), pair_losses_kernel<A>, inputs,
         losses);
}

void total_loss(cudaStream_t stream, const double* losses, std::int64_t count, bool mean,
                const CallScalars* scalars, const View& loss) {
  launch(stream, "total_loss", one_block(), total_loss_kernel, losses, count, mean, scalars,
         VectorOut::of(loss));
}

void write_scale_gradient(cudaStream_t stream, const double* target_scale, std::int64_t n,
                          const CallScalars* scalars, const View& out) {
  launch(stream, "write_scale_gradient", one_block(), scale_gradient_kernel, target_scale, n,
         scalars, VectorOut::of(out));
}

void write_bias_gradient(cudaStream_t stream, const double* sums, std::int64_t m, const Skip& skip,
                         const CallScalars* scalars, const View& out) {
  if (out.elements() == 1) {
    launch(stream, "write_bias_gradient", one_block(), bias_total_kernel, sums, m, skip, scalars,
           VectorOut::of(out));
  } else {
    launch(stream, "write_bias_gradient", shape_for(m), bias_gradient_kernel, sums, m, skip,
           scalars, VectorOut::of(out));
  }
}

void fill_vector(cudaStream_t stream, const View& out, double value) {
  launch(stream, "fill_vector", shape_for(out.elements()), fill_kernel, VectorOut::of(out),
         out.elements(), value);
}

template void pair_losses(cudaStream_t, const LossInputs<float>&, double*);
template void pair_losses(cudaStream_t, const LossInputs<double>&, double*);

}  // namespace cuda
}  // namespace lossmith
