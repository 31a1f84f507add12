// Numbers and vectors of a contrastive call that the host cannot know without waiting: the scale,
// the pairs that take part, what each row and column is multiplied by.
#include "cuda/contrastive_kernels.h"
#include "cuda/kernels/contrastive_tile.cuh"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 256;
// As on the CPU: row weights of a low-rank target up to this are rounding.
constexpr double kZeroWeightSum = 1e-6;

struct ScalarInputs {
  Vector log_scale;
  double temperature, max_scale;
  std::int64_t rows, columns, columns_here;
  Skip skip;
};

__global__ void __launch_bounds__(kThreads)
    prepare_scalars_kernel(ScalarInputs in, CallScalars* out) {
  LSM_SHARED(double, room, kThreads / kWarp);
  double ignored = 0;
  for (std::int64_t i = threadIdx.x; in.skip.flags != nullptr && i < in.skip.count; i += kThreads) {
    ignored += in.skip.at(i) ? 1 : 0;
  }
  ignored = block_sum<kThreads>(ignored, room);
  if (threadIdx.x != 0) return;
  const double free = in.log_scale.present() ? ::exp(in.log_scale.at(0)) : 1.0 / in.temperature;
  CallScalars s = {};
  s.clamped = free > in.max_scale ? 1 : 0;
  s.scale = free > in.max_scale ? in.max_scale : free;
  s.rows = static_cast<double>(in.rows) - ignored;
  s.columns = static_cast<double>(in.columns) - ignored;
  s.columns_here = static_cast<double>(in.columns_here) - ignored;
  s.narrow_factor = s.narrow_inverse = 1;
  *out = s;
}

template <class A>
__global__ void __launch_bounds__(kThreads)
    bias_kernel(Vector bias, std::int64_t m, Skip skip, A* out) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; j < m;
       j += stride) {
    out[j] = skip.at(j) ? A(0) : Convert<A>::from(bias.at(j));
  }
}

template <class A>
__global__ void __launch_bounds__(kThreads)
    bias_sum_kernel(const A* bias, std::int64_t m, CallScalars* scalars) {
  LSM_SHARED(double, room, kThreads / kWarp);
  double sum = 0;
  for (std::int64_t j = threadIdx.x; j < m; j += kThreads) sum += static_cast<double>(bias[j]);
  sum = block_sum<kThreads>(sum, room);
  if (threadIdx.x == 0) scalars->bias_sum = sum;
}

// upstream * row weight * 1/rows of a pair. A row weight that is not finite makes it NaN.
template <class A>
LSM_DEVICE double factor_of(const DirectionInputs<A>& in, std::int64_t id) {
  double factor = in.options.reduction == LSM_MEAN ? 1.0 / in.scalars->rows : 1.0;
  if (in.row_weight.present()) {
    const double weight = in.row_weight.at(id);
    factor *= weight - weight == 0 ? weight : NAN;
  }
  if (in.upstream.present()) factor *= in.upstream.at(id);
  return factor;
}

template <class A>
LSM_DEVICE void write_direction(const Direction<A>& v, std::int64_t i, double c, double e,
                                double others, bool paired) {
  const double lse = v.lse[i];
  v.lse_hi[i] = static_cast<A>(lse);
  const double rest = lse - static_cast<double>(v.lse_hi[i]);
  v.lse_lo[i] = rest - rest == 0 ? static_cast<A>(rest) : A(0);
  v.c[i] = static_cast<A>(c);
  v.uniform[i] = static_cast<A>(c * e / others);
  v.target[i] = paired ? static_cast<A>(c * (1 - e)) : A(0);
}

// Nothing looks along this row or column: an infinite log-sum-exp makes its probabilities 0, also
// where its own is -infinity.
template <class A>
LSM_DEVICE void write_nothing(const Direction<A>& v, std::int64_t i) {
  v.lse_hi[i] = A(INFINITY);
  v.lse_lo[i] = v.c[i] = v.uniform[i] = v.target[i] = A(0);
}

template <class A>
__global__ void __launch_bounds__(kThreads)
    row_direction_kernel(DirectionInputs<A> in, Direction<A> row) {
  const double e = in.options.label_smoothing;
  const bool paired = in.target == Target::pair;
  const double least = in.target == Target::dense ? 0.0 : kZeroWeightSum;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < in.n;
       i += stride) {
    double factor = 0;
    if (in.skip.at(i)) {
      write_nothing(row, i);
    } else {
      double c = factor_of(in, i + in.row_offset) * in.options.row_coefficient * in.scalars->scale;
      // A weight sum that is NaN stays in the result, one that is 0 has no row direction.
      if (!paired && in.weight_sum[i] <= least) c = 0;
      write_direction(row, i, c, e, in.scalars->columns, paired);
      if (!paired) factor = c == 0 ? 0.0 : c * (1 - e) / in.weight_sum[i];
    }
    if (in.weight_factor != nullptr) in.weight_factor[i] = static_cast<A>(factor);
    if (in.target_factor != nullptr) in.target_factor[i] = factor;
  }
}

