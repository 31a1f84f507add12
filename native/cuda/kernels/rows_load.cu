// Rows on their way into the products: conversion, and division by the norms. Elementwise; every
// element is read and written once.
#include <type_traits>

#include "cuda/kernels/rows.cuh"

namespace lossmith {
namespace cuda {
namespace {

// x * factor in f32 arithmetic, with f64 on either side in f64.
template <class T, class S>
LSM_DEVICE T scaled(S x, double factor) {
  if (std::is_same<S, double>::value || std::is_same<T, double>::value) {
    return Convert<T>::from(Convert<double>::from(x) * factor);
  }
  return Convert<T>::from(to_float(x) * static_cast<float>(factor));
}

template <class S, class T>
__global__ void __launch_bounds__(kRowThreads)
    load_rows_kernel(RowsOf<const S> source, std::int64_t begin, const double* inverse,
                     const double* factor, Skip skip, const std::int64_t* ids, RowsOf<T> to) {
  constexpr int kChunk = kChunkOf<S, T>;
  const bool scales = inverse != nullptr || factor != nullptr;
  for (std::int64_t i = chunk_row(); i < to.rows; i += chunk_rows()) {
    const std::int64_t from = begin + i;
    const bool skipped = skip.at(from);
    const S* row = source.row(ids != nullptr ? ids[from] : from);
    const double scale = (inverse != nullptr && !skipped ? inverse[from] : 1.0) *
                         (factor != nullptr && !skipped ? factor[from] : 1.0);
    for (std::int64_t chunk = first_chunk(); chunk * kChunk < to.width; chunk += chunk_step()) {
      Vec<T, kChunk> out{};
      if (!skipped) {
        const Vec<S, kChunk> x = load_chunk<kChunk>(row, chunk * kChunk, source);
#pragma unroll
        for (int k = 0; k < kChunk; ++k) {
          out[k] = scales ? scaled<T>(x[k], scale) : Convert<T>::from(x[k]);
        }
      }
      store_chunk<kChunk>(to.row(i), chunk * kChunk, to, out);
    }
  }
}

}  // namespace

void load_rows(cudaStream_t stream, const Matrix& source, std::int64_t begin, const double* inverse,
               const double* factor, const Skip& skip, const Matrix& to, const std::int64_t* ids) {
  dispatch_floating(source.type, [&](auto source_tag) {
    using S = decltype(source_tag);
    dispatch_floating(to.type, [&](auto target_tag) {
      using T = decltype(target_tag);
      constexpr int kChunk = kChunkOf<S, T>;
      launch(stream, "load_rows", threads_for_chunks(to.rows, to.width, kChunk),
             load_rows_kernel<S, T>, RowsOf<const S>(source, kChunk), begin, inverse, factor, skip,
             ids, RowsOf<T>(to, kChunk));
    });
  });
}

}  // namespace cuda
}  // namespace lossmith
