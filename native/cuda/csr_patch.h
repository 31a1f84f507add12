// Sparse targets on a block of a matrix of scores. The dense part of a softmax-type loss treats all
// entries alike; the few entries that are targets (labels of a row, positives of an anchor) are
// patched in afterwards, by warps that visit only them.
//
// A block is the part [row0, row0 + rows) x [column0, column0 + columns) of the whole matrix;
// vectors of its rows and columns start at its corner. Targets are of the whole matrix: each row
// finds its entries inside the block by binary search, entries outside cost nothing more. Every sum
// is kept in f64, in an order that depends on the targets and the block alone.
#ifndef LOSSMITH_CUDA_CSR_PATCH_H_
#define LOSSMITH_CUDA_CSR_PATCH_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/rows.h"

namespace lossmith {
namespace cuda {

// Targets t_ij as compressed sparse rows, in device memory. Row i has the entries offsets[i] to
// offsets[i + 1] - 1, sorted by column; entries of the same column add up.
struct CsrTargets {
  const std::int64_t* offsets = nullptr;  // [rows + 1], not decreasing
  const void* columns = nullptr;          // [entries], i32 or i64
  bool columns_are_i64 = false;
  const void* values = nullptr;  // [entries], f32 or f64; null: 1 each
  bool values_are_f64 = false;
};

// coefficients[i, j] -= factor[i] * common * t_ij for the targets in the block, rounded once to the
// type of the block (f32, f64, bf16, f16). factor: [rows of the block]. common: one number on the
// device, for coefficients that are kept scaled; null: 1.
void subtract_targets(cudaStream_t stream, const CsrTargets& targets, std::int64_t row0,
                      std::int64_t column0, const double* factor, const double* common,
                      const Matrix& coefficients);

// row_term[i] += sum_j t_ij s_ij over the targets in the block, with scores s_ij = *scale u_ij +
// bias_j in the type of the dots (A: f32 or f64). row_term: [rows of the block]; bias: [columns of
// the block], null: 0. Targets of value 0 do not count, whatever their score.
template <class A>
void add_target_scores(cudaStream_t stream, const CsrTargets& targets, std::int64_t row0,
                       std::int64_t column0, const Matrix& dots, const double* scale, const A* bias,
                       double* row_term);

// subtract_targets for t_ij = [j = i + shift], i and j counted in the whole matrix.
void subtract_diagonal(cudaStream_t stream, std::int64_t shift, std::int64_t row0,
                       std::int64_t column0, const double* factor, const double* common,
                       const Matrix& coefficients);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_CSR_PATCH_H_
