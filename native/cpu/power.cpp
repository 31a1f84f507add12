// Every element is read and written once, in parts that stay in the first-level cache where types are
// converted or codes packed. Elements of one group side by side share registers with the group's
// parameters; where groups change every few elements each column has its own.
#include "cpu/power.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <type_traits>

#include "cpu/grouped.h"
#include "cpu/isa.h"
#include "cpu/parallel.h"
#include "cpu/power_tables.h"
#include "cpu/stretches.h"

namespace lossmith {
namespace {

// Outputs from this size on are written past the caches.
constexpr std::int64_t kStreamBytes = std::int64_t{8} << 20;

// Columns may be read as whole vectors, several abreast.
constexpr std::int64_t kPadding = 128;

template <class A>
const PowerKernels<A>& kernels_of() {
  if constexpr (std::is_same_v<A, double>) {
    return power_kernels_f64;
  } else {
    return *kernels().power;
  }
}

constexpr std::int64_t kRoom = std::max(RunsOfGroups::kPart, PeriodsOfGroups::kPart);

// What a thread works with.
template <class A>
struct Rooms {
  alignas(64) A x[kRoom];
  alignas(64) A upstream[kRoom];
  alignas(64) A out[kRoom];
  alignas(64) A grad[kRoom];
  alignas(64) std::uint8_t codes[kRoom];
};

template <class A>
class PowerRun {
 public:
  PowerRun(const PowerCall& call, lsm_context_s& context)
      : call_(call), g_(call.groups), context_(context), setup_(power_setup(call)), own_(call) {
    packs_ = call.codes.present() && call.options.packed != 0 &&
             call.options.bits <= math::kPowerThresholdBits;
    setup_.stream = streams(call.out);
    if (call.exponent_per_group()) return;
    shared_.build(setup_, static_cast<double>(own_.exponent(0)));
    levels_by_byte(call_, shared_, shared_levels_);
    if constexpr (std::is_same_v<A, float>) {
      const bool codes = is(PowerTask::quantize) || is(PowerTask::fake_quantize);
      // At 1 and 1/2 powers cost less than buckets.
      if (codes && setup_.steps() == 0 && shared_.exponent != 1 && shared_.exponent != 0.5 &&
          g_.elements() >= PowerBuckets::kElements &&
          shared_buckets_.build(setup_, shared_.exponent)) {
        buckets_ = &shared_buckets_;
      }
    }
  }

  void run() {
    // Where tables of levels begin is a 32-bit number.
    const bool many = call_.exponent_per_group() && g_.count > (std::int64_t{1} << 22);
    if (PeriodsOfGroups::suits(g_) && !many) {
      Periods(*this).run();
    } else {
      Runs(*this).run();
    }
  }

 private:
  struct Slot {
    double scale, exponent;
  };

  bool is(PowerTask task) const { return call_.task == task; }
  bool sums() const { return call_.grad_scale.present() || call_.grad_exponent.present(); }
  // Two outputs that both go past the caches get in each other's way, and where more is computed than
  // a comparison with thresholds, nothing waits for memory.
  bool streams(const View& v) const {
    const bool simple = is(PowerTask::dequantize) || setup_.steps() > 0;
    return simple && !call_.upstream.present() && v.present() && v.type == kTypeOf<A> &&
           v.elements() * bytes_of(v.type) >= kStreamBytes && v.data != call_.w.data;
  }

  void flush() const {
    if (setup_.stream) hwy::FlushStream();
  }

  // Lays the workspace out; `carve` takes pieces from a Carver.
  template <class Carve>
  void lay_out(const Carve& carve) const {
    Carver measure(nullptr);
    carve(measure);
    expect_budget(context_.workspace, measure.used());
    Carver carver(context_.workspace.block(measure.used()));
    carve(carver);
  }

  std::uint8_t* packed_address(const Stretch& s) const {
    const std::int64_t stride = g_.lines == 1 ? 0 : call_.codes.strides[0];
    return reinterpret_cast<std::uint8_t*>(call_.codes.data) + s.line * stride +
           s.begin * power_field_bits(call_.options.bits) / 8;
  }
  std::uint8_t* codes_at(const Stretch& s, Rooms<A>& rooms) const {
    if (!call_.codes.present()) return nullptr;
    if (packs_) return rooms.codes;
    if (call_.options.packed != 0) return packed_address(s);
    return reinterpret_cast<std::uint8_t*>(stretch_address(call_.codes, g_, s));
  }

