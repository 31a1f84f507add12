// Retrieval on the CPU. A task has some rows and a lane of labels: it multiplies tile by tile and,
// while a tile lies in its cache, passes over every row of it (kernels/select.h). Tiles are cut the
// same way whatever the lanes are, and what ranks first does not depend on who looked where, so
// neither threads nor budget change a bit.
#include "cpu/top_k.h"

#include <limits>

#include "cpu/isa.h"
#include "cpu/operands.h"
#include "cpu/parallel.h"
#include "cpu/top_k_state.h"

namespace lossmith {
namespace {

std::int64_t select(SelectRow<float>& row) { return kernels().select->run(row); }
std::int64_t select(SelectRow<double>& row) { return select_f64(row); }

// Rows from `begin` on of a matrix.
RowSource rows_from(const View& view, std::int64_t begin) {
  RowSource source{view};
  source.view.data += begin * view.strides[0] * bytes_of(view.type);
  return source;
}

template <class T, class A>
class TopKRun {
 public:
  TopKRun(const TopKCall& call, lsm_context_s& context) : call_(call), s_(call, context) {}

  void run() {
    if (call_.n == 0) return;
    if (call_.l == 0) {
      for (std::int64_t i = 0; i < call_.n; ++i) write(i, nullptr, 0);
      return;
    }
    s_.prepare();
    sort_excluded();
    parallel_tasks(s_.threads, s_.row_tiles * s_.lanes, [&](std::int64_t task, int thread) {
      search(task / s_.lanes, task % s_.lanes, thread);
    });
    if (s_.lanes > 1) for_rows([&](std::int64_t i) { merge_lanes(i); });
    gemm_of(s_.context).expect_success();
  }

 private:
  using State = TopKState<T, A>;
  using Room = typename State::Room;

  template <class Body>
  void for_rows(const Body& body) const {
    parallel_ranges(s_.threads, call_.n, State::kTileRows,
                    [&](std::int64_t begin, std::int64_t end, int) {
                      for (std::int64_t i = begin; i < end; ++i) body(i);
                    });
  }

  // ---- excluded labels ------------------------------------------------------------------

  std::int64_t offset(std::int64_t i) const {
    return *call_.excluded_offsets.row<const std::int64_t>(i);
  }

  void sort_excluded() {
    if (s_.excluded == nullptr) return;
    const View& ids = call_.excluded_ids;
    for_rows([&](std::int64_t i) {
      for (std::int64_t e = offset(i); e < offset(i + 1); ++e) {
        s_.excluded[e] = ids.type == Type::i32 ? std::int64_t{*ids.row<const std::int32_t>(e)}
                                               : *ids.row<const std::int64_t>(e);
      }
      std::sort(s_.excluded + offset(i), s_.excluded + offset(i + 1));
    });
  }

  // ---- operands -------------------------------------------------------------------------

  // Rows [begin, begin + count) as a product wants them: where they are, or in the room.
  const T* operand(const View& view, bool packs, bool normalizes, std::int64_t begin,
                   std::int64_t count, double* inverse, T* room) const {
    const RowSource source = rows_from(view, begin);
    if (!packs) return reinterpret_cast<const T*>(source.view.data);
    for (std::int64_t i = 0; normalizes && i < count; ++i) inverse[i] = inverse_norm(source, i);
    load_rows(source, 0, count, normalizes ? inverse : nullptr, room, call_.d);
    return room;
  }

  // The bias of labels [begin, begin + count).
  const A* bias_from(std::int64_t begin, std::int64_t count, A* room) const {
    if (!call_.bias.present()) return nullptr;
    const bool one = call_.bias.elements() == 1;
    for (std::int64_t j = 0; j < count; ++j) {
      room[j] = Convert<A>::from(element(call_.bias, one ? 0 : begin + j));
    }
    return room;
  }

  // Given products of row i from label `begin` on, as A.
  const A* products_from(std::int64_t i, std::int64_t begin, std::int64_t count, A* room) const {
    return dispatch_floating(call_.x.type, [&](auto tag) -> const A* {
      using S = decltype(tag);
      const S* from = call_.x.row<const S>(i) + begin;
      if constexpr (std::is_same<S, A>::value) {
        return from;
      } else {
        for (std::int64_t j = 0; j < count; ++j) room[j] = Convert<A>::from(from[j]);
        return room;
      }
    });
  }

  // ---- the sweep ------------------------------------------------------------------------

