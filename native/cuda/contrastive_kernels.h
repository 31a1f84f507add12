// The kernels of the contrastive losses, as host functions that queue them. A is the type of dots,
// coefficients and per-row vectors: float, or double for the oracle's arithmetic.
//
// The matrix of scores is handled in blocks, a block in tiles of kTileRows x kTileColumns, one
// CTA each. Rows and columns that are ignored keep their place: their dots are as if masked.
#ifndef LOSSMITH_CUDA_CONTRASTIVE_KERNELS_H_
#define LOSSMITH_CUDA_CONTRASTIVE_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/tensor.h"
#include "cuda/rows.h"
#include "engine/contrastive_call.h"

namespace lossmith {
namespace cuda {

constexpr int kTileRows = 64;
constexpr int kTileColumns = 128;

// Numbers of a call that only the device knows, since they come from tensors. In workspace.
struct CallScalars {
  double scale;           // min(exp(log_scale), max_scale)
  double clamped;         // 1 where max_scale was the smaller one
  double rows, columns;   // of the whole batch, without ignored pairs
  double columns_here;    // of this shard, without ignored pairs
  double bias_sum;        // over the columns here
  double scale_gradient;  // sum_ij G_ij u_ij
  double target_weight;   // sum_i c_i (1-e) / Z_i
  double poison;          // NaN where the call's data break a demand of the header, else 0
  double narrow_factor;   // what f16 coefficients are multiplied by: a power of two, else 1
  double narrow_inverse;  // its inverse
};

// A vector of f32 or f64 on the device; stride 0 repeats one element. data null: not given.
struct Vector {
  const void* data = nullptr;
  bool is_f64 = false;
  std::int64_t stride = 0;

  static Vector of(const View& v) {
    if (!v.present()) return {};
    const bool one = v.ndim == 0 || v.elements() == 1;
    return {v.data, v.type == Type::f64, one ? 0 : v.strides[v.ndim - 1]};
  }
  LSM_HD bool present() const { return data != nullptr; }
  LSM_HD double at(std::int64_t i) const {
    return is_f64 ? static_cast<const double*>(data)[i * stride]
                  : static_cast<double>(static_cast<const float*>(data)[i * stride]);
  }
};

// One direction of the loss, as the coefficients need it; see cpu/kernels/contrastive_tile.h.
template <class A>
struct Direction {
  double* lse = nullptr;
  A* lse_hi = nullptr;  // log-sum-exp = hi + lo
  A* lse_lo = nullptr;
  A* c = nullptr;
  A* uniform = nullptr;  // c e/m
  A* target = nullptr;   // c (1-e) where the target is the pair

  Direction at(std::int64_t i) const {
    if (c == nullptr) return {};
    return {lse + i, lse_hi + i, lse_lo + i, c + i, uniform + i, target + i};
  }
};

// A block of dots u_ij = <x_i, y_j>, rows and columns counted from its corner (row0, column0).
template <class A>
struct DotBlock {
  A* dots = nullptr;
  std::int64_t ld = 0;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row0 = 0, column0 = 0;
  std::int64_t pair_shift = 0;  // row i of the matrix pairs with its column i + pair_shift
  const A* bias = nullptr;      // [m] or null
  Skip skip;                    // ignored rows, and columns of the same numbers
  const CallScalars* scalars = nullptr;

