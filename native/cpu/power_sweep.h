// Errors of a grid of candidates for some groups, in one pass over their elements.
//
// A pass runs over a part of the elements: for squares it adds them to the moments of their
// intervals, from which errors of all candidates follow at the end; for other powers p it sorts a
// block of elements by interval and adds up |x - x^|^p for each candidate. Parts and blocks depend on
// shapes alone, and parts are put together in order.
#ifndef LOSSMITH_CPU_POWER_SWEEP_H_
#define LOSSMITH_CPU_POWER_SWEEP_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/workspace.h"
#include "cpu/group_elements.h"
#include "cpu/isa.h"
#include "cpu/power_grid.h"
#include "lossmith/power_search.h"

namespace lossmith {

// Neighbouring groups that are read together: several only where their elements alternate, and all
// with as many elements.
struct GroupTile {
  std::int64_t first, groups, elements;
};

// What each group of a tile is to be tried with: the grid, the scale, and where the errors of the
// candidates go.
template <class A>
struct PowerTrial {
  const PowerGrid<A>* grid;
  A scale;
  double* errors;
};

template <class A>
class PowerSweep {
 public:
  static constexpr std::int64_t kMostTileGroups = 16;
  static constexpr std::int64_t kPart = 1 << 16;  // elements, at least
  static constexpr std::int64_t kMostParts = 32;

  struct Work {
    View w, scale, shift;
    lsm_power_search_options options;
    Groups groups;
    std::int64_t candidates;  // of the largest grid
    int largest;
  };

  explicit PowerSweep(const Work& work)
      : work_(work),
        elements_(work.groups, work.w),
        squares_(work.options.norm == 2),
        intervals_(work.candidates * work.largest + 1) {
    const std::int64_t count = work.groups.count == 0 ? 0 : elements_.count(0);
    const std::int64_t wanted = std::min(kMostParts, (count + kPart - 1) / kPart);
    parts_ = std::max<std::int64_t>(1, wanted);
    // Sorting has a cost for each interval, so that many intervals ask for large blocks.
    block_ = !squares_ && intervals_ > 4096 ? 16384 : 4096;
    part_ = parts_ == 1 ? count : ((count + parts_ - 1) / parts_ + block_ - 1) / block_ * block_;
    if (elements_.alternate()) {
      const std::int64_t fit =
          (1 << 19) / (intervals_ * static_cast<std::int64_t>(sizeof(PowerMoments)));
      tile_groups_ = std::min(std::max<std::int64_t>(1, fit), kMostTileGroups);
      block_ = std::max<std::int64_t>(block_ / tile_groups_, 256);
    }
    block_ = std::max<std::int64_t>(1, std::min(block_, count));
  }

  std::int64_t parts() const { return parts_; }
  std::int64_t tile_groups() const { return tile_groups_; }
  std::int64_t tiles() const { return (work_.groups.count + tile_groups_ - 1) / tile_groups_; }
  GroupTile tile(std::int64_t index) const {
    const std::int64_t first = index * tile_groups_;
    return {first, std::min(tile_groups_, work_.groups.count - first), elements_.count(first)};
  }

  // slots: passes whose results are kept at the same time; threads: passes that run at the same time.
  void carve(Carver& carver, std::int64_t slots, std::int64_t threads) {
    const std::int64_t results = slots * tile_groups_;
    if (squares_) {
      moments_ = carver.take<PowerMoments>(results * intervals_);
    } else {
      sums_ = carver.take<double>(results * work_.candidates);
      ranks_ = carver.take<std::uint16_t>(threads * block_);
      sorted_ = carver.take<A>(threads * block_);
    }
    thresholds_ = carver.take<A>(threads * tile_groups_ * intervals_);
    blocks_ = carver.take<A>(threads * tile_groups_ * block_);
    columns_ = carver.take<double>(threads * 4 * intervals_);
    begins_ = carver.take<std::int32_t>(threads * (intervals_ + 1));
    bounds_ = carver.take<std::int32_t>(threads * (work_.largest + 2));
    values_ = carver.take<double>(threads * (work_.largest + 1));
  }

  // One part of the elements of a tile; the results are kept under `slot`.
  void pass(const GroupTile& tile, const PowerTrial<A>* trials, std::int64_t part,
            std::int64_t slot, int thread) const {
    const auto& kernel = kernels().power_search->of(A{});
    A* block = blocks_ + thread * tile_groups_ * block_;
    PowerIntervals<A> intervals[kMostTileGroups];
    for (std::int64_t k = 0; k < tile.groups; ++k) {
      const PowerGrid<A>& grid = *trials[k].grid;
      intervals[k] = grid.intervals_of(trials[k].scale,
                                       thresholds_ + (thread * tile_groups_ + k) * intervals_);
      if (squares_) {
        grid.clear(intervals[k], trials[k].scale, moments(slot, k));
      } else {
        std::fill_n(sums(slot, k), grid.candidates(), 0.0);
      }
    }
    const std::int64_t last = std::min(tile.elements, (part + 1) * part_);
    for (std::int64_t begin = part * part_; begin < last; begin += block_) {
      const std::int64_t n = std::min(block_, last - begin);
      elements_.load(tile.first, tile.groups, begin, begin + n, block, block_);
      for (std::int64_t k = 0; k < tile.groups; ++k) {
        A* x = block + k * block_;
        prepare(tile.first + k, x, n);
        if (squares_) {
          kernel.add(intervals[k], x, n, moments(slot, k));
        } else {
          add_norms(trials[k], intervals[k], x, n, sums(slot, k), thread);
        }
      }
    }
  }