  // The elements of a stretch and where its results go.
  PowerElements<A> take(const Stretch& s, Rooms<A>& rooms) const {
    PowerElements<A> e;
    e.n = s.length;
    if (call_.w.present()) e.x = load_stretch(call_.w, g_, s, rooms.x);
    if (call_.upstream.present()) {
      e.upstream = load_stretch(call_.upstream, g_, s, rooms.upstream);
    }
    e.out = target_stretch(call_.out, g_, s, rooms.out);
    e.grad = target_stretch(call_.grad_w, g_, s, rooms.grad);
    e.codes = codes_at(s, rooms);
    if (is(PowerTask::dequantize) && packs_) {
      kernels().elements->unpack(call_.options.bits, packed_address(s), rooms.codes, s.length);
    }
    return e;
  }
  void finish(const Stretch& s, const PowerElements<A>& e) const {
    store_stretch(call_.out, g_, s, e.out);
    store_stretch(call_.grad_w, g_, s, e.grad);
    if (packs_ && !is(PowerTask::dequantize)) {
      kernels().elements->pack(call_.options.bits, e.codes, packed_address(s), s.length);
    }
  }

  static PowerElements<A> part_of(const PowerElements<A>& e, std::int64_t offset, std::int64_t n) {
    const auto moved = [&](auto* p) { return p == nullptr ? p : p + offset; };
    return {moved(e.x), moved(e.upstream), moved(e.out), moved(e.grad), moved(e.codes), n};
  }

  // Sums of the slots of every group, and their sum where all groups share an exponent.
  template <class Cut>
  void add_slots(const Cut& cut, const Slot* slots, double* exponents) const {
    if (!sums()) return;
    parallel_ranges(context_.threads, g_.count, 256,
                    [&](std::int64_t begin, std::int64_t end, int) {
                      for (std::int64_t group = begin; group < end; ++group) {
                        Slot sum{0, 0};
                        cut.for_slots(group, [&](std::int64_t slot) {
                          sum.scale += slots[slot].scale;
                          sum.exponent += slots[slot].exponent;
                        });
                        if (call_.grad_scale.present()) put(call_.grad_scale, group, sum.scale);
                        exponents[group] = sum.exponent;
                      }
                    });
    if (!call_.grad_exponent.present()) return;
    if (call_.exponent_per_group() || g_.count == 1) {
      for (std::int64_t i = 0; i < g_.count; ++i) put(call_.grad_exponent, i, exponents[i]);
      return;
    }
    double total = 0;
    for (std::int64_t i = 0; i < g_.count; ++i) total += exponents[i];
    put(call_.grad_exponent, 0, total);
  }
  static void put(const View& v, std::int64_t i, double value) {
    reinterpret_cast<A*>(v.data)[i] = static_cast<A>(value);
  }

  // Groups whose elements lie side by side.
  class Runs {
   public:
    explicit Runs(const PowerRun& of) : of_(of), cut_(of.g_) {}

    void run() {
      of_.lay_out([&](Carver& carver) {
        slots_ = carver.take<Slot>(of_.sums() ? cut_.slots() : 0);
        exponents_ = carver.take<double>(of_.sums() ? of_.g_.count : 0);
      });
      parallel_tasks(of_.context_.threads, cut_.tasks(),
                     [&](std::int64_t task, int) { this->task(task); });
      of_.add_slots(cut_, slots_, exponents_);
    }

   private:
    // The parameters of the group that a thread is at.
    struct Current {
      PowerTable<A> table;
      PowerUniform<A> uniform;
      alignas(64) A levels[kPowerLevels];
      const A* by_byte = nullptr;
      std::int64_t group = -1;
    };

    void task(std::int64_t task) const {
      Rooms<A> rooms;
      Current current;
      cut_.for_parts(task, [&](const Stretch& stretch, std::int64_t part) {
        const PowerElements<A> e = of_.take(stretch, rooms);
        cut_.for_runs(stretch, part, [&](const GroupRun& run) {
          move_to(run.group, current);
          const PowerSums sums = of_run(current, part_of(e, run.offset, run.length));
          if (of_.sums()) slots_[run.slot] = {sums.scale, sums.exponent};
        });
        of_.finish(stretch, e);
      });
      of_.flush();
    }

    void move_to(std::int64_t group, Current& current) const {
      if (current.group == group) return;
      current.group = group;
      PowerUniform<A>& u = current.uniform;
      u.scale = of_.own_.scale(group);
      u.shift = of_.own_.shift(group);
      const A exponent = of_.own_.exponent(group);
      if (!of_.call_.exponent_per_group()) {
        u.table = &of_.shared_;
        u.buckets = of_.buckets_;
        current.by_byte = of_.shared_levels_;
      } else if (u.table == nullptr || u.exponent != exponent) {
        current.table.build(of_.setup_, static_cast<double>(exponent));
        u.table = &current.table;
        levels_by_byte(of_.call_, current.table, current.levels);
        current.by_byte = current.levels;
      }
      u.exponent = exponent;
      power_thresholds(of_.setup_, *u.table, u.scale, u.thresholds, 1);
    }