template <class A>
__global__ void __launch_bounds__(kThreads)
    column_direction_kernel(DirectionInputs<A> in, Direction<A> column) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; j < in.m;
       j += stride) {
    const std::int64_t id = j + in.column_offset;
    if (id >= in.all_rows || in.skip.at(j)) {
      write_nothing(column, j);
      continue;
    }
    const double c = factor_of(in, id) * in.options.column_coefficient * in.scalars->scale;
    write_direction(column, j, c, in.options.label_smoothing, in.scalars->rows, true);
  }
}

template <class A>
__global__ void __launch_bounds__(kThreads)
    narrow_factor_kernel(const A* row, std::int64_t n, const A* column, std::int64_t m,
                         CallScalars* scalars) {
  LSM_SHARED(double, room, kThreads / kWarp);
  double largest = 0;
  for (std::int64_t i = threadIdx.x; i < n; i += kThreads) {
    largest = larger(largest, ::fabs(static_cast<double>(row[i])));
  }
  for (std::int64_t j = threadIdx.x; column != nullptr && j < m; j += kThreads) {
    largest = larger(largest, ::fabs(static_cast<double>(column[j])));
  }
  largest = block_max<kThreads>(largest, room);
  // Outside these bounds the factor itself would leave f32, in which coefficients are multiplied.
  if (threadIdx.x != 0 || !(largest > 1e-30 && largest < 1e30)) return;
  const int exponent = 13 - ::ilogb(largest);
  scalars->narrow_factor = ::ldexp(1.0, exponent);
  scalars->narrow_inverse = ::ldexp(1.0, -exponent);
}

LaunchShape shape_for(std::int64_t count) {
  return {dim3(blocks_for(count, kThreads)), dim3(kThreads)};
}
LaunchShape one_block() { return {dim3(1), dim3(kThreads)}; }

}  // namespace

void prepare_scalars(cudaStream_t stream, const ContrastiveCall& call, const Skip& skip,
                     CallScalars* scalars) {
  const ScalarInputs in{Vector::of(call.log_scale),
                        call.options.temperature,
                        call.options.max_scale,
                        call.shard.rows,
                        call.shard.columns,
                        call.m,
                        skip};
  launch(stream, "prepare_scalars", one_block(), prepare_scalars_kernel, in, scalars);
}

template <class A>
void prepare_bias(cudaStream_t stream, const Vector& bias, std::int64_t m, const Skip& skip, A* out,
                  CallScalars* scalars) {
  launch(stream, "prepare_bias", shape_for(m), bias_kernel<A>, bias, m, skip, out);
  launch(stream, "sum_bias", one_block(), bias_sum_kernel<A>, out, m, scalars);
}

template <class A>
void row_direction(cudaStream_t stream, const DirectionInputs<A>& inputs, const Direction<A>& row) {
  launch(stream, "row_direction", shape_for(inputs.n), row_direction_kernel<A>, inputs, row);
}

template <class A>
void column_direction(cudaStream_t stream, const DirectionInputs<A>& inputs,
                      const Direction<A>& column) {
  launch(stream, "column_direction", shape_for(inputs.m), column_direction_kernel<A>, inputs,
         column);
}

template <class A>
void choose_narrow_factor(cudaStream_t stream, const Direction<A>& row, std::int64_t n,
                          const Direction<A>& column, std::int64_t m, CallScalars* scalars) {
  launch(stream, "choose_narrow_factor", one_block(), narrow_factor_kernel<A>, row.c, n, column.c,
         m, scalars);
}

#define LSM_INSTANTIATE(A)                                                                      \
  template void prepare_bias(cudaStream_t, const Vector&, std::int64_t, const Skip&, A*,        \
                             CallScalars*);                                                     \
  template void row_direction(cudaStream_t, const DirectionInputs<A>&, const Direction<A>&);    \
  template void column_direction(cudaStream_t, const DirectionInputs<A>&, const Direction<A>&); \
  template void choose_narrow_factor(cudaStream_t, const Direction<A>&, std::int64_t,           \
                                     const Direction<A>&, std::int64_t, CallScalars*);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