  std::int64_t row_tiles() const { return (rows + kTileRows - 1) / kTileRows; }
  std::int64_t column_tiles() const { return (columns + kTileColumns - 1) / kTileColumns; }
};

// Log-sum-exps of the tiles, max + ln sum each, and what runs over the blocks.
template <class A>
struct Statistics {
  A* row_max = nullptr;  // [block rows, column tiles]
  A* row_sum = nullptr;
  A* column_max = nullptr;  // [row tiles, block columns]; null: no column direction
  A* column_sum = nullptr;
  double* running_row_max = nullptr;  // [n]
  double* running_row_sum = nullptr;
  double* running_column_max = nullptr;  // [m]
  double* running_column_sum = nullptr;
};

// Explicit weights, a matrix of any floating type.
struct WeightBlock {
  Matrix matrix;  // data null: none
};

// ---- scalars and vectors ------------------------------------------------------------------

// scale, clamped, rows, columns, columns_here; all others 0 (narrow_factor 1).
void prepare_scalars(cudaStream_t stream, const ContrastiveCall& call, const Skip& skip,
                     CallScalars* scalars);

// bias[j] as A, 0 for ignored columns, and scalars->bias_sum.
template <class A>
void prepare_bias(cudaStream_t stream, const Vector& bias, std::int64_t m, const Skip& skip, A* out,
                  CallScalars* scalars);

// What is known of a call when the vectors of its directions are made.
template <class A>
struct DirectionInputs {
  std::int64_t n = 0, m = 0;
  std::int64_t all_rows = 0;  // of the whole batch, ignored pairs counted
  std::int64_t row_offset = 0, column_offset = 0;
  lsm_contrastive_options options{};
  Target target = Target::pair;
  Vector row_weight, upstream;
  Skip skip;
  const double* weight_sum = nullptr;  // [n]
  A* weight_factor = nullptr;          // [n], dense: c (1-e) / Z
  double* target_factor = nullptr;     // [n], low rank: c (1-e) / Z
  const CallScalars* scalars = nullptr;
};

template <class A>
void row_direction(cudaStream_t stream, const DirectionInputs<A>& inputs, const Direction<A>& row);
template <class A>
void column_direction(cudaStream_t stream, const DirectionInputs<A>& inputs,
                      const Direction<A>& column);

// scalars->narrow_factor such that no f16 coefficient overflows: the largest |c| of both directions
// times the factor lies in [2^13, 2^14), so the sum of both below 2^15.
template <class A>
void choose_narrow_factor(cudaStream_t stream, const Direction<A>& row, std::int64_t n,
                          const Direction<A>& column, std::int64_t m, CallScalars* scalars);

// ---- sweeps -------------------------------------------------------------------------------

// Tile statistics of a block in one read of its dots, and the pairs' scores.
template <class A>
void tile_statistics(cudaStream_t stream, const DotBlock<A>& block, const Statistics<A>& statistics,
                     A* pair_score);

// Merges the tiles of a block, in order, into the running log-sum-exps. fresh: nothing ran yet.
template <class A>
void merge_statistics(cudaStream_t stream, const DotBlock<A>& block,
                      const Statistics<A>& statistics, bool fresh_rows, bool fresh_columns);

// lse[i] = max[i] + ln sum[i]
void finish_lse(cudaStream_t stream, const double* max, const double* sum, std::int64_t count,
                double* lse);

// Gradient coefficients of a block; see cpu/kernels/contrastive_tile.h.
template <class A>
struct CoefficientOutputs {
  // Where the coefficients go, times narrow_factor for f16: bf16, f16, or A in place of the dots.
  void* coefficients = nullptr;
  Type type = Type::f32;
  std::int64_t ld = 0;
  double* scale_partial = nullptr;   // [tiles]: sum of G u over the tile
  double* column_partial = nullptr;  // [row tiles, columns] sums of G, or null
  A* pair_score = nullptr;           // [n] or null: the pairs' scores once more
};

template <class A>
void tile_coefficients(cudaStream_t stream, const DotBlock<A>& block, const Direction<A>& row,
                       const Direction<A>& column, const WeightBlock& weights,
                       const A* weight_factor, const CoefficientOutputs<A>& out);

// Adds the partial sums of a block to scalars->scale_gradient and bias_gradient (null: none).
template <class A>
void merge_coefficients(cudaStream_t stream, const DotBlock<A>& block,
                        const CoefficientOutputs<A>& out, CallScalars* scalars,
                        double* bias_gradient);

// ---- explicit weights ---------------------------------------------------------------------

// weight_sum[i] = sum_j w_ij over the columns that take part; NaN if one of them is negative or not
// finite. With `only_check` weight_sum keeps what it holds unless it becomes NaN.
void weight_sums(cudaStream_t stream, const Matrix& weights, const Skip& skip, bool only_check,
                 double* weight_sum);

// row_term[i] (+)= sum_j w_ij s_ij over the block.
template <class A>
void weighted_scores(cudaStream_t stream, const DotBlock<A>& block, const WeightBlock& weights,
                     bool fresh, double* row_term);

// ---- low-rank targets (cuda/contrastive_target.h) -----------------------------------------

// scalars->poison = NaN if a row is longer than 1.001.
void check_norms(cudaStream_t stream, const double* inverse, std::int64_t count,
                 CallScalars* scalars);

// weight_sum[i] = (columns_here + dot_i) / 2, dot_i = <r_i, sum_j r_j>, or, dot null, as it is;
// NaN where the call is poisoned.
void low_rank_weight_sums(cudaStream_t stream, const double* dots, std::int64_t count,
                          const CallScalars* scalars, double* weight_sum);

template <class A>
struct TargetRows {
  std::int64_t rows = 0, d = 0;
  A* mixed = nullptr;  // [rows, d], ld: M^T r_i; becomes -c (1-e) sum_j a_ij y_j
  std::int64_t ld = 0;
  Matrix x;                                // the same rows of x
  const double* candidate_sum = nullptr;   // [d]
  const double* weight_sum = nullptr;      // [rows]
  const double* reference_bias = nullptr;  // [rows]: <r_i, sum_j bias_j r_j>, or null
  const A* c = nullptr;                    // [rows]
  double smoothing = 0;
  const CallScalars* scalars = nullptr;
  double* row_term = nullptr;      // [rows]: sum_j a_ij s_ij
  double* target_scale = nullptr;  // [rows]: the row's share of sum G u
};
template <class A>
void target_rows(cudaStream_t stream, const TargetRows<A>& rows);

// out[j,k] = -(sum[k] + out[j,k]) / 2 for gradients of y, times narrow_factor.
template <class A>
void target_columns(cudaStream_t stream, A* out, std::int64_t rows, std::int64_t d, std::int64_t ld,
                    const double* sum, const CallScalars* scalars);

// bias_gradient[j] -= (target_weight + dots[j]) / 2, 0 for ignored columns.
void target_bias(cudaStream_t stream, const double* dots, std::int64_t first, std::int64_t rows,
                 const Skip& skip, const CallScalars* scalars, double* bias_gradient);

// scalars->target_weight = sum of the factors.
void sum_target_weight(cudaStream_t stream, const double* factors, std::int64_t count,
                       CallScalars* scalars);

// ---- outputs ------------------------------------------------------------------------------

template <class A>
struct LossInputs {
  DirectionInputs<A> call;
  std::int64_t pair_shift = 0;
  const double* row_lse = nullptr;
  const double* column_lse = nullptr;  // null: one direction
  const A* pair_score = nullptr;
  const double* row_term = nullptr;
  const A* bias = nullptr;
  const double* row_smoothing = nullptr;     // [n]: <x_i, sum_j y_j>, label smoothing only
  const double* column_smoothing = nullptr;  // [m]: <y_j, sum_i x_i>
};
// pair_losses[id] for all pairs of the whole batch.
template <class A>
void pair_losses(cudaStream_t stream, const LossInputs<A>& inputs, double* losses);

// The loss: sum of pair_losses, divided by the rows for LSM_MEAN.
void total_loss(cudaStream_t stream, const double* losses, std::int64_t count, bool mean,
                const CallScalars* scalars, const View& loss);

// grad_log_scale from the dense share and, not null, the rows' shares of the target.
void write_scale_gradient(cudaStream_t stream, const double* target_scale, std::int64_t n,
                          const CallScalars* scalars, const View& out);

// grad_bias from sum_i G_ij: by the column, or their sum where the bias is one element.
void write_bias_gradient(cudaStream_t stream, const double* sums, std::int64_t m, const Skip& skip,
                         const CallScalars* scalars, const View& out);

// All elements of a vector.
void fill_vector(cudaStream_t stream, const View& out, double value);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_CONTRASTIVE_KERNELS_H_
