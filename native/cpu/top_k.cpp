// Retrieval on the CPU. A task has some rows and a lane of labels: it multiplies tile by tile and,
// while a tile lies in its cache, passes over every row of it (kernels/select.h). Tiles are cut the
// same way whatever the lanes are, and what ranks first does not depend on who looked where, so
// neither threads nor budget change a bit.
#include "cpu/top_k.h"

#include <limits>
#include <type_traits>

#include "core/status.h"
#include "cpu/backend.h"
#include "cpu/candidates.h"
#include "cpu/isa.h"
#include "cpu/operands.h"
#include "cpu/parallel.h"
#include "cpu/products.h"

namespace lossmith {
namespace {

constexpr std::int64_t kTileRows = 256;
constexpr std::int64_t kTileColumns = 512;
// Few rows make a short product for each tile: longer ones keep its fixed costs apart.
constexpr std::int64_t kFewRows = 64;
constexpr std::int64_t kTileColumnsOfFewRows = 2048;
// A lane begins without a threshold, which costs as much as many tiles once there is one.
constexpr std::int64_t kTilesOfALane = 16;
constexpr std::int64_t kTasksOfAThread = 4;

std::int64_t select(SelectRow<float>& row) { return kernels().select->run(row); }
std::int64_t select(SelectRow<double>& row) { return select_f64(row); }

// Rows [begin, begin + count) of a matrix.
RowSource rows_from(const View& view, std::int64_t begin) {
  RowSource source{view};
  source.view.data += begin * view.strides[0] * bytes_of(view.type);
  return source;
}

// T: type of the operands; A: type of the scores.
template <class T, class A>
class TopKRun {
 public:
  TopKRun(const TopKCall& call, lsm_context_s& context) : call_(call), context_(context) {}

  void run() {
    if (call_.n == 0) return;
    if (call_.l == 0) {
      for (std::int64_t i = 0; i < call_.n; ++i) write(i, nullptr, 0);
      return;
    }
    choose_operands();
    choose_layout();
    Carver carver(context_.workspace.block(bytes_));
    carve(carver);
    sort_excluded();
    for (std::int64_t i = 0; lanes_ > 1 && i < call_.n; ++i)
      (new (floors_ + i) SharedFloor<A>)->start();
    parallel_tasks(threads_, row_tiles_ * lanes_, [&](std::int64_t task, int thread) {
      search(task / lanes_, task % lanes_, thread);
    });
    if (lanes_ > 1) {
      parallel_ranges(threads_, call_.n, kTileRows, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) merge_lanes(i);
      });
    }
    gemm_of(context_).expect_success();
  }

 private:
  // What one thread works with.
  struct Room {
    A* tile;          // [tile rows, tile_ld]
    T* x;             // [tile rows, d] or null
    T* labels;        // [tile columns, d] or null
    double* inverse;  // norms of the rows of either
    A* bias;          // [tile columns]
    Candidate<A>* candidates;
    BestOfRow<A>* best;  // [tile rows]
    A* passed_scores;
    std::int32_t* passed;
  };

  // ---- sizes --------------------------------------------------------------------------

  static bool is_operand(Type type) {
    return (std::is_same<T, float>::value && type == Type::f32) ||
           (std::is_same<T, double>::value && type == Type::f64) ||
           (std::is_same<T, bfloat16>::value && type == Type::bf16);
  }
  // Products want rows of the right type one after another; others are packed.
  static bool packs(const View& v, bool normalizes) {
    return normalizes || !is_operand(v.type) || (v.shape[0] > 1 && v.strides[0] < v.shape[1]);
  }

  void choose_operands() {
    packs_x_ = packs(call_.x, call_.options.normalize_x != 0);
    tile_rows_ = std::min(kTileRows, call_.n);
    tile_columns_ = std::min(call_.n <= kFewRows ? kTileColumnsOfFewRows : kTileColumns, call_.l);
    row_tiles_ = pieces(call_.n, kTileRows);
    column_tiles_ = pieces(call_.l, tile_columns_);
    if (call_.given_products()) return;
    packs_labels_ = packs(call_.labels, call_.options.normalize_labels != 0);
    ldx_ = packs_x_ || call_.n <= 1 ? call_.d : call_.x.strides[0];
    ldz_ = packs_labels_ || call_.l <= 1 ? call_.d : call_.labels.strides[0];
    Gemm& gemm = gemm_of(context_);
    gemm.forget_if_many();
    GemmShape shape{};
    shape.operand = std::is_same<T, double>::value  ? Type::f64
                    : std::is_same<T, float>::value ? Type::f32
                                                    : Type::bf16;
    shape.product = Product::nt;
    shape.lda = ldx_;
    shape.ldb = ldz_;
    shape.ldc = tile_ld();
    product_.prepare(gemm, shape, Pieces(call_.n, kTileRows), Pieces(call_.l, tile_columns_),
                     Pieces(call_.d), true, false);
  }

