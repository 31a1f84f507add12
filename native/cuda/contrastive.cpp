#include "cuda/contrastive.h"

#include <limits>

#include "core/status.h"
#include "cuda/contrastive_state.h"
#include "cuda/contrastive_target.h"
#include "cuda/error.h"

namespace lossmith {
namespace cuda {
namespace {

// One call from memory plan to the last launch.
template <class A>
class ContrastiveRun {
 public:
  ContrastiveRun(const ContrastiveCall& call, lsm_context_s& context)
      : s_(call, context), target_(s_) {}

  // Decides sizes without touching data.
  lsm_contrastive_plan plan() {
    choose_operands();
    choose_layout();
    lsm_contrastive_plan out{};
    out.plan = s_.stored_rows == s_.n && s_.n > 0 ? LSM_PLAN_STORE : LSM_PLAN_RECOMPUTE;
    out.workspace_bytes = static_cast<std::int64_t>(bytes_);
    const ContrastiveCall& call = s_.call;
    const double product =
        2.0 * static_cast<double>(s_.n) * static_cast<double>(s_.m) * static_cast<double>(s_.d);
    const double kept =
        s_.n == 0 ? 0 : static_cast<double>(s_.stored_rows) / static_cast<double>(s_.n);
    out.flops = call.given_statistics ? 0 : product;
    if (call.sweeps_coefficients()) {
      out.flops += product * ((call.given_statistics ? 1 : 1 - kept) + call.grad_x.present() +
                              call.grad_y.present());
    }
    return out;
  }

  void run() {
    plan();
    if (s_.n == 0 || s_.m == 0) {
      write_empty();
      return;
    }
    Carver carver(s_.context.workspace.block(bytes_));
    carve(carver);
    prepare_inputs();
    weight_sums_of_targets();
    if (s_.call.only_statistics) {
      sweep_statistics();
      write_statistics();
      return;
    }
    if (s_.call.given_statistics) {
      read_statistics();
    } else {
      sweep_statistics();
    }
    directions();
    if (s_.call.sweeps_coefficients()) {
      gradients();
    } else if (s_.low_rank()) {
      target_.mix_candidates();
      target_.rows(0, s_.n);
    }
    if (s_.call.wants_loss()) write_losses();
  }

 private:
  // ---- sizes --------------------------------------------------------------------------

  void choose_operands() {
    const ContrastiveCall& call = s_.call;
    if (call.ignore.present()) {
      s_.skip.flags = reinterpret_cast<const std::uint8_t*>(call.ignore.data);
      s_.skip.stride = call.ignore.ndim > 0 ? call.ignore.strides[0] : 0;
      s_.skip.count = call.n;
    }
    // Products want rows one after another; rows that repeat, overlap or run backwards are packed.
    const auto unusual = [](const View& v) { return v.shape[0] > 1 && v.strides[0] < v.shape[1]; };
    s_.copies =
        call.ignore.present() || call.options.normalize != 0 || unusual(call.x) || unusual(call.y);
    const auto prepare = [&](const View& gradient, Accumulator<A>& out) {
      if (!gradient.present()) return;
      out.wanted = true;
      out.direct = !call.ignore.present() && call.options.normalize == 0 &&
                   gradient.type == s_.accumulator_type() && s_.operand != Type::f16 &&
                   !unusual(gradient);
      // A row stride below the width happens only with a single row, where it means nothing.
      out.ld = out.direct && gradient.shape[0] > 1 ? gradient.strides[0] : s_.d;
    };
    prepare(call.grad_x, s_.grad_x);
    prepare(call.grad_y, s_.grad_y);
  }

  std::size_t measure(std::int64_t stored_rows) {
    s_.stored_rows = stored_rows;
    Carver carver(nullptr);
    carve(carver);
    return carver.used();
  }

