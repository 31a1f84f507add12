// Written once for every arithmetic: Wide handles whole vectors, Tail the rest of a row one element
// at a time. Beside the operations of math/ops.h they compare, with masks M. Once a row has seen many
// labels hardly any score passes, so that a block of vectors costs its loads, its comparisons and one
// branch.
#ifndef LOSSMITH_CPU_KERNELS_SELECT_INL_H_
#define LOSSMITH_CPU_KERNELS_SELECT_INL_H_

#include "cpu/kernels/select.h"
#include "math/contrastive.h"

namespace lossmith {
namespace {

template <class Wide, class Tail>
struct Select {
  using A = typename Wide::Scalar;
  static constexpr int kVectors = 4;  // compared before the one branch
  static constexpr int kStep = kVectors * Wide::kLanes;
  static_assert(kStep <= kSelectBlock, "the room holds a block");

  template <class Ops>
  static typename Ops::V score(const SelectRow<A>& r, std::int64_t j) {
    return math::score<Ops>(Ops::load(r.dots + j), Ops::set(r.scale),
                            r.bias != nullptr ? Ops::load(r.bias + j) : Ops::set(A(0)));
  }

  static void keep(SelectRow<A>& r, A score, std::int64_t j) {
    r.scores[r.count] = score;
    r.passed[r.count++] = static_cast<std::int32_t>(j);
  }

  struct Above {
    template <class Ops>
    static typename Ops::M passes(typename Ops::V s, typename Ops::V threshold) {
      return Ops::greater(s, threshold);
    }
  };
  struct Number {
    template <class Ops>
    static typename Ops::M passes(typename Ops::V s, typename Ops::V) {
      return Ops::equal(s, s);
    }
  };

  static void keep_vector(SelectRow<A>& r, typename Wide::V s, std::uint64_t bits, std::int64_t j) {
    A lanes[Wide::kLanes];
    Wide::store(s, lanes);
    for (; bits != 0; bits &= bits - 1) {
      const int lane = __builtin_ctzll(bits);
      keep(r, lanes[lane], j + lane);
    }
  }

  template <class Test>
  static std::int64_t scan(SelectRow<A>& r) {
    std::int64_t j = r.begin;
    const auto wide = Wide::set(r.threshold);
    for (; j + kStep <= r.columns; j += kStep) {
      if (r.count + kStep > r.room) return j;
      const auto s0 = score<Wide>(r, j);
      const auto s1 = score<Wide>(r, j + Wide::kLanes);
      const auto s2 = score<Wide>(r, j + 2 * Wide::kLanes);
      const auto s3 = score<Wide>(r, j + 3 * Wide::kLanes);
      const auto m0 = Test::template passes<Wide>(s0, wide);
      const auto m1 = Test::template passes<Wide>(s1, wide);
      const auto m2 = Test::template passes<Wide>(s2, wide);
      const auto m3 = Test::template passes<Wide>(s3, wide);
      if (Wide::none(Wide::either(Wide::either(m0, m1), Wide::either(m2, m3)))) continue;
      keep_vector(r, s0, Wide::bits(m0), j);
      keep_vector(r, s1, Wide::bits(m1), j + Wide::kLanes);
      keep_vector(r, s2, Wide::bits(m2), j + 2 * Wide::kLanes);
      keep_vector(r, s3, Wide::bits(m3), j + 3 * Wide::kLanes);
    }
    const auto tail = Tail::set(r.threshold);
    for (; j < r.columns; ++j) {
      if (r.count == r.room) return j;
      const auto s = score<Tail>(r, j);
      if (!Tail::none(Test::template passes<Tail>(s, tail))) keep(r, Tail::sum(s), j);
    }
    return j;
  }

  static std::int64_t take_all(SelectRow<A>& r) {
    std::int64_t j = r.begin;
    for (; j < r.columns && r.count < r.room; ++j) keep(r, Tail::sum(score<Tail>(r, j)), j);
    return j;
  }

  static std::int64_t run(SelectRow<A>& r) {
    r.count = 0;
    if (r.open) return take_all(r);
    return r.threshold == r.threshold ? scan<Above>(r) : scan<Number>(r);
  }
};

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_SELECT_INL_H_
