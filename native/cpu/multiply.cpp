// A product is cut into tiles of the result, and where those are few into slices of the inner
// length, whose sums are added up at the end. The cut depends on the shapes alone; each tile is a
// product of one thread, so that no bit depends on the number of threads.
#include "cpu/multiply.h"

#include <algorithm>
#include <type_traits>

#include "cpu/backend.h"
#include "cpu/operands.h"
#include "cpu/parallel.h"
#include "cpu/products.h"

namespace lossmith {
namespace {

constexpr std::int64_t kColumns = 512;
constexpr std::int64_t kRows = 256;
constexpr std::int64_t kLeast = 128;      // smaller tiles read their operands too often
constexpr std::int64_t kMostRows = 2048;  // of tiles with few columns
constexpr std::int64_t kDepth = 512;      // of operands that are converted
// Enough for the threads of usual machines; more slices would only add work.
constexpr std::int64_t kTasks = 16;
constexpr double kWorthATask = 4e6;  // operations: some 50 microseconds
constexpr std::int64_t kAddGrain = 1 << 14;

// T: type of the operands of oneDNN; A: type of the sums.
template <class T, class A>
class MultiplyRun {
 public:
  MultiplyRun(const MultiplyCall& call, lsm_context_s& context) : call_(call), context_(context) {}

  void run() {
    cut();
    lay_out();
    parallel_tasks(threads_, row_tiles_ * column_tiles_ * slices_,
                   [&](std::int64_t task, int thread) { multiply(task, thread); });
    gemm_of(context_).expect_success();
    if (slices_ > 1) add_slices();
  }

 private:
  static constexpr Type kOperand = std::is_same<T, double>::value  ? Type::f64
                                   : std::is_same<T, float>::value ? Type::f32
                                                                   : Type::bf16;

  Product product() const {
    return call_.options.transpose_a != 0   ? Product::tn
           : call_.options.transpose_b != 0 ? Product::nt
                                            : Product::nn;
  }
  // oneDNN wants rows of the right type one after another; others are packed.
  static bool packs(const View& v) {
    return v.type != kOperand || (v.shape[0] > 1 && v.strides[0] < v.shape[1]);
  }
  static std::int64_t leading(const View& v) {
    return v.shape[0] <= 1 ? std::max<std::int64_t>(1, v.shape[1]) : v.strides[0];
  }
  static std::int64_t whole(std::int64_t count, std::int64_t unit) {
    return pieces(count, unit) * unit;
  }

  void cut() {
    columns_ = std::min(kColumns, call_.n);
    rows_ = std::min({call_.m, kMostRows, std::max(kRows, kRows * kColumns / columns_)});
    const auto tiles = [&] { return pieces(call_.m, rows_) * pieces(call_.n, columns_); };
    const auto work = [&] {
      return 2.0 * static_cast<double>(rows_) * static_cast<double>(columns_) *
             static_cast<double>(call_.k);
    };
    while (tiles() < kTasks && work() > kWorthATask && std::max(rows_, columns_) > kLeast) {
      std::int64_t& longer = rows_ > columns_ ? rows_ : columns_;
      longer = whole((longer + 1) / 2, 16);
    }
    row_tiles_ = pieces(call_.m, rows_);
    column_tiles_ = pieces(call_.n, columns_);
    const std::int64_t worth = static_cast<std::int64_t>(work() / kWorthATask);
    const std::int64_t wanted = std::min({kTasks / tiles(), worth, call_.k / (2 * kDepth)});
    slice_ = wanted > 1 ? whole(pieces(call_.k, wanted), kDepth) : call_.k;
    slices_ = pieces(call_.k, slice_);
    packs_a_ = packs(call_.a);
    packs_b_ = packs(call_.b);
    depth_ = packs_a_ || packs_b_ ? std::min(kDepth, slice_) : slice_;
  }

  void lay_out() {
    Gemm& gemm = gemm_of(context_);
    gemm.forget_if_many();
    GemmShape shape{};
    shape.operand = kOperand;
    shape.product = product();
    shape.lda = packs_a_ ? (shape.product == Product::tn ? rows_ : depth_) : leading(call_.a);
    shape.ldb = packs_b_ ? (shape.product == Product::nt ? depth_ : columns_) : leading(call_.b);
    shape.ldc = slices_ > 1 ? call_.n : leading(call_.out);
    // The edge of the last slice is one of the whole length: slices are multiples of the depth.
    piece_.prepare(gemm, shape, Pieces(call_.m, rows_), Pieces(call_.n, columns_),
                   Pieces(call_.k, depth_), slices_ > 1 || call_.options.accumulate == 0,
                   depth_ < slice_ || call_.options.accumulate != 0);
    scratch_.need(piece_.scratch_bytes());
    threads_ = context_.threads;
    carve_for_threads(context_.workspace, threads_, [&](Carver& carver) { carve(carver); });
  }
  void carve(Carver& carver) {
    if (packs_a_) a_room_ = carver.take<T>(threads_ * rows_ * depth_);
    if (packs_b_) b_room_ = carver.take<T>(threads_ * columns_ * depth_);
    if (slices_ > 1) partial_ = carver.take<A>(slices_ * call_.m * call_.n);
    scratch_.carve(carver, threads_);
  }

