// The exponents that a search tries at once, as one sorted list of thresholds. Everything here is for
// the scale 1, so that groups share it.
#ifndef LOSSMITH_CPU_POWER_GRID_H_
#define LOSSMITH_CPU_POWER_GRID_H_

#include <algorithm>
#include <cstdint>

#include "core/workspace.h"
#include "cpu/kernels/power_search.h"
#include "math/power.h"

namespace lossmith {

template <class A>
class PowerGrid {
 public:
  // What a grid is for: moments of intervals, or the comparison of each element with all candidates,
  // for which the candidates' levels are listed for each interval.
  enum class Use : std::uint8_t { moments, rows };

  // Ranks of thresholds have 16 bits, and what is looked up for elements should stay in a cache.
  static constexpr std::int64_t kMostThresholds = 1 << 14;
  static constexpr std::int64_t kMostLevels = 1 << 18;
  static std::int64_t most_candidates(Use use, int largest);

  void carve(Carver& carver, Use use, std::int64_t candidates, int largest);
  void build(const A* exponents, std::int64_t candidates, int largest);

  std::int64_t candidates() const { return candidates_; }
  int cells() const { return largest_ + 1; }
  std::int64_t thresholds() const { return candidates_ * largest_; }
  std::int64_t intervals() const { return thresholds() + 1; }

  Use use() const { return rows_ == nullptr ? Use::moments : Use::rows; }
  PowerRows<A> rows() const { return {rows_, stride_of(candidates_)}; }
  static std::int64_t stride_of(std::int64_t candidates) {
    return (candidates + kPowerRowUnit - 1) / kPowerRowUnit * kPowerRowUnit;
  }

  // The intervals of a group with this scale; thresholds ([intervals()]) are filled where given.
  PowerIntervals<A> intervals_of(A scale, A* thresholds) const;
  // Moments without elements, about points at which elements are exact: 0, thresholds, the scale.
  void clear(const PowerIntervals<A>& intervals, A scale, PowerMoments* moments) const;

  // Where the cells of candidate k begin in a list of intervals, of which at[i] says where interval i
  // begins: cells() + 1 bounds. And the values of its codes.
  void bounds(std::int64_t k, const std::int32_t* at, std::int32_t* bounds) const;
  void values(std::int64_t k, A scale, double* values) const;

 private:
  struct Threshold {
    double value;
    math::PowerFraction fraction;
    std::int32_t cell;  // candidate * cells() + code

    bool operator<(const Threshold& o) const {
      return value < o.value || (value == o.value && cell < o.cell);
    }
  };

  void build_start();
  void build_rows();

  std::int64_t candidates_ = 0;
  int largest_ = 0;
  int shift_ = 0;
  std::int32_t first_ = 0, last_ = 0;
  Threshold* thresholds_ = nullptr;           // ascending
  math::PowerFraction* fractions_ = nullptr;  // of thresholds_, NaN behind the last
  std::uint16_t* begins_ = nullptr;           // [candidates, cells]: the first interval of a cell
  A* levels_ = nullptr;                       // [candidates, cells]
  std::uint16_t* start_ = nullptr;            // PowerIntervals
  A* rows_ = nullptr;                         // PowerRows
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_POWER_GRID_H_
