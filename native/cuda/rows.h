// Rows of matrices on a device, on their way into and out of the products: the same operations as
// cpu/operands.h, queued on a stream. Sums are kept in f64 and run in an order that depends on the
// shapes alone.
#ifndef LOSSMITH_CUDA_ROWS_H_
#define LOSSMITH_CUDA_ROWS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/tensor.h"

namespace lossmith {
namespace cuda {

// A matrix on the device; rows `ld` elements apart (any sign, any value).
struct Matrix {
  void* data = nullptr;
  Type type = Type::f32;
  std::int64_t rows = 0, width = 0, ld = 0;

  static Matrix of(const View& v) { return {v.data, v.type, v.shape[0], v.shape[1], v.strides[0]}; }
  // As products take it: the stride of a single row may be anything, here it is the width.
  static Matrix for_product(const View& v) {
    Matrix m = of(v);
    if (m.rows <= 1) m.ld = m.width;
    return m;
  }
};

// Flags of rows that take no part: row i is left out if i < count and flags[i * stride] != 0.
struct Skip {
  const std::uint8_t* flags = nullptr;  // null: none
  std::int64_t stride = 1;
  std::int64_t count = 0;

  LSM_HD bool at(std::int64_t i) const {
    return flags != nullptr && i < count && flags[i * stride] != 0;
  }
};

// out[i] = 1 / ||row i||, 0 for rows of norm <= 1e-12, NaN for rows with NaN; 0 for skipped rows.
// Here and below, row i of the source is its row ids[i] where ids are given.
void inverse_norms(cudaStream_t stream, const Matrix& source, const Skip& skip, double* out,
                   const std::int64_t* ids = nullptr);

// to[i - begin, :] = source[i, :] * inverse[i] (null: 1) in the type of `to`, for rows begin to
// begin + to.rows of the source; zeros for skipped rows, whatever they hold. factor (null: 1)
// multiplies row i too: [rows of the source], f64.
void load_rows(cudaStream_t stream, const Matrix& source, std::int64_t begin, const double* inverse,
               const double* factor, const Skip& skip, const Matrix& to,
               const std::int64_t* ids = nullptr);

// gradient[i, :] from g[i - begin, :] (f32 or f64), the gradient with respect to the loaded rows,
// times *g_factor (a device scalar; null: 1): through the normalisation where inverse is given,
//   y = x/||x||:  gx = (gy - y <y,gy>) / ||x||
// Zeros for skipped rows. source and gradient have all rows, g those from `begin` on. The type of
// gradient is that of source or f32. gradient_ids name the rows of the gradient, as ids do. g may be
// the gradient itself.
void store_gradient_rows(cudaStream_t stream, const Matrix& source, const double* inverse,
                         const Skip& skip, std::int64_t begin, const Matrix& g,
                         const double* g_factor, const Matrix& gradient,
                         const std::int64_t* ids = nullptr,
                         const std::int64_t* gradient_ids = nullptr);

// sum[k] (+)= sum_i weights[i] rows[i,k], weights null: 1. scratch: row_sum_scratch doubles, which
// also serve fewer rows.
void add_weighted_rows(cudaStream_t stream, const Matrix& rows, const double* weights,
                       bool accumulate, double* scratch, double* sum);
std::int64_t row_sum_scratch(std::int64_t rows, std::int64_t width);

// out[i] = <row i, vector>
void row_dots(cudaStream_t stream, const Matrix& rows, const double* vector, double* out);

// All elements 0; a matrix or a vector of any floating type.
void fill_zero(cudaStream_t stream, const View& view);

// [count] f64 from a vector or one element that repeats (f32 or f64, any stride), and back.
void load_vector(cudaStream_t stream, const View& from, std::int64_t count, double* to);
void store_vector(cudaStream_t stream, const double* from, std::int64_t count, const View& to);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_ROWS_H_
