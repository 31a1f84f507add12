// What the integer product works on: codes as the integers that they stand for, and for each column
// of the output the numbers that make values and codes of its sums.
//
// Each code is read once and written as a byte, 16 of them by a thread; this moves bytes and nothing
// else. A threshold is one division of 128-bit integers: Q of them for each column, whatever k is.
//
// nvcc 13.0, no spills on sm_75, 80, 90; at most 40 registers on sm_80.
#include "cuda/kernels/rows.cuh"
#include "cuda/power_integer_kernels.h"
#include "math/power_requantize.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kCodes = 16;  // of a thread
using Form = CodeMatrix::Form;

// sign(q) q^2 as a byte; codes beyond the largest count as the largest.
LSM_DEVICE std::uint8_t square_of(int magnitude, bool negative, int largest) {
  const int q = min(magnitude, largest);
  return static_cast<std::uint8_t>(negative ? -(q * q) : q * q);
}

// `count` bytes from `from` on, of which `left` exist; the others are 0.
LSM_DEVICE Vec<std::uint8_t, 16> bytes_of_row(const std::uint8_t* from, std::int64_t left,
                                              int count) {
  Vec<std::uint8_t, 16> bytes;
#pragma unroll
  for (int i = 0; i < 16; ++i) bytes[i] = i < count && i < left ? from[i] : std::uint8_t{0};
  return bytes;
}

template <Form kForm>
__global__ void __launch_bounds__(kRowThreads) squares_kernel(CodeMatrix codes, ByteMatrix to) {
  for (std::int64_t row = chunk_row(); row < codes.rows; row += chunk_rows()) {
    const std::uint8_t* from = codes.data + row * codes.ld;
    for (std::int64_t chunk = first_chunk(); chunk * kCodes < to.ld; chunk += chunk_step()) {
      const std::int64_t column = chunk * kCodes;
      // 16 fields are 2 f bytes.
      const std::int64_t bytes = (codes.width * codes.field + 7) / 8;
      const std::int64_t first = chunk * 2 * codes.field;
      const Vec<std::uint8_t, 16> in =
          bytes_of_row(from + first, bytes - first, kForm == Form::packed ? 2 * codes.field : 16);
      Vec<std::uint8_t, kCodes> out;
      if constexpr (kForm == Form::packed) {
        std::uint64_t fields = 0;  // 16 of at most 4 bits
#pragma unroll
        for (int i = 0; i < 8; ++i) fields |= static_cast<std::uint64_t>(in[i]) << 8 * i;
#pragma unroll
        for (int j = 0; j < kCodes; ++j) {
          const int bits = static_cast<int>(fields >> j * codes.field) & ((1 << codes.field) - 1);
          const int sign = 1 << (codes.field - 1);
          out[j] = square_of(bits & (sign - 1), (bits & sign) != 0, codes.largest);
        }
      } else {
#pragma unroll
        for (int j = 0; j < kCodes; ++j) {
          const int q = kForm == Form::i8 ? int{static_cast<std::int8_t>(in[j])} : int{in[j]};
          out[j] = square_of(q < 0 ? -q : q, q < 0, codes.largest);
        }
      }
#pragma unroll
      for (int j = 0; j < kCodes; ++j) {
        if (column + j >= codes.width) out[j] = 0;
      }
      store_vec(to.data + row * to.ld + column, out);
    }
  }
}

__global__ void __launch_bounds__(kRowThreads)
    columns_kernel(Vector x_scale, Vector w_scale, Vector out_scale, std::int64_t column0,
                   std::int64_t count, ColumnTable to) {
  const int entries = to.thresholds != nullptr ? to.largest : 1;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kRowThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       i < count * entries; i += step) {
    const std::int64_t column = i / entries;
    const int j = static_cast<int>(i - column * entries) + 1;
    math::PowerColumn scales = {};
    scales.x_scale = static_cast<float>(x_scale.at(0));
    scales.w_scale = static_cast<float>(w_scale.at(column0 + column));
    scales.x_largest = to.x_largest;
    scales.w_largest = to.w_largest;
    if (j == 1) to.factor[column] = scales.factor();
    if (to.thresholds == nullptr) continue;
    scales.out_scale = static_cast<float>(out_scale.at(column0 + column));
    scales.out_largest = to.largest;
    if (j == 1) to.guess[column] = scales.guess();
    to.thresholds[i] = scales.threshold(j);
  }
}

template <Form kForm>
void launch_form(cudaStream_t stream, const CodeMatrix& codes, const ByteMatrix& to) {
  launch(stream, "power_squares", threads_for_chunks(codes.rows, to.ld, kCodes),
         squares_kernel<kForm>, codes, to);
}

}  // namespace

void square_codes(cudaStream_t stream, const CodeMatrix& codes, const ByteMatrix& to) {
  if (codes.form == Form::packed) return launch_form<Form::packed>(stream, codes, to);
  if (codes.form == Form::i8) return launch_form<Form::i8>(stream, codes, to);
  launch_form<Form::u8>(stream, codes, to);
}

void fill_columns(cudaStream_t stream, const Vector& x_scale, const Vector& w_scale,
                  const Vector& out_scale, std::int64_t column0, std::int64_t count,
                  const ColumnTable& to) {
  const std::int64_t entries = to.thresholds != nullptr ? to.largest : 1;
  launch(stream, "power_columns",
         {dim3(blocks_for(count * entries, kRowThreads)), dim3(kRowThreads)}, columns_kernel,
         x_scale, w_scale, out_scale, column0, count, to);
}

}  // namespace cuda
}  // namespace lossmith
