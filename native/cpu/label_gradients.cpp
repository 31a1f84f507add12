// Coefficients of the tiles of a group of rows, and the gradients made of them.
#include <algorithm>
#include <type_traits>

#include "cpu/label_sweep.h"
#include "cpu/update.h"

namespace lossmith {
namespace {

using Tile = LabelPlace;

template <class A>
struct GradientSweep : LabelSweep<A> {
  using LabelSweep<A>::s;
  using LabelSweep<A>::begin;
  using LabelSweep<A>::ld;
  using LabelSweep<A>::load_labels;
  using LabelSweep<A>::labels;
  using LabelSweep<A>::products;
  using LabelSweep<A>::multiply;
  using LabelSweep<A>::scores;
  using LabelSweep<A>::targets;
  using LabelSweep<A>::load_targets;
  using LabelSweep<A>::for_entries;

  // ---- gradients ------------------------------------------------------------------------

  A* gradient(const Tile& t) const {
    return s.gradient_direct ? s.call.grad_labels.template row<A>(t.column)
                             : s.gradients_of + t.thread * s.tile_columns * s.d;
  }

  void coefficients(const Tile& t) const {
    if (!s.stored) multiply(t);
    // Entries are written once, from f64; the dense kernel must not see them.
    for_entries(
        t, [&](const LabelEntry&, std::int64_t, A& product) { product = label_taken_out<A>(); });
    LabelCoefficients<A> tile{};
    tile.scores = scores(t);
    tile.dense = s.dense();
    tile.alpha = static_cast<A>(s.call.options.alpha);
    tile.factor = s.factor + t.row;
    tile.hi = s.hi + t.row;
    tile.lo = s.lo + t.row;
    tile.least = s.least + t.row;
    if (s.call.options.label_smoothing > 0 && s.call.target.present()) {
      tile.uniform = s.uniform + t.row;
      tile.column_weight = s.class_weight != nullptr ? s.class_weight + t.column : nullptr;
    }
    if (s.soft()) {
      load_targets(t);
      tile.targets = targets(t);
      tile.targets_ld = t.columns;
      tile.target = s.target + t.row;
    }
    label_coefficients(tile);
    double scale_gradient = tile.scale_gradient;
    for_entries(t, [&](const LabelEntry& e, std::int64_t, A& product) {
      product = static_cast<A>(e.ignored ? 0.0 : e.gradient);
      if (!e.ignored) scale_gradient += e.gradient * e.product;
    });
    s.scale_gradient[t.lane * pieces(s.n, kLabelRows) + t.row / kLabelRows] += scale_gradient;
    if (s.bias_gradient == nullptr) return;
    for (std::int64_t i = 0; i < t.rows; ++i) {
      const A* row = products(t) + i * ld();
      for (std::int64_t j = 0; j < t.columns; ++j) {
        s.bias_gradient[t.column + j] += static_cast<double>(row[j]);
      }
    }
  }

  // Whether every coefficient of the tile is small enough to be taken for zero.
  bool filtered(const Tile& t) const {
    const double filter = s.call.options.filter;
    if (filter <= 0) return false;
    const double bound = filter * s.scale / s.rows_that_count;
    return label_largest(products(t), ld(), t.rows, t.columns) <= static_cast<A>(bound);
  }

  void store_given_gradient(const Tile& t) const {
    if (!s.call.grad_x.present()) return;
    const std::int64_t* index = s.entries.column_index();
    dispatch_floating(s.call.grad_x.type, [&](auto tag) {
      using G = decltype(tag);
      for (std::int64_t i = 0; i < t.rows; ++i) {
        G* to = s.call.grad_x.template row<G>(t.row + i);
        const A* from = products(t) + i * ld();
        for (std::int64_t j = 0; j < t.columns; ++j) {
          to[index != nullptr ? index[t.column + j] : t.column + j] = Convert<G>::from(from[j]);
        }
      }
    });
  }

  void gradient_products(const Tile& t) const {
    if (s.given()) return store_given_gradient(t);
    // With a filter, tiles may be passed over: sums start from zeros.
    const bool fresh = s.call.options.filter <= 0;
    if (filtered(t)) return;
    void* scratch = s.scratch.of(t.thread);
    if (s.grad_x_lanes != nullptr) {
      const bool first = fresh && t.column == t.lane * s.tiles_per_lane * s.tile_columns;
      s.x_gradient.run(t.thread, scratch, t.rows, s.d, t.columns, !first, products(t), labels(t),
                       s.grad_x_lanes + (t.lane * s.group_rows + (t.row - begin)) * s.d);
    }
    if (s.call.wants_label_gradient()) {
      s.label_gradient.run(t.thread, scratch, t.columns, s.d, t.rows, !(fresh && t.row == 0),
                           products(t), s.x + t.row * s.ldx, gradient(t));
    }
  }

