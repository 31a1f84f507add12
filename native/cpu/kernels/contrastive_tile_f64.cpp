#include "cpu/kernels/contrastive_tile-inl.h"

namespace lossmith {

using Oracle = ContrastiveTile<math::ScalarF64, math::ScalarF64>;

void contrastive_statistics_f64(const StatisticsTile<double>& tile) { Oracle::statistics(tile); }
void contrastive_coefficients_f64(CoefficientTile<double>& tile) { Oracle::coefficients(tile); }
void contrastive_weighted_sums_f64(const StatisticsTile<double>& tile) {
  Oracle::weighted_sums(tile);
}
void contrastive_pair_scores_f64(const ScoreTile<double>& tile, std::int64_t pair, double* out) {
  Oracle::pair_scores(tile, pair, out);
}

}  // namespace lossmith
