#include "cpu/contrastive_loss.h"

#include <cmath>
#include <limits>

#include "cpu/contrastive_target.h"

namespace lossmith {
namespace {

template <class T, class A>
double factor_of(const ContrastiveState<T, A>& s, std::int64_t id) {
  const ContrastiveCall& call = s.call;
  double factor = call.options.reduction == LSM_MEAN ? 1.0 / static_cast<double>(s.all_rows) : 1.0;
  if (call.row_weight.present()) factor *= element(call.row_weight, id);
  if (call.upstream.present()) {
    factor *= element(call.upstream, call.options.reduction == LSM_NONE ? id : 0);
  }
  return factor;
}

template <class A>
void split_lse(const DirectionVectors<A>& v, std::int64_t i) {
  v.lse_hi[i] = static_cast<A>(v.lse[i]);
  const double rest = v.lse[i] - static_cast<double>(v.lse_hi[i]);
  v.lse_lo[i] = std::isfinite(rest) ? static_cast<A>(rest) : A(0);
}

}  // namespace

template <class T, class A>
void pair_factors(ContrastiveState<T, A>& s) {
  for (std::int64_t i = 0; i < s.n; ++i) s.pair_factor[i] = factor_of(s, s.row_id(i));
  if (!s.call.both_directions()) return;
  for (std::int64_t j = 0; j < s.m; ++j) {
    s.column_factor[j] = s.column_pair(j) ? factor_of(s, s.column_id(j)) : 0.0;
  }
}

template <class T, class A>
void direction_vectors(ContrastiveState<T, A>& s) {
  const lsm_contrastive_options& o = s.call.options;
  const double e = o.label_smoothing;
  const bool paired = s.call.target == Target::pair;
  for (std::int64_t i = 0; i < s.n; ++i) {
    split_lse(s.row, i);
    double c = s.pair_factor[i] * o.row_coefficient * s.scale;
    if (!paired && !(s.weight_sum[i] > (s.dense() ? 0.0 : kZeroWeightSum))) c = 0;
    s.row.c[i] = static_cast<A>(c);
    s.row.uniform[i] = static_cast<A>(c * e / static_cast<double>(s.all_columns));
    s.row.target[i] = paired ? static_cast<A>(c * (1 - e)) : A(0);
    if (s.dense()) {
      s.weight_factor[i] = c == 0 ? A(0) : static_cast<A>(c * (1 - e) / s.weight_sum[i]);
    }
  }
  if (!s.call.both_directions()) return;
  for (std::int64_t j = 0; j < s.m; ++j) {
    if (!s.column_pair(j)) {
      // No loss looks down this column: an infinite log-sum-exp makes its probabilities 0, also
      // where its own is -infinity (a candidate that is masked by its bias).
      s.column.lse_hi[j] = std::numeric_limits<A>::infinity();
      s.column.lse_lo[j] = s.column.c[j] = s.column.uniform[j] = s.column.target[j] = A(0);
      continue;
    }
    split_lse(s.column, j);
    const double c = s.column_factor[j] * o.column_coefficient * s.scale;
    s.column.c[j] = static_cast<A>(c);
    s.column.uniform[j] = static_cast<A>(c * e / static_cast<double>(s.all_rows));
    s.column.target[j] = static_cast<A>(c * (1 - e));
  }
}

template <class T, class A>
void write_losses(ContrastiveState<T, A>& s, double* pair_losses, double* sums) {
  const lsm_contrastive_options& o = s.call.options;
  const double e = o.label_smoothing;
  const std::int64_t ids = s.call.shard.rows;
  for (std::int64_t id = 0; id < ids; ++id) pair_losses[id] = 0;
  double* sum_y = sums;
  double* sum_x = sums + s.d;
  double bias_sum = 0;
  if (e > 0) {
    for (std::int64_t k = 0; k < 2 * s.d; ++k) sums[k] = 0;
    add_weighted_rows(s.lanes, s.y, s.ldy, s.m, s.d, nullptr, sum_y);
    add_weighted_rows(s.lanes, s.x, s.ldx, s.n, s.d, nullptr, sum_x);
    for (std::int64_t j = 0; s.bias != nullptr && j < s.m; ++j) {
      bias_sum += static_cast<double>(s.bias[j]);
    }
  }
  const auto weight = [&](std::int64_t id) {
    return s.call.row_weight.present() ? element(s.call.row_weight, id) : 1.0;
  };
  for (std::int64_t i = 0; i < s.n; ++i) {
    if (s.call.target != Target::pair && !(s.weight_sum[i] > (s.dense() ? 0.0 : kZeroWeightSum))) {
      continue;
    }
    const bool here = s.has_pair_here(i);
    double term = 0;
    if (s.call.target == Target::pair) {
      term = here ? static_cast<double>(s.pair_score[i]) : 0.0;
    } else {
      term = s.dense() ? s.row_term[i] / s.weight_sum[i] : s.row_term[i];
    }
    // A shard that holds the pair also answers for the log-sum-exp, which is the whole row's.
    double loss = here ? s.row.lse[i] - (1 - e) * term : -(1 - e) * term;
    if (e > 0) {
      loss -= e / static_cast<double>(s.all_columns) *
              (s.scale * dot_row(s.x + i * s.ldx, sum_y, s.d) + bias_sum);
    }
    pair_losses[s.row_id(i)] += weight(s.row_id(i)) * o.row_coefficient * loss;
  }
  for (std::int64_t j = 0; s.call.both_directions() && j < s.m; ++j) {
    if (!s.column_pair(j)) continue;
    const std::int64_t i = j - s.pair_shift;
    const bool here = i >= 0 && i < s.n;
    double loss = here ? s.column.lse[j] - (1 - e) * static_cast<double>(s.pair_score[i]) : 0.0;
    if (e > 0) {
      const double bias = s.bias != nullptr ? static_cast<double>(s.bias[j]) : 0.0;
      loss -= e / static_cast<double>(s.all_rows) *
              (s.scale * dot_row(s.y + j * s.ldy, sum_x, s.d) + static_cast<double>(s.n) * bias);
    }
    pair_losses[s.column_id(j)] += weight(s.column_id(j)) * o.column_coefficient * loss;
  }
  double total = 0;
  for (std::int64_t id = 0; id < ids; ++id) {
    total += pair_losses[id];
    if (s.call.row_loss.present()) set_element(s.call.row_loss, id, pair_losses[id]);
  }
  if (s.call.loss.present()) {
    if (o.reduction == LSM_MEAN) total /= static_cast<double>(s.all_rows);
    set_element(s.call.loss, 0, total);
  }
}

#define LSM_INSTANTIATE(T, A)                               \
  template void pair_factors(ContrastiveState<T, A>&);      \
  template void direction_vectors(ContrastiveState<T, A>&); \
  template void write_losses(ContrastiveState<T, A>&, double*, double*);
LSM_INSTANTIATE(float, float)
LSM_INSTANTIATE(bfloat16, float)
LSM_INSTANTIATE(double, double)
#undef LSM_INSTANTIATE

}  // namespace lossmith
