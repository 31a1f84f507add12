// Everything a label loss holds on a device while it is queued. A: type of products, coefficients
// and accumulators (float, double). All pointers are device memory in the context's workspace, or
// tensors of the call.
#ifndef LOSSMITH_CUDA_LABEL_STATE_H_
#define LOSSMITH_CUDA_LABEL_STATE_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "core/context.h"
#include "cuda/contrastive_state.h"
#include "cuda/label_kernels.h"
#include "cuda/state.h"
#include "engine/label_call.h"
#include "engine/similarity_plan.h"

namespace lossmith {
namespace cuda {

template <class A>
struct LabelState {
  LabelState(const LabelCall& a_call, lsm_context_s& a_context)
      : call(a_call),
        context(a_context),
        device(state_of(a_context)),
        stream(device.stream),
        operand(a_call.x.type),
        n(a_call.n),
        columns(a_call.columns),
        d(a_call.d) {}

  static constexpr Type accumulator_type() {
    return std::is_same<A, double>::value ? Type::f64 : Type::f32;
  }

  const LabelCall& call;
  lsm_context_s& context;
  CudaState& device;
  const cudaStream_t stream;
  const Type operand;  // of the products
  const std::int64_t n, columns, d;
  std::int64_t stored_blocks = 0;  // leading blocks of labels whose products are kept

  // Operands: x or a prepared copy; labels, or a block of them that is prepared in its turn.
  bool copies_x = false, copies_labels = false;
  Matrix x;
  double* x_inverse = nullptr;         // [n] with normalize_x
  double* label_inverse = nullptr;     // [columns] with normalize_labels
  void* label_block = nullptr;         // [block columns, d]
  std::int64_t* candidates = nullptr;  // [columns] or null

  CallScalars* scalars = nullptr;
  A* bias = nullptr;          // [columns] or null
  A* class_weight = nullptr;  // [columns] or null
  LabelEntries entries;
  EntryScratch scratch;
  A* products = nullptr;  // of the entries
  LabelSums sums;
  TopKRows top_k;
  LabelRows<A> rows;

  double* entry_scale = nullptr;     // [n]
  double* bias_gradient = nullptr;   // [columns]
  double* scale_partial = nullptr;   // [tiles of a block]
  double* column_partial = nullptr;  // [row tiles of a block, block columns]
  EntryMarks marks;
  A* stored = nullptr;         // [stored blocks, n, block_ld] products
  A* block = nullptr;          // [block rows, block_ld] products, then coefficients
  void* narrow = nullptr;      // [block rows, block_ld] coefficients of 16 bits
  Accumulator<A> grad_x;       // [n, d]
  Accumulator<A> grad_labels;  // [block columns, d], or the output itself

  bool given() const { return call.given_products(); }
  bool is_top_k() const { return call.is_loss(LSM_SOFT_TOP_K); }
  bool is_ce() const { return call.is_loss(LSM_SOFTMAX_CE); }
  double alpha() const { return is_top_k() ? call.options.alpha : 1.0; }
  LabelDense dense() const {
    return call.is_loss(LSM_BCE) ? LabelDense::sigmoid
           : is_top_k()          ? LabelDense::top_k
                                 : LabelDense::exponential;
  }
  // Whether coefficients become operands of 16 bits.
  bool narrows() const { return !given() && (operand == Type::bf16 || operand == Type::f16); }
  // f16 coefficients are scaled into its range, see choose_narrow_factor.
  bool scales_coefficients() const { return !given() && operand == Type::f16; }
  const double* gradient_factor() const {
    return scales_coefficients() ? &scalars->narrow_inverse : nullptr;
  }

  std::int64_t block_rows() const { return std::min(kCudaTiling.block_rows, n); }
  std::int64_t block_columns() const { return std::min(kCudaTiling.block_columns, columns); }
  std::int64_t block_ld() const { return padded(block_columns()); }
  std::int64_t blocks() const { return pieces(columns, kCudaTiling.block_columns); }
  std::int64_t stored_block_elements() const { return n * block_ld(); }
  std::int64_t columns_of(std::int64_t column) const {
    return std::min(kCudaTiling.block_columns, columns - column);
  }
};

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_LABEL_STATE_H_
