// Small groups are a thread's own, from the first grid to the last; large ones are cut into parts that
// threads share. Finer grids are those of each group, so that the exponents of groups that are read
// together part ways.
#include "cpu/power_search.h"

#include <array>
#include <cmath>
#include <limits>

#include "cpu/parallel.h"
#include "cpu/power_sweep.h"
#include "engine/power_call.h"
#include "math/power_search.h"

namespace lossmith {
namespace {

constexpr std::int64_t kMostBatches = 1024 / 32;  // most_candidates(rows, 255) is 32
constexpr std::int64_t kWorthATask = 1 << 14;     // elements

// What both calls share: grids of the given exponents, each tried with each ratio.
template <class A>
class PowerCandidates {
 public:
  using Sweep = PowerSweep<A>;
  using Use = typename Sweep::Use;

  PowerCandidates(const typename Sweep::Work& work, std::int64_t exponents, std::int64_t ratios,
                  bool refines, lsm_context_s& context)
      : work_(work),
        context_(context),
        exponents_(exponents),
        ratios_(ratios),
        refines_(refines),
        use_(Sweep::use_for(work, exponents)),
        fine_use_(Sweep::use_for(work, math::kFineSteps)),
        batch_(std::min(exponents, PowerGrid<A>::most_candidates(use_, work.largest))),
        sweep_(work, largest_grid(Use::moments), largest_grid(Use::rows)) {}

  // Lays out the workspace and has the arrays of exponents and ratios filled.
  template <class Fill>
  void prepare(const Fill& fill) {
    threads_ = context_.threads;
    carve_for_threads(context_.workspace, threads_, [&](Carver& carver) { carve(carver); });
    fill(exponent_list_, ratio_list_);
    for (std::int64_t i = 0; i < batches(); ++i) {
      grids_[i].build(exponent_list_ + i * batch_, batch_length(i), work_.largest);
    }
  }

  // done(tile, errors, refine) for every tile of groups: errors[k] are those of group k [ratios,
  // exponents], refine(k-th exponents and scales) evaluates finer grids.
  template <class Done>
  void run(const Done& done) const {
    if (sweep_.parts() > 1) {
      for (std::int64_t i = 0; i < sweep_.tiles(); ++i) {
        handle(sweep_.tile(i), 0, done, [&](const GroupTile& tile, const PowerTrial<A>* trials) {
          parallel_tasks(threads_, sweep_.parts(), [&](std::int64_t part, int thread) {
            sweep_.pass(tile, trials, part, part, thread);
          });
          parallel_tasks(threads_, tile.groups, [&](std::int64_t k, int thread) {
            sweep_.finish(trials[k], k, 0, sweep_.parts(), thread);
          });
        });
      }
      return;
    }
    if (sweep_.tiles() == 0) return;
    const std::int64_t elements =
        std::max<std::int64_t>(1, sweep_.tile(0).elements * sweep_.tile_groups());
    const std::int64_t grain = std::max<std::int64_t>(1, kWorthATask / elements);
    parallel_ranges(threads_, sweep_.tiles(), grain,
                    [&](std::int64_t begin, std::int64_t end, int thread) {
                      for (std::int64_t i = begin; i < end; ++i) {
                        handle(sweep_.tile(i), thread, done,
                               [&](const GroupTile& tile, const PowerTrial<A>* trials) {
                                 sweep_.pass(tile, trials, 0, thread, thread);
                                 for (std::int64_t k = 0; k < tile.groups; ++k) {
                                   sweep_.finish(trials[k], k, thread, 1, thread);
                                 }
                               });
                      }
                    });
  }

  A scale_of(std::int64_t group) const {
    return reinterpret_cast<const A*>(work_.scale.data)[group];
  }
  const A* exponents() const { return exponent_list_; }
  const A* ratios() const { return ratio_list_; }

 private:
  // Candidates of the largest grid for a use, 0 without one.
  std::int64_t largest_grid(Use use) const {
    const std::int64_t fine = refines_ && fine_use_ == use ? math::kFineSteps : 0;
    return std::max(use_ == use ? batch_ : 0, fine);
  }

  std::int64_t batches() const { return (exponents_ + batch_ - 1) / batch_; }
  std::int64_t batch_length(std::int64_t i) const {
    return std::min(batch_, exponents_ - i * batch_);
  }
  std::int64_t handlers() const { return sweep_.parts() > 1 ? 1 : threads_; }

