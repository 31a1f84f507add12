#include "cpu/contrastive.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/status.h"
#include "cpu/backend.h"
#include "cpu/contrastive_loss.h"
#include "cpu/contrastive_target.h"
#include "cpu/contrastive_tiles.h"
#include "cpu/parallel.h"

namespace lossmith {
namespace {

constexpr std::int64_t kPrepareGrain = 64;

// One call from memory plan to outputs.
template <class T, class A>
class ContrastiveRun {
 public:
  ContrastiveRun(const ContrastiveCall& call, lsm_context_s& context)
      : s_(call, context), target_(s_) {}

  // Decides sizes without touching data; returns the plan.
  lsm_contrastive_plan plan() {
    count_participants();
    choose_layout();
    lsm_contrastive_plan out{};
    out.plan = s_.plan.stored_rows == s_.n && s_.n > 0 ? LSM_PLAN_STORE : LSM_PLAN_RECOMPUTE;
    out.workspace_bytes = static_cast<std::int64_t>(bytes_);
    const ContrastiveCall& call = s_.call;
    const double product =
        2.0 * static_cast<double>(s_.n) * static_cast<double>(s_.m) * static_cast<double>(s_.d);
    const double kept =
        s_.n == 0 ? 0 : static_cast<double>(s_.plan.stored_rows) / static_cast<double>(s_.n);
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
    fill_indices();
    prepare_operands();
    weight_sums();
    // All demands on the data are checked; from here on nothing fails.
    if (s_.call.only_statistics) {
      sweep_statistics(s_);
      write_statistics();
      gemm_of(s_.context).expect_success();
      return;
    }
    pair_factors(s_);
    if (s_.call.given_statistics) {
      read_statistics();
    } else {
      sweep_statistics(s_);
    }
    direction_vectors(s_);
    if (s_.call.sweeps_coefficients()) {
      gradients();
    } else if (s_.low_rank()) {
      target_.mix_candidates();
      target_.rows(0, s_.n);
    }
    if (s_.call.wants_loss()) write_losses(s_, pair_losses_, sums_);
    gemm_of(s_.context).expect_success();
  }

 private:
  // ---- sizes --------------------------------------------------------------------------

  void count_participants() {
    const ContrastiveCall& call = s_.call;
    s_.n = call.n;
    s_.m = call.m;
    s_.d = call.d;
    s_.r = call.r;
    std::int64_t ignored = 0;
    for (std::int64_t i = 0; call.ignore.present() && i < call.n; ++i) {
      ignored += *ignored_flag(i) != 0;
    }
    s_.n -= ignored;
    s_.m -= ignored;
    compact_ = ignored > 0;
    s_.all_rows = call.shard.rows - ignored;
    s_.all_columns = call.shard.columns - ignored;
    s_.pair_shift = call.shard.row_offset - call.shard.column_offset;
    s_.scale = call.scale(&s_.clamped);
    s_.x_rows.view = call.x;
    s_.y_rows.view = call.y;
    s_.reference_rows.view = call.reference;
    s_.reference_columns.view = call.reference_y;
    // oneDNN wants rows one after another; rows that repeat, overlap or run backwards are packed.
    const auto unusual = [](const View& v) { return v.shape[0] > 1 && v.strides[0] < v.shape[1]; };
    const bool copy = compact_ || call.options.normalize || !same_type(call.x.type) ||
                      unusual(call.x) || unusual(call.y);
    copy_ = copy;
    s_.ldx = copy ? s_.d : row_stride(call.x);
    s_.ldy = copy ? s_.d : row_stride(call.y);
    const auto direct = [&](const View& gradient) {
      return !compact_ && !call.options.normalize && same_as_accumulator(gradient.type) &&
             !unusual(gradient);
    };
    if (call.grad_x.present()) {
      s_.grad_x_direct = direct(call.grad_x);
      s_.grad_x_ld = s_.grad_x_direct ? row_stride(call.grad_x) : s_.d;
    }
    if (call.grad_y.present()) {
      s_.grad_y_direct = direct(call.grad_y);
      s_.grad_y_ld = s_.grad_y_direct ? row_stride(call.grad_y) : s_.d;
    }
  }

