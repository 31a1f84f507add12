// The tile kernels, written once for every arithmetic: Wide handles whole vectors, Tail the rest
// of a row one element at a time. Included by one source file per instruction set.
//
// Everything is one pass or two over a tile that lies in L2 (256 x 512 f32 = 512 KiB); the
// per-column vectors lie in L1. Sums run in a fixed order.
#ifndef LOSSMITH_CPU_KERNELS_CONTRASTIVE_TILE_INL_H_
#define LOSSMITH_CPU_KERNELS_CONTRASTIVE_TILE_INL_H_

#include <limits>

#include "cpu/kernels/contrastive_tile.h"
#include "math/contrastive.h"

namespace lossmith {
namespace {

template <class Wide, class Tail>
struct ContrastiveTile {
  using A = typename Wide::Scalar;

  // Row and column maxima may serve as one common offset of the whole tile when they lie this
  // close together: every term then is at least e^-40 below the offset only if it is negligible
  // in its row and in its column, nothing overflows, and one exp serves both directions.
  static constexpr A kSharedSpread = A(40);
  static constexpr A kLowest = A(-3.0e38);  // finite, so that (-inf) - max stays -inf
  // A dot that gives probability 0 and no share in sum G u.
  static constexpr A kTakenOut = -std::numeric_limits<A>::infinity();

  template <class Ops>
  static typename Ops::V score(const ScoreTile<A>& t, const A* row, std::int64_t j) {
    return math::score<Ops>(Ops::load(row + j), Ops::set(t.scale),
                            t.bias != nullptr ? Ops::load(t.bias + j) : Ops::set(A(0)));
  }

  static void pair_scores(const ScoreTile<A>& t, std::int64_t pair, A* out) {
    for (std::int64_t i = 0; i < t.rows; ++i) {
      const std::int64_t j = i + pair;
      if (j < 0 || j >= t.columns) continue;
      out[i] = Tail::sum(score<Tail>(t, t.dots + i * t.ld, j));
    }
  }

  // ---- statistics ----------------------------------------------------------------------

  template <class Ops>
  static typename Ops::V max_step(const StatisticsTile<A>& t, const A* row, std::int64_t j,
                                  typename Ops::V row_max) {
    const auto s = score<Ops>(t.scores, row, j);
    if (t.column_max != nullptr) {
      Ops::store(Ops::max(Ops::load(t.column_max + j), s), t.column_max + j);
    }
    return Ops::max(row_max, s);
  }

  // Maxima of all rows and columns; returns whether they lie within kSharedSpread, and the
  // largest of them.
  static bool maxima(const StatisticsTile<A>& t, A* largest) {
    const std::int64_t columns = t.scores.columns;
    if (t.column_max != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) t.column_max[j] = kLowest;
    }
    A low = -kLowest;
    A high = kLowest;
    for (std::int64_t i = 0; i < t.scores.rows; ++i) {
      const A* row = t.scores.dots + i * t.scores.ld;
      auto wide = Wide::set(kLowest);
      std::int64_t j = 0;
      for (; j + Wide::kLanes <= columns; j += Wide::kLanes) {
        wide = max_step<Wide>(t, row, j, wide);
      }
      auto tail = Tail::set(Wide::largest(wide));
      for (; j < columns; ++j) tail = max_step<Tail>(t, row, j, tail);
      const A row_max = Tail::largest(tail);
      t.row_max[i * t.row_stride] = row_max;
      if (row_max < low) low = row_max;
      if (row_max > high) high = row_max;
    }
    if (t.column_max != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) {
        if (t.column_max[j] < low) low = t.column_max[j];
      }
    }
    *largest = high;
    return high - low <= kSharedSpread;
  }

  template <class Ops, bool kShared>
  static typename Ops::V sum_step(const StatisticsTile<A>& t, const A* row, std::int64_t j,
                                  typename Ops::V offset, typename Ops::V sum) {
    const auto s = score<Ops>(t.scores, row, j);
    const auto e = Ops::exp(s - offset);
    if (t.column_max != nullptr) {
      const auto f = kShared ? e : Ops::exp(s - Ops::load(t.column_max + j));
      Ops::store(Ops::load(t.column_sum + j) + f, t.column_sum + j);
    }
    return sum + e;
  }

  template <bool kShared>
  static void sums(const StatisticsTile<A>& t) {
    const std::int64_t columns = t.scores.columns;
    for (std::int64_t i = 0; i < t.scores.rows; ++i) {
      const A* row = t.scores.dots + i * t.scores.ld;
      const A offset = t.row_max[i * t.row_stride];
      auto wide = Wide::set(A(0));
      std::int64_t j = 0;
      for (; j + Wide::kLanes <= columns; j += Wide::kLanes) {
        wide = sum_step<Wide, kShared>(t, row, j, Wide::set(offset), wide);
      }
      auto tail = Tail::set(Wide::sum(wide));
      for (; j < columns; ++j) {
        tail = sum_step<Tail, kShared>(t, row, j, Tail::set(offset), tail);
      }
      t.row_sum[i * t.row_stride] = Tail::sum(tail);
    }
  }

  template <class Ops>
  static typename Ops::V weighted_step(const StatisticsTile<A>& t, const A* row, const A* weights,
                                       std::int64_t j, typename Ops::V sum) {
    return Ops::mul_add(Ops::load(weights + j), score<Ops>(t.scores, row, j), sum);
  }

