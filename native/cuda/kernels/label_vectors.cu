// Numbers and vectors of a label loss that the host cannot know without waiting: the scale, the
// labels that take part and what belongs to them; and the gradient of the bias on its way back.
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "cuda/label_kernels.h"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = kRowThreads;

LSM_DEVICE std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
}
LSM_DEVICE std::int64_t thread_count() { return static_cast<std::int64_t>(gridDim.x) * kThreads; }
LaunchShape threads_for(std::int64_t count) {
  return {dim3(blocks_for(count, kThreads)), dim3(kThreads)};
}

__global__ void scalars_kernel(Vector log_scale, double temperature, double max_scale, double rows,
                               CallScalars* out) {
  const double free = log_scale.present() ? ::exp(log_scale.at(0)) : 1.0 / temperature;
  CallScalars s = {};
  s.clamped = free > max_scale ? 1 : 0;
  s.scale = free > max_scale ? max_scale : free;
  s.rows = rows;
  s.narrow_factor = s.narrow_inverse = 1;
  *out = s;
}

// All who write the poison write the same number.
__global__ void __launch_bounds__(kThreads)
    candidates_kernel(IdVector candidates, std::int64_t l, std::int64_t* out,
                      CallScalars* scalars) {
  for (std::int64_t j = thread_index(); j < candidates.count; j += thread_count()) {
    const std::int64_t id = candidates.at(j);
    const bool inside = id >= 0 && id < l;
    out[j] = inside ? id : 0;
    if (!inside || (j > 0 && candidates.at(j - 1) >= id)) scalars->poison = NAN;
  }
}

template <class A>
__global__ void __launch_bounds__(kThreads)
    gather_kernel(Vector vector, const std::int64_t* ids, std::int64_t count, bool demands, A* out,
                  CallScalars* scalars) {
  for (std::int64_t j = thread_index(); j < count; j += thread_count()) {
    const double value = vector.at(ids != nullptr ? ids[j] : j);
    out[j] = static_cast<A>(value);
    if (demands && !(value >= 0 && value - value == 0)) scalars->poison = NAN;
  }
}

template <class G>
__global__ void __launch_bounds__(kThreads)
    bias_gradient_kernel(const double* sums, const std::int64_t* ids, std::int64_t columns,
                         const CallScalars* scalars, G* out, std::int64_t stride) {
  for (std::int64_t j = thread_index(); j < columns; j += thread_count()) {
    out[(ids != nullptr ? ids[j] : j) * stride] = static_cast<G>(sums[j] / scalars->scale);
  }
}

template <class G>
void launch_bias_gradient(cudaStream_t stream, const double* sums, const std::int64_t* ids,
                          std::int64_t columns, const CallScalars* scalars, const View& out) {
  launch(stream, "label_bias_gradient", threads_for(columns), bias_gradient_kernel<G>, sums, ids,
         columns, scalars, reinterpret_cast<G*>(out.data), out.strides[0]);
}

}  // namespace

void prepare_label_scalars(cudaStream_t stream, const LabelCall& call, CallScalars* scalars) {
  launch(stream, "label_scalars", LaunchShape{dim3(1), dim3(1)}, scalars_kernel,
         Vector::of(call.log_scale), call.options.temperature, call.options.max_scale,
         call.options.reduction == LSM_MEAN ? static_cast<double>(call.n) : 1.0, scalars);
}

void prepare_candidates(cudaStream_t stream, const IdVector& candidates, std::int64_t l,
                        std::int64_t* out, CallScalars* scalars) {
  launch(stream, "label_candidates", threads_for(candidates.count), candidates_kernel, candidates,
         l, out, scalars);
}

template <class A>
void gather_vector(cudaStream_t stream, const Vector& vector, const std::int64_t* ids,
                   std::int64_t count, bool demands, A* out, CallScalars* scalars) {
  launch(stream, "label_gather", threads_for(count), gather_kernel<A>, vector, ids, count, demands,
         out, scalars);
}

void write_label_bias_gradient(cudaStream_t stream, const double* sums, const std::int64_t* ids,
                               std::int64_t columns, const CallScalars* scalars, const View& out) {
  if (out.elements() == 1) {
    // One bias of all labels, or of the only one.
    write_bias_gradient(stream, sums, columns, Skip{}, scalars, out);
    return;
  }
  if (ids != nullptr) fill_zero(stream, out);
  if (out.type == Type::f64) {
    launch_bias_gradient<double>(stream, sums, ids, columns, scalars, out);
  } else {
    launch_bias_gradient<float>(stream, sums, ids, columns, scalars, out);
  }
}

template void gather_vector(cudaStream_t, const Vector&, const std::int64_t*, std::int64_t, bool,
                            float*, CallScalars*);
template void gather_vector(cudaStream_t, const Vector&, const std::int64_t*, std::int64_t, bool,
                            double*, CallScalars*);

}  // namespace cuda
}  // namespace lossmith
