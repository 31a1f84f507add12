// Everything a contrastive call holds on a device while it is queued. A: type of dots, coefficients
// and accumulators (float, double). All pointers are device memory in the context's workspace, or
// tensors of the call.
#ifndef LOSSMITH_CUDA_CONTRASTIVE_STATE_H_
#define LOSSMITH_CUDA_CONTRASTIVE_STATE_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "core/context.h"
#include "core/workspace.h"
#include "cuda/contrastive_kernels.h"
#include "cuda/gemm.h"
#include "cuda/state.h"
#include "engine/contrastive_call.h"
#include "engine/similarity_plan.h"

namespace lossmith {
namespace cuda {

// Leading dimensions that keep every row of a block aligned for 16-byte accesses.
inline std::int64_t padded(std::int64_t columns) { return (columns + 63) / 64 * 64; }

// The part of a matrix from row `begin` on.
inline Matrix rows_of(const Matrix& m, std::int64_t begin, std::int64_t rows) {
  Matrix part = m;
  part.data = static_cast<char*>(m.data) + begin * m.ld * bytes_of(m.type);
  part.rows = rows;
  return part;
}

// A gradient of x or y: the accumulator of its products, and how it becomes the output.
template <class A>
struct Accumulator {
  bool wanted = false;
  bool direct = false;  // the output itself
  A* data = nullptr;
  std::int64_t ld = 0;
};

template <class A>
struct ContrastiveState {
  ContrastiveState(const ContrastiveCall& a_call, lsm_context_s& a_context)
      : call(a_call),
        context(a_context),
        device(state_of(a_context)),
        stream(device.stream),
        operand(a_call.x.type),
        n(a_call.n),
        m(a_call.m),
        d(a_call.d),
        r(a_call.r),
        pair_shift(a_call.shard.row_offset - a_call.shard.column_offset) {}

  static constexpr Type accumulator_type() {
    return std::is_same<A, double>::value ? Type::f64 : Type::f32;
  }

  const ContrastiveCall& call;
  lsm_context_s& context;
  CudaState& device;
  const cudaStream_t stream;
  const Type operand;  // of the products over n x m
  const std::int64_t n, m, d, r;
  const std::int64_t pair_shift;
  std::int64_t stored_rows = 0;  // leading rows whose dots are kept between loss and gradient
  Skip skip;

  // Operands: the inputs themselves, or prepared copies.
  bool copies = false;
  Matrix x, y;
  double* x_inverse = nullptr;
  double* y_inverse = nullptr;

  CallScalars* scalars = nullptr;
  A* bias = nullptr;  // [m] or null
  Direction<A> row, column;
  A* pair_score = nullptr;          // [n]
  double* row_term = nullptr;       // [n]: sum of row i's weights (as targets) times scores
  double* weight_sum = nullptr;     // [n]
  A* weight_factor = nullptr;       // [n], dense targets
  double* target_factor = nullptr;  // [n], low-rank targets
  double* bias_gradient = nullptr;  // [m]
  double* sum_scratch = nullptr;    // of add_weighted_rows

  Statistics<A> statistics;
  double* scale_partial = nullptr;
  double* column_partial = nullptr;
  A* stored = nullptr;     // [stored rows, stored_width] dots
  A* block = nullptr;      // [block rows, block_ld] dots, then coefficients
  void* narrow = nullptr;  // [block rows, block_ld] coefficients of 16 bits
  Accumulator<A> grad_x;   // [block rows, d]
  Accumulator<A> grad_y;   // [m, d]

  bool dense() const { return call.target == Target::dense; }
  bool low_rank() const { return call.target == Target::low_rank; }
  bool narrows() const { return operand == Type::bf16 || operand == Type::f16; }
  // f16 coefficients are scaled into its range, see choose_narrow_factor.
  const double* gradient_factor() const {
    return operand == Type::f16 ? &scalars->narrow_inverse : nullptr;
  }
  std::int64_t block_rows() const { return std::min(kCudaTiling.block_rows, n); }
  std::int64_t block_columns() const { return std::min(kCudaTiling.block_columns, m); }
  std::int64_t block_ld() const { return padded(block_columns()); }
  // Elements of a kept row. Kept dots lie block by block, each as the one block of the other plan
  // does, so that their products are the same calls and give the same bits.
  std::int64_t stored_width() const { return pieces(m, kCudaTiling.block_columns) * block_ld(); }
};

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_CONTRASTIVE_STATE_H_
