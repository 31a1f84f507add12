// The kernels of products with power-quantized weights, as host functions that queue them. A is the
// type of the sums, the scales and the levels: float, or double for f64.
#ifndef LOSSMITH_CUDA_POWER_PRODUCT_KERNELS_H_
#define LOSSMITH_CUDA_POWER_PRODUCT_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/contrastive_kernels.h"
#include "cuda/rows.h"
#include "engine/groups.h"

namespace lossmith {
namespace cuda {

// Which parameter an element of the weights [n,k] has: all one, one for each row, or one for each
// `columns` neighbours of a row.
struct WeightGroups {
  std::int64_t row_step = 0;
  std::int64_t columns = 0;  // 0: those of a row have one

  static WeightGroups of(const Groups& g, std::int64_t parameters) {
    if (g.columns > 0 && g.per_line != 1 && parameters != 1) return {g.per_line, g.columns};
    return {parameters > 1 ? 1 : 0, 0};
  }
  LSM_HD std::int64_t at(std::int64_t row, std::int64_t column) const {
    return row * row_step + (columns > 0 ? column / columns : 0);
  }
};

// Packed codes of some rows of weights (lossmith/power.h), and what their fields stand for.
template <class A>
struct PackedWeights {
  const std::uint8_t* codes = nullptr;
  std::int64_t ld = 0;  // bytes
  std::int64_t row0 = 0, rows = 0, k = 0;
  int field = 4;              // bits of a field
  const A* levels = nullptr;  // [parameters, 2^field], in [-1, 1]
  WeightGroups level_of;
  const A* scales = nullptr;
  WeightGroups scale_of;

  LSM_HD std::int64_t row_bytes() const { return (k * field + 7) / 8; }
  // Whether scales change along a row, so that they cannot be applied to its sums.
  LSM_HD bool scales_inside() const { return scale_of.columns > 0; }
};

// What becomes of a sum: the scale where a row of weights has one, then the bias.
template <class A>
struct ProductEnd {
  const A* scale = nullptr;  // null: 1
  std::int64_t scale_step = 0;
  Matrix bias;  // [1,n], without data: none
  std::int64_t bias_step = 1;
  Matrix out;  // [m,n]

  bool changes_sums() const { return scale != nullptr || bias.data != nullptr; }
};

// levels[p, field] of `count` exponents: sign(q) (|q| / Q)^(1/a), made in f64 and rounded once.
template <class A>
void make_levels(cudaStream_t stream, const View& exponents, std::int64_t count, int bits,
                 A* levels);

// Rows w.row0 .. w.row0 + w.rows - 1 of the weights in the type of `to`, with their scales where
// those change along a row, else without. to: rows aligned to 16 bytes and padded to whole vectors of
// 16 bytes, of 8 elements at least.
template <class A>
void decode_weights(cudaStream_t stream, const PackedWeights<A>& w, const Matrix& to);

// out[i, column0 + j] from the sum over p < count of parts[p, i, j], for m x n elements from
// (row0, column0) on. The parts lie part_step elements apart, their rows ld; one part may lie in out.
template <class A>
void finish_product(cudaStream_t stream, const A* parts, std::int64_t count, std::int64_t part_step,
                    std::int64_t ld, std::int64_t row0, std::int64_t column0, std::int64_t m,
                    std::int64_t n, const ProductEnd<A>& end);

// How the product of few rows is split along k: into `splits` pieces of `slabs` slabs each. A matter
// of the shapes alone.
struct RowSplit {
  std::int64_t splits, slabs;
};
RowSplit split_of_few_rows(std::int64_t m, std::int64_t n, std::int64_t k, int field);
// Whether that product takes these weights: the exponents do not change along a row, and scales do
// so at multiples of 32 columns only.
bool takes_few_rows(const PackedWeights<float>& w);

// out = x W^T as `end` says, for all rows of the weights. The codes are decoded in registers, once for
// up to 8 rows of x. parts: [splits, m, n], not used with one split. x: f32, bf16 or f16.
void multiply_few_rows(cudaStream_t stream, const Matrix& x, const PackedWeights<float>& w,
                       float* parts, const ProductEnd<float>& end);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_POWER_PRODUCT_KERNELS_H_