  // Rows [i, i + rows) and columns [j, j + columns) of an operand: where they are, or packed.
  static const void* window(const View& v, bool packed, std::int64_t i, std::int64_t rows,
                            std::int64_t j, std::int64_t columns, T* room, std::int64_t ld) {
    RowSource source{v};
    source.view.data += (i * v.strides[0] + j) * bytes_of(v.type);
    if (!packed) return source.view.data;
    source.view.shape[1] = columns;
    load_rows(source, 0, rows, nullptr, room, ld);
    return room;
  }

  void multiply(std::int64_t task, int thread) const {
    const std::int64_t slice = task % slices_;
    const std::int64_t tile = task / slices_;
    const std::int64_t i = tile / column_tiles_ * rows_;
    const std::int64_t j = tile % column_tiles_ * columns_;
    const std::int64_t m = std::min(rows_, call_.m - i);
    const std::int64_t n = std::min(columns_, call_.n - j);
    A* out = slices_ > 1 ? partial_ + slice * call_.m * call_.n + i * call_.n + j
                         : call_.out.row<A>(i) + j;
    bool accumulate = slices_ == 1 && call_.options.accumulate != 0;
    const std::int64_t end = std::min((slice + 1) * slice_, call_.k);
    for (std::int64_t l = slice * slice_; l < end; l += depth_) {
      const std::int64_t k = std::min(depth_, end - l);
      T* a_room = packs_a_ ? a_room_ + thread * rows_ * depth_ : nullptr;
      T* b_room = packs_b_ ? b_room_ + thread * columns_ * depth_ : nullptr;
      const void* a = product() == Product::tn
                          ? window(call_.a, packs_a_, l, k, i, m, a_room, rows_)
                          : window(call_.a, packs_a_, i, m, l, k, a_room, depth_);
      const void* b = product() == Product::nt
                          ? window(call_.b, packs_b_, j, n, l, k, b_room, depth_)
                          : window(call_.b, packs_b_, l, k, j, n, b_room, columns_);
      piece_.run(thread, scratch_.of(thread), m, n, k, accumulate, a, b, out);
      accumulate = true;
    }
  }

  void add_slices() const {
    const std::int64_t elements = call_.m * call_.n;
    parallel_ranges(threads_, call_.m, pieces(kAddGrain, call_.n),
                    [&](std::int64_t begin, std::int64_t end, int) {
                      for (std::int64_t i = begin; i < end; ++i) {
                        A* out = call_.out.row<A>(i);
                        const A* part = partial_ + i * call_.n;
                        std::int64_t s = 0;
                        if (call_.options.accumulate == 0) {
                          std::copy_n(part, call_.n, out);
                          s = 1;
                        }
                        for (; s < slices_; ++s) {
                          const A* next = part + s * elements;
                          for (std::int64_t j = 0; j < call_.n; ++j) out[j] += next[j];
                        }
                      }
                    });
  }

  const MultiplyCall& call_;
  lsm_context_s& context_;
  std::int64_t rows_ = 0, columns_ = 0, row_tiles_ = 0, column_tiles_ = 0;  // tiles of the result
  std::int64_t slice_ = 0, slices_ = 1;                                     // of the inner length
  std::int64_t depth_ = 0;  // inner length of one call of oneDNN
  bool packs_a_ = false, packs_b_ = false;
  int threads_ = 1;
  PieceProduct piece_;
  ThreadScratch scratch_;
  T* a_room_ = nullptr;   // [rows, depth] or its transpose, per thread
  T* b_room_ = nullptr;   // [depth, columns] or its transpose, per thread
  A* partial_ = nullptr;  // [slices, m, n]
};

}  // namespace

void run_multiply(const MultiplyCall& call, lsm_context_s& context) {
  if (call.m == 0 || call.n == 0) return;
  if (call.k == 0) {
    if (call.options.accumulate == 0) fill_zero(call.out);
    return;
  }
  const SerialRegion serial;
  if (call.a.type == Type::f64) {
    MultiplyRun<double, double>(call, context).run();
  } else if (call.a.type == Type::bf16 && bf16_products()) {
    MultiplyRun<bfloat16, float>(call, context).run();
  } else {
    MultiplyRun<float, float>(call, context).run();
  }
}

}  // namespace lossmith
