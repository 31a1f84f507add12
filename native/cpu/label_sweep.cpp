#include <cmath>
#include <cstring>
#include <type_traits>

#include "cpu/label_state.h"
#include "cpu/parallel.h"
#include "cpu/update.h"

namespace lossmith {
namespace {

constexpr double kLowestMax = -3.0e38;

struct Tile {
  std::int64_t lane, row, column, rows, columns;
  int thread;
};

// A running log-sum-exp; `max` of an empty one is kLowestMax.
void add_exponentials(RowSums& to, double max, double sum) {
  if (max <= to.max) {
    to.sum += sum * std::exp(max - to.max);
  } else {
    to.sum = to.sum * std::exp(to.max - max) + sum;
    to.max = max;
  }
}

constexpr RowSums kNoSums = {kLowestMax, 0, -kLowestMax, 0, 0, 0, 0};

template <class A>
struct Sweep {
  LabelState<A>& s;
  std::int64_t begin, end;  // rows of the group

  std::int64_t rows() const { return end - begin; }
  RowSums* sums(std::int64_t lane) const { return s.sums + lane * s.group_rows; }

  // body(tile) for every tile of a lane: columns outside, pieces of rows inside; labels(tile) once
  // for each tile of columns before, and after(tile) behind.
  template <class Before, class Body, class After>
  void run(const Before& before, const Body& body, const After& after) const {
    parallel_tasks(s.threads, s.lanes, [&](std::int64_t lane, int thread) {
      const std::int64_t last = std::min((lane + 1) * s.tiles_per_lane, s.tiles);
      for (std::int64_t t = lane * s.tiles_per_lane; t < last; ++t) {
        Tile tile{lane,  0, t * s.tile_columns, 0, piece_length(s.columns, s.tile_columns, t),
                  thread};
        before(tile);
        for (tile.row = begin; tile.row < end; tile.row += kLabelRows) {
          tile.rows = std::min(kLabelRows, end - tile.row);
          body(tile);
        }
        after(tile);
      }
    });
  }

  // ---- products ------------------------------------------------------------------------

  A* labels_buffer(const Tile& t) const { return s.labels_of + t.thread * s.tile_columns * s.d; }

  void load_labels(const Tile& t) const {
    if (s.given() || s.labels_direct) return;
    load_rows(s.label_rows, t.column, t.column + t.columns, s.label_inverse, labels_buffer(t), s.d);
  }

  const A* labels(const Tile& t) const {
    return s.labels_direct ? s.call.labels.template row<const A>(t.column) : labels_buffer(t);
  }

  A* products(const Tile& t) const {
    const std::int64_t tile =
        s.stored ? t.column / s.tile_columns * s.group_pieces() + (t.row - begin) / kLabelRows
                 : t.thread;
    return s.products_of + tile * s.tile_rows() * s.tile_ld();
  }
  std::int64_t ld() const { return s.tile_ld(); }

  void load_given(const Tile& t) const {
    const std::int64_t* index = s.entries.column_index();
    dispatch_floating(s.call.x.type, [&](auto tag) {
      using X = decltype(tag);
      for (std::int64_t i = 0; i < t.rows; ++i) {
        const X* from = s.call.x.template row<const X>(t.row + i);
        A* to = products(t) + i * ld();
        for (std::int64_t j = 0; j < t.columns; ++j) {
          to[j] = Convert<A>::from(from[index != nullptr ? index[t.column + j] : t.column + j]);
        }
      }
    });
  }

  void multiply(const Tile& t) const {
    if (s.given()) return load_given(t);
    s.product.run(t.thread, s.scratch.of(t.thread), t.rows, t.columns, s.d, false,
                  s.x + t.row * s.ldx, labels(t), products(t));
  }

  LabelScores<A> scores(const Tile& t) const {
    return {products(t),
            ld(),
            t.rows,
            t.columns,
            static_cast<A>(s.scale),
            static_cast<A>(s.call.options.softcap),
            s.bias != nullptr ? s.bias + t.column : nullptr};
  }

  // visit(entry, row of the tile, product) for the entries inside the tile.
  template <class Visit>
  void for_entries(const Tile& t, const Visit& visit) const {
    for (std::int64_t i = 0; i < t.rows; ++i) {
      const LabelRow& row = s.entries.row(t.row + i);
      for (LabelEntry* e = row.from(t.column); e != row.end() && e->column < t.column + t.columns;
           ++e) {
        visit(*e, i, products(t)[i * ld() + (e->column - t.column)]);
      }
    }
  }

  // Takes entries out of the sums: the ignored ones, and positives that compete with negatives only.
  void take_out(const Tile& t) const {
    const bool positives = s.call.excludes_positives();
    for_entries(t, [&](const LabelEntry& e, std::int64_t, A& product) {
      if (e.ignored || positives) product = label_taken_out<A>();
    });
  }

  // ---- soft targets ---------------------------------------------------------------------

