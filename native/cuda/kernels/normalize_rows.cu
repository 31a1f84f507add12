// Rows of unit length: one warp for each row, which it reads twice. The order of the norm's sum is
// that of math/update.h.
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "cuda/update.h"
#include "math/normalize.h"
#include "math/update.h"

namespace lossmith {
namespace cuda {
namespace {

static_assert(math::kNormSums == kRowWarp, "each lane holds one of the norm's sums");

// Where norms go; without data they are not wanted.
struct Norms {
  void* data;
  bool is_f64;
  std::int64_t stride;

  LSM_DEVICE void set(std::int64_t i, double norm) const {
    if (is_f64) {
      static_cast<double*>(data)[i * stride] = norm;
    } else {
      static_cast<float*>(data)[i * stride] = static_cast<float>(norm);
    }
  }
};

template <class S, class T>
__global__ void __launch_bounds__(kRowThreads)
    normalize_kernel(RowsOf<const S> x, RowsOf<T> out, Norms norms) {
  constexpr int kChunk = kChunkOf<S, T>;
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < x.rows; i += warp_rows()) {
    double square = 0;
    for (std::int64_t column = lane; column < x.width; column += kRowWarp) {
      square = math::plus_square(square, Convert<double>::from(x.row(i)[column]));
    }
    // All lanes have read the row when one of them has the sum, so it may be replaced in place.
    square = warp_sum(square);
    const double inverse = math::inverse_norm(square);
    if (lane == 0 && norms.data != nullptr) norms.set(i, math::root(square));
    for (std::int64_t column = lane * kChunk; column < x.width; column += kRowWarp * kChunk) {
      const Vec<S, kChunk> from = load_chunk<kChunk>(x.row(i), column, x);
      Vec<T, kChunk> to;
#pragma unroll
      for (int k = 0; k < kChunk; ++k) {
        to[k] = Convert<T>::from(math::times(Convert<double>::from(from[k]), inverse));
      }
      store_chunk<kChunk>(out.row(i), column, out, to);
    }
  }
}

}  // namespace

void normalize_rows(cudaStream_t stream, const NormalizeCall& call) {
  Norms norms{nullptr, false, 1};
  if (call.norms.present()) {
    norms = {call.norms.data, call.norms.type == Type::f64, call.norms.strides[0]};
  }
  dispatch_floating(call.x.type, [&](auto source) {
    using S = decltype(source);
    dispatch_floating(call.out.type, [&](auto target) {
      using T = decltype(target);
      constexpr int kChunk = kChunkOf<S, T>;
      launch(stream, "normalize_rows", warp_for_each_row(call.x.shape[0]), normalize_kernel<S, T>,
             RowsOf<const S>(Matrix::of(call.x), kChunk), RowsOf<T>(Matrix::of(call.out), kChunk),
             norms);
    });
  });
}

}  // namespace cuda
}  // namespace lossmith
