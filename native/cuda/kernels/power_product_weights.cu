// Around the products with power-quantized weights: the levels of codes, blocks of weights decoded
// for an ordinary product, and the step from its sums to the output.
//
// Decoding reads k f / 8 bytes of codes for a row and writes its elements; a thread takes 8 codes,
// which are f bytes, and finds their levels in the first-level cache. finish_product reads and writes
// each sum once. Both move bytes and nothing else.
//
// nvcc 13.0, no spills on sm_75, 80, 90. Registers on sm_80: levels 40, decoding 46 to 58, finishing
// 32.
#include "cuda/kernels/power_product_end.cuh"
#include "cuda/kernels/rows.cuh"
#include "math/power.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kCodes = 8;  // of a thread

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    levels_kernel(Vector exponents, std::int64_t count, int field, int largest, A* levels) {
  const int fields = 1 << field;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kRowThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       i < count * fields; i += step) {
    const int bits = static_cast<int>(i & (fields - 1));
    const int size = min(bits & (fields / 2 - 1), largest);
    const A level = math::power_level<A>(size, largest, exponents.at(i / fields));
    levels[i] = bits >= fields / 2 ? -level : level;
  }
}

template <class T, class A>
__global__ void __launch_bounds__(kRowThreads)
    decode_kernel(PackedWeights<A> w, T* to, std::int64_t ld) {
  constexpr int kVector = 16 / sizeof(T) < kCodes ? 16 / sizeof(T) : kCodes;
  const std::uint64_t mask = (std::uint64_t{1} << w.field) - 1;
  for (std::int64_t i = chunk_row(); i < w.rows; i += chunk_rows()) {
    const std::int64_t row = w.row0 + i;
    const std::uint8_t* codes = w.codes + row * w.ld;
    for (std::int64_t chunk = first_chunk(); chunk * kCodes < w.k; chunk += chunk_step()) {
      const std::int64_t column = chunk * kCodes;
      const std::int64_t left = w.row_bytes() - chunk * w.field;
      std::uint64_t fields = 0;
      for (int byte = 0; byte < w.field && byte < left; ++byte) {
        fields |= static_cast<std::uint64_t>(codes[chunk * w.field + byte]) << 8 * byte;
      }
      Vec<T, kVector> values[kCodes / kVector];
#pragma unroll
      for (int j = 0; j < kCodes; ++j) {
        // Columns behind the last count as it where their parameters are looked for.
        const std::int64_t at = column + j < w.k ? column + j : w.k - 1;
        const A* levels = w.levels + (w.level_of.at(row, at) << w.field);
        A value = levels[fields >> j * w.field & mask];
        if (w.scales_inside()) value *= w.scales[w.scale_of.at(row, at)];
        values[j / kVector][j % kVector] = Convert<T>::from(value);
      }
#pragma unroll
      for (int v = 0; v < kCodes / kVector; ++v) {
        store_vec(to + i * ld + column + v * kVector, values[v]);
      }
    }
  }
}

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    finish_kernel(const A* parts, std::int64_t count, std::int64_t part_step, std::int64_t ld,
                  std::int64_t row0, std::int64_t column0, std::int64_t m, std::int64_t n,
                  ProductEnd<A> end) {
  for (std::int64_t i = chunk_row(); i < m; i += chunk_rows()) {
    for (std::int64_t j = first_chunk(); j < n; j += chunk_step()) {
      A sum = 0;
      for (std::int64_t p = 0; p < count; ++p) sum += parts[p * part_step + i * ld + j];
      store_product(end, row0 + i, column0 + j, sum);
    }
  }
}

}  // namespace

template <class A>
void make_levels(cudaStream_t stream, const View& exponents, std::int64_t count, int bits,
                 A* levels) {
  const int field = bits <= 4 ? bits : 8;
  // Parameters are contiguous, whatever their shape is.
  const Vector vector{exponents.data, exponents.type == Type::f64, 1};
  launch(stream, "power_weight_levels",
         {dim3(blocks_for(count << field, kRowThreads)), dim3(kRowThreads)}, levels_kernel<A>,
         vector, count, field, (1 << (bits - 1)) - 1, levels);
}
template void make_levels(cudaStream_t, const View&, std::int64_t, int, float*);
template void make_levels(cudaStream_t, const View&, std::int64_t, int, double*);

template <class A>
void decode_weights(cudaStream_t stream, const PackedWeights<A>& w, const Matrix& to) {
  const LaunchShape shape = threads_for_chunks(w.rows, w.k, kCodes);
  const auto decode = [&](auto zero) {
    using T = decltype(zero);
    launch(stream, "power_weights", shape, decode_kernel<T, A>, w, static_cast<T*>(to.data), to.ld);
  };
  if constexpr (sizeof(A) == sizeof(double)) {
    decode(double{});
  } else if (to.type == Type::bf16) {
    decode(bfloat16{});
  } else if (to.type == Type::f16) {
    decode(float16{});
  } else {
    decode(float{});
  }
}
template void decode_weights(cudaStream_t, const PackedWeights<float>&, const Matrix&);
template void decode_weights(cudaStream_t, const PackedWeights<double>&, const Matrix&);

template <class A>
void finish_product(cudaStream_t stream, const A* parts, std::int64_t count, std::int64_t part_step,
                    std::int64_t ld, std::int64_t row0, std::int64_t column0, std::int64_t m,
                    std::int64_t n, const ProductEnd<A>& end) {
  launch(stream, "power_finish", threads_for_chunks(m, n, 1), finish_kernel<A>, parts, count,
         part_step, ld, row0, column0, m, n, end);
}
template void finish_product(cudaStream_t, const float*, std::int64_t, std::int64_t, std::int64_t,
                             std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                             const ProductEnd<float>&);
template void finish_product(cudaStream_t, const double*, std::int64_t, std::int64_t, std::int64_t,
                             std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                             const ProductEnd<double>&);

}  // namespace cuda
}  // namespace lossmith
