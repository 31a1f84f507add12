// A walk over the tiles of a group of rows, and what every look at a tile needs: products, scores,
// entries, soft targets. Used by label_sums.cpp and label_gradients.cpp.
#ifndef LOSSMITH_CPU_LABEL_SWEEP_H_
#define LOSSMITH_CPU_LABEL_SWEEP_H_

#include <algorithm>
#include <cstdint>

#include "cpu/label_state.h"
#include "cpu/parallel.h"

namespace lossmith {

// A tile: columns from `column` on, rows from `row` on, worked on by `thread`.
struct LabelPlace {
  std::int64_t lane, row, column, rows, columns;
  int thread;
};

// The sums of no columns.
constexpr double kLowestMax = -3.0e38;
constexpr RowSums kNoSums = {kLowestMax, 0, -kLowestMax, 0, 0, 0, 0};

template <class A>
struct LabelSweep {
  LabelState<A>& s;
  std::int64_t begin, end;  // rows of the group

  std::int64_t rows() const { return end - begin; }
  RowSums* sums(std::int64_t lane) const { return s.sums + lane * s.group_rows; }

  // body(tile) for every tile of a lane: columns outside, pieces of rows inside; before(tile) once for
  // each tile of columns, and after(tile) behind.
  template <class Before, class Body, class After>
  void run(const Before& before, const Body& body, const After& after) const {
    parallel_tasks(s.threads, s.lanes, [&](std::int64_t lane, int thread) {
      const std::int64_t last = std::min((lane + 1) * s.tiles_per_lane, s.tiles);
      for (std::int64_t t = lane * s.tiles_per_lane; t < last; ++t) {
        LabelPlace tile{lane,  0, t * s.tile_columns, 0, piece_length(s.columns, s.tile_columns, t),
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

  A* labels_buffer(const LabelPlace& t) const {
    return s.labels_of + t.thread * s.tile_columns * s.d;
  }

  void load_labels(const LabelPlace& t) const {
    if (s.given() || s.labels_direct) return;
    load_rows(s.label_rows, t.column, t.column + t.columns, s.label_inverse, labels_buffer(t), s.d);
  }

  const A* labels(const LabelPlace& t) const {
    return s.labels_direct ? s.call.labels.template row<const A>(t.column) : labels_buffer(t);
  }

  A* products(const LabelPlace& t) const {
    const std::int64_t tile =
        s.stored ? t.column / s.tile_columns * s.group_pieces() + (t.row - begin) / kLabelRows
                 : t.thread;
    return s.products_of + tile * s.tile_rows() * s.tile_ld();
  }
  std::int64_t ld() const { return s.tile_ld(); }

  void load_given(const LabelPlace& t) const {
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

  void multiply(const LabelPlace& t) const {
    if (s.given()) return load_given(t);
    s.product.run(t.thread, s.scratch.of(t.thread), t.rows, t.columns, s.d, false,
                  s.x + t.row * s.ldx, labels(t), products(t));
  }

  LabelScores<A> scores(const LabelPlace& t) const {
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
  void for_entries(const LabelPlace& t, const Visit& visit) const {
    for (std::int64_t i = 0; i < t.rows; ++i) {
      const LabelRow& row = s.entries.row(t.row + i);
      for (LabelEntry* e = row.from(t.column); e != row.end() && e->column < t.column + t.columns;
           ++e) {
        visit(*e, i, products(t)[i * ld() + (e->column - t.column)]);
      }
    }
  }

  // Takes entries out of the sums: the ignored ones, and positives that compete with negatives only.
  void take_out(const LabelPlace& t) const {
    const bool positives = s.call.excludes_positives();
    for_entries(t, [&](const LabelEntry& e, std::int64_t, A& product) {
      if (e.ignored || positives) product = label_taken_out<A>();
    });
  }

  // ---- soft targets ---------------------------------------------------------------------

  A* targets(const LabelPlace& t) const {
    return s.targets_of + t.thread * s.tile_rows() * s.tile_columns;
  }

  // q_ij w_j with smoothing, 0 where the label is ignored.
  void load_targets(const LabelPlace& t) const {
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
};

// Products and sums of all pieces of rows of `sweep` at the columns of `place` (label_sums.cpp).
template <class A>
void first_sums_of_rows(const LabelSweep<A>& sweep, LabelPlace place);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_LABEL_SWEEP_H_