  void prepare_gradients(const Tile& t) const {
    load_labels(t);
    if (s.call.options.filter <= 0 || !s.call.wants_label_gradient() || begin > 0) return;
    const std::int64_t stride = s.gradient_direct ? s.call.grad_labels.strides[0] : s.d;
    for (std::int64_t j = 0; j < t.columns; ++j) {
      std::fill_n(gradient(t) + j * stride, s.d, A(0));
    }
  }

  // A step of the tile's labels by their gradient, [columns, d].
  void step_labels(const Tile& t, const A* step) const {
    const std::int64_t last = t.column + t.columns;
    if (s.label_inverse != nullptr) {
      A* through = s.stepped_of + t.thread * s.tile_columns * s.d;
      gradient_rows(s.label_rows, s.label_inverse, t.column, last, step, s.d, through);
      step = through;
    }
    GradientRows rows;
    rows.data = step;
    rows.type = std::is_same<A, double>::value ? Type::f64 : Type::f32;
    rows.ld = s.d;
    rows.count = t.columns;
    rows.begin = t.column;
    const std::int64_t* index = s.entries.column_index();
    rows.row_ids = index != nullptr ? index + t.column : nullptr;
    update_rows(s.call.update, rows);
  }

  // The labels' gradient of a tile is complete: all rows are in this group.
  void finish_labels(const Tile& t) const {
    if (s.gradient_direct || !s.call.wants_label_gradient()) return;
    const std::int64_t last = t.column + t.columns;
    if (s.call.grad_labels.present()) {
      store_gradient_rows(s.call.grad_labels, s.label_rows, s.label_inverse, t.column, last,
                          gradient(t), s.d);
      return;
    }
    step_labels(t, gradient(t));
  }
};

}  // namespace

template <class A>
void sweep_gradients(LabelState<A>& s, std::int64_t begin, std::int64_t end,
                     std::int64_t next_end) {
  if (s.grad_x_lanes != nullptr && s.call.options.filter > 0) {
    std::fill_n(s.grad_x_lanes, s.lanes * s.group_rows * s.d, A(0));
  }
  // The coefficients of a tile are used up: its memory takes the products of the next group, whose
  // labels lie in the cache.
  std::fill_n(s.sums, s.lanes * s.group_rows, kNoSums);
  const LabelSweep<A> next{s, end, next_end};
  const GradientSweep<A> sweep{{s, begin, end}};
  sweep.run([&](const Tile& t) { sweep.prepare_gradients(t); },
            [&](const Tile& t) {
              sweep.coefficients(t);
              sweep.gradient_products(t);
            },
            [&](const Tile& t) {
              sweep.finish_labels(t);
              first_sums_of_rows(next, t);
            });
  if (s.grad_x_lanes == nullptr) return;
  parallel_ranges(s.threads, end - begin, 16, [&](std::int64_t from, std::int64_t to, int) {
    for (std::int64_t i = from; i < to; ++i) {
      A* out = s.grad_x_row + i * s.d;
      for (std::int64_t k = 0; k < s.d; ++k) {
        double sum = 0;
        for (std::int64_t lane = 0; lane < s.lanes; ++lane) {
          sum += static_cast<double>(s.grad_x_lanes[(lane * s.group_rows + i) * s.d + k]);
        }
        out[k] = static_cast<A>(sum);
      }
    }
    store_gradient_rows(s.call.grad_x, s.x_rows, s.x_inverse, begin + from, begin + to,
                        s.grad_x_row + from * s.d, s.d);
  });
}

template <class A>
void step_without_rows(LabelState<A>& s) {
  const GradientSweep<A> sweep{{s, 0, 0}};
  sweep.run(
      [&](const Tile& t) {
        std::fill_n(sweep.gradient(t), t.columns * s.d, A(0));
        sweep.step_labels(t, sweep.gradient(t));
      },
      [](const Tile&) {}, [](const Tile&) {});
}

#define LSM_INSTANTIATE(A)                                                                 \
  template void sweep_gradients(LabelState<A>&, std::int64_t, std::int64_t, std::int64_t); \
  template void step_without_rows(LabelState<A>&);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace lossmith
