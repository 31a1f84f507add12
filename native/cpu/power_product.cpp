// Products with packed power codes on the CPU. The rows of x are brought into the order in which the
// kernels decode a block of codes, so that decoding shuffles nothing back; then
//
//     up to 3 rows  values are multiplied in the registers that they are decoded to;
//     some rows     a panel of twelve rows of weights is decoded slice by slice into the cache of the
//                   first level, and multiplied with all rows of x;
//     many rows     a tile of weights is decoded slice by slice, and oneDNN multiplies it.
//
// Which of them, and every cut, depends on the shapes alone.
#include "cpu/power_product.h"

#include <algorithm>
#include <new>

#include "core/status.h"
#include "cpu/backend.h"
#include "cpu/coded_rows.h"
#include "cpu/isa.h"
#include "cpu/operands.h"
#include "cpu/parallel.h"
#include "cpu/products.h"

namespace lossmith {
namespace {

constexpr std::int64_t kDotTask = 32;      // rows of weights of a task, few rows of x
constexpr std::int64_t kMostPanel = 64;    // rows of x that panels are for
constexpr std::int64_t kPanelSlice = 256;  // codes that are decoded at a time
constexpr std::int64_t kTileSlice = 512;
constexpr std::int64_t kApart = 64;       // few rows of x do not lie a power of two apart
constexpr std::int64_t kTileRows = 128;   // rows of weights of a product of oneDNN
constexpr std::int64_t kTileDepth = 256;  // rows of x of such a product
constexpr std::int64_t kTasks = 16;
constexpr double kWorthAThread = 1 << 19;  // products

class PowerProductRun {
 public:
  PowerProductRun(const PowerProductCall& call, lsm_context_s& context)
      : call_(call),
        context_(context),
        all_(*kernels().power_product),
        kernels_(all_.field(power_field_bits(call.options.bits))),
        length_(pieces(call.k, kernels_.block) * kernels_.block),
        tiled_(call.m > kMostPanel),
        slice_(tiled_                  ? kTileSlice
               : call.m > kMostDotRows ? kPanelSlice
                                       : length_ + kApart) {
    rows_at_once_ = call_.m;
    if (tiled_) {
      const std::int64_t wanted = std::max<std::int64_t>(1, kTasks / pieces(call.n, kTileRows));
      rows_at_once_ = std::min(call_.m, kTileDepth * wanted);
    }
  }

  void run() {
    lay_out();
    for (std::int64_t i = 0; i < call_.m; i += rows_at_once_) {
      const std::int64_t m = std::min(rows_at_once_, call_.m - i);
      parallel_tasks(threads_, m,
                     [&](std::int64_t row, int thread) { arrange(i + row, row, thread); });
      if (tiled_) {
        multiply_tiles(i, m);
      } else if (call_.m <= kMostDotRows && rooms_[0].rows->regular()) {
        parallel_ranges(threads_, call_.n, kDotTask,
                        [&](std::int64_t begin, std::int64_t end, int thread) {
                          dot(begin, end, rooms_[thread]);
                        });
      } else {
        parallel_ranges(threads_, call_.n, kPanelRows,
                        [&](std::int64_t begin, std::int64_t end, int thread) {
                          panel(begin, end - begin, rooms_[thread]);
                        });
      }
    }
    gemm_of(context_).expect_success();
  }

 private:
  // ---- memory ---------------------------------------------------------------------------

  // What a thread works in.
  struct Room {
    CodedRows<float>* rows;
    float* x;         // [k]: a row of x before it is arranged
    float* listed;    // [slice_]: values in order
    float* values;    // [rows of a tile or panel, slice_]
    float* products;  // [kTileDepth, kTileRows], or the lanes of a panel's sums
    float* sums;      // [m, kPanelRows]
    void* scratch;
  };

