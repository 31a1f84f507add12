#include "cpu/labels.h"

#include <cmath>
#include <type_traits>

#include "core/status.h"
#include "cpu/backend.h"
#include "cpu/label_state.h"
#include "cpu/parallel.h"

namespace lossmith {
namespace {

constexpr std::int64_t kPrepareGrain = 64;
// What the sums of grad_x of all lanes may take: fewer lanes for large batches.
constexpr std::int64_t kLaneBytes = std::int64_t{24} << 20;

// One call from memory plan to outputs.
template <class A>
class LabelRun {
 public:
  LabelRun(const LabelCall& call, lsm_context_s& context) : s_(call, context) {}

  // Decides sizes without touching data; returns the plan.
  lsm_contrastive_plan plan() {
    shape();
    choose_layout();
    lsm_contrastive_plan out{};
    out.plan = s_.stored ? LSM_PLAN_STORE : LSM_PLAN_RECOMPUTE;
    out.workspace_bytes = static_cast<std::int64_t>(bytes_);
    const LabelCall& call = s_.call;
    const double product = 2.0 * static_cast<double>(s_.n) * static_cast<double>(s_.columns) *
                           static_cast<double>(s_.d);
    const bool again = call.wants_gradients() && !s_.stored;
    out.flops = product * (1 + again + (call.wants_gradients() && call.grad_x.present()) +
                           call.wants_label_gradient());
    return out;
  }

  void run() {
    plan();
    Carver carver(s_.context.workspace.block(bytes_));
    carve(carver);
    prepare_rows(s_);
    prepare_operands();
    if (s_.n == 0 || s_.columns == 0) {
      write_empty();
      if (s_.call.update.present()) step_without_rows(s_);
      return;
    }
    // All demands on the data are checked; from here on nothing fails.
    clear_outputs();
    bool summed = false;  // by the sweep of the group before
    for (std::int64_t begin = 0; begin < s_.n; begin += s_.group_rows) {
      const std::int64_t end = std::min(begin + s_.group_rows, s_.n);
      if (!summed) sweep_sums(s_, begin, end);
      if (s_.top_k()) find_thresholds(s_, begin, end);
      finish_rows(s_, begin, end);
      if (!s_.call.wants_gradients()) continue;
      sweep_gradients(s_, begin, end, std::min(end + s_.group_rows, s_.n));
      summed = true;
    }
    write_vectors();
    gemm_of(s_.context).expect_success();
  }

 private:
  static bool same_as_accumulator(Type type) {
    return std::is_same<A, double>::value ? type == Type::f64 : type == Type::f32;
  }
  // oneDNN wants rows one after another; rows that repeat, overlap or run backwards are packed.
  static bool plain_rows(const View& v) { return v.shape[0] <= 1 || v.strides[0] >= v.shape[1]; }
  static std::int64_t row_stride(const View& v, std::int64_t d) {
    return v.shape[0] <= 1 ? d : v.strides[0];
  }

  // ---- sizes --------------------------------------------------------------------------

  void shape() {
    const LabelCall& call = s_.call;
    s_.n = call.n;
    s_.columns = call.columns;
    s_.d = call.d;
    s_.x_rows.view = call.x;
    s_.label_rows.view = call.labels;
    const bool whole = !call.candidates.present() && call.options.normalize_labels == 0;
    s_.x_direct =
        same_as_accumulator(call.x.type) && call.options.normalize_x == 0 && plain_rows(call.x);
    s_.ldx = s_.x_direct ? row_stride(call.x, s_.d) : s_.d;
    if (!s_.given()) {
      s_.labels_direct = same_as_accumulator(call.labels.type) && whole && plain_rows(call.labels);
    }
    s_.gradient_direct = call.grad_labels.present() && whole &&
                         same_as_accumulator(call.grad_labels.type) && plain_rows(call.grad_labels);
    // Narrow tiles where few labels would leave lanes empty.
    const std::int64_t share = pieces(s_.columns, kMaxLanes);
    s_.tile_columns = std::min(kLabelColumns, std::max<std::int64_t>(64, pieces(share, 64) * 64));
    s_.tile_columns = std::min(s_.tile_columns, std::max<std::int64_t>(1, s_.columns));
    s_.tiles = pieces(s_.columns, s_.tile_columns);
    const std::int64_t row_bytes = s_.n * s_.d * static_cast<std::int64_t>(sizeof(A));
    const std::int64_t fit = row_bytes == 0 ? kMaxLanes : kLaneBytes / row_bytes;
    const std::int64_t lanes = std::min({s_.tiles, kMaxLanes, std::max<std::int64_t>(2, fit)});
    s_.tiles_per_lane = lanes == 0 ? 0 : pieces(s_.tiles, lanes);
    s_.lanes = lanes == 0 ? 0 : pieces(s_.tiles, s_.tiles_per_lane);
    s_.scale = read_scale();
  }