  // Reading kept dots costs less than multiplying again at every width, so AUTO keeps as many rows
  // as the budget holds.
  void choose_layout() {
    const Workspace& workspace = s_.context.workspace;
    const auto budget = static_cast<std::size_t>(workspace.budget());
    const bool keeps = s_.call.wants_gradients() && !s_.call.given_statistics && s_.n > 0;
    const std::int32_t asked = s_.call.options.plan;
    if (asked == LSM_PLAN_STORE && keeps) {
      bytes_ = measure(s_.n);
      expect_budget(workspace, bytes_);
      return;
    }
    bytes_ = measure(0);
    expect_budget(workspace, bytes_);
    if (asked != LSM_PLAN_AUTO || !keeps) return;
    const std::size_t row = static_cast<std::size_t>(s_.stored_width()) * sizeof(A);
    // With all rows kept the block of dots is not needed: it may be what makes them fit.
    if (measure(s_.n) <= budget) {
      bytes_ = measure(s_.n);
      return;
    }
    std::int64_t stored = static_cast<std::int64_t>((budget - bytes_) / row) /
                          kCudaTiling.block_rows * kCudaTiling.block_rows;
    stored = std::min(stored, (s_.n - 1) / kCudaTiling.block_rows * kCudaTiling.block_rows);
    while (stored > 0 && measure(stored) > budget) stored -= kCudaTiling.block_rows;
    bytes_ = measure(stored);
  }

  void carve(Carver& carver) {
    const ContrastiveCall& call = s_.call;
    const std::int64_t element = bytes_of(s_.operand);
    s_.scalars = carver.take<CallScalars>(1);
    s_.x = Matrix::of(call.x);
    s_.y = Matrix::of(call.y);
    if (s_.x.rows <= 1) s_.x.ld = s_.d;
    if (s_.y.rows <= 1) s_.y.ld = s_.d;
    if (s_.copies) {
      s_.x = {carver.take<char>(s_.n * s_.d * element), s_.operand, s_.n, s_.d, s_.d};
      s_.y = {carver.take<char>(s_.m * s_.d * element), s_.operand, s_.m, s_.d, s_.d};
    }
    if (call.options.normalize) {
      s_.x_inverse = carver.take<double>(s_.n);
      s_.y_inverse = carver.take<double>(s_.m);
    }
    if (call.bias.present()) s_.bias = carver.take<A>(s_.m);
    carve_direction(carver, s_.row, s_.n);
    if (call.both_directions()) carve_direction(carver, s_.column, s_.m);
    s_.pair_score = carver.take<A>(s_.n);
    if (call.target != Target::pair) {
      s_.row_term = carver.take<double>(s_.n);
      s_.weight_sum = carver.take<double>(s_.n);
    }
    if (s_.dense()) s_.weight_factor = carver.take<A>(s_.n);
    if (s_.low_rank()) s_.target_factor = carver.take<double>(s_.n);
    if (call.grad_bias.present()) s_.bias_gradient = carver.take<double>(s_.m);
    if (s_.low_rank() || call.options.label_smoothing > 0) {
      s_.sum_scratch =
          carver.take<double>(row_sum_scratch(std::max(s_.n, s_.m), std::max(s_.d, s_.r)));
    }
    if (call.wants_loss()) {
      pair_losses_ = carver.take<double>(call.shard.rows);
      if (call.options.label_smoothing > 0) {
        x_sum_ = carver.take<double>(s_.d);
        y_sum_ = carver.take<double>(s_.d);
        row_smoothing_ = carver.take<double>(s_.n);
        if (call.both_directions()) column_smoothing_ = carver.take<double>(s_.m);
      }
    }
    carve_accumulator(carver, call.grad_x, s_.block_rows(), s_.grad_x);
    carve_accumulator(carver, call.grad_y, s_.m, s_.grad_y);
    if (s_.low_rank()) target_.carve(carver);
    carve_sweeps(carver);
  }

