// The kernels of products with power-quantized weights, as host functions that queue them; those that
// make tables and values of codes are the operator's (cuda/power_kernels.h). A is the type of the
// sums: float, or double for f64.
#ifndef LOSSMITH_CUDA_POWER_PRODUCT_KERNELS_H_
#define LOSSMITH_CUDA_POWER_PRODUCT_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/power_kernels.h"
#include "cuda/rows.h"
#include "engine/groups.h"

namespace lossmith {
namespace cuda {

// Which parameter an element of the weights [n,k] has: all one, one for each row, or one for each
// `columns` neighbours of a row; row * row_step + column / columns.
struct WeightGroups {
  std::int64_t row_step = 0;
  std::int64_t columns = 0;  // 0: those of a row have one

  static WeightGroups of(const Groups& g, std::int64_t parameters) {
    if (g.columns > 0 && g.per_line != 1 && parameters != 1) return {g.per_line, g.columns};
    return {parameters > 1 ? 1 : 0, 0};
  }
};

// Packed codes of weights (lossmith/power.h), and what their fields stand for.
struct PackedWeights {
  const std::uint8_t* codes = nullptr;
  std::int64_t ld = 0;  // bytes
  std::int64_t rows = 0, k = 0;
  int field = 4;  // bits of a field
  int largest = 7;
  PowerTables<float> tables;
  WeightGroups table_of;
  const float* scales = nullptr;
  WeightGroups scale_of;

  LSM_HD std::int64_t row_bytes() const { return (k * field + 7) / 8; }
  // Whether scales change along a row, so that they cannot be applied to its sums.
  LSM_HD bool scales_inside() const { return scale_of.columns > 0; }
};

// What becomes of a sum: the scale of the row of weights where it is not in the sum yet, then the bias.
template <class A>
struct ProductEnd {
  const A* scale = nullptr;  // null: 1
  std::int64_t scale_step = 0;
  Matrix bias;  // [1,n], without data: none
  std::int64_t bias_step = 1;
  Matrix out;  // [m,n]

  bool changes_sums() const { return scale != nullptr || bias.data != nullptr; }
};

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
bool takes_few_rows(const PackedWeights& w);

// out = x W^T as `end` says, for all rows of the weights. The codes are decoded in registers, once for
// up to 8 rows of x. parts: [splits, m, n], not used with one split. x: f32, bf16 or f16.
void multiply_few_rows(cudaStream_t stream, const Matrix& x, const PackedWeights& w, float* parts,
                       const ProductEnd<float>& end);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_POWER_PRODUCT_KERNELS_H_