  std::int64_t tile_ld() const { return tile_columns_ + kLeadingPad; }

  std::size_t measure(int threads) {
    threads_ = threads;
    lanes_ = 1;
    floors_ = nullptr;
    if (threads > 1 && row_tiles_ < kTasksOfAThread * threads) {
      lanes_ = std::min(pieces(kTasksOfAThread * threads, row_tiles_),
                        std::max<std::int64_t>(column_tiles_ / kTilesOfALane, 1));
    }
    scratch_ = ThreadScratch();
    scratch_.need(product_.scratch_bytes());
    Carver carver(nullptr);
    carve(carver);
    return carver.used();
  }

  void choose_layout() {
    const auto budget = static_cast<std::size_t>(context_.workspace.budget());
    int threads = context_.threads;
    bytes_ = measure(threads);
    while (threads > 1 && bytes_ > budget) bytes_ = measure(threads /= 2);
    expect_budget(context_.workspace, bytes_);
  }

  // Each thread has the same pieces, one after another.
  void carve(Carver& carver) {
    const std::int64_t kept = call_.kept();
    const std::int64_t room = candidate_room(kept);
    if (call_.excluded_ids.present()) {
      excluded_ = carver.take<std::int64_t>(call_.excluded_ids.shape[0]);
    }
    if (lanes_ > 1) {
      partial_ = carver.take<Candidate<A>>(call_.n * lanes_ * kept);
      partial_counts_ = carver.take<std::int64_t>(call_.n * lanes_);
      floors_ = carver.take<SharedFloor<A>>(call_.n);
    }
    const std::int64_t t = threads_;
    const bool multiplies = !call_.given_products();
    tiles_ = carver.take<A>(t * (multiplies ? tile_rows_ * tile_ld() : tile_columns_));
    x_ = multiplies && packs_x_ ? carver.take<T>(t * tile_rows_ * call_.d) : nullptr;
    labels_ = multiplies && packs_labels_ ? carver.take<T>(t * tile_columns_ * call_.d) : nullptr;
    inverse_ = carver.take<double>(t * std::max(tile_rows_, tile_columns_));
    bias_ = carver.take<A>(t * tile_columns_);
    candidates_ = carver.take<Candidate<A>>(t * tile_rows_ * room);
    best_ = carver.take<BestOfRow<A>>(t * tile_rows_);
    passed_scores_ = carver.take<A>(t * room);
    passed_ = carver.take<std::int32_t>(t * room);
    scratch_.carve(carver, threads_);
  }

  Room room_of(int thread) const {
    const std::int64_t t = thread;
    const std::int64_t room = candidate_room(call_.kept());
    Room r{};
    r.tile = tiles_ + t * (call_.given_products() ? tile_columns_ : tile_rows_ * tile_ld());
    r.x = x_ != nullptr ? x_ + t * tile_rows_ * call_.d : nullptr;
    r.labels = labels_ != nullptr ? labels_ + t * tile_columns_ * call_.d : nullptr;
    r.inverse = inverse_ + t * std::max(tile_rows_, tile_columns_);
    r.bias = bias_ + t * tile_columns_;
    r.candidates = candidates_ + t * tile_rows_ * room;
    r.best = best_ + t * tile_rows_;
    r.passed_scores = passed_scores_ + t * room;
    r.passed = passed_ + t * room;
    return r;
  }

  // ---- excluded labels ------------------------------------------------------------------

  std::int64_t offset(std::int64_t i) const {
    return *call_.excluded_offsets.row<const std::int64_t>(i);
  }