    PowerSums of_run(const Current& current, const PowerElements<A>& e) const {
      const PowerKernels<A>& k = kernels_of<A>();
      switch (of_.call_.task) {
        case PowerTask::dequantize:
          k.dequantize(current.uniform, current.by_byte, power_byte_entries(of_.call_.options),
                       e.codes, e.out, e.n, of_.setup_.stream);
          return {};
        case PowerTask::latents:
          k.latents(of_.setup_, current.uniform, e);
          return {};
        case PowerTask::staircase:
          return k.staircase(of_.setup_, current.uniform, e);
        default:
          if (e.upstream != nullptr) return k.gradients(of_.setup_, current.uniform, e);
          k.quantize(of_.setup_, current.uniform, e);
          return {};
      }
    }

    const PowerRun& of_;
    const RunsOfGroups cut_;
    Slot* slots_ = nullptr;
    double* exponents_ = nullptr;
  };

  // Groups that change every few elements.
  class Periods {
   public:
    explicit Periods(const PowerRun& of) : of_(of), cut_(of.g_) {}

    void run() {
      of_.lay_out([&](Carver& carver) { carve(carver); });
      fill_tables();
      parallel_ranges(of_.context_.threads, cut_.period() + kPadding, 1024,
                      [&](std::int64_t begin, std::int64_t end, int) { fill(begin, end); });
      parallel_tasks(of_.context_.threads, cut_.tasks(),
                     [&](std::int64_t task, int) { this->task(task); });
      of_.add_slots(cut_, slots_, exponents_);
    }

   private:
    static constexpr std::int64_t kRowsInWorkingPrecision = 64;

    bool own_tables() const { return of_.call_.exponent_per_group(); }
    // Entries of a table of levels: codes, or bytes that hold codes.
    std::int64_t entries() const {
      return of_.is(PowerTask::dequantize) ? kPowerLevels : of_.setup_.largest + 1;
    }

    void carve(Carver& carver) {
      const std::int64_t columns = cut_.period() + kPadding;
      scale_ = carver.take<A>(columns);
      shift_ = carver.take<A>(of_.call_.shift.present() ? columns : 0);
      exponent_ = carver.take<A>(columns);
      base_ = carver.take<std::int32_t>(columns);
      thresholds_ = carver.take<A>(of_.setup_.steps() * columns);
      const std::int64_t tables = own_tables() ? of_.g_.count * entries() : 0;
      levels_ = carver.take<A>(tables);
      logs_ = carver.take<A>(tables);
      exact_ = carver.take<A>(tables);
      slots_ = carver.take<Slot>(of_.sums() ? cut_.slots() : 0);
      exponents_ = carver.take<double>(of_.sums() ? of_.g_.count : 0);
    }

    void fill_tables() const {
      if (!own_tables()) return;
      parallel_ranges(of_.context_.threads, of_.g_.count, 16,
                      [&](std::int64_t begin, std::int64_t end, int) {
                        for (std::int64_t group = begin; group < end; ++group) fill_table(group);
                      });
    }
    void fill_table(std::int64_t group) const {
      PowerTable<A> table;
      table.build(of_.setup_, static_cast<double>(of_.own_.exponent(group)));
      const std::int64_t at = group * entries();
      if (of_.is(PowerTask::dequantize)) {
        levels_by_byte(of_.call_, table, levels_ + at);
        return;
      }
      std::copy_n(table.levels, entries(), levels_ + at);
      std::copy_n(table.logs, entries(), logs_ + at);
      std::copy_n(table.exact, entries(), exact_ + at);
    }

    void fill(std::int64_t begin, std::int64_t end) const {
      const std::int64_t ld = cut_.period() + kPadding;
      PowerTable<A> table;
      std::int64_t built = -1;
      for (std::int64_t column = begin; column < end; ++column) {
        // The padding repeats the last column.
        const std::int64_t group = cut_.group_of_column(std::min(column, cut_.period() - 1));
        scale_[column] = of_.own_.scale(group);
        if (of_.call_.shift.present()) shift_[column] = of_.own_.shift(group);
        exponent_[column] = of_.own_.exponent(group);
        base_[column] =
            own_tables() ? static_cast<std::int32_t>(group * entries()) : std::int32_t{0};
        if (of_.setup_.steps() == 0) continue;
        if (own_tables() && built != group) {
          table.build(of_.setup_, static_cast<double>(of_.own_.exponent(group)));
          built = group;
        }
        power_thresholds(of_.setup_, own_tables() ? table : of_.shared_, scale_[column],
                         thresholds_ + column, ld);
      }
    }