  // A row stride below the width happens only with a single row, where it means nothing.
  std::int64_t row_stride(const View& v) const { return v.shape[0] <= 1 ? s_.d : v.strides[0]; }
  static bool same_type(Type type) {
    return (std::is_same<T, float>::value && type == Type::f32) ||
           (std::is_same<T, double>::value && type == Type::f64) ||
           (std::is_same<T, bfloat16>::value && type == Type::bf16);
  }
  static bool same_as_accumulator(Type type) {
    return (std::is_same<A, float>::value && type == Type::f32) ||
           (std::is_same<A, double>::value && type == Type::f64);
  }
  const std::uint8_t* ignored_flag(std::int64_t i) const {
    return reinterpret_cast<const std::uint8_t*>(s_.call.ignore.data) +
           i * s_.call.ignore.strides[0];
  }

  std::size_t measure(std::int64_t group, std::int64_t stored_rows) {
    s_.plan.n = s_.n;
    s_.plan.m = s_.m;
    s_.plan.d = s_.d;
    s_.plan.group = group;
    s_.plan.stored_rows = stored_rows;
    s_.scratch = ThreadScratch();
    if (s_.n > 0 && s_.m > 0) {
      prepare_products(s_, s_.low_rank(), s_.low_rank());
      if (s_.low_rank()) target_.prepare();
    }
    Carver carver(nullptr);
    carve(carver);
    return carver.used();
  }

  void choose_layout() {
    gemm_of(s_.context).forget_if_many();
    const Workspace& workspace = s_.context.workspace;
    const auto budget = static_cast<std::size_t>(workspace.budget());
    s_.lanes = s_.context.threads;
    const bool keeps = s_.call.wants_gradients() && !s_.call.given_statistics;
    const std::int32_t asked = s_.call.options.plan;
    if (asked == LSM_PLAN_STORE && keeps) {
      bytes_ = measure(1, s_.n);
      while (s_.lanes > 1 && bytes_ > budget) {
        s_.lanes /= 2;
        bytes_ = measure(1, s_.n);
      }
      expect_budget(workspace, bytes_);
      return;
    }
    // Two blocks of rows for every eight threads keep the slices of the products plentiful.
    std::int64_t group = std::max(1, s_.context.threads / 4);
    bytes_ = measure(group, 0);
    while (group > 1 && bytes_ > budget) bytes_ = measure(group /= 2, 0);
    while (s_.lanes > 1 && bytes_ > budget) {
      s_.lanes /= 2;
      bytes_ = measure(group, 0);
    }
    expect_budget(workspace, bytes_);
    if (asked != LSM_PLAN_AUTO || !keeps || s_.d < kStoreMinimumWidth || s_.n == 0) return;
    const std::size_t row = static_cast<std::size_t>(s_.plan.row_ld()) * sizeof(A);
    const std::int64_t fit = static_cast<std::int64_t>((budget - bytes_) / row);
    std::int64_t stored = fit >= s_.n ? s_.n : fit / s_.plan.group_rows() * s_.plan.group_rows();
    while (stored > 0) {
      const std::size_t bytes = measure(group, stored);
      if (bytes <= budget) {
        bytes_ = bytes;
        return;
      }
      stored = (stored - 1) / s_.plan.group_rows() * s_.plan.group_rows();
    }
    bytes_ = measure(group, 0);
  }

  void carve(Carver& carver) {
    const ContrastiveCall& call = s_.call;
    if (compact_) {
      s_.row_index = carver.take<std::int64_t>(s_.n);
      s_.column_index = carver.take<std::int64_t>(s_.m);
    }
    if (copy_) {
      s_.x_copy = carver.take<T>(s_.n * s_.d);
      s_.y_copy = carver.take<T>(s_.m * s_.d);
    }
    if (call.options.normalize) {
      s_.x_inverse = carver.take<double>(s_.n);
      s_.y_inverse = carver.take<double>(s_.m);
    }
    if (call.bias.present()) s_.bias = carver.take<A>(s_.m);
    carve_direction(carver, s_.row, s_.n);
    if (call.both_directions()) carve_direction(carver, s_.column, s_.m);
    s_.pair_score = carver.take<A>(s_.n);
    s_.row_term = carver.take<double>(s_.n);
    s_.pair_factor = carver.take<double>(s_.n);
    if (call.both_directions()) s_.column_factor = carver.take<double>(s_.m);
    if (call.target != Target::pair) s_.weight_sum = carver.take<double>(s_.n);
    if (s_.dense()) s_.weight_factor = carver.take<A>(s_.n);
    if (call.grad_bias.present()) s_.bias_gradient = carver.take<double>(s_.m);
    pair_losses_ = carver.take<double>(call.wants_loss() ? call.shard.rows : 0);
    sums_ = carver.take<double>(2 * s_.d);
    if (call.grad_x.present() && !s_.grad_x_direct) {
      s_.grad_x = carver.take<A>(s_.plan.group_rows() * s_.d);
    }
    if (call.grad_y.present() && !s_.grad_y_direct) s_.grad_y = carver.take<A>(s_.m * s_.d);
    if (s_.low_rank()) target_.carve(carver);
    carve_sweeps(s_, carver);
    if (s_.grad_x_direct) s_.grad_x = reinterpret_cast<A*>(call.grad_x.data);
    if (s_.grad_y_direct) s_.grad_y = reinterpret_cast<A*>(call.grad_y.data);
  }

