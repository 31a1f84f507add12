// Kernels over one tile of dot products u_ij = <x_i, y_j>, held in cache. A is the accumulation
// type: float (vectorised, one version per instruction set) or double (the oracle).
#ifndef LOSSMITH_CPU_KERNELS_CONTRASTIVE_TILE_H_
#define LOSSMITH_CPU_KERNELS_CONTRASTIVE_TILE_H_

#include <cstdint>

namespace lossmith {

template <class A>
struct ScoreTile {
  A* dots;  // [rows, columns]
  std::int64_t ld;
  std::int64_t rows, columns;
  A scale;
  const A* bias;  // [columns] or null
};

// Partial log-sum-exp of the tile's rows and columns: lse = max + ln sum.
template <class A>
struct StatisticsTile {
  ScoreTile<A> scores;
  A* row_max;  // [rows], elements `row_stride` apart (other tiles lie between)
  A* row_sum;
  std::int64_t row_stride;
  A* column_max;  // [columns], or null: no column direction
  A* column_sum;
  // Explicit weights: weighted_i = sum_j weights_ij s_ij over the tile.
  const A* weights;  // [rows, columns] or null
  std::int64_t weights_ld;
  A* weighted;  // [rows], row_stride apart
};

// One direction of the loss as the coefficients need it.
template <class A>
struct Direction {
  const A* lse_hi;  // log-sum-exp = hi + lo
  const A* lse_lo;
  const A* c;        // factor of the probability (upstream, row weight, coefficient, scale)
  const A* uniform;  // c e/m
  const A* target;   // c (1-e) where the target is the pair, 0 where it is a patch elsewhere
};

// Gradient coefficients G_ij = scale dL/ds_ij, without low-rank patches.
template <class A>
struct CoefficientTile {
  ScoreTile<A> scores;  // dots are overwritten by G
  Direction<A> row;
  Direction<A> column;  // pointers null: no column direction
  std::int64_t pair;    // row i pairs with the tile's column i + pair, if that lies inside
  const A* weights;     // explicit weights or null
  std::int64_t weights_ld;
  const A* weight_factor;  // [rows]: G_ij -= weight_factor_i weights_ij
  double* column_sum;      // [columns] or null: += sum_i G_ij
  double scale_gradient;   // out: sum_ij G_ij u_ij
};

struct ContrastiveTileKernels {
  void (*statistics)(const StatisticsTile<float>& tile);
  void (*coefficients)(CoefficientTile<float>& tile);
  void (*weighted_sums)(const StatisticsTile<float>& tile);  // the part for explicit weights alone
  // Scores of the pairs that lie in the tile (row i pairs with column i + pair) to out[i]: the
  // very numbers that entered the statistics.
  void (*pair_scores)(const ScoreTile<float>& tile, std::int64_t pair, float* out);
};

// The oracle's versions.
void contrastive_statistics_f64(const StatisticsTile<double>& tile);
void contrastive_coefficients_f64(CoefficientTile<double>& tile);
void contrastive_weighted_sums_f64(const StatisticsTile<double>& tile);
void contrastive_pair_scores_f64(const ScoreTile<double>& tile, std::int64_t pair, double* out);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_CONTRASTIVE_TILE_H_
