// The tile kernels of the losses over label sets, written once for every arithmetic: Wide handles
// whole vectors, Tail the rest of a row one element at a time. Included by one source file per
// instruction set. Sums run in a fixed order.
#ifndef LOSSMITH_CPU_KERNELS_LABEL_TILE_INL_H_
#define LOSSMITH_CPU_KERNELS_LABEL_TILE_INL_H_

#include <algorithm>

#include "cpu/kernels/label_tile.h"
#include "math/contrastive.h"
#include "math/labels.h"

namespace lossmith {
namespace {

template <class Wide, class Tail>
struct LabelTile {
  using A = typename Wide::Scalar;

  static constexpr A kLowest = A(-3.0e38);  // finite, so that (-inf) - max stays -inf
  static constexpr A kSaturated = A(40);    // |z| beyond which e^-|z| may be scaled

  template <class Ops, bool kCapped>
  static typename Ops::V score(const LabelScores<A>& t, const A* row, std::int64_t j) {
    const auto product = Ops::load(row + j);
    auto s = math::score<Ops>(product, Ops::set(t.scale),
                              t.bias != nullptr ? Ops::load(t.bias + j) : Ops::set(A(0)));
    if (kCapped) {
      const auto taken_out = Ops::set(label_taken_out<A>());
      const auto capped = Ops::set(t.softcap) * math::tanh_of<Ops>(s * Ops::set(A(1) / t.softcap));
      s = Ops::if_equal(product, taken_out, taken_out, capped);
    }
    return s;
  }

  static A score_at(const LabelScores<A>& t, std::int64_t i, std::int64_t j) {
    const A* row = t.products + i * t.ld;
    return Tail::sum(t.softcap > 0 ? score<Tail, true>(t, row, j) : score<Tail, false>(t, row, j));
  }

  static A largest(const A* values, std::int64_t ld, std::int64_t rows, std::int64_t columns) {
    A high = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const A* row = values + i * ld;
      auto wide = Wide::set(high);
      std::int64_t j = 0;
      for (; j + Wide::kLanes <= columns; j += Wide::kLanes) {
        wide = Wide::max(Wide::abs(Wide::load(row + j)), wide);
      }
      auto tail = Tail::set(Wide::largest(wide));
      for (; j < columns; ++j) tail = Tail::max(Tail::abs(Tail::load(row + j)), tail);
      high = Tail::largest(tail);
    }
    return high;
  }

  // ---- sums --------------------------------------------------------------------------------

  // Sum over the columns of value<Ops>(j).
  template <class Value>
  static A sum_of(std::int64_t columns, const Value& value) {
    auto wide = Wide::set(A(0));
    std::int64_t j = 0;
    for (; j + Wide::kLanes <= columns; j += Wide::kLanes) wide = wide + value(Wide(), j);
    auto tail = Tail::set(Wide::sum(wide));
    for (; j < columns; ++j) tail = tail + value(Tail(), j);
    return Tail::sum(tail);
  }

  template <class Value>
  static A max_of(std::int64_t columns, A low, const Value& value) {
    auto wide = Wide::set(low);
    std::int64_t j = 0;
    for (; j + Wide::kLanes <= columns; j += Wide::kLanes) wide = Wide::max(wide, value(Wide(), j));
    auto tail = Tail::set(Wide::largest(wide));
    for (; j < columns; ++j) tail = Tail::max(tail, value(Tail(), j));
    return Tail::largest(tail);
  }

  template <bool kCapped>
  static void sums_of(const LabelSums<A>& t) {
    const std::int64_t columns = t.scores.columns;
    const A taken_out = label_taken_out<A>();
    for (std::int64_t i = 0; i < t.scores.rows; ++i) {
      const A* row = t.scores.products + i * t.scores.ld;
      const auto s = [&](auto ops, std::int64_t j) {
        return score<decltype(ops), kCapped>(t.scores, row, j);
      };
      const auto z = [&](auto ops, std::int64_t j) {
        using Ops = decltype(ops);
        return Ops::set(t.alpha) * s(ops, j);
      };
      // 0 for an entry that does not take part.
      const auto present = [&](auto ops, std::int64_t j) {
        using Ops = decltype(ops);
        return Ops::zero_if_equal(s(ops, j), Ops::set(taken_out));
      };
      if (t.max != nullptr) {
        const A high = max_of(columns, kLowest, z);
        t.max[i] = high;
        t.sum[i] = sum_of(columns, [&](auto ops, std::int64_t j) {
          using Ops = decltype(ops);
          return Ops::exp(z(ops, j) - Ops::set(high));
        });
      }
      if (t.min != nullptr) {
        t.min[i] = -max_of(columns, kLowest, [&](auto ops, std::int64_t j) {
          using Ops = decltype(ops);
          const auto v = z(ops, j);
          const auto out = Ops::set(taken_out);
          return Ops::if_equal(v, out, out, Ops::set(A(0)) - v);
        });
      }
      if (t.softplus != nullptr) {
        t.softplus[i] = sum_of(columns, [&](auto ops, std::int64_t j) {
          return math::softplus<decltype(ops)>(s(ops, j));
        });
      }
      if (t.uniform != nullptr) {
        t.uniform[i] = sum_of(columns, [&](auto ops, std::int64_t j) {
          using Ops = decltype(ops);
          const auto v = present(ops, j);
          return t.column_weight != nullptr ? Ops::load(t.column_weight + j) * v : v;
        });
      }
      if (t.targets != nullptr) {
        const A* q = t.targets + i * t.targets_ld;
        t.target_sum[i] = sum_of(columns, [&](auto ops, std::int64_t j) {
          using Ops = decltype(ops);
          return Ops::load(q + j) * present(ops, j);
        });
      }
    }
  }

