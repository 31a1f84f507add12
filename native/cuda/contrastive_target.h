// The low-rank targets of CWCL on a device: weights w_ij = (1 + <r_i, r_j>) / 2 that are never
// formed. The identities are those of cpu/contrastive_target.h; f16 operands are widened to f32
// here, since sums over the batch leave the range of f16.
#ifndef LOSSMITH_CUDA_CONTRASTIVE_TARGET_H_
#define LOSSMITH_CUDA_CONTRASTIVE_TARGET_H_

#include "cuda/contrastive_state.h"

namespace lossmith {
namespace cuda {

template <class A>
class LowRankTarget {
 public:
  explicit LowRankTarget(ContrastiveState<A>& state) : s_(state) {}

  void carve(Carver& carver);

  // Norms of the references, their sum over the columns, and s.weight_sum unless it is given.
  void weight_sums();

  // M = sum_j r_j y_j^T, and the sums over columns.
  void mix_candidates();

  // Rows [begin, begin + rows): row_term = sum_j a_ij s_ij and, where grad_x is wanted,
  // grad_x = -c (1-e) sum_j a_ij y_j.
  void rows(std::int64_t begin, std::int64_t rows);

  // grad_y = -sum_i c_i (1-e) a_ij x_i, and the same for the bias.
  void columns();

  bool needs_rows() const {
    return s_.call.wants_loss() || s_.call.grad_x.present() || s_.call.grad_log_scale.present();
  }
  // The rows' shares of sum_ij G_ij u_ij, or null.
  const double* target_scale() const { return needs_rows() ? target_scale_ : nullptr; }

 private:
  // Reference rows from `begin` on, times their factors, in chunk_.
  Matrix load(const Matrix& source, const double* inverse, const double* factor, std::int64_t begin,
              std::int64_t rows);
  // Rows of x or y as operands.
  Matrix widened(const Matrix& source, std::int64_t begin, std::int64_t rows);
  void add_rows(const Matrix& rows, const double* weights, bool accumulate, double* sum);
  void mix(const Matrix& references, const Matrix& embeddings, bool fresh);
  void unmix(const Matrix& references, const Matrix& mixed, A* out, std::int64_t ld);
  Matrix mixed_operand();
  Type type() const { return s_.operand == Type::f16 ? Type::f32 : s_.operand; }
  Matrix references() const { return Matrix::of(s_.call.reference); }
  Matrix candidates() const { return Matrix::of(s_.call.reference_y); }

  ContrastiveState<A>& s_;
  double* reference_inverse_ = nullptr;   // [n]
  double* candidate_inverse_ = nullptr;   // [m]
  double* reference_sum_ = nullptr;       // [r]
  double* candidate_sum_ = nullptr;       // [d]
  double* bias_weights_ = nullptr;        // [m]
  double* bias_reference_ = nullptr;      // [r]
  double* weighted_x_ = nullptr;          // [d]
  double* weighted_reference_ = nullptr;  // [r]
  double* target_scale_ = nullptr;        // [n]
  double* dots_ = nullptr;                // [chunk rows]
  A* mixed_ = nullptr;                    // [r,d]
  void* narrow_ = nullptr;                // the same in the type of the operands
  void* chunk_ = nullptr;                 // [chunk rows, r]
  void* wide_ = nullptr;                  // [chunk rows, d], f16 only
  A* product_ = nullptr;                  // [chunk rows, d] where grad_x is not wanted
};

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_CONTRASTIVE_TARGET_H_
