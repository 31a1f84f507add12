// The targets of CWCL: rows of weights a_ij = w_ij / Z_i, given as a matrix or, never formed, by
// reference embeddings, w_ij = (1 + <r_i, r_j>) / 2. With M = sum_j r_j y_j^T and Z_i the row sums
//
//     sum_j a_ij y_j = (sum_j y_j + M^T r_i) / (2 Z_i)
//     sum_i q_i w_ij x_i = (sum_i q_i x_i + K^T r_j) / 2,   K = sum_i q_i r_i x_i^T
//
// so that targets cost products of 2 n r d operations instead of anything over n x m.
#ifndef LOSSMITH_CPU_CONTRASTIVE_TARGET_H_
#define LOSSMITH_CPU_CONTRASTIVE_TARGET_H_

#include "cpu/contrastive_state.h"

namespace lossmith {

// Rows whose weights add up to no more than this have no row direction. With normalised
// references a row that is its own candidate has a weight of 1 there, so this only catches rows
// without any similar candidate, up to rounding.
constexpr double kZeroWeightSum = 1e-6;

template <class T, class A>
class LowRankTarget {
 public:
  explicit LowRankTarget(ContrastiveState<T, A>& state) : s_(state) {}

  // Plans products and lays memory out; the same pattern as the sweeps.
  void prepare();
  void carve(Carver& carver);

  // Norms of the references, their sum over the columns, and s.weight_sum unless it is given.
  // Throws before anything is written when a reference row is too long.
  void weight_sums();

  // M, and the sums over columns.
  void mix_candidates();

  // Rows [begin, end): row_term = sum_j a_ij s_ij and, where grad_x is wanted,
  // grad_x = -c (1-e) sum_j a_ij y_j.
  void rows(std::int64_t begin, std::int64_t end);

  // grad_y = -sum_i c_i (1-e) a_ij x_i, and the same for the bias.
  void columns();

  // The targets' share of sum_ij G_ij u_ij, when all rows are done.
  double scale_gradient() const;

  bool needs_rows() const {
    return s_.call.wants_loss() || s_.call.grad_x.present() || s_.call.grad_log_scale.present();
  }

 private:
  void load(const RowSource& source, const double* inverse, std::int64_t begin, std::int64_t rows);
  void mix(const PieceProduct& product, const T* operand, std::int64_t rows, bool fresh);
  void finish_mix();
  const T* mixed_operand() const;
  double row_factor(std::int64_t i) const;

  ContrastiveState<T, A>& s_;
  double bias_sum_ = 0;
  double* candidate_sum_ = nullptr;       // [d]
  double* reference_sum_ = nullptr;       // [r]
  double* bias_reference_ = nullptr;      // [r]
  double* weighted_x_ = nullptr;          // [d]
  double* weighted_reference_ = nullptr;  // [r]
  double* target_scale_ = nullptr;        // [n]
  A* mixed_ = nullptr;                    // [r,d]
  T* narrow_ = nullptr;                   // the same as T, where T is not A
  T* chunk_ = nullptr;                    // [chunk rows, r] references
  double* chunk_factor_ = nullptr;        // [chunk rows]
  A* product_ = nullptr;                  // [chunk rows, d]
  PieceProduct mix_y_, mix_x_, rows_, columns_;
};

// Sums of the rows of explicit weights; throws for negative or non-finite ones.
template <class T, class A>
void dense_weight_sums(ContrastiveState<T, A>& s);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_CONTRASTIVE_TARGET_H_