    PowerColumnwise<A> columns_from(std::int64_t first) const {
      PowerColumnwise<A> c;
      c.buckets = of_.buckets_;
      c.scale = scale_ + first;
      c.shift = of_.call_.shift.present() ? shift_ + first : nullptr;
      c.exponent = exponent_ + first;
      c.thresholds = thresholds_ + first;
      c.ld = cut_.period() + kPadding;
      const bool bytes = of_.is(PowerTask::dequantize);
      c.levels = own_tables() ? levels_ : bytes ? of_.shared_levels_ : of_.shared_.levels;
      c.logs = own_tables() ? logs_ : of_.shared_.logs;
      c.exact = own_tables() ? exact_ : of_.shared_.exact;
      c.base = base_ + first;
      return c;
    }

    void task(std::int64_t task) const {
      Rooms<A> rooms;
      ColumnTotals totals;
      const std::int64_t first = cut_.first_column(task);
      const PowerColumnwise<A> columns = columns_from(first);
      Slot* slots = of_.sums() ? slots_ + cut_.block_of(task) * cut_.period() + first : nullptr;
      std::int64_t rows = 0;
      totals.begin(slots, cut_.columns(task));
      cut_.for_rows(task, [&](const Stretch& stretch) {
        const PowerElements<A> e = of_.take(stretch, rooms);
        of_row(columns, e, totals.sums());
        of_.finish(stretch, e);
        if (++rows % kRowsInWorkingPrecision == 0) totals.flush();
      });
      totals.flush();
      of_.flush();
    }

    // Sums of a piece of columns: of some rows in the working precision, of all in f64.
    class ColumnTotals {
     public:
      void begin(Slot* to, std::int64_t n) {
        to_ = to;
        n_ = n;
        for (std::int64_t i = 0; to_ != nullptr && i < n_; ++i) to_[i] = {0, 0};
        clear();
      }
      PowerColumnSums<A> sums() { return {scale_, exponent_}; }
      void flush() {
        for (std::int64_t i = 0; to_ != nullptr && i < n_; ++i) {
          to_[i].scale += static_cast<double>(scale_[i]);
          to_[i].exponent += static_cast<double>(exponent_[i]);
        }
        clear();
      }

     private:
      void clear() {
        std::fill_n(scale_, n_ + kPadding, A{0});
        std::fill_n(exponent_, n_ + kPadding, A{0});
      }
      Slot* to_ = nullptr;
      std::int64_t n_ = 0;
      A scale_[PeriodsOfGroups::kPart + kPadding];
      A exponent_[PeriodsOfGroups::kPart + kPadding];
    };

    void of_row(const PowerColumnwise<A>& columns, const PowerElements<A>& e,
                const PowerColumnSums<A>& sums) const {
      const PowerKernels<A>& k = kernels_of<A>();
      switch (of_.call_.task) {
        case PowerTask::dequantize:
          return k.dequantize_columns(columns, e.codes, e.out, e.n, of_.setup_.stream);
        case PowerTask::latents:
          return k.latents_columns(of_.setup_, columns, e);
        case PowerTask::staircase:
          return k.staircase_columns(of_.setup_, columns, e, sums);
        default:
          if (e.upstream != nullptr) return k.gradients_columns(of_.setup_, columns, e, sums);
          return k.quantize_columns(of_.setup_, columns, e);
      }
    }

    const PowerRun& of_;
    const PeriodsOfGroups cut_;
    A *scale_ = nullptr, *shift_ = nullptr, *exponent_ = nullptr, *thresholds_ = nullptr;
    A *levels_ = nullptr, *logs_ = nullptr, *exact_ = nullptr;
    std::int32_t* base_ = nullptr;
    Slot* slots_ = nullptr;
    double* exponents_ = nullptr;
  };

  const PowerCall& call_;
  const Groups& g_;
  lsm_context_s& context_;
  PowerSetup setup_;
  const PowerParameters<A> own_;
  bool packs_ = false;
  PowerTable<A> shared_;                       // of the one exponent
  alignas(64) A shared_levels_[kPowerLevels];  // by byte
  PowerBuckets shared_buckets_;
  const PowerBuckets* buckets_ = nullptr;
};

}  // namespace

void run_power(const PowerCall& call, lsm_context_s& context) {
  if (call.wide()) {
    PowerRun<double>(call, context).run();
  } else {
    PowerRun<float>(call, context).run();
  }
}

}  // namespace lossmith