  static void sums(const LabelSums<A>& t) {
    t.scores.softcap > 0 ? sums_of<true>(t) : sums_of<false>(t);
  }

  // ---- soft top-k --------------------------------------------------------------------------

  template <bool kCapped>
  static void top_k_of(const LabelTopK<A>& t) {
    const std::int64_t columns = t.scores.columns;
    for (std::int64_t i = 0; i < t.scores.rows; ++i) {
      if (t.look[i] != LabelLook::sums) continue;
      const A* row = t.scores.products + i * t.scores.ld;
      const auto z = [&](auto ops, std::int64_t j) {
        using Ops = decltype(ops);
        return math::top_k_argument<Ops>(score<Ops, kCapped>(t.scores, row, j), Ops::set(t.alpha),
                                         Ops::set(t.hi[i]), Ops::set(t.lo[i]));
      };
      const Memberships<Tail> sums = memberships(columns, z);
      t.above[i] = Tail::sum(sums.above);
      t.surplus[i] = Tail::sum(sums.surplus);
      t.slope[i] = Tail::sum(sums.slope);
      t.least[i] = 0;
      // |z| > 40 everywhere leaves less than this: then the sum is made once more, scaled.
      if (!(t.slope[i] < A(1e-14))) continue;
      const A least = -max_of(columns, kLowest, [&](auto ops, std::int64_t j) {
        using Ops = decltype(ops);
        return Ops::set(A(0)) - Ops::abs(z(ops, j));
      });
      if (!(least > kSaturated)) continue;
      t.least[i] = least;
      t.slope[i] = sum_of(columns, [&](auto ops, std::int64_t j) {
        return scaled_slope<decltype(ops)>(z(ops, j), least);
      });
    }
  }

  template <class Ops>
  struct Memberships {
    typename Ops::V above, surplus, slope;

    void add(typename Ops::V z) {
      const auto zero = Ops::set(A(0));
      const auto one = Ops::set(A(1));
      const auto e = Ops::exp(zero - Ops::abs(z));
      const auto r = one / (one + e);
      const auto part = e * r;
      above = above + Ops::if_less(zero, z, one, zero);
      surplus = surplus + Ops::if_less(zero, z, zero - part, part);
      slope = slope + part * r;
    }
  };

  // Number of z > 0, sum of y - [z > 0], sum of y (1-y): one look, one exponential.
  template <class Argument>
  static Memberships<Tail> memberships(std::int64_t columns, const Argument& z) {
    Memberships<Wide> wide{Wide::set(A(0)), Wide::set(A(0)), Wide::set(A(0))};
    std::int64_t j = 0;
    for (; j + Wide::kLanes <= columns; j += Wide::kLanes) wide.add(z(Wide(), j));
    Memberships<Tail> tail{Tail::set(Wide::sum(wide.above)), Tail::set(Wide::sum(wide.surplus)),
                           Tail::set(Wide::sum(wide.slope))};
    for (; j < columns; ++j) tail.add(z(Tail(), j));
    return tail;
  }

  // y (1-y) e^shift, y = sigm(z)
  template <class Ops>
  static typename Ops::V scaled_slope(typename Ops::V z, A shift) {
    const auto size = Ops::abs(z);
    const auto one = Ops::set(A(1));
    const auto e = Ops::exp(Ops::set(shift) - size);
    const auto small = shift > A(0) ? Ops::exp(Ops::set(A(0)) - size) : e;
    const auto r = one / (one + small);
    return e * r * r;
  }

  static void top_k(const LabelTopK<A>& t) {
    t.scores.softcap > 0 ? top_k_of<true>(t) : top_k_of<false>(t);
  }

  template <class Ops>
  struct FarSums {
    typename Ops::V first, second, third;

    void add(typename Ops::V z) {
      const auto zero = Ops::set(A(0));
      const auto e = Ops::if_less(Ops::set(A(kLabelFar)), z, zero, Ops::exp(z));
      const auto square = e * e;
      first = first + e;
      second = second + square;
      third = Ops::mul_add(square, e, third);
    }
  };

