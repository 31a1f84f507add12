// Gradients with respect to loaded rows on their way to the caller's tensors: conversion, and the
// gradient through the normalisation, for which one warp reads a row and its gradient twice.
#include "core/status.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "math/normalize.h"

namespace lossmith {
namespace cuda {
namespace {

template <class S, class A, class G>
__global__ void __launch_bounds__(kRowThreads)
    store_normalized_kernel(RowsOf<const S> source, const double* inverse, Skip skip,
                            const std::int64_t* ids, const std::int64_t* gradient_ids,
                            std::int64_t begin, RowsOf<const A> g, const double* g_factor,
                            RowsOf<G> gradient) {
  constexpr int kChunk = kChunkOf<S, A, G>;
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  const double factor = g_factor != nullptr ? *g_factor : 1.0;
  for (std::int64_t i = warp_row(); i < g.rows; i += warp_rows()) {
    const std::int64_t row = begin + i;
    const bool skipped = skip.at(row);
    const double inverse_norm = inverse[row];
    const S* from = source.row(ids != nullptr ? ids[row] : row);
    G* to = gradient.row(gradient_ids != nullptr ? gradient_ids[row] : row);
    double along = 0;  // <y, gy>
    for (std::int64_t column = lane * kChunk; !skipped && column < g.width;
         column += kRowWarp * kChunk) {
      const Vec<S, kChunk> x = load_chunk<kChunk>(from, column, source);
      const Vec<A, kChunk> gy = load_chunk<kChunk>(g.row(i), column, g);
#pragma unroll
      for (int k = 0; k < kChunk; ++k) {
        const double y = Convert<double>::from(x[k]) * inverse_norm;
        along += y * (static_cast<double>(gy[k]) * factor);
      }
    }
    along = warp_sum(along);
    for (std::int64_t column = lane * kChunk; column < g.width; column += kRowWarp * kChunk) {
      Vec<G, kChunk> out{};
      if (!skipped) {
        const Vec<S, kChunk> x = load_chunk<kChunk>(from, column, source);
        const Vec<A, kChunk> gy = load_chunk<kChunk>(g.row(i), column, g);
#pragma unroll
        for (int k = 0; k < kChunk; ++k) {
          const double y = Convert<double>::from(x[k]) * inverse_norm;
          out[k] = Convert<G>::from(math::normalization_gradient(
              static_cast<double>(gy[k]) * factor, y, along, inverse_norm));
        }
      }
      store_chunk<kChunk>(to, column, gradient, out);
    }
  }
}

template <class A, class G>
__global__ void __launch_bounds__(kRowThreads)
    store_converted_kernel(Skip skip, const std::int64_t* gradient_ids, std::int64_t begin,
                           RowsOf<const A> g, const double* g_factor, RowsOf<G> gradient) {
  constexpr int kChunk = kChunkOf<A, G>;
  const double factor = g_factor != nullptr ? *g_factor : 1.0;
  for (std::int64_t i = chunk_row(); i < g.rows; i += chunk_rows()) {
    const bool skipped = skip.at(begin + i);
    G* to = gradient.row(gradient_ids != nullptr ? gradient_ids[begin + i] : begin + i);
    for (std::int64_t chunk = first_chunk(); chunk * kChunk < g.width; chunk += chunk_step()) {
      Vec<G, kChunk> out{};
      if (!skipped) {
        const Vec<A, kChunk> gy = load_chunk<kChunk>(g.row(i), chunk * kChunk, g);
#pragma unroll
        for (int k = 0; k < kChunk; ++k) {
          out[k] = g_factor != nullptr ? Convert<G>::from(static_cast<double>(gy[k]) * factor)
                                       : Convert<G>::from(gy[k]);
        }
      }
      store_chunk<kChunk>(to, chunk * kChunk, gradient, out);
    }
  }
}

template <class S, class A, class G>
void store(cudaStream_t stream, const Matrix& source, const double* inverse, const Skip& skip,
           const std::int64_t* ids, const std::int64_t* gradient_ids, std::int64_t begin,
           const Matrix& g, const double* g_factor, const Matrix& gradient) {
  if (inverse == nullptr) {
    constexpr int kChunk = kChunkOf<A, G>;
    launch(stream, "store_gradient_rows", threads_for_chunks(g.rows, g.width, kChunk),
           store_converted_kernel<A, G>, skip, gradient_ids, begin, RowsOf<const A>(g, kChunk),
           g_factor, RowsOf<G>(gradient, kChunk));
    return;
  }
  constexpr int kChunk = kChunkOf<S, A, G>;
  launch(stream, "store_gradient_rows", warp_for_each_row(g.rows), store_normalized_kernel<S, A, G>,
         RowsOf<const S>(source, kChunk), inverse, skip, ids, gradient_ids, begin,
         RowsOf<const A>(g, kChunk), g_factor, RowsOf<G>(gradient, kChunk));
}

}  // namespace

void store_gradient_rows(cudaStream_t stream, const Matrix& source, const double* inverse,
                         const Skip& skip, std::int64_t begin, const Matrix& g,
                         const double* g_factor, const Matrix& gradient, const std::int64_t* ids,
                         const std::int64_t* gradient_ids) {
  if (gradient.type != source.type && gradient.type != Type::f32) {
    throw Error(LSM_INTERNAL, std::string("store_gradient_rows: no gradient of ") +
                                  name_of(source.type) + " as " + name_of(gradient.type));
  }
  dispatch_floating(source.type, [&](auto tag) {
    using S = decltype(tag);
    const auto store_from = [&](auto accumulator) {
      using A = decltype(accumulator);
      if (gradient.type == source.type) {
        store<S, A, S>(stream, source, inverse, skip, ids, gradient_ids, begin, g, g_factor,
                       gradient);
      } else {
        store<S, A, float>(stream, source, inverse, skip, ids, gradient_ids, begin, g, g_factor,
                           gradient);
      }
    };
    if (g.type == Type::f64) {
      store_from(double{});
    } else {
      store_from(float{});
    }
  });
}

}  // namespace cuda
}  // namespace lossmith
