// Errors of a grid of candidates for some groups, in one pass over their elements.
//
// A pass runs over a part of the elements. For the squares of large groups it adds them to the moments
// of their intervals, from which the errors of all candidates follow at the end, whose cost is that
// of the intervals. For small groups and for other powers p it compares each element with the values
// that the candidates have for it. Which of them, and the parts, depend on shapes alone; parts are put
// together in order.
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
  static constexpr std::int64_t kBlock = 4096;           // elements that are looked at together
  static constexpr std::int64_t kTileBytes = 512 << 10;  // of moments

  using Use = typename PowerGrid<A>::Use;

  struct Work {
    View w, scale, shift;
    lsm_power_search_options options;
    Groups groups;
    int largest;
  };

  // Intervals cost as much as some elements that are compared.
  static Use use_for(const Work& work, std::int64_t candidates) {
    const std::int64_t intervals = candidates * work.largest + 1;
    return work.options.norm == 2 && elements_of_group(work.groups) > 2 * intervals ? Use::moments
                                                                                    : Use::rows;
  }

  // The candidates of the largest grid for each use, 0 without one.
  PowerSweep(const Work& work, std::int64_t with_moments, std::int64_t with_rows)
      : work_(work),
        elements_(work.groups, work.w),
        intervals_(with_moments == 0 ? 0 : with_moments * work.largest + 1),
        stride_(PowerGrid<A>::stride_of(with_rows)) {
    const std::int64_t count = elements_of_group(work.groups);
    parts_ = std::max<std::int64_t>(1, std::min(kMostParts, (count + kPart - 1) / kPart));
    part_ = parts_ == 1 ? count : ((count + parts_ - 1) / parts_ + kBlock - 1) / kBlock * kBlock;
    block_ = kBlock;
    if (elements_.alternate()) {
      const std::int64_t bytes = intervals_ * static_cast<std::int64_t>(sizeof(PowerMoments));
      tile_groups_ = std::min(kMostTileGroups, std::max<std::int64_t>(1, kTileBytes / (bytes + 1)));
      block_ /= kMostTileGroups;
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
    moments_ = carver.take<PowerMoments>(results * intervals_);
    sums_ = carver.take<double>(results * stride_);
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
      if (grid.use() == Use::moments) {
        A* thresholds = thresholds_ + (thread * tile_groups_ + k) * intervals_;
        intervals[k] = grid.intervals_of(trials[k].scale, thresholds);
        grid.clear(intervals[k], trials[k].scale, moments(slot, k));
      } else {
        intervals[k] = grid.intervals_of(trials[k].scale, nullptr);
        std::fill_n(sums(slot, k), stride_, 0.0);
      }
    }
    const std::int64_t last = std::min(tile.elements, (part + 1) * part_);
    for (std::int64_t begin = part * part_; begin < last; begin += block_) {
      const std::int64_t n = std::min(block_, last - begin);
      elements_.load(tile.first, tile.groups, begin, begin + n, block, block_);
      for (std::int64_t k = 0; k < tile.groups; ++k) {
        A* x = block + k * block_;
        prepare(tile.first + k, x, n);
        if (trials[k].grid->use() == Use::moments) {
          kernel.add(intervals[k], x, n, moments(slot, k));
        } else {
          compare(trials[k], intervals[k], x, n, sums(slot, k));
        }
      }
    }
  }

  // Errors of group k of a tile from the slots of its parts, slot_0 and those behind it.
  void finish(const PowerTrial<A>& trial, std::int64_t k, std::int64_t slot_0, std::int64_t parts,
              int thread) const {
    if (trial.grid->use() == Use::moments) {
      finish_moments(trial, k, slot_0, parts, thread);
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
    return sums_ + (slot * tile_groups_ + k) * stride_;
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

  void compare(const PowerTrial<A>& trial, const PowerIntervals<A>& intervals, const A* x,
               std::int64_t n, double* sums) const {
    bool finite = true;
    for (std::int64_t i = 0; i < n; ++i) finite &= x[i] - x[i] == 0;
    if (!finite) {
      std::fill_n(sums, trial.grid->candidates(), std::numeric_limits<double>::quiet_NaN());
    } else if (trial.scale > 0 && std::isfinite(trial.scale)) {
      kernels().power_search->of(A{}).compare(intervals, trial.grid->rows(), work_.options.norm, x,
                                              n, sums);
    }
  }

  void finish_moments(const PowerTrial<A>& trial, std::int64_t k, std::int64_t slot_0,
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

  static std::int64_t elements_of_group(const Groups& g) {
    if (g.columns > 0) return std::min(g.columns, g.width);
    return g.count == 0 ? 0 : g.elements() / g.count;
  }

  const Work work_;
  const GroupElements elements_;
  const std::int64_t intervals_, stride_;
  std::int64_t parts_ = 1, part_ = 0, block_ = 1, tile_groups_ = 1;
  PowerMoments* moments_ = nullptr;  // [slots, tile groups, intervals]
  double* sums_ = nullptr;           // [slots, tile groups, stride]
  // Of each thread:
  A* thresholds_ = nullptr;         // [tile groups, intervals]
  A* blocks_ = nullptr;             // [tile groups, block]
  double* columns_ = nullptr;       // [4, intervals]: moments of intervals with elements
  std::int32_t* begins_ = nullptr;  // [intervals + 1]
  std::int32_t* bounds_ = nullptr;  // [cells + 1]
  double* values_ = nullptr;        // [cells]
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_POWER_SWEEP_H_
