#include <algorithm>

#include "core/context.h"
#include "core/workspace.h"
#include "cuda/power_integer_kernels.h"
#include "cuda/power_product.h"
#include "cuda/state.h"
#include "engine/power_call.h"
#include "engine/similarity_plan.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kTensorCores = 80;  // the capability from which our kernels use them

// Decoded bytes of each operand that lie in memory at a time, and rows that have tables. Sums of
// integers are exact, so blocks may be smaller where the budget wants it.
#if defined(LOSSMITH_SIMT)
constexpr std::int64_t kBlockBytes = 16 << 10;
#else
constexpr std::int64_t kBlockBytes = 32 << 20;
#endif
constexpr std::int64_t kBlockRows = 16384;
constexpr std::int64_t kTileRows = 128;

class PowerIntegerRun {
 public:
  PowerIntegerRun(const PowerIntegerCall& call, lsm_context_s& context)
      : call_(call), workspace_(context.workspace), device_(state_of(context)) {
    const lsm_power_integer_options& options = call.options;
    const bool is_signed = options.x_range == LSM_POWER_SIGNED;
    x_ = matrix_of(call.x_codes, is_signed ? CodeMatrix::Form::i8 : CodeMatrix::Form::u8, 8,
                   power_largest(options.x_bits, options.x_range));
    w_ = matrix_of(call.w_codes, CodeMatrix::Form::packed, options.w_bits,
                   power_largest(options.w_bits, LSM_POWER_SIGNED));
    columns_.x_largest = x_.largest;
    columns_.w_largest = w_.largest;
    if (call.out_codes.present()) {
      columns_.largest = power_largest(options.out_bits, options.out_range);
    }
    const bool own = per_column(call.w_scale) || per_column(call.out_scale);
    columns_.step = own ? 1 : 0;
    x_bytes_.is_unsigned = !is_signed;
    x_bytes_.ld = w_bytes_.ld = ByteMatrix::padded(call.k);
    x_bytes_.rows = block_of(call.m);
    w_bytes_.rows = block_of(call.n);
  }

  void run() {
    if (call_.m == 0 || call_.n == 0) return;
    std::size_t bytes = measure();
    while (static_cast<std::int64_t>(bytes) > workspace_.budget() &&
           std::max(x_bytes_.rows, w_bytes_.rows) > kTileRows) {
      std::int64_t& rows = x_bytes_.rows > w_bytes_.rows ? x_bytes_.rows : w_bytes_.rows;
      rows = pieces(rows, 2 * kTileRows) * kTileRows;
      bytes = measure();
    }
    expect_budget(workspace_, bytes);
    Carver carver(workspace_.block(bytes));
    carve(carver);
    if (scaled() && columns_.step == 0) fill(0, 1);
    const std::int64_t x_block = x_bytes_.rows, w_block = w_bytes_.rows;
    for (std::int64_t column = 0; column < call_.n; column += w_block) {
      square(w_, column, std::min(w_block, call_.n - column), &w_bytes_);
      if (scaled() && columns_.step != 0) fill(column, w_bytes_.rows);
      for (std::int64_t row = 0; row < call_.m; row += x_block) {
        // One block of all rows is decoded once.
        if (column == 0 || x_block < call_.m) {
          square(x_, row, std::min(x_block, call_.m - row), &x_bytes_);
        }
        multiply(end_at(row, column));
      }
    }
  }

 private:
  static bool per_column(const View& scale) { return scale.present() && scale.elements() > 1; }
  CodeMatrix matrix_of(const View& codes, CodeMatrix::Form form, int field, int largest) const {
    CodeMatrix m;
    m.data = reinterpret_cast<const std::uint8_t*>(codes.data);
    m.rows = codes.shape[0];
    m.ld = codes.strides[0];
    m.width = call_.k;
    m.form = form;
    m.field = field;
    m.largest = largest;
    return m;
  }
  std::int64_t block_of(std::int64_t rows) const {
    std::int64_t block = kBlockBytes / std::max<std::int64_t>(x_bytes_.ld, 1);
    block = std::max(kTileRows, block / kTileRows * kTileRows);
    return std::min({block, kBlockRows, rows});
  }
  bool scaled() const { return call_.out.present() || call_.out_codes.present(); }

  void carve(Carver& carver) {
    x_bytes_.data = carver.take<std::uint8_t>(x_bytes_.rows * x_bytes_.ld);
    w_bytes_.data = carver.take<std::uint8_t>(w_bytes_.rows * w_bytes_.ld);
    if (!scaled()) return;
    const std::int64_t columns = columns_.step == 0 ? 1 : w_bytes_.rows;
    columns_.factor = carver.take<double>(columns);
    if (!call_.out_codes.present()) return;
    columns_.guess = carver.take<float>(columns);
    columns_.thresholds = carver.take<std::int32_t>(columns * columns_.largest);
  }
  std::size_t measure() {
    Carver sizes(nullptr);
    carve(sizes);
    return sizes.used();
  }

  void fill(std::int64_t column, std::int64_t count) {
    fill_columns(device_.stream, Vector::of(call_.x_scale), Vector::of(call_.w_scale),
                 Vector::of(call_.out_scale), column, count, columns_);
  }

  void square(CodeMatrix codes, std::int64_t row, std::int64_t rows, ByteMatrix* to) {
    codes.data += row * codes.ld;
    codes.rows = to->rows = rows;
    square_codes(device_.stream, codes, *to);
  }

  IntegerEnd end_at(std::int64_t row, std::int64_t column) const {
    IntegerEnd end;
    end.columns = columns_;
    if (call_.sums.present()) {
      end.sums_ld = call_.sums.strides[0];
      end.sums = reinterpret_cast<std::int32_t*>(call_.sums.data) + row * end.sums_ld + column;
    }
    if (call_.out.present()) {
      end.out_ld = call_.out.strides[0];
      end.out = reinterpret_cast<float*>(call_.out.data) + row * end.out_ld + column;
    }
    if (call_.out_codes.present()) {
      end.codes_ld = call_.out_codes.strides[0];
      end.codes =
          reinterpret_cast<std::uint8_t*>(call_.out_codes.data) + row * end.codes_ld + column;
      end.unsigned_codes = call_.options.out_range == LSM_POWER_UNSIGNED;
    }
    return end;
  }

  void multiply(const IntegerEnd& end) {
    if (device_.facts.capability >= kTensorCores) {
      multiply_bytes_mma(device_.stream, device_.facts, x_bytes_, w_bytes_, end);
    } else {
      multiply_bytes(device_.stream, x_bytes_, w_bytes_, end);
    }
  }

  const PowerIntegerCall& call_;
  Workspace& workspace_;
  CudaState& device_;
  CodeMatrix x_, w_;
  ByteMatrix x_bytes_, w_bytes_;
  ColumnTable columns_;
};

}  // namespace

void run_power_integer(const PowerIntegerCall& call, lsm_context_s& context) {
  PowerIntegerRun(call, context).run();
}

}  // namespace cuda
}  // namespace lossmith
