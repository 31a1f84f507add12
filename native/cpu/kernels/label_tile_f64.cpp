#include "cpu/isa.h"
#include "cpu/kernels/label_tile-inl.h"

namespace lossmith {

using Oracle = LabelTile<math::ScalarF64, math::ScalarF64>;

void label_sums(const LabelSums<double>& tile) { Oracle::sums(tile); }
void label_top_k(const LabelTopK<double>& tile) { Oracle::top_k(tile); }
void label_coefficients(LabelCoefficients<double>& tile) { Oracle::coefficients(tile); }
double label_score(const LabelScores<double>& tile, std::int64_t row, std::int64_t column) {
  return Oracle::score_at(tile, row, column);
}
double label_largest(const double* values, std::int64_t ld, std::int64_t rows,
                     std::int64_t columns) {
  return Oracle::largest(values, ld, rows, columns);
}

const LabelTileKernels& label_kernels() { return *kernels().labels; }

}  // namespace lossmith