  A* targets(const Tile& t) const {
    return s.targets_of + t.thread * s.tile_rows() * s.tile_columns;
  }

  // q_ij w_j with smoothing, 0 where the label is ignored.
  void load_targets(const Tile& t) const {
    const lsm_label_options& o = s.call.options;
    const std::int64_t* index = s.entries.column_index();
    dispatch_floating(s.call.soft_target.type, [&](auto tag) {
      using Q = decltype(tag);
      for (std::int64_t i = 0; i < t.rows; ++i) {
        const Q* from = s.call.soft_target.template row<const Q>(t.row + i);
        const double even =
            o.label_smoothing / static_cast<double>(s.entries.row(t.row + i).labels);
        A* to = targets(t) + i * t.columns;
        for (std::int64_t j = 0; j < t.columns; ++j) {
          const std::int64_t column = t.column + j;
          const double q = Convert<double>::from(from[index != nullptr ? index[column] : column]);
          const double w =
              s.class_weight != nullptr ? static_cast<double>(s.class_weight[column]) : 1.0;
          to[j] = static_cast<A>(((1 - o.label_smoothing) * q + even) * w);
        }
      }
    });
    for_entries(t, [&](const LabelEntry& e, std::int64_t i, A&) {
      if (e.ignored) targets(t)[i * t.columns + (e.column - t.column)] = 0;
    });
  }

  // ---- sums -----------------------------------------------------------------------------

  A* results(const Tile& t, std::int64_t which) const {
    return s.columns_of + (t.thread * 7 + which) * s.tile_rows();
  }

  void first_sums(const Tile& t) const {
    multiply(t);
    const LabelScores<A> tile_scores = scores(t);
    for_entries(t, [&](LabelEntry& e, std::int64_t i, A& product) {
      e.product = static_cast<double>(product);
      e.score = static_cast<double>(label_score(tile_scores, i, e.column - t.column));
    });
    take_out(t);
    const bool exponentials = !s.call.is_loss(LSM_BCE);
    LabelSums<A> sums_tile{};
    sums_tile.scores = tile_scores;
    sums_tile.alpha = s.top_k() ? static_cast<A>(s.call.options.alpha) : A(1);
    if (exponentials) {
      sums_tile.max = results(t, 0);
      sums_tile.sum = results(t, 1);
    } else {
      sums_tile.softplus = results(t, 3);
    }
    if (s.top_k()) sums_tile.min = results(t, 2);
    if (s.call.options.label_smoothing > 0 && s.call.target.present()) {
      sums_tile.uniform = results(t, 4);
      sums_tile.column_weight = s.class_weight != nullptr ? s.class_weight + t.column : nullptr;
    }
    if (s.soft()) {
      load_targets(t);
      sums_tile.targets = targets(t);
      sums_tile.targets_ld = t.columns;
      sums_tile.target_sum = results(t, 5);
    }
    label_sums(sums_tile);
    RowSums* out = sums(t.lane) + (t.row - begin);
    for (std::int64_t i = 0; i < t.rows; ++i) {
      RowSums& row = out[i];
      if (exponentials) add_exponentials(row, sums_tile.max[i], sums_tile.sum[i]);
      if (sums_tile.min != nullptr) {
        row.min = std::min(row.min, static_cast<double>(sums_tile.min[i]));
      }
      if (sums_tile.softplus != nullptr) row.softplus += sums_tile.softplus[i];
      if (sums_tile.uniform != nullptr) row.uniform += sums_tile.uniform[i];
      if (sums_tile.targets == nullptr) continue;
      row.target_sum += sums_tile.target_sum[i];
      for (std::int64_t j = 0; j < t.columns; ++j) {
        row.target += static_cast<double>(sums_tile.targets[i * t.columns + j]);
      }
    }
  }

  // The same for all pieces of rows of this sweep, at the columns of a tile.
  void first_sums_of_rows(Tile t) const {
    for (t.row = begin; t.row < end; t.row += kLabelRows) {
      t.rows = std::min(kLabelRows, end - t.row);
      first_sums(t);
    }
  }

  bool any(const Tile& t, LabelLook look) const {
    return std::memchr(s.look + t.row, static_cast<int>(look), static_cast<std::size_t>(t.rows)) !=
           nullptr;
  }

  void near_by(const Tile& t) const {
    const std::int64_t first = t.lane * s.group_rows + (t.row - begin);
    LabelNear<A> tile{scores(t),      static_cast<A>(s.call.options.alpha),
                      s.hi + t.row,   s.lo + t.row,
                      s.look + t.row, s.near_by + first * kNearLabels,
                      kNearLabels,    s.near_count + first,
                      results(t, 0),  results(t, 1),
                      results(t, 2)};
    if constexpr (std::is_same<A, float>::value) label_near(tile);
    for (std::int64_t i = 0; i < t.rows; ++i) {
      if (s.look[t.row + i] != LabelLook::near_by) continue;
      RowSums& to = s.sums[first + i];
      to.softplus += tile.first[i];
      to.uniform += tile.second[i];
      to.target_sum += tile.third[i];
    }
  }

