// Everything a contrastive call holds on the CPU while it runs. T: element type of the products
// (float, bfloat16, double); A: type of dots, coefficients and sums (float, double).
#ifndef LOSSMITH_CPU_CONTRASTIVE_STATE_H_
#define LOSSMITH_CPU_CONTRASTIVE_STATE_H_

#include <cstdint>
#include <type_traits>

#include "core/context.h"
#include "cpu/isa.h"
#include "cpu/operands.h"
#include "cpu/products.h"
#include "engine/contrastive_call.h"
#include "engine/similarity_plan.h"

namespace lossmith {

// Element type of the products over T.
template <class T>
constexpr Type operand_type() {
  return std::is_same<T, double>::value     ? Type::f64
         : std::is_same<T, bfloat16>::value ? Type::bf16
                                            : Type::f32;
}

inline void run_statistics(const StatisticsTile<float>& t) { kernels().contrastive->statistics(t); }
inline void run_statistics(const StatisticsTile<double>& t) { contrastive_statistics_f64(t); }
inline void run_coefficients(CoefficientTile<float>& t) { kernels().contrastive->coefficients(t); }
inline void run_coefficients(CoefficientTile<double>& t) { contrastive_coefficients_f64(t); }

inline void run_weighted_sums(const StatisticsTile<float>& t) {
  kernels().contrastive->weighted_sums(t);
}
inline void run_weighted_sums(const StatisticsTile<double>& t) { contrastive_weighted_sums_f64(t); }
inline void run_pair_scores(const ScoreTile<float>& t, std::int64_t pair, float* out) {
  kernels().contrastive->pair_scores(t, pair, out);
}
inline void run_pair_scores(const ScoreTile<double>& t, std::int64_t pair, double* out) {
  contrastive_pair_scores_f64(t, pair, out);
}

// Vectors of one direction, as the coefficient kernel reads them.
template <class A>
struct DirectionVectors {
  double* lse = nullptr;
  A* lse_hi = nullptr;
  A* lse_lo = nullptr;
  A* c = nullptr;
  A* uniform = nullptr;
  A* target = nullptr;
};

// Row and column partials of one block of tiles.
template <class A>
struct Partials {
  A* row_max = nullptr;
  A* row_sum = nullptr;
  A* weighted = nullptr;
  A* column_max = nullptr;
  A* column_sum = nullptr;
  double* bias_sum = nullptr;
  double* scale = nullptr;  // one per tile
};

template <class T, class A>
struct ContrastiveState {
  ContrastiveState(const ContrastiveCall& a_call, lsm_context_s& a_context)
      : call(a_call), context(a_context) {}

  const ContrastiveCall& call;
  lsm_context_s& context;
  SimilarityPlan plan;
  int lanes = 1;  // threads at work, each with a tile of its own

  // Rows and columns that take part; what remains of the whole batch.
  std::int64_t n = 0, m = 0, d = 0, r = 0;
  std::int64_t all_rows = 0, all_columns = 0;
  std::int64_t pair_shift = 0;  // row i pairs with column i + pair_shift
  RowSource x_rows, y_rows, reference_rows, reference_columns;
  std::int64_t* row_index = nullptr;
  std::int64_t* column_index = nullptr;

  // Operands of the products: the inputs themselves, or prepared copies.
  const T* x = nullptr;
  const T* y = nullptr;
  std::int64_t ldx = 0, ldy = 0;
  T* x_copy = nullptr;
  T* y_copy = nullptr;
  double* x_inverse = nullptr;
  double* y_inverse = nullptr;
  double* reference_inverse = nullptr;
  double* candidate_inverse = nullptr;

  double scale = 1;
  bool clamped = false;
  A* bias = nullptr;                // [m] or null
  double* pair_factor = nullptr;    // [n]: upstream * row weight * 1/n of row i's pair
  double* column_factor = nullptr;  // [m]: the same of column j's pair, 0 without one

  DirectionVectors<A> row, column;
  A* pair_score = nullptr;       // [n]
  double* row_term = nullptr;    // [n]: sum of row i's weights (as targets) times scores
  double* weight_sum = nullptr;  // [n]
  double* row_max = nullptr;     // [group rows] running log-sum-exp of rows
  double* row_sum = nullptr;
  double* weighted = nullptr;
  double* column_max = nullptr;  // [m]
  double* column_sum = nullptr;
  Partials<A> partials;
  A* weight_factor = nullptr;       // [n]: dense weights' factor in the coefficients
  double* bias_gradient = nullptr;  // [m]
  double scale_gradient = 0;

  // Matrices.
  A* stored = nullptr;  // [stored rows, row_ld] dots
  A* block = nullptr;   // [group rows, block_ld] dots, then coefficients
  T* narrow = nullptr;  // the coefficients as T, where T is not A
  A* tiles = nullptr;   // one tile per thread
  A* weight_tiles = nullptr;
  A* grad_x = nullptr;  // [group rows, d] accumulator, or the output itself
  std::int64_t grad_x_ld = 0;
  bool grad_x_direct = false;
  A* grad_y = nullptr;  // [m, d]
  std::int64_t grad_y_ld = 0;
  bool grad_y_direct = false;

  PieceProduct scores_to_tile, scores_to_block, scores_to_store;
  PieceProduct rows_from_block, rows_from_store;        // grad_x
  PieceProduct columns_from_block, columns_from_store;  // grad_y
  ThreadScratch scratch;

  bool dense() const { return call.target == Target::dense; }
  bool low_rank() const { return call.target == Target::low_rank; }
  bool column_pair(std::int64_t j) const { return j + call.shard.column_offset < all_rows; }
  bool has_pair_here(std::int64_t i) const { return i + pair_shift >= 0 && i + pair_shift < m; }
  // Index of row i's (column j's) pair in the whole batch, ignored pairs counted.
  std::int64_t row_id(std::int64_t i) const { return x_rows.source_row(i) + call.shard.row_offset; }
  std::int64_t column_id(std::int64_t j) const {
    return y_rows.source_row(j) + call.shard.column_offset;
  }
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_CONTRASTIVE_STATE_H_
