// How a search on the CPU is cut into tasks, and the memory that they work in.
#ifndef LOSSMITH_CPU_TOP_K_STATE_H_
#define LOSSMITH_CPU_TOP_K_STATE_H_

#include <algorithm>
#include <cstdint>
#include <new>
#include <type_traits>

#include "core/context.h"
#include "cpu/backend.h"
#include "cpu/candidates.h"
#include "cpu/products.h"
#include "engine/top_k_call.h"

namespace lossmith {

// T: type of the operands; A: type of the scores.
template <class T, class A>
class TopKState {
 public:
  static constexpr std::int64_t kTileRows = 256;
  static constexpr std::int64_t kTileColumns = 512;
  // Few rows make a short product of each tile: longer ones keep its fixed costs apart.
  static constexpr std::int64_t kFewRows = 64;
  static constexpr std::int64_t kTileColumnsOfFewRows = 2048;
  // A lane of labels begins without a threshold, which costs as much as many tiles once there is one.
  static constexpr std::int64_t kTilesOfALane = 16;
  static constexpr std::int64_t kTasksOfAThread = 4;

  // What one thread works with.
  struct Room {
    A* tile;          // [tile rows, tile_ld]; given products: [tile columns]
    T* x;             // [tile rows, d] or null
    T* labels;        // [tile columns, d] or null
    double* inverse;  // norms of the rows of either
    A* bias;          // [tile columns]
    Candidate<A>* candidates;
    BestOfRow<A>* best;  // [tile rows]
    A* passed_scores;
    std::int32_t* passed;
  };

  TopKState(const TopKCall& c, lsm_context_s& k) : call(c), context(k), kept(c.kept()) {}

  // Sizes, products and memory; throws if the budget is too small. Fewer threads need less.
  void prepare() {
    choose_operands();
    const auto budget = static_cast<std::size_t>(context.workspace.budget());
    int count = context.threads;
    std::size_t bytes = measure(count);
    while (count > 1 && bytes > budget) bytes = measure(count /= 2);
    expect_budget(context.workspace, bytes);
    Carver carver(context.workspace.block(bytes));
    carve(carver);
    for (std::int64_t i = 0; lanes > 1 && i < call.n; ++i) new (floors + i) SharedFloor<A>();
  }

  std::int64_t tile_ld() const { return tile_columns + kLeadingPad; }

  Room room_of(std::int64_t thread) const {
    const std::int64_t room = candidate_room(kept);
    Room r{};
    r.tile = first_.tile + thread * tile_elements();
    if (first_.x != nullptr) r.x = first_.x + thread * tile_rows * call.d;
    if (first_.labels != nullptr) r.labels = first_.labels + thread * tile_columns * call.d;
    r.inverse = first_.inverse + thread * std::max(tile_rows, tile_columns);
    r.bias = first_.bias + thread * tile_columns;
    r.candidates = first_.candidates + thread * tile_rows * room;
    r.best = first_.best + thread * tile_rows;
    r.passed_scores = first_.passed_scores + thread * room;
    r.passed = first_.passed + thread * room;
    return r;
  }

  const TopKCall& call;
  lsm_context_s& context;
  const std::int64_t kept;
  bool packs_x = false, packs_labels = false;
  std::int64_t tile_rows = 0, tile_columns = 0, row_tiles = 0, column_tiles = 0;
  std::int64_t lanes = 1;  // of labels: tasks that share rows
  int threads = 1;
  PieceProduct product;
  ThreadScratch scratch;
  std::int64_t* excluded = nullptr;  // ids, ascending in each row
  // With several lanes: what each has found in each row.
  Candidate<A>* partial = nullptr;  // [n, lanes, kept]
  std::int64_t* partial_counts = nullptr;
  SharedFloor<A>* floors = nullptr;  // [n]

 private:
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
    tile_rows = std::min(kTileRows, call.n);
    tile_columns = std::min(call.n <= kFewRows ? kTileColumnsOfFewRows : kTileColumns, call.l);
    row_tiles = pieces(call.n, kTileRows);
    column_tiles = pieces(call.l, tile_columns);
    if (call.given_products()) return;
    packs_x = packs(call.x, call.options.normalize_x != 0);
    packs_labels = packs(call.labels, call.options.normalize_labels != 0);
    Gemm& gemm = gemm_of(context);
    gemm.forget_if_many();
    GemmShape shape{};
    shape.operand = std::is_same<T, double>::value  ? Type::f64
                    : std::is_same<T, float>::value ? Type::f32
                                                    : Type::bf16;
    shape.product = Product::nt;
    shape.lda = packs_x || call.n <= 1 ? call.d : call.x.strides[0];
    shape.ldb = packs_labels || call.l <= 1 ? call.d : call.labels.strides[0];
    shape.ldc = tile_ld();
    product.prepare(gemm, shape, Pieces(call.n, kTileRows), Pieces(call.l, tile_columns),
                    Pieces(call.d), true, false);
  }

  std::size_t measure(int count) {
    threads = count;
    lanes = 1;
    if (count > 1 && row_tiles < kTasksOfAThread * count) {
      lanes = std::min(pieces(kTasksOfAThread * count, row_tiles),
                       std::max<std::int64_t>(column_tiles / kTilesOfALane, 1));
    }
    scratch = ThreadScratch();
    scratch.need(product.scratch_bytes());
    Carver carver(nullptr);
    carve(carver);
    return carver.used();
  }

  std::int64_t tile_elements() const {
    return call.given_products() ? tile_columns : tile_rows * tile_ld();
  }

  // What threads have of their own lies together, the first thread's first.
  void carve(Carver& carver) {
    if (call.excluded_ids.present()) {
      excluded = carver.take<std::int64_t>(call.excluded_ids.shape[0]);
    }
    floors = nullptr;
    if (lanes > 1) {
      partial = carver.take<Candidate<A>>(call.n * lanes * kept);
      partial_counts = carver.take<std::int64_t>(call.n * lanes);
      floors = carver.take<SharedFloor<A>>(call.n);
    }
    const std::int64_t room = candidate_room(kept);
    first_.tile = carver.take<A>(threads * tile_elements());
    first_.x = packs_x ? carver.take<T>(threads * tile_rows * call.d) : nullptr;
    first_.labels = packs_labels ? carver.take<T>(threads * tile_columns * call.d) : nullptr;
    first_.inverse = carver.take<double>(threads * std::max(tile_rows, tile_columns));
    first_.bias = carver.take<A>(threads * tile_columns);
    first_.candidates = carver.take<Candidate<A>>(threads * tile_rows * room);
    first_.best = carver.take<BestOfRow<A>>(threads * tile_rows);
    first_.passed_scores = carver.take<A>(threads * room);
    first_.passed = carver.take<std::int32_t>(threads * room);
    scratch.carve(carver, threads);
  }

  Room first_{};
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_TOP_K_STATE_H_
