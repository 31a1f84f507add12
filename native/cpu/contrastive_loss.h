// Vectors over rows and columns: factors before the sweeps, losses after them.
#ifndef LOSSMITH_CPU_CONTRASTIVE_LOSS_H_
#define LOSSMITH_CPU_CONTRASTIVE_LOSS_H_

#include "cpu/contrastive_state.h"

namespace lossmith {

// pair_factor and column_factor: upstream * row_weight * 1/n.
template <class T, class A>
void pair_factors(ContrastiveState<T, A>& s);

// Splits the log-sum-exps and fills the coefficient vectors of both directions.
template <class T, class A>
void direction_vectors(ContrastiveState<T, A>& s);

// Writes loss and row_loss. pair_losses: [rows of the whole batch] of scratch memory; sums: [2 d].
template <class T, class A>
void write_losses(ContrastiveState<T, A>& s, double* pair_losses, double* sums);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_CONTRASTIVE_LOSS_H_
