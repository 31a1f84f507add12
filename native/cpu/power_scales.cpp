#include <algorithm>
#include <limits>
#include <type_traits>

#include "cpu/grouped.h"
#include "cpu/isa.h"
#include "cpu/parallel.h"
#include "cpu/power.h"
#include "cpu/stretches.h"

namespace lossmith {
namespace {

// The smallest and largest of a group; NaN wins.
template <class A>
struct Extremes {
  A low = std::numeric_limits<A>::infinity();
  A high = -std::numeric_limits<A>::infinity();

  void add(A other_low, A other_high) {
    if (other_low < low || other_low != other_low) low = other_low;
    if (other_high > high || other_high != other_high) high = other_high;
  }
  void add(const A* x, std::int64_t n) {
    if constexpr (std::is_same_v<A, float>) {
      kernels().elements->extremes(x, n, &low, &high);
    } else {
      for (std::int64_t i = 0; i < n; ++i) add(x[i], x[i]);
    }
  }
};

template <class A>
class ScalesRun {
 public:
  ScalesRun(const PowerScalesCall& call, lsm_context_s& context)
      : call_(call), g_(call.groups), context_(context) {}

  void run() {
    if (PeriodsOfGroups::suits(g_)) {
      run_periods(PeriodsOfGroups(g_));
    } else {
      run_runs(RunsOfGroups(g_));
    }
  }

 private:
  Extremes<A>* slots(std::int64_t count) const {
    Carver measure(nullptr);
    measure.take<Extremes<A>>(count);
    expect_budget(context_.workspace, measure.used());
    Carver carver(context_.workspace.block(measure.used()));
    return carver.take<Extremes<A>>(count);
  }

  void run_runs(const RunsOfGroups& cut) const {
    Extremes<A>* all = slots(cut.slots());
    parallel_tasks(context_.threads, cut.tasks(), [&](std::int64_t task, int) {
      A room[RunsOfGroups::kPart];
      cut.for_parts(task, [&](const Stretch& stretch, std::int64_t part) {
        const A* x = load_stretch(call_.w, g_, stretch, room);
        cut.for_runs(stretch, part, [&](const GroupRun& run) {
          Extremes<A> own;
          own.add(x + run.offset, run.length);
          all[run.slot] = own;
        });
      });
    });
    finish(cut, all);
  }

  void run_periods(const PeriodsOfGroups& cut) const {
    Extremes<A>* all = slots(cut.slots());
    parallel_tasks(context_.threads, cut.tasks(), [&](std::int64_t task, int) {
      A room[PeriodsOfGroups::kPart];
      A low[PeriodsOfGroups::kPart];
      A high[PeriodsOfGroups::kPart];
      const std::int64_t n = cut.columns(task);
      std::fill_n(low, n, Extremes<A>().low);
      std::fill_n(high, n, Extremes<A>().high);
      cut.for_rows(task, [&](const Stretch& stretch) {
        const A* x = load_stretch(call_.w, g_, stretch, room);
        if constexpr (std::is_same_v<A, float>) {
          kernels().elements->column_extremes(x, n, low, high);
        } else {
          for (std::int64_t i = 0; i < n; ++i) {
            Extremes<A> column{low[i], high[i]};
            column.add(x[i], x[i]);
            low[i] = column.low;
            high[i] = column.high;
          }
        }
      });
      Extremes<A>* to = all + cut.block_of(task) * cut.period() + cut.first_column(task);
      for (std::int64_t i = 0; i < n; ++i) to[i] = {low[i], high[i]};
    });
    finish(cut, all);
  }

  template <class Cut>
  void finish(const Cut& cut, const Extremes<A>* all) const {
    parallel_ranges(
        context_.threads, g_.count, 256, [&](std::int64_t begin, std::int64_t end, int) {
          for (std::int64_t group = begin; group < end; ++group) {
            Extremes<A> e;
            cut.for_slots(group, [&](std::int64_t slot) { e.add(all[slot].low, all[slot].high); });
            put(group, e);
          }
        });
  }

  void put(std::int64_t group, Extremes<A> e) const {
    if (e.low > e.high) e = {0, 0};  // no element
    A* scale = reinterpret_cast<A*>(call_.scale.data) + group;
    if (call_.shift.present()) {
      reinterpret_cast<A*>(call_.shift.data)[group] = e.low;
      *scale = e.high - e.low;
    } else if (call_.options.range == LSM_POWER_UNSIGNED) {
      *scale = e.high < 0 ? A{0} : e.high;
    } else {
      // A NaN is both extremes, and no comparison takes it away.
      *scale = -e.low > e.high ? -e.low : e.high;
    }
    if (*scale == 0) *scale = 0;  // no negative zero
  }

  const PowerScalesCall& call_;
  const Groups& g_;
  lsm_context_s& context_;
};

}  // namespace

void run_power_scales(const PowerScalesCall& call, lsm_context_s& context) {
  if (call.scale.type == Type::f64) {
    ScalesRun<double>(call, context).run();
  } else {
    ScalesRun<float>(call, context).run();
  }
}

}  // namespace lossmith