  static void carve_direction(Carver& carver, Direction<A>& v, std::int64_t count) {
    v.lse = carver.take<double>(count);
    v.lse_hi = carver.take<A>(count);
    v.lse_lo = carver.take<A>(count);
    v.c = carver.take<A>(count);
    v.uniform = carver.take<A>(count);
    v.target = carver.take<A>(count);
  }

  void carve_accumulator(Carver& carver, const View& gradient, std::int64_t rows,
                         Accumulator<A>& out) {
    if (!out.wanted) return;
    out.data = out.direct ? reinterpret_cast<A*>(gradient.data) : carver.take<A>(rows * s_.d);
  }

  void carve_sweeps(Carver& carver) {
    const std::int64_t rows = s_.block_rows();
    const std::int64_t columns = s_.block_columns();
    const std::int64_t row_tiles = pieces(rows, kTileRows);
    const std::int64_t column_tiles = pieces(columns, kTileColumns);
    const bool coefficients = s_.call.sweeps_coefficients();
    s_.stored = s_.stored_rows > 0 ? carver.take<A>(s_.stored_rows * s_.stored_width()) : nullptr;
    s_.block = s_.stored_rows < s_.n ? carver.take<A>(rows * s_.block_ld()) : nullptr;
    s_.narrow = nullptr;
    if (coefficients && s_.narrows()) s_.narrow = carver.take<char>(rows * s_.block_ld() * 2);
    s_.statistics = {};
    if (!s_.call.given_statistics) {
      s_.statistics.row_max = carver.take<A>(rows * column_tiles);
      s_.statistics.row_sum = carver.take<A>(rows * column_tiles);
      s_.statistics.running_row_max = carver.take<double>(s_.n);
      s_.statistics.running_row_sum = carver.take<double>(s_.n);
      if (s_.call.both_directions()) {
        s_.statistics.column_max = carver.take<A>(row_tiles * columns);
        s_.statistics.column_sum = carver.take<A>(row_tiles * columns);
        s_.statistics.running_column_max = carver.take<double>(s_.m);
        s_.statistics.running_column_sum = carver.take<double>(s_.m);
      }
    }
    if (coefficients) s_.scale_partial = carver.take<double>(row_tiles * column_tiles);
    if (s_.call.grad_bias.present()) s_.column_partial = carver.take<double>(row_tiles * columns);
  }

  // ---- inputs -------------------------------------------------------------------------

  void prepare_inputs() {
    prepare_scalars(s_.stream, s_.call, s_.skip, s_.scalars);
    prepare_rows(Matrix::of(s_.call.x), s_.x_inverse, s_.x);
    prepare_rows(Matrix::of(s_.call.y), s_.y_inverse, s_.y);
    if (s_.bias != nullptr) {
      prepare_bias(s_.stream, Vector::of(s_.call.bias), s_.m, s_.skip, s_.bias, s_.scalars);
    }
  }

  void prepare_rows(const Matrix& source, double* inverse, const Matrix& operand) {
    if (!s_.copies) return;
    if (inverse != nullptr) inverse_norms(s_.stream, source, s_.skip, inverse);
    load_rows(s_.stream, source, 0, inverse, nullptr, s_.skip, operand);
  }

  void weight_sums_of_targets() {
    if (s_.call.target == Target::pair) return;
    if (s_.call.given_statistics) {
      load_vector(s_.stream, s_.call.weight_sum, s_.n, s_.weight_sum);
    }
    if (s_.low_rank()) {
      target_.weight_sums();
    } else {
      weight_sums(s_.stream, Matrix::of(s_.call.weights), s_.skip, s_.call.given_statistics,
                  s_.weight_sum);
    }
  }

  void read_statistics() {
    load_vector(s_.stream, s_.call.row_lse, s_.n, s_.row.lse);
    if (s_.call.both_directions()) {
      load_vector(s_.stream, s_.call.column_lse, s_.m, s_.column.lse);
    }
  }