  static void carve_direction(Carver& carver, DirectionVectors<A>& v, std::int64_t count) {
    v.lse = carver.take<double>(count);
    v.lse_hi = carver.take<A>(count);
    v.lse_lo = carver.take<A>(count);
    v.c = carver.take<A>(count);
    v.uniform = carver.take<A>(count);
    v.target = carver.take<A>(count);
  }

  // ---- inputs -------------------------------------------------------------------------

  void fill_indices() {
    if (!compact_) return;
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < s_.call.n; ++i) {
      if (*ignored_flag(i) != 0) continue;
      s_.row_index[kept] = i;
      s_.column_index[kept++] = i;
    }
    for (std::int64_t j = s_.call.n; j < s_.call.m; ++j) s_.column_index[kept++] = j;
    s_.x_rows.index = s_.reference_rows.index = s_.row_index;
    s_.y_rows.index = s_.reference_columns.index = s_.column_index;
  }

  void prepare_operands() {
    prepare_operand(s_.x_rows, s_.n, s_.x_copy, s_.x_inverse, &s_.x);
    prepare_operand(s_.y_rows, s_.m, s_.y_copy, s_.y_inverse, &s_.y);
    const View& bias = s_.call.bias;
    for (std::int64_t j = 0; bias.present() && j < s_.m; ++j) {
      s_.bias[j] =
          Convert<A>::from(element(bias, bias.elements() == 1 ? 0 : s_.y_rows.source_row(j)));
    }
  }