  template <bool kCapped>
  static void near_by_of(const LabelNear<A>& t) {
    const std::int64_t columns = t.scores.columns;
    for (std::int64_t i = 0; i < t.scores.rows; ++i) {
      if (t.look[i] != LabelLook::near_by) continue;
      const A* row = t.scores.products + i * t.scores.ld;
      A* list = t.list + i * t.capacity;
      std::int64_t count = t.count[i];
      const auto look = [&](auto ops, auto& sums, std::int64_t j) {
        using Ops = decltype(ops);
        const auto z =
            math::top_k_argument<Ops>(score<Ops, kCapped>(t.scores, row, j), Ops::set(t.alpha),
                                      Ops::set(t.hi[i]), Ops::set(t.lo[i]));
        sums.add(z);
        for (unsigned near = Ops::bits_less(Ops::set(A(kLabelFar)), z); near != 0;
             near &= near - 1) {
          const std::int64_t at = j + __builtin_ctz(near);
          if (count < t.capacity) list[count] = score_at(t.scores, i, at);
          ++count;
        }
      };
      // Sums of sums: many equal terms would be rounded to one side.
      constexpr std::int64_t kTerms = 16;
      const FarSums<Wide> nothing{Wide::set(A(0)), Wide::set(A(0)), Wide::set(A(0))};
      FarSums<Wide> wide = nothing;
      std::int64_t j = 0;
      while (j + Wide::kLanes <= columns) {
        FarSums<Wide> part = nothing;
        const std::int64_t end = std::min(columns, j + kTerms * Wide::kLanes);
        for (; j + Wide::kLanes <= end; j += Wide::kLanes) look(Wide(), part, j);
        wide = {wide.first + part.first, wide.second + part.second, wide.third + part.third};
      }
      FarSums<Tail> tail{Tail::set(Wide::sum(wide.first)), Tail::set(Wide::sum(wide.second)),
                         Tail::set(Wide::sum(wide.third))};
      for (; j < columns; ++j) look(Tail(), tail, j);
      t.count[i] = count;
      t.first[i] = Tail::sum(tail.first);
      t.second[i] = Tail::sum(tail.second);
      t.third[i] = Tail::sum(tail.third);
    }
  }

  static void near_by(const LabelNear<A>& t) {
    t.scores.softcap > 0 ? near_by_of<true>(t) : near_by_of<false>(t);
  }

  // ---- coefficients ------------------------------------------------------------------------

  template <class Ops, LabelDense kDense>
  static typename Ops::V dense(const LabelCoefficients<A>& t, typename Ops::V s, std::int64_t i,
                               std::int64_t j) {
    const auto factor = Ops::set(t.factor[i]);
    if (kDense == LabelDense::sigmoid) {
      const auto one = Ops::set(A(1));
      const auto e = Ops::exp(Ops::set(A(0)) - Ops::abs(s));
      return factor * math::sigmoid<Ops>(s, e, one / (one + e));
    }
    if (kDense == LabelDense::top_k) {
      const auto z =
          math::top_k_argument<Ops>(s, Ops::set(t.alpha), Ops::set(t.hi[i]), Ops::set(t.lo[i]));
      return factor * scaled_slope<Ops>(z, t.least[i]);
    }
    auto g = math::softmax_coefficient<Ops>(s, Ops::set(t.hi[i]), Ops::set(t.lo[i]), factor);
    if (t.uniform != nullptr) {
      const auto u = Ops::set(t.uniform[i]);
      g = g - (t.column_weight != nullptr ? u * Ops::load(t.column_weight + j) : u);
    }
    if (t.targets != nullptr) {
      g = g - Ops::set(t.target[i]) * Ops::load(t.targets + i * t.targets_ld + j);
    }
    return g;
  }

  template <LabelDense kDense, bool kCapped>
  static void coefficients_of(LabelCoefficients<A>& t) {
    const std::int64_t columns = t.scores.columns;
    double total = 0;
    for (std::int64_t i = 0; i < t.scores.rows; ++i) {
      A* row = t.scores.products + i * t.scores.ld;
      total += static_cast<double>(sum_of(columns, [&](auto ops, std::int64_t j) {
        using Ops = decltype(ops);
        const auto out = Ops::set(label_taken_out<A>());
        const auto product = Ops::load(row + j);
        const auto s = score<Ops, kCapped>(t.scores, row, j);
        auto g = dense<Ops, kDense>(t, s, i, j);
        if (kCapped) {
          const auto u = s * Ops::set(A(1) / t.scores.softcap);
          g = Ops::if_equal(product, out, Ops::set(A(0)), g * (Ops::set(A(1)) - u * u));
        }
        Ops::store(g, row + j);
        return g * Ops::zero_if_equal(product, out);
      }));
    }
    t.scale_gradient = total;
  }

  template <LabelDense kDense>
  static void coefficients_for(LabelCoefficients<A>& t) {
    t.scores.softcap > 0 ? coefficients_of<kDense, true>(t) : coefficients_of<kDense, false>(t);
  }

  static void coefficients(LabelCoefficients<A>& t) {
    switch (t.dense) {
      case LabelDense::sigmoid:
        return coefficients_for<LabelDense::sigmoid>(t);
      case LabelDense::top_k:
        return coefficients_for<LabelDense::top_k>(t);
      default:
        return coefficients_for<LabelDense::exponential>(t);
    }
  }
};

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_LABEL_TILE_INL_H_