  // Errors of group k of a tile from the slots of its parts, slot_0 and those behind it.
  void finish(const PowerTrial<A>& trial, std::int64_t k, std::int64_t slot_0, std::int64_t parts,
              int thread) const {
    if (squares_) {
      finish_squares(trial, k, slot_0, parts, thread);
    } else {
      for (std::int64_t i = 0; i < trial.grid->candidates(); ++i) {
        trial.errors[i] = 0;
        for (std::int64_t p = 0; p < parts; ++p) trial.errors[i] += sums(slot_0 + p, k)[i];
      }
    }
    for (std::int64_t i = 0; i < trial.grid->candidates(); ++i) {
      double& error = trial.errors[i];
      if (!std::isfinite(error) || !std::isfinite(trial.scale)) {
        error = std::numeric_limits<double>::quiet_NaN();
      } else if (trial.scale == 0) {
        error = 0;
      }
    }
  }

 private:
  PowerMoments* moments(std::int64_t slot, std::int64_t k) const {
    return moments_ + (slot * tile_groups_ + k) * intervals_;
  }
  double* sums(std::int64_t slot, std::int64_t k) const {
    return sums_ + (slot * tile_groups_ + k) * work_.candidates;
  }

  // What is compared with thresholds.
  void prepare(std::int64_t group, A* x, std::int64_t n) const {
    if (work_.options.power.range == LSM_POWER_SIGNED) {
      kernels().power_search->of(A{}).magnitudes(x, n);
    } else if (work_.shift.present()) {
      const A shift = reinterpret_cast<const A*>(work_.shift.data)[group];
      for (std::int64_t i = 0; i < n; ++i) x[i] = math::minus(x[i], shift);
    }
  }

  void add_norms(const PowerTrial<A>& trial, const PowerIntervals<A>& intervals, const A* x,
                 std::int64_t n, double* sums, int thread) const {
    const auto& kernel = kernels().power_search->of(A{});
    A* sorted = sorted_ + thread * block_;
    std::int32_t* begins = begins_ + thread * (intervals_ + 1);
    std::int32_t* bounds = bounds_ + thread * (work_.largest + 2);
    double* values = values_ + thread * (work_.largest + 1);
    bool finite = true;
    for (std::int64_t i = 0; i < n; ++i) finite &= x[i] - x[i] == 0;
    if (!finite) sums[0] = std::numeric_limits<double>::quiet_NaN();
    kernel.sort(intervals, x, n, ranks_ + thread * block_, begins, sorted);
    for (std::int64_t i = 0; i < trial.grid->candidates(); ++i) {
      if (!finite) sums[i] = sums[0];
      trial.grid->bounds(i, begins, bounds);
      trial.grid->values(i, trial.scale, values);
      sums[i] += kernel.norms(sorted, bounds, values, trial.grid->cells(), work_.options.norm);
    }
  }

  void finish_squares(const PowerTrial<A>& trial, std::int64_t k, std::int64_t slot_0,
                      std::int64_t parts, int thread) const {
    const PowerGrid<A>& grid = *trial.grid;
    double* centre = columns_ + thread * 4 * intervals_;
    double* count = centre + intervals_;
    double* sum = count + intervals_;
    double* squares = sum + intervals_;
    std::int32_t* begins = begins_ + thread * (intervals_ + 1);
    // Intervals without elements are left out.
    std::int32_t filled = 0;
    for (std::int64_t i = 0; i < grid.intervals(); ++i) {
      PowerMoments m = moments(slot_0, k)[i];
      for (std::int64_t p = 1; p < parts; ++p) {
        const PowerMoments& other = moments(slot_0 + p, k)[i];
        m.count += other.count;
        m.sum += other.sum;
        m.squares += other.squares;
      }
      begins[i] = filled;
      if (m.count == 0) continue;
      centre[filled] = m.centre;
      count[filled] = m.count;
      sum[filled] = m.sum;
      squares[filled] = m.squares;
      ++filled;
    }
    begins[grid.intervals()] = filled;
    std::int32_t* bounds = bounds_ + thread * (work_.largest + 2);
    double* values = values_ + thread * (work_.largest + 1);
    for (std::int64_t i = 0; i < grid.candidates(); ++i) {
      grid.bounds(i, begins, bounds);
      grid.values(i, trial.scale, values);
      trial.errors[i] = kernels().power_search->squares({centre, count, sum, squares}, bounds,
                                                        values, grid.cells());
    }
  }

  const Work work_;
  const GroupElements elements_;
  const bool squares_;
  const std::int64_t intervals_;  // of the largest grid
  std::int64_t parts_ = 1, part_ = 0, block_ = 1, tile_groups_ = 1;
  PowerMoments* moments_ = nullptr;  // [slots, tile groups, intervals]
  double* sums_ = nullptr;           // [slots, tile groups, candidates]
  // Of each thread:
  std::uint16_t* ranks_ = nullptr;  // [block]
  A* sorted_ = nullptr;             // [block]
  A* thresholds_ = nullptr;         // [tile groups, intervals]
  A* blocks_ = nullptr;             // [tile groups, block]
  double* columns_ = nullptr;       // [4, intervals]: moments of intervals with elements
  std::int32_t* begins_ = nullptr;  // [intervals + 1]
  std::int32_t* bounds_ = nullptr;  // [cells + 1]
  double* values_ = nullptr;        // [cells]
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_POWER_SWEEP_H_