  void carve(Carver& carver) {
    exponent_list_ = carver.take<A>(exponents_);
    ratio_list_ = carver.take<A>(ratios_);
    for (std::int64_t i = 0; i < batches(); ++i) {
      grids_[i].carve(carver, use_, batch_length(i), work_.largest);
    }
    sweep_.carve(carver, sweep_.parts() > 1 ? sweep_.parts() : threads_, threads_);
    const std::int64_t groups = handlers() * sweep_.tile_groups();
    errors_ = carver.take<double>(groups * ratios_ * exponents_);
    if (!refines_) return;
    fine_errors_ = carver.take<double>(groups * math::kFineSteps);
    fine_ = carver.take<PowerGrid<A>>(groups);
    for (std::int64_t i = 0; i < groups; ++i) {
      PowerGrid<A> grid;
      grid.carve(carver, fine_use_, math::kFineSteps, work_.largest);
      if (errors_ != nullptr) new (fine_ + i) PowerGrid<A>(grid);
    }
  }

  template <class Done, class Evaluate>
  void handle(const GroupTile& tile, int handler, const Done& done,
              const Evaluate& evaluate) const {
    const std::int64_t room = handler * sweep_.tile_groups();
    const std::int64_t size = ratios_ * exponents_;
    double* errors = errors_ + room * size;
    PowerTrial<A> trials[Sweep::kMostTileGroups];
    for (std::int64_t c = 0; c < ratios_; ++c) {
      for (std::int64_t i = 0; i < batches(); ++i) {
        for (std::int64_t k = 0; k < tile.groups; ++k) {
          trials[k] = {&grids_[i], math::times(scale_of(tile.first + k), ratio_list_[c]),
                       errors + k * size + c * exponents_ + i * batch_};
        }
        evaluate(tile, trials);
      }
    }
    // Exponents [kFineSteps] and a scale for each group; gives the errors of group k.
    const auto refine = [&](const A(*exponents)[math::kFineSteps], const A* scales) {
      for (std::int64_t k = 0; k < tile.groups; ++k) {
        fine_[room + k].build(exponents[k], math::kFineSteps, work_.largest);
        trials[k] = {&fine_[room + k], scales[k], fine_errors_ + (room + k) * math::kFineSteps};
      }
      evaluate(tile, trials);
      return fine_errors_ + room * math::kFineSteps;
    };
    done(tile, errors, size, refine);
  }

  const typename Sweep::Work work_;
  lsm_context_s& context_;
  const std::int64_t exponents_, ratios_;
  const bool refines_;
  const Use use_, fine_use_;
  const std::int64_t batch_;  // exponents of a grid
  Sweep sweep_;
  int threads_ = 1;
  A* exponent_list_ = nullptr;
  A* ratio_list_ = nullptr;
  std::array<PowerGrid<A>, kMostBatches> grids_;
  double* errors_ = nullptr;       // [handlers, tile groups, ratios, exponents]
  double* fine_errors_ = nullptr;  // [handlers, tile groups, kFineSteps]
  PowerGrid<A>* fine_ = nullptr;   // [handlers, tile groups]
};

template <class A, class Call>
typename PowerSweep<A>::Work work_of(const Call& call) {
  const int largest = power_largest(call.options.power.bits, call.options.power.range);
  return {call.w, call.scale, call.shift, call.options, call.groups, largest};
}

template <class A>
void all_errors(const PowerErrorsCall& call, lsm_context_s& context) {
  const std::int64_t g = call.exponents.shape[0];
  const std::int64_t c = call.ratios.present() ? call.ratios.shape[0] : 1;
  PowerCandidates<A> candidates(work_of<A>(call), g, c, false, context);
  candidates.prepare([&](A* exponents, A* ratios) {
    std::copy_n(reinterpret_cast<const A*>(call.exponents.data), g, exponents);
    ratios[0] = 1;
    if (call.ratios.present()) std::copy_n(reinterpret_cast<const A*>(call.ratios.data), c, ratios);
  });
  double* out = reinterpret_cast<double*>(call.errors.data);
  candidates.run([&](const GroupTile& tile, const double* errors, std::int64_t size, const auto&) {
    std::copy_n(errors, tile.groups * size, out + tile.first * size);
  });
}

// The search within one tile of groups.
template <class A>
class TileSearch {
 public:
  TileSearch(const PowerSearchCall& call, const PowerCandidates<A>& candidates,
             const GroupTile& tile)
      : call_(call), options_(call.options), candidates_(candidates), tile_(tile) {}

