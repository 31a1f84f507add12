#include "cuda/power_product.h"

#include <algorithm>
#include <type_traits>

#include "core/context.h"
#include "core/workspace.h"
#include "cuda/gemm.h"
#include "cuda/power_product_kernels.h"
#include "cuda/state.h"
#include "engine/power_call.h"
#include "engine/similarity_plan.h"

namespace lossmith {
namespace cuda {
namespace {

// Decoded weights that lie in memory at a time: what the second-level cache of large GPUs holds. The
// simulated device of the tests has few, so that small problems have several blocks.
#if defined(LOSSMITH_SIMT)
constexpr std::int64_t kDecodedBytes = 32 << 10;
#else
constexpr std::int64_t kDecodedBytes = 32 << 20;
#endif
constexpr std::int64_t kDecodedAlignment = 16;  // elements
constexpr std::int64_t kTileRows = 128;

// Rows of x up to which codes are decoded in registers. With f32 the ordinary product has no tensor
// cores and reads twice the bytes; the borders are estimates from throughputs, not measured.
constexpr std::int64_t kFewRowsOf16Bits = 16;
constexpr std::int64_t kFewRowsOf32Bits = 64;

template <class A>
class PowerProductRun {
 public:
  PowerProductRun(const PowerProductCall& call, lsm_context_s& context)
      : call_(call),
        workspace_(context.workspace),
        device_(state_of(context)),
        x_(Matrix::for_product(call.x)),
        out_(Matrix::for_product(call.out)),
        largest_(power_largest(call.options.bits, LSM_POWER_SIGNED)) {
    weights_.codes = reinterpret_cast<const std::uint8_t*>(call.codes.data);
    weights_.ld = Matrix::for_product(call.codes).ld;
    weights_.rows = call.n;
    weights_.k = call.k;
    weights_.field = power_field_bits(call.options.bits);
    weights_.largest = largest_;
    weights_.table_of = WeightGroups::of(call.groups, call.exponent.elements());
    weights_.scale_of = WeightGroups::of(call.groups, call.scale.elements());
    if (call.bias.present()) {
      end_.bias = {call.bias.data, call.bias.type, 1, call.n, call.n};
      end_.bias_step = call.bias.strides[0];
    }
    end_.out = out_;
    if (few_rows()) {
      split_ = split_of_few_rows(call.m, call.n, call.k, weights_.field);
    } else {
      const std::int64_t row = decoded_ld() * bytes_of(x_.type);
      block_ = std::max<std::int64_t>(1, kDecodedBytes / std::max<std::int64_t>(row, 1));
      if (block_ > kTileRows) block_ = block_ / kTileRows * kTileRows;
      block_ = std::min(block_, call.n);
    }
  }

  void run() {
    if (call_.m == 0 || call_.n == 0) return;
    Carver sizes(nullptr);
    carve(sizes);
    expect_budget(workspace_, sizes.used());
    Carver carver(workspace_.block(sizes.used()));
    carve(carver);
    make_power_tables(device_.stream, numbers(call_.exponent), call_.exponent.elements(), largest_,
                      tables_);
    if constexpr (std::is_same_v<A, float>) {
      if (few_rows()) return multiply_few();
    }
    for (std::int64_t row = 0; row < call_.n; row += block_) block(row);
  }

 private:
  static constexpr Type kSum = std::is_same_v<A, double> ? Type::f64 : Type::f32;

  bool few_rows() const {
    if constexpr (std::is_same_v<A, float>) {
      const std::int64_t most = x_.type == Type::f32 ? kFewRowsOf32Bits : kFewRowsOf16Bits;
      return call_.m <= most && takes_few_rows(weights_);
    }
    return false;
  }
  std::int64_t decoded_ld() const { return pieces(call_.k, kDecodedAlignment) * kDecodedAlignment; }
  // Whether the product writes its sums to the output.
  bool direct() const { return out_.type == kSum; }
  std::int64_t product_rows() const {
    return direct() ? call_.m : std::min(kCudaTiling.block_rows, call_.m);
  }