  void lay_out() {
    if (tiled_) {
      Gemm& gemm = gemm_of(context_);
      gemm.forget_if_many();
      const GemmShape shape{Type::f32, Product::nt, false, 0, 0, 0, slice_, slice_, kTileRows};
      product_.prepare(gemm, shape, Pieces(call_.m, kTileDepth), Pieces(call_.n, kTileRows),
                       Pieces(length_, slice_), true, length_ > slice_);
      scratch_.need(product_.scratch_bytes());
    }
    // A thread is worth some 50 microseconds of work.
    const double work = static_cast<double>(call_.m) * static_cast<double>(call_.n * call_.k);
    threads_ = static_cast<int>(std::min<double>(context_.threads, 1 + work / kWorthAThread));
    carve_for_threads(context_.workspace, threads_, [&](Carver& carver) { carve(carver); });
  }
  void carve(Carver& carver) {
    x_ = carver.take<float>(rows_at_once_ * pieces(length_, slice_) * slice_);
    rooms_ = carver.take<Room>(threads_);
    scratch_.carve(carver, threads_);
    for (int t = 0; t < threads_; ++t) {
      CodedRows<float>* rows = carver.take<CodedRows<float>>(1);
      const CodedRows<float> made(call_, carver, length_, kernels_.block);
      Room room{};
      room.x = carver.take<float>(call_.k);
      room.listed = carver.take<float>(slice_);
      room.values = carver.take<float>((tiled_ ? kTileRows : kPanelRows) * slice_);
      room.products = carver.take<float>(tiled_ ? std::min(kTileDepth, call_.m) * kTileRows
                                                : call_.m * kPanelRows * kSumLanes);
      room.sums = carver.take<float>(tiled_ ? 0 : call_.m * kPanelRows);
      if (carver.measures()) continue;
      room.scratch = scratch_.of(t);
      room.rows = new (rows) CodedRows<float>(made);
      new (rooms_ + t) Room(room);
    }
  }

  // ---- operands -------------------------------------------------------------------------

  // The arranged rows of x, slice by slice, so that the rows of a slice do not meet in the same
  // places of a cache: row i of the slice that begins at column `begin`.
  float* x_at(std::int64_t i, std::int64_t begin) const {
    return x_ + begin * rows_at_once_ + i * slice_;
  }

  // Row i of x becomes row `to` of the arranged ones.
  void arrange(std::int64_t i, std::int64_t to, int thread) const {
    float* plain = rooms_[thread].x;
    load_rows(RowSource{call_.x}, i, i + 1, nullptr, plain, call_.k);
    for (std::int64_t begin = 0; begin < length_; begin += kernels_.block) {
      float* arranged = x_at(to, begin / slice_ * slice_) + begin % slice_;
      for (std::int64_t c = 0; c < kernels_.block; ++c) {
        arranged[kernels_.position[c]] = begin + c < call_.k ? plain[begin + c] : 0.0f;
      }
    }
  }

  // Columns [begin, end), whole blocks, of row n of the weights, arranged.
  void decode(std::int64_t n, std::int64_t begin, std::int64_t end, float* to,
              const Room& room) const {
    CodedRows<float>& rows = *room.rows;
    const std::int64_t block = kernels_.block;
    if (rows.regular()) {
      kernels_.decode(rows.row(n, 0), rows.bytes(), begin / block, end / block, to);
      return;
    }
    const std::int64_t there = std::min(end, call_.k) - begin;
    rows.list(n, begin, begin + there, room.listed);
    for (std::int64_t c = 0; c < end - begin; ++c) {
      to[c / block * block + kernels_.position[c % block]] = c < there ? room.listed[c] : 0.0f;
    }
  }

  // ---- few rows of x --------------------------------------------------------------------

  void dot(std::int64_t begin, std::int64_t end, const Room& room) const {
    CodedRows<float>& rows = *room.rows;
    const std::int64_t m = call_.m;
    const std::int64_t step = rows.shares_table() ? kRowsAtOnce : 1;
    for (std::int64_t n = begin; n < end; n += step) {
      CodedRow coded[kRowsAtOnce];
      float sums[kRowsAtOnce * kMostDotRows];
      const int count = static_cast<int>(std::min(step, end - n));
      for (int r = 0; r < count; ++r) coded[r] = rows.row(n + r, r);
      kernels_.dot(coded, count, rows.bytes(), x_, slice_, m, length_ / kernels_.block, sums);
      for (int r = 0; r < count; ++r) store(0, m, n + r, sums + r * m, 1, room);
    }
  }

  // ---- some rows ------------------------------------------------------------------------