  void choose(const double* errors, std::int64_t size) {
    for (std::int64_t k = 0; k < tile_.groups; ++k) {
      const double* own = errors + k * size;
      best_[k] = {candidates_.exponents()[0], candidates_.ratios()[0], own[0]};
      for (std::int64_t a = 0; a < options_.steps; ++a) {
        for (std::int64_t c = 0; c < options_.clips; ++c) {
          best_[k].offer(candidates_.exponents()[a], candidates_.ratios()[c],
                         own[c * options_.steps + a]);
        }
      }
    }
  }

  template <class Refine>
  void refine(const Refine& evaluate) {
    double cell = math::first_cell(options_);
    for (int step = 0; step < options_.refinements; ++step, cell /= 4) {
      A exponents[PowerSweep<A>::kMostTileGroups][math::kFineSteps];
      A scales[PowerSweep<A>::kMostTileGroups];
      for (std::int64_t k = 0; k < tile_.groups; ++k) {
        scales[k] = scale(k);
        for (int i = 0; i < math::kFineSteps; ++i) {
          exponents[k][i] = static_cast<A>(
              math::fine_exponent(options_, static_cast<double>(best_[k].exponent), cell, i));
        }
      }
      const double* errors = evaluate(exponents, scales);
      for (std::int64_t k = 0; k < tile_.groups; ++k) {
        for (int i = 0; i < math::kFineSteps; ++i) {
          best_[k].offer(exponents[k][i], best_[k].ratio, errors[k * math::kFineSteps + i]);
        }
      }
    }
  }

  void store() const {
    for (std::int64_t k = 0; k < tile_.groups; ++k) {
      const std::int64_t group = tile_.first + k;
      const A whole = candidates_.scale_of(group);
      A exponent = best_[k].exponent;
      A scaled = scale(k);
      if (std::isnan(best_[k].error)) {
        exponent = std::numeric_limits<A>::quiet_NaN();
        scaled = whole;
      } else if (whole == 0) {
        exponent = 1;
      }
      reinterpret_cast<A*>(call_.exponent.data)[group] = exponent;
      if (call_.best_scale.present()) reinterpret_cast<A*>(call_.best_scale.data)[group] = scaled;
      if (call_.error.present()) {
        reinterpret_cast<double*>(call_.error.data)[group] = best_[k].error;
      }
    }
  }

 private:
  A scale(std::int64_t k) const {
    return math::times(candidates_.scale_of(tile_.first + k), best_[k].ratio);
  }

  const PowerSearchCall& call_;
  const lsm_power_search_options& options_;
  const PowerCandidates<A>& candidates_;
  const GroupTile tile_;
  math::PowerChoice<A> best_[PowerSweep<A>::kMostTileGroups];
};

template <class A>
void search(const PowerSearchCall& call, lsm_context_s& context) {
  const lsm_power_search_options& o = call.options;
  PowerCandidates<A> candidates(work_of<A>(call), o.steps, o.clips, true, context);
  candidates.prepare([&](A* exponents, A* ratios) {
    for (int i = 0; i < o.steps; ++i) exponents[i] = static_cast<A>(math::first_exponent(o, i));
    for (int i = 0; i < o.clips; ++i) ratios[i] = static_cast<A>(math::clip_ratio(o, i));
  });
  candidates.run(
      [&](const GroupTile& tile, const double* errors, std::int64_t size, const auto& evaluate) {
        TileSearch<A> search(call, candidates, tile);
        search.choose(errors, size);
        search.refine(evaluate);
        search.store();
      });
}

}  // namespace

void run_power_errors(const PowerErrorsCall& call, lsm_context_s& context) {
  call.w.type == Type::f64 ? all_errors<double>(call, context) : all_errors<float>(call, context);
}

void run_power_search(const PowerSearchCall& call, lsm_context_s& context) {
  call.w.type == Type::f64 ? search<double>(call, context) : search<float>(call, context);
}

}  // namespace lossmith