  // ---- sweeps -------------------------------------------------------------------------

  DotBlock<A> block_at(std::int64_t row0, std::int64_t column0) const {
    DotBlock<A> b;
    b.row0 = row0;
    b.column0 = column0;
    b.rows = std::min(kCudaTiling.block_rows, s_.n - row0);
    b.columns = std::min(kCudaTiling.block_columns, s_.m - column0);
    b.ld = s_.block_ld();
    b.dots = s_.block;
    if (row0 < s_.stored_rows) {
      b.dots = s_.stored + row0 * s_.stored_width() +
               column0 / kCudaTiling.block_columns * b.rows * b.ld;
    }
    b.pair_shift = s_.pair_shift;
    b.bias = s_.bias;
    b.skip = s_.skip;
    b.scalars = s_.scalars;
    return b;
  }

  void multiply_scores(const DotBlock<A>& b) {
    const Matrix x = rows_of(s_.x, b.row0, b.rows);
    const Matrix y = rows_of(s_.y, b.column0, b.columns);
    GemmCall product;
    product.operand = s_.operand;
    product.product = Product::nt;
    product.m = b.rows;
    product.n = b.columns;
    product.k = s_.d;
    product.a = x.data;
    product.lda = x.ld;
    product.b = y.data;
    product.ldb = y.ld;
    product.c = b.dots;
    product.ldc = b.ld;
    multiply(s_.device, product);
  }

  void sweep_statistics() {
    for (std::int64_t row = 0; row < s_.n; row += kCudaTiling.block_rows) {
      for (std::int64_t column = 0; column < s_.m; column += kCudaTiling.block_columns) {
        const DotBlock<A> b = block_at(row, column);
        multiply_scores(b);
        tile_statistics(s_.stream, b, s_.statistics, s_.pair_score);
        merge_statistics(s_.stream, b, s_.statistics, column == 0, row == 0);
        if (s_.dense() && !s_.call.only_statistics) add_weighted_scores(b);
      }
    }
    finish_lse(s_.stream, s_.statistics.running_row_max, s_.statistics.running_row_sum, s_.n,
               s_.row.lse);
    if (s_.call.both_directions()) {
      finish_lse(s_.stream, s_.statistics.running_column_max, s_.statistics.running_column_sum,
                 s_.m, s_.column.lse);
    }
  }

  WeightBlock weights() const {
    return s_.dense() ? WeightBlock{Matrix::of(s_.call.weights)} : WeightBlock{};
  }
  void add_weighted_scores(const DotBlock<A>& b) {
    weighted_scores(s_.stream, b, weights(), b.column0 == 0, s_.row_term);
  }

  DirectionInputs<A> direction_inputs() const {
    DirectionInputs<A> in;
    in.n = s_.n;
    in.m = s_.m;
    in.all_rows = s_.call.shard.rows;
    in.row_offset = s_.call.shard.row_offset;
    in.column_offset = s_.call.shard.column_offset;
    in.options = s_.call.options;
    in.target = s_.call.target;
    in.row_weight = Vector::of(s_.call.row_weight);
    in.upstream = Vector::of(s_.call.upstream);
    in.skip = s_.skip;
    in.weight_sum = s_.weight_sum;
    in.weight_factor = s_.weight_factor;
    in.target_factor = s_.target_factor;
    in.scalars = s_.scalars;
    return in;
  }

  void directions() {
    row_direction(s_.stream, direction_inputs(), s_.row);
    if (s_.call.both_directions()) {
      column_direction(s_.stream, direction_inputs(), s_.column);
    }
    if (s_.operand == Type::f16 && s_.call.sweeps_coefficients()) {
      choose_narrow_factor(s_.stream, s_.row, s_.n, s_.column, s_.m, s_.scalars);
    }
  }

  // ---- gradients ----------------------------------------------------------------------

