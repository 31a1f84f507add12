// Sums over the columns of the tiles of a group of rows.
#include <cmath>
#include <cstring>
#include <type_traits>

#include "cpu/label_sweep.h"

namespace lossmith {
namespace {

using Tile = LabelPlace;

// A running log-sum-exp; `max` of an empty one is kLowestMax.
void add_exponentials(RowSums& to, double max, double sum) {
  if (max <= to.max) {
    to.sum += sum * std::exp(max - to.max);
  } else {
    to.sum = to.sum * std::exp(to.max - max) + sum;
    to.max = max;
  }
}

template <class A>
struct SumSweep : LabelSweep<A> {
  using LabelSweep<A>::s;
  using LabelSweep<A>::begin;
  using LabelSweep<A>::end;
  using LabelSweep<A>::ld;
  using LabelSweep<A>::products;
  using LabelSweep<A>::multiply;
  using LabelSweep<A>::scores;
  using LabelSweep<A>::sums;
  using LabelSweep<A>::targets;
  using LabelSweep<A>::load_targets;
  using LabelSweep<A>::for_entries;
  using LabelSweep<A>::take_out;

  // ---- sums -----------------------------------------------------------------------------

  A* results(const Tile& t, std::int64_t which) const {
    return s.columns_of + (t.thread * 7 + which) * s.tile_rows();
  }

  void first_sums(const Tile& t) const {
    multiply(t);
    const LabelScores<A> tile_scores = scores(t);
    for_entries(t, [&](LabelEntry& e, std::int64_t i, A& product) {
      e.product = static_cast<double>(product);
      e.score = static_cast<double>(label_score(tile_scores, i, e.column - t.column));
    });
    take_out(t);
    const bool exponentials = !s.call.is_loss(LSM_BCE);
    LabelSums<A> sums_tile{};
    sums_tile.scores = tile_scores;
    sums_tile.alpha = s.top_k() ? static_cast<A>(s.call.options.alpha) : A(1);
    if (exponentials) {
      sums_tile.max = results(t, 0);
      sums_tile.sum = results(t, 1);
    } else {
      sums_tile.softplus = results(t, 3);
    }
    if (s.top_k()) sums_tile.min = results(t, 2);
    if (s.call.options.label_smoothing > 0 && s.call.target.present()) {
      sums_tile.uniform = results(t, 4);
      sums_tile.column_weight = s.class_weight != nullptr ? s.class_weight + t.column : nullptr;
    }
    if (s.soft()) {
      load_targets(t);
      sums_tile.targets = targets(t);
      sums_tile.targets_ld = t.columns;
      sums_tile.target_sum = results(t, 5);
    }
    label_sums(sums_tile);
    RowSums* out = sums(t.lane) + (t.row - begin);
    for (std::int64_t i = 0; i < t.rows; ++i) {
      RowSums& row = out[i];
      if (exponentials) add_exponentials(row, sums_tile.max[i], sums_tile.sum[i]);
      if (sums_tile.min != nullptr) {
        row.min = std::min(row.min, static_cast<double>(sums_tile.min[i]));
      }
      if (sums_tile.softplus != nullptr) row.softplus += sums_tile.softplus[i];
      if (sums_tile.uniform != nullptr) row.uniform += sums_tile.uniform[i];
      if (sums_tile.targets == nullptr) continue;
      row.target_sum += sums_tile.target_sum[i];
      for (std::int64_t j = 0; j < t.columns; ++j) {
        row.target += static_cast<double>(sums_tile.targets[i * t.columns + j]);
      }
    }
  }

  bool any(const Tile& t, LabelLook look) const {
    return std::memchr(s.look + t.row, static_cast<int>(look), static_cast<std::size_t>(t.rows)) !=
           nullptr;
  }

  void near_by(const Tile& t) const {
    const std::int64_t first = t.lane * s.group_rows + (t.row - begin);
    LabelNear<A> tile{scores(t),      static_cast<A>(s.call.options.alpha),
                      s.hi + t.row,   s.lo + t.row,
                      s.look + t.row, s.near_by + first * kNearLabels,
                      kNearLabels,    s.near_count + first,
                      results(t, 0),  results(t, 1),
                      results(t, 2)};
    if constexpr (std::is_same<A, float>::value) label_near(tile);
    for (std::int64_t i = 0; i < t.rows; ++i) {
      if (s.look[t.row + i] != LabelLook::near_by) continue;
      RowSums& to = s.sums[first + i];
      to.softplus += tile.first[i];
      to.uniform += tile.second[i];
      to.target_sum += tile.third[i];
    }
  }