  void panel(std::int64_t n, std::int64_t count, const Room& room) const {
    for (std::int64_t begin = 0; begin < length_; begin += slice_) {
      const std::int64_t end = std::min(begin + slice_, length_);
      // Rows behind the last are those of the panel before: nobody looks at their sums.
      for (std::int64_t r = 0; r < count; ++r) {
        decode(n + r, begin, end, room.values + r * slice_, room);
      }
      all_.panel(room.values, slice_, x_at(0, begin), slice_, call_.m, end - begin, begin == 0,
                 room.products);
    }
    all_.finish(room.products, call_.m * kPanelRows, room.sums);
    for (std::int64_t r = 0; r < count; ++r) {
      store(0, call_.m, n + r, room.sums + r, kPanelRows, room);
    }
  }

  // ---- many rows ------------------------------------------------------------------------

  void multiply_tiles(std::int64_t first, std::int64_t m) const {
    const std::int64_t tiles = pieces(call_.n, kTileRows);
    parallel_tasks(threads_, tiles * pieces(m, kTileDepth), [&](std::int64_t task, int thread) {
      const std::int64_t i = task / tiles * kTileDepth;
      tile(first, i, std::min(kTileDepth, m - i), task % tiles * kTileRows, thread);
    });
  }

  // m rows of x from row `first` + i on, the i-th of the arranged ones.
  void tile(std::int64_t first, std::int64_t i, std::int64_t m, std::int64_t n, int thread) const {
    const Room& room = rooms_[thread];
    const std::int64_t count = std::min(kTileRows, call_.n - n);
    for (std::int64_t begin = 0; begin < length_; begin += slice_) {
      const std::int64_t end = std::min(begin + slice_, length_);
      for (std::int64_t r = 0; r < count; ++r) {
        decode(n + r, begin, end, room.values + r * slice_, room);
      }
      product_.run(thread, room.scratch, m, count, end - begin, begin > 0, x_at(i, begin),
                   room.values, room.products);
    }
    for (std::int64_t r = 0; r < count; ++r)
      store(first + i, m, n + r, room.products + r, kTileRows, room);
  }

  // ---- results --------------------------------------------------------------------------

  // Column n of rows [i, i + m) of the output from sums that are `ld` apart.
  void store(std::int64_t i, std::int64_t m, std::int64_t n, const float* sums, std::int64_t ld,
             const Room& room) const {
    const float scale = room.rows->outer_scale(n);
    const float bias = room.rows->bias(n);
    dispatch_floating(call_.out.type, [&](auto tag) {
      using T = decltype(tag);
      for (std::int64_t r = 0; r < m; ++r) {
        call_.out.row<T>(i + r)[n] = Convert<T>::from(sums[r * ld] * scale + bias);
      }
    });
  }

  const PowerProductCall& call_;
  lsm_context_s& context_;
  const PowerProductKernels& all_;
  const PowerProductKernelsOf& kernels_;
  const std::int64_t length_;  // k in whole blocks
  const bool tiled_;
  const std::int64_t slice_;  // codes that are decoded at a time
  std::int64_t rows_at_once_;
  int threads_ = 1;
  PieceProduct product_;
  ThreadScratch scratch_;
  float* x_ = nullptr;  // [slices, rows_at_once, slice_], arranged
  Room* rooms_ = nullptr;
};

// Without columns the sums are empty.
void store_bias(const PowerProductCall& call) {
  for (std::int64_t i = 0; i < call.m; ++i) {
    View row = call.out;
    row.ndim = 1;
    row.shape[0] = call.n;
    row.data += i * call.out.strides[0] * bytes_of(call.out.type);
    row.strides[0] = 1;
    for (std::int64_t n = 0; n < call.n; ++n) {
      set_element(row, n, call.bias.present() ? element(call.bias, n) : 0.0);
    }
  }
}

}  // namespace

void run_power_product(const PowerProductCall& call, lsm_context_s& context) {
  if (call.m == 0 || call.n == 0) return;
  if (call.k == 0) {
    store_bias(call);
  } else if (call.x.type == Type::f64) {
    run_power_product_f64(call, context);
  } else {
    const SerialRegion serial;
    PowerProductRun(call, context).run();
  }
}

}  // namespace lossmith