  static void weighted_sums(const StatisticsTile<A>& t) {
    for (std::int64_t i = 0; i < t.scores.rows; ++i) {
      const A* row = t.scores.dots + i * t.scores.ld;
      const A* weights = t.weights + i * t.weights_ld;
      auto wide = Wide::set(A(0));
      std::int64_t j = 0;
      for (; j + Wide::kLanes <= t.scores.columns; j += Wide::kLanes) {
        wide = weighted_step<Wide>(t, row, weights, j, wide);
      }
      auto tail = Tail::set(Wide::sum(wide));
      for (; j < t.scores.columns; ++j) tail = weighted_step<Tail>(t, row, weights, j, tail);
      t.weighted[i * t.row_stride] = Tail::sum(tail);
    }
  }

  static void statistics(const StatisticsTile<A>& t) {
    A largest = 0;
    const bool shared = maxima(t, &largest);
    if (t.column_max != nullptr) {
      for (std::int64_t j = 0; j < t.scores.columns; ++j) {
        t.column_sum[j] = 0;
        if (shared) t.column_max[j] = largest;
      }
    }
    if (shared) {
      for (std::int64_t i = 0; i < t.scores.rows; ++i) t.row_max[i * t.row_stride] = largest;
      sums<true>(t);
    } else {
      sums<false>(t);
    }
    if (t.weights != nullptr) weighted_sums(t);
  }

  // ---- coefficients --------------------------------------------------------------------

  template <class Ops, bool kColumn>
  static typename Ops::V coefficient(const CoefficientTile<A>& t, typename Ops::V s, std::int64_t i,
                                     std::int64_t j) {
    auto g = math::softmax_coefficient<Ops>(s, Ops::set(t.row.lse_hi[i]), Ops::set(t.row.lse_lo[i]),
                                            Ops::set(t.row.c[i])) -
             Ops::set(t.row.uniform[i]);
    if (kColumn) {
      g = g + (math::softmax_coefficient<Ops>(s, Ops::load(t.column.lse_hi + j),
                                              Ops::load(t.column.lse_lo + j),
                                              Ops::load(t.column.c + j)) -
               Ops::load(t.column.uniform + j));
    }
    if (t.weights != nullptr) {
      g = g - Ops::set(t.weight_factor[i]) * Ops::load(t.weights + i * t.weights_ld + j);
    }
    return g;
  }

  template <class Ops, bool kColumn>
  static typename Ops::V coefficient_step(const CoefficientTile<A>& t, A* row, std::int64_t i,
                                          std::int64_t j, typename Ops::V sum) {
    const auto dot = Ops::load(row + j);
    const auto g = coefficient<Ops, kColumn>(t, score<Ops>(t.scores, row, j), i, j);
    Ops::store(g, row + j);
    return Ops::mul_add(g, Ops::zero_if_equal(dot, Ops::set(kTakenOut)), sum);
  }

  // Row i; returns sum_j G_ij u_ij.
  template <bool kColumn>
  static double row_coefficients(const CoefficientTile<A>& t, A* row, std::int64_t i) {
    auto wide = Wide::set(A(0));
    std::int64_t j = 0;
    for (; j + Wide::kLanes <= t.scores.columns; j += Wide::kLanes) {
      wide = coefficient_step<Wide, kColumn>(t, row, i, j, wide);
    }
    auto tail = Tail::set(Wide::sum(wide));
    for (; j < t.scores.columns; ++j) tail = coefficient_step<Tail, kColumn>(t, row, i, j, tail);
    return static_cast<double>(Tail::sum(tail));
  }

  // The entry of row i's pair, from f64 scalars: written once, nothing cancels.
  template <bool kColumn>
  static double paired(const CoefficientTile<A>& t, A s_pair, std::int64_t i, std::int64_t j) {
    const double s = static_cast<double>(s_pair);
    double g = math::target_coefficient(s, t.row.lse_hi[i], t.row.lse_lo[i], t.row.c[i],
                                        t.row.uniform[i], t.row.target[i]);
    if (kColumn) {
      g += math::target_coefficient(s, t.column.lse_hi[j], t.column.lse_lo[j], t.column.c[j],
                                    t.column.uniform[j], t.column.target[j]);
    }
    if (t.weights != nullptr) {
      g -= static_cast<double>(t.weight_factor[i]) *
           static_cast<double>(t.weights[i * t.weights_ld + j]);
    }
    return g;
  }

  // A row that holds its pair: the pair is taken out of the vector pass, where its probability
  // would lose the digits that the target leaves over.
  template <bool kColumn>
  static double row_with_pair(const CoefficientTile<A>& t, A* row, std::int64_t i,
                              std::int64_t pair) {
    const A dot = row[pair];
    const double g = paired<kColumn>(t, Tail::sum(score<Tail>(t.scores, row, pair)), i, pair);
    row[pair] = kTakenOut;
    const double sum = row_coefficients<kColumn>(t, row, i);
    row[pair] = static_cast<A>(g);
    return sum + g * static_cast<double>(dot);
  }

  template <bool kColumn>
  static void coefficients_of(CoefficientTile<A>& t) {
    const std::int64_t columns = t.scores.columns;
    double total = 0;
    for (std::int64_t i = 0; i < t.scores.rows; ++i) {
      A* row = t.scores.dots + i * t.scores.ld;
      const std::int64_t pair = i + t.pair;
      const bool inside = pair >= 0 && pair < columns;
      total +=
          inside ? row_with_pair<kColumn>(t, row, i, pair) : row_coefficients<kColumn>(t, row, i);
      if (t.column_sum != nullptr) {
        for (std::int64_t j = 0; j < columns; ++j) {
          t.column_sum[j] += static_cast<double>(row[j]);
        }
      }
    }
    t.scale_gradient = total;
  }

  static void coefficients(CoefficientTile<A>& t) {
    if (t.column.c != nullptr) {
      coefficients_of<true>(t);
    } else {
      coefficients_of<false>(t);
    }
  }
};

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_CONTRASTIVE_TILE_INL_H_