  double read_scale() {
    const View& log_scale = s_.call.log_scale;
    const lsm_label_options& o = s_.call.options;
    const double free = log_scale.present() ? std::exp(element(log_scale, 0)) : 1 / o.temperature;
    s_.clamped = free > o.max_scale;
    return s_.clamped ? o.max_scale : free;
  }

  // Whether the labels' gradient may be summed over several groups: only where it lies in f32.
  bool one_group() const { return s_.call.wants_label_gradient() && !s_.gradient_direct; }

  std::size_t measure(std::int64_t group_rows, bool stored) {
    s_.group_rows = group_rows;
    s_.stored = stored;
    s_.scratch = ThreadScratch();
    if (!s_.given() && s_.n > 0 && s_.columns > 0) prepare_products();
    Carver carver(nullptr);
    carve(carver);
    return carver.used();
  }

  // Bytes of a layout, with as few threads as it takes to fit.
  bool fits(std::int64_t group_rows, bool stored) {
    const auto budget = static_cast<std::size_t>(s_.context.workspace.budget());
    s_.threads = s_.context.threads;
    bytes_ = measure(group_rows, stored);
    while (s_.threads > 1 && bytes_ > budget) {
      s_.threads /= 2;
      bytes_ = measure(group_rows, stored);
    }
    return bytes_ <= budget;
  }

  // The largest number of rows that fits, in whole tiles; 0 if none does.
  std::int64_t rows_that_fit(bool stored) {
    if (fits(s_.n, stored)) return s_.n;
    std::int64_t low = 0;
    std::int64_t high = pieces(s_.n, kLabelRows);
    while (!one_group() && high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      (fits(middle * kLabelRows, stored) ? low : high) = middle;
    }
    return low * kLabelRows;
  }

  void choose_layout() {
    gemm_of(s_.context).forget_if_many();
    const std::int32_t asked = s_.call.options.plan;
    const bool worth = !s_.given() && (s_.call.wants_gradients() || s_.top_k());
    if (worth && asked != LSM_PLAN_RECOMPUTE) {
      const std::int64_t rows = rows_that_fit(true);
      if (rows > 0) {
        fits(rows, true);
        return;
      }
      if (asked == LSM_PLAN_STORE) fail(std::min(kLabelRows, s_.n), true);
    }
    const std::int64_t rows = rows_that_fit(false);
    if (rows == 0) fail(one_group() ? s_.n : std::min(kLabelRows, s_.n), false);
    fits(rows, false);
  }

  void fail(std::int64_t rows, bool stored) {
    fits(one_group() ? s_.n : rows, stored);
    expect_budget(s_.context.workspace, bytes_);
  }