  void gradients() {
    const bool patched = s_.low_rank();
    if (s_.bias_gradient != nullptr) {
      check(cudaMemsetAsync(s_.bias_gradient, 0, static_cast<std::size_t>(s_.m) * sizeof(double),
                            s_.stream),
            "clearing the bias gradient");
    }
    if (patched) target_.columns();
    if (patched) target_.mix_candidates();
    for (std::int64_t row = 0; row < s_.n; row += kCudaTiling.block_rows) {
      const std::int64_t rows = std::min(kCudaTiling.block_rows, s_.n - row);
      if (patched) target_.rows(row, rows);
      for (std::int64_t column = 0; column < s_.m; column += kCudaTiling.block_columns) {
        const DotBlock<A> b = block_at(row, column);
        if (b.dots == s_.block) multiply_scores(b);
        if (s_.call.given_statistics && s_.dense()) add_weighted_scores(b);
        sweep_coefficients(b, patched);
      }
      if (s_.grad_x.wanted && !s_.grad_x.direct) {
        const Matrix g{s_.grad_x.data, s_.accumulator_type(), rows, s_.d, s_.grad_x.ld};
        store_gradient_rows(s_.stream, Matrix::of(s_.call.x), s_.x_inverse, s_.skip, row, g,
                            s_.gradient_factor(), Matrix::of(s_.call.grad_x));
      }
    }
    if (s_.grad_y.wanted && !s_.grad_y.direct) {
      const Matrix g{s_.grad_y.data, s_.accumulator_type(), s_.m, s_.d, s_.grad_y.ld};
      store_gradient_rows(s_.stream, Matrix::of(s_.call.y), s_.y_inverse, s_.skip, 0, g,
                          s_.gradient_factor(), Matrix::of(s_.call.grad_y));
    }
    if (s_.call.grad_log_scale.present()) {
      write_scale_gradient(s_.stream, patched ? target_.target_scale() : nullptr, s_.n, s_.scalars,
                           s_.call.grad_log_scale);
    }
    if (s_.bias_gradient != nullptr) {
      write_bias_gradient(s_.stream, s_.bias_gradient, s_.m, s_.skip, s_.scalars,
                          s_.call.grad_bias);
    }
  }

  void sweep_coefficients(const DotBlock<A>& b, bool patched) {
    CoefficientOutputs<A> out;
    out.coefficients = s_.narrows() ? s_.narrow : b.dots;
    out.type = s_.narrows() ? s_.operand : s_.accumulator_type();
    out.ld = s_.narrows() ? s_.block_ld() : b.ld;
    out.scale_partial = s_.scale_partial;
    out.column_partial = s_.column_partial;
    out.pair_score = s_.call.given_statistics ? s_.pair_score : nullptr;
    tile_coefficients(s_.stream, b, s_.row, s_.column, weights(), s_.weight_factor, out);
    merge_coefficients(s_.stream, b, out, s_.scalars, s_.bias_gradient);
    GemmCall product;
    product.operand = s_.operand;
    product.a = out.coefficients;
    product.lda = out.ld;
    product.n = s_.d;
    if (s_.grad_x.wanted) {
      const Matrix y = rows_of(s_.y, b.column0, b.columns);
      product.product = Product::nn;
      product.m = b.rows;
      product.k = b.columns;
      product.b = y.data;
      product.ldb = y.ld;
      product.c = s_.grad_x.data + (s_.grad_x.direct ? b.row0 : 0) * s_.grad_x.ld;
      product.ldc = s_.grad_x.ld;
      product.accumulate = patched || b.column0 > 0;
      multiply(s_.device, product);
    }
    if (s_.grad_y.wanted) {
      const Matrix x = rows_of(s_.x, b.row0, b.rows);
      product.product = Product::tn;
      product.m = b.columns;
      product.k = b.rows;
      product.b = x.data;
      product.ldb = x.ld;
      product.c = s_.grad_y.data + b.column0 * s_.grad_y.ld;
      product.ldc = s_.grad_y.ld;
      product.accumulate = patched || b.row0 > 0;
      multiply(s_.device, product);
    }
  }

