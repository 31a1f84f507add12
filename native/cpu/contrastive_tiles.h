// The two sweeps over the matrix of scores.
#ifndef LOSSMITH_CPU_CONTRASTIVE_TILES_H_
#define LOSSMITH_CPU_CONTRASTIVE_TILES_H_

#include "cpu/contrastive_state.h"

namespace lossmith {

// Fills row.lse, column.lse, pair_score and, with dense weights, row_term; keeps the dots of the
// first stored_rows rows.
template <class T, class A>
void sweep_statistics(ContrastiveState<T, A>& s);

// Rows [begin, end) of one group: adds G y to grad_x (rows from `begin`) and G^T x to grad_y, and
// to scale_gradient and bias_gradient. fresh_x: grad_x holds nothing yet; fresh_y the same.
// With given statistics it also fills pair_score and the weighted sums.
template <class T, class A>
void sweep_coefficients(ContrastiveState<T, A>& s, std::int64_t begin, std::int64_t end,
                        bool fresh_x, bool fresh_y);

// Plans the products that the sweeps need and lays out their buffers.
template <class T, class A>
void prepare_products(ContrastiveState<T, A>& s, bool initialised_x, bool initialised_y);
template <class T, class A>
void carve_sweeps(ContrastiveState<T, A>& s, Carver& carver);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_CONTRASTIVE_TILES_H_