  void search(std::int64_t row_tile, std::int64_t lane, int thread) {
    const Room room = s_.room_of(thread);
    const std::int64_t row0 = row_tile * State::kTileRows;
    const std::int64_t rows = piece_length(call_.n, State::kTileRows, row_tile);
    for (std::int64_t i = 0; i < rows; ++i) {
      room.best[i].start(room.candidates + i * candidate_room(s_.kept), s_.kept,
                         s_.floors != nullptr ? s_.floors + row0 + i : nullptr);
    }
    const T* x = nullptr;
    if (!call_.given_products()) {
      x = operand(call_.x, s_.packs_x, call_.options.normalize_x != 0, row0, rows, room.inverse,
                  room.x);
    }
    const std::int64_t end = (lane + 1) * s_.column_tiles / s_.lanes;
    for (std::int64_t tile = lane * s_.column_tiles / s_.lanes; tile < end; ++tile) {
      search_tile(room, x, row0, rows, tile, thread);
    }
    for (std::int64_t i = 0; i < rows; ++i) finish(room.best[i], row0 + i, lane);
  }

  void search_tile(const Room& room, const T* x, std::int64_t row0, std::int64_t rows,
                   std::int64_t tile, int thread) const {
    const std::int64_t column0 = tile * s_.tile_columns;
    const std::int64_t columns = piece_length(call_.l, s_.tile_columns, tile);
    if (x != nullptr) {
      const T* z = operand(call_.labels, s_.packs_labels, call_.options.normalize_labels != 0,
                           column0, columns, room.inverse, room.labels);
      s_.product.run(thread, s_.scratch.of(thread), rows, columns, call_.d, false, x, z, room.tile);
    }
    SelectRow<A> row{};
    row.columns = columns;
    row.scale = static_cast<A>(call_.scale());
    row.bias = bias_from(column0, columns, room.bias);
    row.scores = room.passed_scores;
    row.passed = room.passed;
    for (std::int64_t i = 0; i < rows; ++i) {
      row.dots = x != nullptr ? room.tile + i * s_.tile_ld()
                              : products_from(row0 + i, column0, columns, room.tile);
      const std::int64_t* excluded = s_.excluded;
      const std::int64_t* excluded_end = s_.excluded;
      if (excluded != nullptr) {
        excluded += offset(row0 + i);
        excluded_end += offset(row0 + i + 1);
      }
      room.best[i].take(
          row, [](SelectRow<A>& r) { return select(r); }, column0, excluded, excluded_end);
    }
  }

  // ---- results --------------------------------------------------------------------------

  void finish(BestOfRow<A>& best, std::int64_t row, std::int64_t lane) const {
    const std::int64_t count = best.finish();
    if (s_.lanes == 1) {
      write(row, best.candidates(), count);
      return;
    }
    const std::int64_t at = row * s_.lanes + lane;
    std::copy_n(best.candidates(), count, s_.partial + at * s_.kept);
    s_.partial_counts[at] = count;
  }

  // Brings the lanes of a row together at the front of its candidates.
  void merge_lanes(std::int64_t i) const {
    Candidate<A>* all = s_.partial + i * s_.lanes * s_.kept;
    std::int64_t count = 0;
    for (std::int64_t lane = 0; lane < s_.lanes; ++lane) {
      const Candidate<A>* from = all + lane * s_.kept;
      for (std::int64_t c = 0; c < s_.partial_counts[i * s_.lanes + lane]; ++c) {
        all[count++] = from[c];
      }
    }
    count = keep_best(all, count, s_.kept);
    std::sort(all, all + count);
    write(i, all, count);
  }

  void write(std::int64_t i, const Candidate<A>* best, std::int64_t count) const {
    std::int64_t* ids = call_.ids.row<std::int64_t>(i);
    for (std::int64_t c = 0; c < call_.options.k; ++c) ids[c] = c < count ? best[c].id : -1;
    if (!call_.scores.present()) return;
    constexpr A kNone = -std::numeric_limits<A>::infinity();
    dispatch_floating(call_.scores.type, [&](auto tag) {
      using S = decltype(tag);
      S* scores = call_.scores.row<S>(i);
      for (std::int64_t c = 0; c < call_.options.k; ++c) {
        scores[c] = Convert<S>::from(c < count ? score_of<A>(best[c].key) : kNone);
      }
    });
  }

  const TopKCall& call_;
  State s_;
};

}  // namespace

void run_top_k(const TopKCall& call, lsm_context_s& context) {
  const SerialRegion serial;
  if (call.x.type == Type::f64) {
    TopKRun<double, double>(call, context).run();
  } else if (call.x.type == Type::bf16 && bf16_products() && !call.given_products()) {
    TopKRun<bfloat16, float>(call, context).run();
  } else {
    TopKRun<float, float>(call, context).run();
  }
}

}  // namespace lossmith