  // ---- other outputs --------------------------------------------------------------------

  void write_losses() {
    const ContrastiveCall& call = s_.call;
    LossInputs<A> in;
    in.call = direction_inputs();
    in.pair_shift = s_.pair_shift;
    in.row_lse = s_.row.lse;
    in.column_lse = call.both_directions() ? s_.column.lse : nullptr;
    in.pair_score = s_.pair_score;
    in.row_term = s_.row_term;
    in.bias = s_.bias;
    if (call.options.label_smoothing > 0) {
      add_weighted_rows(s_.stream, s_.y, nullptr, false, s_.sum_scratch, y_sum_);
      row_dots(s_.stream, s_.x, y_sum_, row_smoothing_);
      in.row_smoothing = row_smoothing_;
      if (call.both_directions()) {
        add_weighted_rows(s_.stream, s_.x, nullptr, false, s_.sum_scratch, x_sum_);
        row_dots(s_.stream, s_.y, x_sum_, column_smoothing_);
        in.column_smoothing = column_smoothing_;
      }
    }
    pair_losses(s_.stream, in, pair_losses_);
    if (call.row_loss.present()) {
      store_vector(s_.stream, pair_losses_, call.shard.rows, call.row_loss);
    }
    if (call.loss.present()) {
      total_loss(s_.stream, pair_losses_, call.shard.rows, call.options.reduction == LSM_MEAN,
                 s_.scalars, call.loss);
    }
  }

  void write_statistics() {
    store_vector(s_.stream, s_.row.lse, s_.n, s_.call.row_lse);
    if (s_.weight_sum != nullptr) {
      store_vector(s_.stream, s_.weight_sum, s_.n, s_.call.weight_sum);
    }
    if (s_.call.both_directions()) {
      store_vector(s_.stream, s_.column.lse, s_.m, s_.call.column_lse);
    }
  }

  // No rows or no columns take part: nothing to sum over.
  void write_empty() {
    const ContrastiveCall& call = s_.call;
    if (call.only_statistics) {
      const double nothing = -std::numeric_limits<double>::infinity();
      fill_vector(s_.stream, call.row_lse, nothing);
      if (call.weight_sum.present()) fill_vector(s_.stream, call.weight_sum, 0.0);
      if (call.both_directions()) fill_vector(s_.stream, call.column_lse, nothing);
    }
    for (const View* out : {&call.loss, &call.row_loss, &call.grad_x, &call.grad_y,
                            &call.grad_log_scale, &call.grad_bias}) {
      if (out->present()) fill_zero(s_.stream, *out);
    }
  }

  ContrastiveState<A> s_;
  LowRankTarget<A> target_;
  std::size_t bytes_ = 0;
  double* pair_losses_ = nullptr;  // [rows of the whole batch]
  double* x_sum_ = nullptr;        // [d], label smoothing only
  double* y_sum_ = nullptr;
  double* row_smoothing_ = nullptr;
  double* column_smoothing_ = nullptr;
};

// Calls f with the run of the arithmetic that the element type asks for.
template <class F>
auto with_run(const ContrastiveCall& call, lsm_context_s& context, F&& f) {
  if (call.x.type == Type::f64) {
    ContrastiveRun<double> run(call, context);
    return f(run);
  }
  ContrastiveRun<float> run(call, context);
  return f(run);
}

}  // namespace

void run_contrastive(const ContrastiveCall& call, lsm_context_s& context) {
  with_run(call, context, [](auto& run) { run.run(); });
}

lsm_contrastive_plan plan_contrastive(const ContrastiveCall& call, lsm_context_s& context) {
  return with_run(call, context, [](auto& run) { return run.plan(); });
}

}  // namespace cuda
}  // namespace lossmith
