// Vectors between the caller's tensors and f64, and zeros for outputs without a gradient.
#include "core/status.h"
#include "cuda/kernels/rows.cuh"

namespace lossmith {
namespace cuda {
namespace {

LSM_DEVICE std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
}
LSM_DEVICE std::int64_t thread_count() {
  return static_cast<std::int64_t>(gridDim.x) * kRowThreads;
}
LaunchShape threads_for(std::int64_t count) {
  return {dim3(blocks_for(count, kRowThreads)), dim3(kRowThreads)};
}

template <class T>
__global__ void __launch_bounds__(kRowThreads)
    load_vector_kernel(const T* from, std::int64_t stride, std::int64_t count, double* to) {
  for (std::int64_t i = thread_index(); i < count; i += thread_count()) {
    to[i] = Convert<double>::from(from[i * stride]);
  }
}

template <class T>
__global__ void __launch_bounds__(kRowThreads)
    store_vector_kernel(const double* from, std::int64_t count, T* to, std::int64_t stride) {
  for (std::int64_t i = thread_index(); i < count; i += thread_count()) {
    to[i * stride] = Convert<T>::from(from[i]);
  }
}

// T: an unsigned integer of the elements' size; 0 is all bits 0 in every type.
template <class T>
__global__ void __launch_bounds__(kRowThreads) fill_zero_kernel(RowsOf<T> to) {
  constexpr int kChunk = kChunkOf<T>;
  for (std::int64_t i = chunk_row(); i < to.rows; i += chunk_rows()) {
    for (std::int64_t chunk = first_chunk(); chunk * kChunk < to.width; chunk += chunk_step()) {
      store_chunk<kChunk>(to.row(i), chunk * kChunk, to, Vec<T, kChunk>{});
    }
  }
}

template <class T>
void fill_zero_as(cudaStream_t stream, const Matrix& to) {
  constexpr int kChunk = kChunkOf<T>;
  launch(stream, "fill_zero", threads_for_chunks(to.rows, to.width, kChunk), fill_zero_kernel<T>,
         RowsOf<T>(to, kChunk));
}

// A vector is one row, or, with gaps, a column.
Matrix matrix_of(const View& v) {
  if (v.ndim == 2) return Matrix::of(v);
  const std::int64_t count = v.elements();
  if (v.ndim == 0 || v.strides[0] == 1) return {v.data, v.type, 1, count, count};
  return {v.data, v.type, count, 1, v.strides[0]};
}

template <class F>
void dispatch_vector(Type type, const F& f) {
  if (type != Type::f32 && type != Type::f64) {
    throw Error(LSM_INTERNAL, std::string("vector of ") + name_of(type));
  }
  if (type == Type::f64) {
    f(double{});
  } else {
    f(float{});
  }
}

}  // namespace

void fill_zero(cudaStream_t stream, const View& view) {
  const Matrix to = matrix_of(view);
  switch (bytes_of(view.type)) {
    case 2:
      return fill_zero_as<std::uint16_t>(stream, to);
    case 4:
      return fill_zero_as<std::uint32_t>(stream, to);
    default:
      return fill_zero_as<std::uint64_t>(stream, to);
  }
}

void load_vector(cudaStream_t stream, const View& from, std::int64_t count, double* to) {
  const std::int64_t stride = from.elements() == 1 ? 0 : from.strides[0];
  dispatch_vector(from.type, [&](auto tag) {
    using T = decltype(tag);
    launch(stream, "load_vector", threads_for(count), load_vector_kernel<T>,
           reinterpret_cast<const T*>(from.data), stride, count, to);
  });
}

void store_vector(cudaStream_t stream, const double* from, std::int64_t count, const View& to) {
  const std::int64_t stride = to.ndim == 0 ? 0 : to.strides[0];
  dispatch_vector(to.type, [&](auto tag) {
    using T = decltype(tag);
    launch(stream, "store_vector", threads_for(count), store_vector_kernel<T>, from, count,
           reinterpret_cast<T*>(to.data), stride);
  });
}

}  // namespace cuda
}  // namespace lossmith
