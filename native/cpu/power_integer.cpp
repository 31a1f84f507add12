// The integer product of power codes on the CPU. x becomes rows of 16-bit integers once; a task takes a
// tile of the output, unpacks its rows of weights slice by slice, and adds up products in 32 bits.
#include <algorithm>

#include "core/status.h"
#include "cpu/isa.h"
#include "cpu/parallel.h"
#include "cpu/power_product.h"
#include "engine/power_call.h"
#include "engine/similarity_plan.h"
#include "math/power_requantize.h"

namespace lossmith {
namespace {

constexpr std::int64_t kTileRows = 128;
constexpr std::int64_t kTileColumns = 32;
constexpr std::int64_t kSlice = 1024;

class PowerIntegerRun {
 public:
  PowerIntegerRun(const PowerIntegerCall& call, lsm_context_s& context)
      : call_(call),
        context_(context),
        kernels_(*kernels().power_integer),
        length_(pieces(call.k, kIntegerUnit) * kIntegerUnit) {}

  void run() {
    lay_out();
    const std::int64_t row_tiles = pieces(call_.m, kTileRows);
    const std::int64_t column_tiles = pieces(call_.n, kTileColumns);
    parallel_tasks(threads_, call_.m, [&](std::int64_t i, int) { square(i); });
    parallel_tasks(threads_, row_tiles * column_tiles, [&](std::int64_t task, int thread) {
      tile(task / column_tiles * kTileRows, task % column_tiles * kTileColumns, thread);
    });
  }

 private:
  void lay_out() {
    threads_ = context_.threads;
    carve_for_threads(context_.workspace, threads_, [&](Carver& carver) { carve(carver); });
  }
  void carve(Carver& carver) {
    x_ = carver.take<std::int16_t>(call_.m * pieces(length_, kSlice) * kSlice);
    w_ = carver.take<std::int16_t>(threads_ * kTileColumns * kSlice);
    sums_ = carver.take<std::int32_t>(threads_ * kTileRows * kTileColumns);
  }

  // The integers of x, slice by slice, so that the rows of a slice do not meet in the same places of
  // a cache: row i of the slice that begins at column `begin`.
  std::int16_t* x_at(std::int64_t i, std::int64_t begin) const {
    return x_ + begin * call_.m + i * kSlice;
  }

  void square(std::int64_t i) const {
    const int largest = power_largest(call_.options.x_bits, call_.options.x_range);
    for (std::int64_t begin = 0; begin < length_; begin += kSlice) {
      const std::int64_t length = std::min(kSlice, length_ - begin);
      const std::int64_t there = std::min(length, call_.k - begin);
      std::int16_t* to = x_at(i, begin);
      if (call_.options.x_range == LSM_POWER_SIGNED) {
        kernels_.square_signed(call_.x_codes.row<const std::int8_t>(i) + begin, largest, there,
                               length, to);
      } else {
        kernels_.square_unsigned(call_.x_codes.row<const std::uint8_t>(i) + begin, largest, there,
                                 length, to);
      }
    }
  }

  void tile(std::int64_t row, std::int64_t column, int thread) const {
    const std::int64_t m = std::min(kTileRows, call_.m - row);
    const std::int64_t n = std::min(kTileColumns, call_.n - column);
    std::int16_t* w = w_ + thread * kTileColumns * kSlice;
    std::int32_t* sums = sums_ + thread * kTileRows * kTileColumns;
    std::fill(sums, sums + kTileRows * kTileColumns, 0);
    for (std::int64_t begin = 0; begin < length_; begin += kSlice) {
      const std::int64_t length = std::min(kSlice, length_ - begin);
      const std::int64_t skipped = begin * call_.options.w_bits / 8;
      for (std::int64_t j = 0; j < n; ++j) {
        kernels_.unpack(call_.w_codes.row<const std::uint8_t>(column + j) + skipped,
                        call_.options.w_bits, call_.w_codes.shape[1] - skipped, length,
                        w + j * kSlice);
      }
      kernels_.multiply(x_at(row, begin), kSlice, m, w, kSlice, n, length, true, sums,
                        kTileColumns);
    }
    for (std::int64_t j = 0; j < n; ++j) store(row, m, column + j, sums + j);
  }

  static float scale_at(const View& v, std::int64_t n) {
    return v.present() ? static_cast<float>(element(v, v.elements() == 1 ? 0 : n)) : 0.0f;
  }

  // Column n of rows [row, row + m).
  void store(std::int64_t row, std::int64_t m, std::int64_t n, const std::int32_t* sums) const {
    const lsm_power_integer_options& o = call_.options;
    for (std::int64_t i = 0; call_.sums.present() && i < m; ++i) {
      call_.sums.row<std::int32_t>(row + i)[n] = sums[i * kTileColumns];
    }
    if (!call_.out.present() && !call_.out_codes.present()) return;
    math::PowerColumn column{};
    column.x_scale = scale_at(call_.x_scale, 0);
    column.w_scale = scale_at(call_.w_scale, n);
    column.x_largest = power_largest(o.x_bits, o.x_range);
    column.w_largest = power_largest(o.w_bits, LSM_POWER_SIGNED);
    const double factor = column.factor();
    for (std::int64_t i = 0; call_.out.present() && i < m; ++i) {
      call_.out.row<float>(row + i)[n] = static_cast<float>(factor * sums[i * kTileColumns]);
    }
    if (!call_.out_codes.present()) return;
    column.out_scale = scale_at(call_.out_scale, n);
    column.out_largest = power_largest(o.out_bits, o.out_range);
    const float guess = column.guess();
    for (std::int64_t i = 0; i < m; ++i) {
      const std::int32_t sum = sums[i * kTileColumns];
      if (o.out_range == LSM_POWER_UNSIGNED) {
        call_.out_codes.row<std::uint8_t>(row + i)[n] =
            static_cast<std::uint8_t>(sum > 0 ? math::power_code(column, guess, sum) : 0);
      } else {
        const int size = math::power_code(column, guess, sum < 0 ? -sum : sum);
        call_.out_codes.row<std::int8_t>(row + i)[n] =
            static_cast<std::int8_t>(sum < 0 ? -size : size);
      }
    }
  }

  const PowerIntegerCall& call_;
  lsm_context_s& context_;
  const PowerIntegerKernels& kernels_;
  const std::int64_t length_;  // k in whole units
  int threads_ = 1;
  std::int16_t* x_ = nullptr;     // [slices, m, kSlice]
  std::int16_t* w_ = nullptr;     // [kTileColumns, kSlice] per thread
  std::int32_t* sums_ = nullptr;  // [kTileRows, kTileColumns] per thread
};

}  // namespace

void run_power_integer(const PowerIntegerCall& call, lsm_context_s& context) {
  if (call.m == 0 || call.n == 0) return;
  if (!call.sums.present() && !call.out.present() && !call.out_codes.present()) return;
  PowerIntegerRun(call, context).run();
}

}  // namespace lossmith
