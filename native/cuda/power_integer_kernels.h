// The kernels of the integer product of power codes, as host functions that queue them.
#ifndef LOSSMITH_CUDA_POWER_INTEGER_KERNELS_H_
#define LOSSMITH_CUDA_POWER_INTEGER_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/contrastive_kernels.h"
#include "cuda/rows.h"
#include "cuda/state.h"

namespace lossmith {
namespace cuda {

// Codes of a matrix, row by row.
struct CodeMatrix {
  enum class Form : std::uint8_t { packed, i8, u8 };

  const std::uint8_t* data = nullptr;
  std::int64_t ld = 0;  // bytes
  std::int64_t rows = 0, width = 0;
  Form form = Form::packed;
  int field = 8;  // bits of a code
  int largest = 0;
};

// The integers sign(q) q^2 of codes as bytes, [rows, ld]; rows are padded with zeros to multiples of
// 16 bytes.
struct ByteMatrix {
  std::uint8_t* data = nullptr;
  std::int64_t rows = 0, ld = 0;
  bool is_unsigned = false;

  static std::int64_t padded(std::int64_t width) { return (width + 15) / 16 * 16; }
};

void square_codes(cudaStream_t stream, const CodeMatrix& codes, const ByteMatrix& to);

// What turns the sums of a column into values and codes (math/power_requantize.h).
struct ColumnTable {
  double* factor = nullptr;            // [columns]
  float* guess = nullptr;              // [columns], where codes are wanted
  std::int32_t* thresholds = nullptr;  // [columns, largest]
  std::int64_t step = 0;               // 1: a column of the output has its own, 0: all have one
  int x_largest = 0, w_largest = 0, largest = 0;
};

// Entries for `count` columns from column0 on.
void fill_columns(cudaStream_t stream, const Vector& x_scale, const Vector& w_scale,
                  const Vector& out_scale, std::int64_t column0, std::int64_t count,
                  const ColumnTable& to);

// Where sums go, from a row and a column on; null: not wanted.
struct IntegerEnd {
  std::int32_t* sums = nullptr;
  std::int64_t sums_ld = 0;
  float* out = nullptr;
  std::int64_t out_ld = 0;
  std::uint8_t* codes = nullptr;  // i8 or u8
  std::int64_t codes_ld = 0;
  bool unsigned_codes = false;
  ColumnTable columns;
};

// x w^T of bytes, w signed, with i32 sums, by four-byte products (any device) or on tensor cores
// (from capability 8.0 on). Both have the same sums.
void multiply_bytes(cudaStream_t stream, const ByteMatrix& x, const ByteMatrix& w,
                    const IntegerEnd& end);
void multiply_bytes_mma(cudaStream_t stream, const DeviceFacts& facts, const ByteMatrix& x,
                        const ByteMatrix& w, const IntegerEnd& end);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_POWER_INTEGER_KERNELS_H_