  void sort_excluded() {
    if (excluded_ == nullptr) return;
    const View& ids = call_.excluded_ids;
    parallel_ranges(threads_, call_.n, kTileRows, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i) {
        for (std::int64_t e = offset(i); e < offset(i + 1); ++e) {
          excluded_[e] = ids.type == Type::i32 ? std::int64_t{*ids.row<const std::int32_t>(e)}
                                               : *ids.row<const std::int64_t>(e);
        }
        std::sort(excluded_ + offset(i), excluded_ + offset(i + 1));
      }
    });
  }

  // ---- the sweep ------------------------------------------------------------------------

  const T* packed(const View& view, bool packs, bool normalizes, std::int64_t begin,
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

  void search(std::int64_t row_tile, std::int64_t lane, int thread) {
    const Room room = room_of(thread);
    const std::int64_t row0 = row_tile * kTileRows;
    const std::int64_t rows = piece_length(call_.n, kTileRows, row_tile);
    const std::int64_t kept = call_.kept();
    for (std::int64_t i = 0; i < rows; ++i) {
      room.best[i].start(room.candidates + i * candidate_room(kept), kept,
                         floors_ != nullptr ? floors_ + row0 + i : nullptr);
    }
    const T* x = nullptr;
    if (!call_.given_products()) {
      x = packed(call_.x, packs_x_, call_.options.normalize_x != 0, row0, rows, room.inverse,
                 room.x);
    }
    const std::int64_t end = (lane + 1) * column_tiles_ / lanes_;
    for (std::int64_t tile = lane * column_tiles_ / lanes_; tile < end; ++tile) {
      search_tile(room, x, row0, rows, tile, thread);
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int64_t count = room.best[i].finish();
      if (lanes_ == 1) {
        write(row0 + i, room.best[i].candidates(), count);
      } else {
        const std::int64_t at = (row0 + i) * lanes_ + lane;
        std::copy_n(room.best[i].candidates(), count, partial_ + at * kept);
        partial_counts_[at] = count;
      }
    }
  }

  void search_tile(const Room& room, const T* x, std::int64_t row0, std::int64_t rows,
                   std::int64_t tile, int thread) const {
    const std::int64_t column0 = tile * tile_columns_;
    const std::int64_t columns = piece_length(call_.l, tile_columns_, tile);
    if (x != nullptr) {
      const T* z = packed(call_.labels, packs_labels_, call_.options.normalize_labels != 0, column0,
                          columns, room.inverse, room.labels);
      product_.run(thread, scratch_.of(thread), rows, columns, call_.d, false, x, z, room.tile);
    }
    SelectRow<A> row{};
    row.columns = columns;
    row.scale = static_cast<A>(call_.scale());
    row.bias = bias_from(column0, columns, room.bias);
    row.scores = room.passed_scores;
    row.passed = room.passed;
    for (std::int64_t i = 0; i < rows; ++i) {
      row.dots = x != nullptr ? room.tile + i * tile_ld()
                              : products_from(row0 + i, column0, columns, room.tile);
      const std::int64_t* excluded = excluded_;
      const std::int64_t* excluded_end = excluded_;
      if (excluded_ != nullptr) {
        excluded = excluded_ + offset(row0 + i);
        excluded_end = excluded_ + offset(row0 + i + 1);
      }
      room.best[i].take(
          row, [](SelectRow<A>& r) { return select(r); }, column0, excluded, excluded_end);
    }
  }

  // ---- results --------------------------------------------------------------------------

  // Brings the lanes of a row together at the front of its candidates.
  void merge_lanes(std::int64_t i) {
    const std::int64_t kept = call_.kept();
    Candidate<A>* all = partial_ + i * lanes_ * kept;
    std::int64_t count = 0;
    for (std::int64_t lane = 0; lane < lanes_; ++lane) {
      const Candidate<A>* from = all + lane * kept;
      for (std::int64_t c = 0; c < partial_counts_[i * lanes_ + lane]; ++c) {
        all[count++] = from[c];
      }
    }
    count = keep_best(all, count, kept);
    std::sort(all, all + count);
    write(i, all, count);
  }

  void write(std::int64_t i, const Candidate<A>* best, std::int64_t count) const {
    std::int64_t* ids = call_.ids.row<std::int64_t>(i);
    for (std::int64_t c = 0; c < call_.options.k; ++c) ids[c] = c < count ? best[c].id : -1;
    if (!call_.scores.present()) return;
    dispatch_floating(call_.scores.type, [&](auto tag) {
      using S = decltype(tag);
      S* scores = call_.scores.row<S>(i);
      constexpr double kNone = -std::numeric_limits<double>::infinity();
      for (std::int64_t c = 0; c < call_.options.k; ++c) {
        scores[c] =
            c < count ? Convert<S>::from(score_of<A>(best[c].key)) : Convert<S>::from(kNone);
      }
    });
  }

  const TopKCall& call_;
  lsm_context_s& context_;
  bool packs_x_ = false, packs_labels_ = false;
  std::int64_t tile_rows_ = 0, tile_columns_ = 0, row_tiles_ = 0, column_tiles_ = 0;
  std::int64_t ldx_ = 0, ldz_ = 0;
  std::int64_t lanes_ = 1;  // of labels: tasks that share rows
  int threads_ = 1;
  std::size_t bytes_ = 0;
  PieceProduct product_;
  ThreadScratch scratch_;

  // Workspace; what threads have of their own begins with the first thread's.
  std::int64_t* excluded_ = nullptr;  // ids, ascending in each row
  Candidate<A>* partial_ = nullptr;   // [n, lanes, kept]
  std::int64_t* partial_counts_ = nullptr;
  SharedFloor<A>* floors_ = nullptr;  // [n]
  A* tiles_ = nullptr;
  T* x_ = nullptr;
  T* labels_ = nullptr;
  double* inverse_ = nullptr;
  A* bias_ = nullptr;
  Candidate<A>* candidates_ = nullptr;
  BestOfRow<A>* best_ = nullptr;
  A* passed_scores_ = nullptr;
  std::int32_t* passed_ = nullptr;
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