  void prepare_products() {
    Gemm& gemm = gemm_of(s_.context);
    const Type type = std::is_same<A, double>::value ? Type::f64 : Type::f32;
    const Pieces rows(s_.n, kLabelRows), columns(s_.columns, s_.tile_columns), width(s_.d);
    const std::int64_t label_ld = s_.labels_direct ? row_stride(s_.call.labels, s_.d) : s_.d;
    const auto prepare = [&](PieceProduct& product, Product kind, std::int64_t lda,
                             std::int64_t ldb, std::int64_t ldc, Pieces m, Pieces n, Pieces k,
                             bool accumulating) {
      const GemmShape shape{type, kind, false, 0, 0, 0, lda, ldb, ldc};
      product.prepare(gemm, shape, m, n, k, true, accumulating);
      s_.scratch.need(product.scratch_bytes());
    };
    const std::int64_t ld = s_.tile_ld();
    prepare(s_.product, Product::nt, s_.ldx, label_ld, ld, rows, columns, width, false);
    if (s_.call.grad_x.present()) {
      prepare(s_.x_gradient, Product::nn, ld, label_ld, s_.d, rows, width, columns, true);
    }
    if (!s_.call.wants_label_gradient()) return;
    const std::int64_t gradient_ld =
        s_.gradient_direct ? row_stride(s_.call.grad_labels, s_.d) : s_.d;
    prepare(s_.label_gradient, Product::tn, ld, s_.ldx, gradient_ld, columns, width, rows, true);
  }

  void carve(Carver& carver) {
    const LabelCall& call = s_.call;
    s_.entries.carve(carver);
    const bool products = !s_.given();
    if (products && !s_.x_direct) s_.x_copy = carver.take<A>(s_.n * s_.d);
    if (call.options.normalize_x != 0) s_.x_inverse = carver.take<double>(s_.n);
    if (call.options.normalize_labels != 0) s_.label_inverse = carver.take<double>(s_.columns);
    if (call.bias.present()) s_.bias = carver.take<A>(s_.columns);
    if (call.class_weight.present()) s_.class_weight = carver.take<A>(s_.columns);
    s_.c = carver.take<double>(s_.n);
    s_.row_loss = carver.take<double>(s_.n);
    for (A** v : {&s_.factor, &s_.hi, &s_.lo, &s_.least, &s_.uniform, &s_.target}) {
      *v = carver.take<A>(s_.n);
    }
    if (s_.top_k()) {
      s_.k = carver.take<double>(s_.n);
      s_.search = carver.take<math::TopKSearch>(s_.n);
      s_.look = carver.take<LabelLook>(s_.n);
    }
    s_.sums = carver.take<RowSums>(s_.lanes * s_.group_rows);
    if (s_.top_k() && std::is_same<A, float>::value) {
      s_.near_by = carver.take<A>(s_.lanes * s_.group_rows * kNearLabels);
      s_.near_count = carver.take<std::int64_t>(s_.lanes * s_.group_rows);
    }
    s_.scale_gradient = carver.take<double>(s_.lanes * pieces(s_.n, kLabelRows));
    if (call.grad_bias.present()) s_.bias_gradient = carver.take<double>(s_.columns);
    const std::int64_t tiles = s_.stored ? s_.tiles * s_.group_pieces() : s_.threads;
    s_.products_of = carver.take<A>(tiles * s_.tile_rows() * s_.tile_ld());
    const std::int64_t labels = s_.threads * s_.tile_columns * s_.d;
    if (products && !s_.labels_direct) s_.labels_of = carver.take<A>(labels);
    if (call.wants_label_gradient() && !s_.gradient_direct) {
      s_.gradients_of = carver.take<A>(labels);
    }
    if (call.update.present() && call.options.normalize_labels != 0)
      s_.stepped_of = carver.take<A>(labels);
    if (s_.soft()) s_.targets_of = carver.take<A>(s_.threads * s_.tile_rows() * s_.tile_columns);
    s_.columns_of = carver.take<A>(s_.threads * 7 * s_.tile_rows());
    if (products && call.grad_x.present()) {
      s_.grad_x_lanes = carver.take<A>(s_.lanes * s_.group_rows * s_.d);
      s_.grad_x_row = carver.take<A>(s_.group_rows * s_.d);
    }
    s_.scratch.carve(carver, s_.threads);
  }

  // ---- inputs and outputs ---------------------------------------------------------------