  void prepare_operand(const RowSource& source, std::int64_t count, T* copy, double* inverse,
                       const T** operand) {
    if (!copy_) {
      *operand = reinterpret_cast<const T*>(source.view.data);
      return;
    }
    parallel_ranges(s_.lanes, count, kPrepareGrain, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; inverse != nullptr && i < end; ++i) {
        inverse[i] = inverse_norm(source, i);
      }
      load_rows(source, begin, end, inverse, copy + begin * s_.d, s_.d);
    });
    *operand = copy;
  }

  void weight_sums() {
    for (std::int64_t i = 0; s_.call.given_statistics && s_.weight_sum != nullptr && i < s_.n;
         ++i) {
      s_.weight_sum[i] = element(s_.call.weight_sum, i);
    }
    if (s_.low_rank()) target_.weight_sums();
    if (s_.dense()) dense_weight_sums(s_);
  }

  void read_statistics() {
    for (std::int64_t i = 0; i < s_.n; ++i) {
      s_.row.lse[i] = element(s_.call.row_lse, i);
      s_.row_term[i] = 0;
    }
    for (std::int64_t j = 0; s_.call.both_directions() && j < s_.m; ++j) {
      s_.column.lse[j] = element(s_.call.column_lse, j);
    }
  }

  // ---- gradients ----------------------------------------------------------------------

  void gradients() {
    const bool patched = s_.low_rank();
    s_.scale_gradient = 0;
    for (std::int64_t j = 0; s_.bias_gradient != nullptr && j < s_.m; ++j) {
      s_.bias_gradient[j] = 0;
    }
    if (compact_) {
      if (s_.call.grad_x.present()) fill_zero(s_.call.grad_x);
      if (s_.call.grad_y.present()) fill_zero(s_.call.grad_y);
    }
    if (patched) target_.columns();
    if (patched) target_.mix_candidates();
    for (std::int64_t begin = 0; begin < s_.n; begin += s_.plan.group_rows()) {
      const std::int64_t end = std::min(begin + s_.plan.group_rows(), s_.n);
      if (patched) target_.rows(begin, end);
      sweep_coefficients(s_, begin, end, !patched, !patched && begin == 0);
      if (s_.call.grad_x.present() && !s_.grad_x_direct) {
        write_rows(s_.call.grad_x, s_.x_rows, s_.x_inverse, begin, end, s_.grad_x, s_.grad_x_ld);
      }
    }
    if (s_.call.grad_y.present() && !s_.grad_y_direct) {
      write_rows(s_.call.grad_y, s_.y_rows, s_.y_inverse, 0, s_.m, s_.grad_y, s_.grad_y_ld);
    }
    if (patched) s_.scale_gradient += target_.scale_gradient();
    if (s_.call.grad_log_scale.present()) {
      set_element(s_.call.grad_log_scale, 0, s_.clamped ? 0.0 : s_.scale_gradient);
    }
    write_bias_gradient();
  }

  void write_rows(const View& gradient, const RowSource& source, const double* inverse,
                  std::int64_t begin, std::int64_t end, const A* g, std::int64_t ld) {
    parallel_ranges(s_.lanes, end - begin, kPrepareGrain,
                    [&](std::int64_t from, std::int64_t to, int) {
                      store_gradient_rows(gradient, source, inverse, begin + from, begin + to,
                                          g + from * ld, ld);
                    });
  }

  void write_bias_gradient() {
    const View& out = s_.call.grad_bias;
    if (!out.present()) return;
    double sum = 0;
    fill_zero(out);
    for (std::int64_t j = 0; j < s_.m; ++j) {
      const double g = s_.bias_gradient[j] / s_.scale;
      sum += g;
      if (out.elements() != 1 || s_.call.m == 1) set_element(out, s_.y_rows.source_row(j), g);
    }
    if (out.elements() == 1) set_element(out, 0, sum);
  }

  // ---- other outputs --------------------------------------------------------------------

  void write_statistics() {
    for (std::int64_t i = 0; i < s_.n; ++i) {
      set_element(s_.call.row_lse, i, s_.row.lse[i]);
      if (s_.weight_sum != nullptr) set_element(s_.call.weight_sum, i, s_.weight_sum[i]);
    }
    for (std::int64_t j = 0; s_.call.both_directions() && j < s_.m; ++j) {
      set_element(s_.call.column_lse, j, s_.column.lse[j]);
    }
  }

  // No rows or no columns take part: nothing to sum over.
  void write_empty() {
    const ContrastiveCall& call = s_.call;
    const double nothing = -std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; call.only_statistics && i < call.n; ++i) {
      set_element(call.row_lse, i, nothing);
      if (call.weight_sum.present()) set_element(call.weight_sum, i, 0.0);
    }
    for (std::int64_t j = 0; call.only_statistics && call.both_directions() && j < call.m; ++j) {
      set_element(call.column_lse, j, nothing);
    }
    for (const View* out : {&call.loss, &call.row_loss, &call.grad_x, &call.grad_y,
                            &call.grad_log_scale, &call.grad_bias}) {
      if (out->present()) fill_zero(*out);
    }
  }

  // Below this width reading kept dots back costs more than multiplying again (measured).
  static constexpr std::int64_t kStoreMinimumWidth = 32;

  ContrastiveState<T, A> s_;
  LowRankTarget<T, A> target_;
  bool compact_ = false;
  bool copy_ = false;
  std::size_t bytes_ = 0;
  double* pair_losses_ = nullptr;
  double* sums_ = nullptr;
};

// Calls f with the run of the arithmetic that the element type asks for.
template <class F>
auto with_run(const ContrastiveCall& call, lsm_context_s& context, F&& f) {
  const SerialRegion serial;
  if (call.x.type == Type::f64) {
    ContrastiveRun<double, double> run(call, context);
    return f(run);
  }
  if (call.x.type == Type::bf16 && bf16_products()) {
    ContrastiveRun<bfloat16, float> run(call, context);
    return f(run);
  }
  ContrastiveRun<float, float> run(call, context);
  return f(run);
}

}  // namespace

void run_contrastive(const ContrastiveCall& call, lsm_context_s& context) {
  with_run(call, context, [](auto& run) { run.run(); });
}

lsm_contrastive_plan plan_contrastive(const ContrastiveCall& call, lsm_context_s& context) {
  return with_run(call, context, [](auto& run) { return run.plan(); });
}

}  // namespace lossmith