  void top_k_sums(const Tile& t) const {
    const bool sums_asked = any(t, LabelLook::sums);
    const bool near_asked = any(t, LabelLook::near_by);
    if (!s.stored && (sums_asked || near_asked)) {
      multiply(t);
      take_out(t);
    }
    if (near_asked) near_by(t);
    if (!sums_asked) return;
    LabelTopK<A> tile{scores(t),      static_cast<A>(s.call.options.alpha),
                      s.hi + t.row,   s.lo + t.row,
                      s.look + t.row, results(t, 0),
                      results(t, 1),  results(t, 2),
                      results(t, 3)};
    label_top_k(tile);
    RowSums* out = sums(t.lane) + (t.row - begin);
    for (std::int64_t i = 0; i < t.rows; ++i) {
      if (s.look[t.row + i] != LabelLook::sums) continue;
      out[i].uniform += tile.above[i];
      out[i].softplus += tile.surplus[i];
      add_exponentials(out[i], -static_cast<double>(tile.least[i]), tile.slope[i]);
    }
  }

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
void sweep_sums(LabelState<A>& s, std::int64_t begin, std::int64_t end) {
  std::fill_n(s.sums, s.lanes * s.group_rows, kNoSums);
  const Sweep<A> sweep{s, begin, end};
  sweep.run([&](const Tile& t) { sweep.load_labels(t); },
            [&](const Tile& t) { sweep.first_sums(t); }, [](const Tile&) {});
}

template <class A>
void sweep_top_k(LabelState<A>& s, std::int64_t begin, std::int64_t end) {
  for (std::int64_t lane = 0; lane < s.lanes; ++lane) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (s.look[i] == LabelLook::none) continue;
      const std::int64_t at = lane * s.group_rows + (i - begin);
      s.sums[at] = kNoSums;
      if (s.near_count != nullptr) s.near_count[at] = 0;
    }
  }
  const Sweep<A> sweep{s, begin, end};
  sweep.run(
      [&](const Tile& t) {
        if (!s.stored) sweep.load_labels(t);
      },
      [&](const Tile& t) { sweep.top_k_sums(t); }, [](const Tile&) {});
}

template <class A>
void set_slope(LabelState<A>& s, std::int64_t i, double slope) {
  for (std::int64_t lane = 0; lane < s.lanes; ++lane) s.sums[lane * s.group_rows + i] = kNoSums;
  s.sums[i].max = 0;
  s.sums[i].sum = slope;
}

template <class A>
void sweep_gradients(LabelState<A>& s, std::int64_t begin, std::int64_t end,
                     std::int64_t next_end) {
  if (s.grad_x_lanes != nullptr && s.call.options.filter > 0) {
    std::fill_n(s.grad_x_lanes, s.lanes * s.group_rows * s.d, A(0));
  }
  // The coefficients of a tile are used up: its memory takes the products of the next group, whose
  // labels lie in the cache.
  std::fill_n(s.sums, s.lanes * s.group_rows, kNoSums);
  const Sweep<A> next{s, end, next_end};
  const Sweep<A> sweep{s, begin, end};
  sweep.run([&](const Tile& t) { sweep.prepare_gradients(t); },
            [&](const Tile& t) {
              sweep.coefficients(t);
              sweep.gradient_products(t);
            },
            [&](const Tile& t) {
              sweep.finish_labels(t);
              next.first_sums_of_rows(t);
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
  const Sweep<A> sweep{s, 0, 0};
  sweep.run(
      [&](const Tile& t) {
        std::fill_n(sweep.gradient(t), t.columns * s.d, A(0));
        sweep.step_labels(t, sweep.gradient(t));
      },
      [](const Tile&) {}, [](const Tile&) {});
}

template <class A>
RowSums merged_sums(const LabelState<A>& s, std::int64_t i) {
  RowSums total = kNoSums;
  for (std::int64_t lane = 0; lane < s.lanes; ++lane) {
    const RowSums& part = s.sums[lane * s.group_rows + i];
    add_exponentials(total, part.max, part.sum);
    total.min = std::min(total.min, part.min);
    total.softplus += part.softplus;
    total.uniform += part.uniform;
    total.target_sum += part.target_sum;
    total.target += part.target;
  }
  return total;
}

#define LSM_INSTANTIATE(A)                                                                 \
  template void sweep_sums(LabelState<A>&, std::int64_t, std::int64_t);                    \
  template void sweep_top_k(LabelState<A>&, std::int64_t, std::int64_t);                   \
  template void set_slope(LabelState<A>&, std::int64_t, double);                           \
  template void sweep_gradients(LabelState<A>&, std::int64_t, std::int64_t, std::int64_t); \
  template void step_without_rows(LabelState<A>&);                                         \
  template RowSums merged_sums(const LabelState<A>&, std::int64_t);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace lossmith