  void prepare_operands() {
    s_.label_rows.index = s_.entries.column_index();
    for (std::int64_t j = 0; s_.bias != nullptr && j < s_.columns; ++j) {
      const View& bias = s_.call.bias;
      s_.bias[j] =
          static_cast<A>(element(bias, bias.elements() == 1 ? 0 : s_.label_rows.source_row(j)));
    }
    if (s_.given()) return;
    parallel_ranges(
        s_.threads, s_.n, kPrepareGrain, [&](std::int64_t begin, std::int64_t end, int) {
          for (std::int64_t i = begin; s_.x_inverse != nullptr && i < end; ++i) {
            s_.x_inverse[i] = inverse_norm(s_.x_rows, i);
          }
          if (s_.x_direct) return;
          load_rows(s_.x_rows, begin, end, s_.x_inverse, s_.x_copy + begin * s_.d, s_.d);
        });
    s_.x = s_.x_direct ? reinterpret_cast<const A*>(s_.call.x.data) : s_.x_copy;
    if (s_.label_inverse == nullptr) return;
    parallel_ranges(s_.threads, s_.columns, kPrepareGrain,
                    [&](std::int64_t begin, std::int64_t end, int) {
                      for (std::int64_t j = begin; j < end; ++j) {
                        s_.label_inverse[j] = inverse_norm(s_.label_rows, j);
                      }
                    });
  }

  void clear_outputs() {
    const LabelCall& call = s_.call;
    if (call.candidates.present()) {
      if (call.grad_labels.present()) fill_zero(call.grad_labels);
      if (s_.given() && call.grad_x.present()) fill_zero(call.grad_x);
    }
    std::fill_n(s_.scale_gradient, s_.lanes * pieces(s_.n, kLabelRows), 0.0);
    if (s_.bias_gradient != nullptr) std::fill_n(s_.bias_gradient, s_.columns, 0.0);
  }

  void write_vectors() {
    const LabelCall& call = s_.call;
    double loss = 0;
    for (std::int64_t i = 0; i < s_.n; ++i) {
      const double weight = call.row_weight.present() ? element(call.row_weight, i) : 1.0;
      const double row = s_.row_loss[i] * weight;
      loss += row;
      if (call.row_loss.present()) set_element(call.row_loss, i, row);
      if (call.threshold.present()) set_element(call.threshold, i, s_.search[i].t);
    }
    if (call.loss.present()) set_element(call.loss, 0, loss / s_.rows_that_count);
    if (call.grad_log_scale.present()) {
      double sum = 0;
      for (std::int64_t k = 0; k < s_.lanes * pieces(s_.n, kLabelRows); ++k) {
        sum += s_.scale_gradient[k];
      }
      set_element(call.grad_log_scale, 0, s_.clamped ? 0.0 : sum);
    }
    if (!call.grad_bias.present()) return;
    const bool one = call.grad_bias.elements() == 1 && call.l != 1;
    double sum = 0;
    fill_zero(call.grad_bias);
    for (std::int64_t j = 0; j < s_.columns; ++j) {
      const double g = s_.bias_gradient[j] / s_.scale;
      sum += g;
      if (!one) set_element(call.grad_bias, s_.label_rows.source_row(j), g);
    }
    if (one) set_element(call.grad_bias, 0, sum);
  }

  // No rows or no labels take part: nothing to sum over.
  void write_empty() {
    const LabelCall& call = s_.call;
    for (const View* out : {&call.loss, &call.row_loss, &call.threshold, &call.grad_x,
                            &call.grad_labels, &call.grad_log_scale, &call.grad_bias}) {
      if (out->present()) fill_zero(*out);
    }
  }

  LabelState<A> s_;
  std::size_t bytes_ = 0;
};

template <class F>
auto with_run(const LabelCall& call, lsm_context_s& context, F&& f) {
  const SerialRegion serial;
  if (call.x.type == Type::f64) {
    LabelRun<double> run(call, context);
    return f(run);
  }
  LabelRun<float> run(call, context);
  return f(run);
}

}  // namespace

void run_labels(const LabelCall& call, lsm_context_s& context) {
  with_run(call, context, [](auto& run) { run.run(); });
}

lsm_contrastive_plan plan_labels(const LabelCall& call, lsm_context_s& context) {
  return with_run(call, context, [](auto& run) { return run.plan(); });
}

}  // namespace lossmith