  void top_k_sums(const Tile& t) const {
    const bool sums_asked = any(t, LabelLook::sums);
    const bool near_asked = any(t, LabelLook::near_by);
    if (!s.stored && (sums_asked || near_asked)) {
      multiply(t);
      take_out(t);
    }
    if (near_asked) near_by(t);
    if (!sums_asked) return;
    LabelTopK<A> tile{scores(t),      static_cast<A>(s.call.options.alpha),
                      s.hi + t.row,   s.lo + t.row,
                      s.look + t.row, results(t, 0),
                      results(t, 1),  results(t, 2),
                      results(t, 3)};
    label_top_k(tile);
    RowSums* out = sums(t.lane) + (t.row - begin);
    for (std::int64_t i = 0; i < t.rows; ++i) {
      if (s.look[t.row + i] != LabelLook::sums) continue;
      out[i].uniform += tile.above[i];
      out[i].softplus += tile.surplus[i];
      add_exponentials(out[i], -static_cast<double>(tile.least[i]), tile.slope[i]);
    }
  }
};

}  // namespace

template <class A>
void first_sums_of_rows(const LabelSweep<A>& sweep, Tile place) {
  const SumSweep<A> sums{sweep};
  for (place.row = sweep.begin; place.row < sweep.end; place.row += kLabelRows) {
    place.rows = std::min(kLabelRows, sweep.end - place.row);
    sums.first_sums(place);
  }
}

template <class A>
void sweep_sums(LabelState<A>& s, std::int64_t begin, std::int64_t end) {
  std::fill_n(s.sums, s.lanes * s.group_rows, kNoSums);
  const SumSweep<A> sweep{{s, begin, end}};
  sweep.run([&](const Tile& t) { sweep.load_labels(t); },
            [&](const Tile& t) { sweep.first_sums(t); }, [](const Tile&) {});
}

template <class A>
void sweep_top_k(LabelState<A>& s, std::int64_t begin, std::int64_t end) {
  for (std::int64_t lane = 0; lane < s.lanes; ++lane) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (s.look[i] == LabelLook::none) continue;
      const std::int64_t at = lane * s.group_rows + (i - begin);
      s.sums[at] = kNoSums;
      if (s.near_count != nullptr) s.near_count[at] = 0;
    }
  }
  const SumSweep<A> sweep{{s, begin, end}};
  sweep.run(
      [&](const Tile& t) {
        if (!s.stored) sweep.load_labels(t);
      },
      [&](const Tile& t) { sweep.top_k_sums(t); }, [](const Tile&) {});
}

template <class A>
void set_slope(LabelState<A>& s, std::int64_t i, double slope) {
  for (std::int64_t lane = 0; lane < s.lanes; ++lane) s.sums[lane * s.group_rows + i] = kNoSums;
  s.sums[i].max = 0;
  s.sums[i].sum = slope;
}

template <class A>
RowSums merged_sums(const LabelState<A>& s, std::int64_t i) {
  RowSums total = kNoSums;
  for (std::int64_t lane = 0; lane < s.lanes; ++lane) {
    const RowSums& part = s.sums[lane * s.group_rows + i];
    add_exponentials(total, part.max, part.sum);
    total.min = std::min(total.min, part.min);
    total.softplus += part.softplus;
    total.uniform += part.uniform;
    total.target_sum += part.target_sum;
    total.target += part.target;
  }
  return total;
}

#define LSM_INSTANTIATE(A)                                               \
  template void first_sums_of_rows(const LabelSweep<A>&, Tile);          \
  template void sweep_sums(LabelState<A>&, std::int64_t, std::int64_t);  \
  template void sweep_top_k(LabelState<A>&, std::int64_t, std::int64_t); \
  template void set_slope(LabelState<A>&, std::int64_t, double);         \
  template RowSums merged_sums(const LabelState<A>&, std::int64_t);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace lossmith