  void carve(Carver& carver) {
    tables_.carve(carver, call_.exponent.elements(), largest_, false, false);
    if (few_rows()) {
      if (split_.splits > 1) parts_ = carver.take<A>(split_.splits * call_.m * call_.n);
      return;
    }
    decoded_ = carver.take<char>(block_ * decoded_ld() * bytes_of(x_.type));
    if (!direct()) parts_ = carver.take<A>(product_rows() * (block_ + kLeadingPad));
  }

  static const A* numbers(const View& v) { return reinterpret_cast<const A*>(v.data); }

  void multiply_few() {
    weights_.tables = tables_;
    weights_.scales = numbers(call_.scale);
    if (!weights_.scales_inside()) {
      end_.scale = weights_.scales;
      end_.scale_step = weights_.scale_of.row_step;
    }
    multiply_few_rows(device_.stream, x_, weights_, parts_, end_);
  }

  // Rows of the weights, as the operator decodes them.
  void decode(std::int64_t row0, std::int64_t rows) {
    PowerCall decode;
    decode.task = PowerTask::dequantize;
    decode.options = call_.options;
    decode.options.packed = 1;
    decode.codes = call_.codes;
    decode.codes.data += row0 * weights_.ld;
    decode.codes.shape[0] = rows;
    decode.out = call_.x;  // its type and place
    decode.out.data = static_cast<char*>(decoded_);
    decode.out.shape[0] = rows;
    decode.out.strides[0] = decoded_ld();
    PowerProblem<A> problem;
    problem.walk = GroupWalk::of_rows(call_.groups, rows, call_.k);
    PowerParameters<A>& p = problem.parameters;
    p.scale = numbers(call_.scale) + row0 * weights_.scale_of.row_step;
    p.exponent = numbers(call_.exponent) + row0 * weights_.table_of.row_step;
    p.exponent_per_group = call_.exponent.elements() > 1;
    p.largest = largest_;
    p.tables = tables_;
    p.tables.levels += row0 * weights_.table_of.row_step * tables_.places;
    decode_power(device_.stream, decode, problem);
  }

  // All of x by some rows of the weights.
  void block(std::int64_t row0) {
    const std::int64_t rows = std::min(block_, call_.n - row0);
    if (call_.k > 0) decode(row0, rows);
    for (std::int64_t row = 0; row < call_.m; row += product_rows()) {
      const std::int64_t m = std::min(product_rows(), call_.m - row);
      A* sums = parts_;
      std::int64_t ld = block_ + kLeadingPad;
      if (direct()) {
        sums = static_cast<A*>(out_.data) + row * out_.ld + row0;
        ld = out_.ld;
      }
      GemmCall product;
      product.operand = x_.type;
      product.product = Product::nt;
      product.m = m;
      product.n = rows;
      product.k = call_.k;
      product.a = static_cast<const char*>(x_.data) + row * x_.ld * bytes_of(x_.type);
      product.lda = x_.ld;
      product.b = decoded_;
      product.ldb = decoded_ld();
      product.c = sums;
      product.ldc = ld;
      multiply(device_, product);
      if (direct() && !end_.changes_sums()) continue;
      finish_product(device_.stream, static_cast<const A*>(sums), 1, 0, ld, row, row0, m, rows,
                     end_);
    }
  }

  const PowerProductCall& call_;
  Workspace& workspace_;
  CudaState& device_;
  const Matrix x_, out_;
  const int largest_;
  PackedWeights weights_;  // of few rows
  PowerTables<A> tables_;
  ProductEnd<A> end_;
  RowSplit split_{1, 1};
  std::int64_t block_ = 0;   // rows of the weights that are decoded at a time
  A* parts_ = nullptr;       // sums on their way to the output
  void* decoded_ = nullptr;  // [block_, decoded_ld()]
};

}  // namespace

void run_power_product(const PowerProductCall& call, lsm_context_s& context) {
  if (call.x.type == Type::f64) {
    PowerProductRun<double>(call, context).run();
  } else {
    PowerProductRun<float>(call, context).run();
  }
}

}  // namespace cuda
}  // namespace lossmith
