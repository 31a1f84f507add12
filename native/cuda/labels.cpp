#include "cuda/labels.h"

#include "core/status.h"
#include "cuda/error.h"
#include "cuda/gemm.h"
#include "cuda/label_layout.h"
#include "cuda/label_state.h"
#include "cuda/update.h"

namespace lossmith {
namespace cuda {
namespace {

// One call from memory plan to the last launch. Blocks of labels run outside, blocks of rows inside:
// the gradient of a block of labels is complete when its rows are done, so that it is stored, or
// steps the labels, at once. What a row needs from all labels runs over the blocks in their order.
template <class A>
class LabelRun {
 public:
  LabelRun(const LabelCall& call, lsm_context_s& context) : s_(call, context) {}

  // Decides sizes without touching data.
  lsm_contrastive_plan plan() {
    bytes_ = choose_label_layout(s_);
    const LabelCall& call = s_.call;
    lsm_contrastive_plan out{};
    const bool stores = s_.stored_blocks == s_.blocks() && s_.blocks() > 0 && s_.n > 0;
    out.plan = stores ? LSM_PLAN_STORE : LSM_PLAN_RECOMPUTE;
    out.workspace_bytes = static_cast<std::int64_t>(bytes_);
    const double product = 2.0 * static_cast<double>(s_.n) * static_cast<double>(s_.columns) *
                           static_cast<double>(s_.d);
    const double kept =
        s_.blocks() == 0 ? 0
                         : static_cast<double>(s_.stored_blocks) / static_cast<double>(s_.blocks());
    double products = 1 + (call.wants_gradients() ? 1 - kept : 0) +
                      (!s_.given() && call.grad_x.present()) + call.wants_label_gradient();
    if (s_.is_top_k()) products += kTopKPasses * (1 - kept);
    out.flops = product * products;
    return out;
  }

  void run() {
    plan();
    // Without rows the gradient of the labels is zero, and may still be wanted for a step.
    if (s_.columns == 0 || (s_.n == 0 && !s_.call.update.present())) {
      write_empty();
      return;
    }
    carve_labels(s_, s_.context.workspace.block(bytes_));
    prepare_label_scalars(s_.stream, s_.call, s_.scalars);
    prepare_labels();
    if (s_.n == 0) {
      write_empty();
      gradients();
      return;
    }
    prepare_inputs();
    sweep_sums();
    if (s_.is_top_k()) find_thresholds();
    finish_label_rows(s_.stream, row_inputs(), s_.rows);
    if (s_.scales_coefficients() && s_.call.wants_gradients()) {
      Direction<A> bound;
      bound.c = s_.rows.bound;
      choose_narrow_factor(s_.stream, bound, s_.n, Direction<A>{}, 0, s_.scalars);
    }
    if (s_.call.wants_gradients()) gradients();
    write_vectors();
  }

 private:
  // ---- inputs -------------------------------------------------------------------------

  void prepare_labels() {
    const LabelCall& call = s_.call;
    if (s_.candidates != nullptr) {
      prepare_candidates(s_.stream, IdVector::of(call.candidates), call.l, s_.candidates,
                         s_.scalars);
    }
    if (s_.label_inverse == nullptr) return;
    Matrix labels = Matrix::of(call.labels);
    labels.rows = s_.columns;
    inverse_norms(s_.stream, labels, Skip{}, s_.label_inverse, s_.candidates);
  }

  LabelSets sets() const {
    const LabelCall& call = s_.call;
    LabelSets sets;
    sets.n = s_.n;
    sets.l = call.l;
    sets.columns = s_.columns;
    sets.candidates = s_.candidates;
    sets.positive_offsets = IdVector::of(call.positives.offsets);
    sets.positive_ids = IdVector::of(call.positives.ids);
    if (call.positives.values.present()) {
      sets.positive_values = Vector::of(call.positives.values);
    }
    sets.ignored_offsets = IdVector::of(call.ignored.offsets);
    sets.ignored_ids = IdVector::of(call.ignored.ids);
    sets.target = IdVector::of(call.target);
    sets.ignore_index = call.options.ignore_index;
    sets.sample = call.options.sample;
    sets.seed = call.options.seed;
    return sets;
  }

  void prepare_inputs() {
    const LabelCall& call = s_.call;
    if (s_.copies_x) {
      const Matrix source = Matrix::of(call.x);
      if (s_.x_inverse != nullptr) inverse_norms(s_.stream, source, Skip{}, s_.x_inverse);
      load_rows(s_.stream, source, 0, s_.x_inverse, nullptr, Skip{}, s_.x);
    }
    if (s_.bias != nullptr) {
      gather_vector(s_.stream, Vector::of(call.bias), s_.candidates, s_.columns, false, s_.bias,
                    s_.scalars);
    }
    if (s_.class_weight != nullptr) {
      gather_vector(s_.stream, Vector::of(call.class_weight), s_.candidates, s_.columns, true,
                    s_.class_weight, s_.scalars);
    }
    build_entries(s_.stream, sets(), s_.scratch, s_.entries);
    if (call.target.present() && call.options.reduction == LSM_MEAN) {
      count_label_rows(s_.stream, sets(), s_.entries.positives, s_.class_weight, s_.scalars);
    }
  }

  // ---- blocks -------------------------------------------------------------------------

  // The labels of a block as the products take them; prepared where they must be.
  Matrix labels_at(std::int64_t column) {
    const std::int64_t count = s_.columns_of(column);
    Matrix labels = Matrix::of(s_.call.labels);
    if (labels.rows <= 1) labels.ld = s_.d;
    if (!s_.copies_labels) return rows_of(labels, column, count);
    const Matrix block{s_.label_block, s_.operand, count, s_.d, s_.d};
    load_rows(s_.stream, Matrix::of(s_.call.labels), column, s_.label_inverse, nullptr, Skip{},
              block, s_.candidates);
    return block;
  }

  bool is_stored(std::int64_t column) const {
    return column / kCudaTiling.block_columns < s_.stored_blocks;
  }

  LabelBlock<A> block_at(std::int64_t row, std::int64_t column) const {
    LabelBlock<A> b;
    b.dots.row0 = row;
    b.dots.column0 = column;
    b.dots.rows = std::min(kCudaTiling.block_rows, s_.n - row);
    b.dots.columns = s_.columns_of(column);
    b.dots.ld = s_.block_ld();
    b.dots.dots = is_stored(column)
                      ? s_.stored +
                            column / kCudaTiling.block_columns * s_.stored_block_elements() +
                            row * s_.block_ld()
                      : s_.block;
    b.dots.bias = s_.bias;
    b.dots.scalars = s_.scalars;
    b.softcap = static_cast<A>(s_.call.options.softcap);
    return b;
  }

  void make_products(const LabelBlock<A>& b, const Matrix& labels) {
    if (s_.given()) {
      load_products(s_.stream, s_.x, s_.candidates, b.dots);
      return;
    }
    const Matrix x = rows_of(s_.x, b.dots.row0, b.dots.rows);
    GemmCall product;
    product.operand = s_.operand;
    product.product = Product::nt;
    product.m = b.dots.rows;
    product.n = b.dots.columns;
    product.k = s_.d;
    product.a = x.data;
    product.lda = x.ld;
    product.b = labels.data;
    product.ldb = labels.ld;
    product.c = b.dots.dots;
    product.ldc = b.dots.ld;
    multiply(s_.device, product);
  }

  // Calls each(block) with the products of every block, those that are kept as they were left, the
  // others made anew with what takes no part taken out.
  template <class Each>
  void sweep(bool first, const Each& each) {
    for (std::int64_t column = 0; column < s_.columns; column += kCudaTiling.block_columns) {
      const bool makes = first || !is_stored(column);
      Matrix labels;
      if (makes && !s_.given()) labels = labels_at(column);
      for (std::int64_t row = 0; row < s_.n; row += kCudaTiling.block_rows) {
        const LabelBlock<A> b = block_at(row, column);
        if (makes) {
          make_products(b, labels);
          take_out_entries(s_.stream, b.dots, s_.entries, s_.call.excludes_positives(),
                           s_.products);
        }
        each(b);
      }
    }
  }

  LabelTargets<A> targets() const {
    LabelTargets<A> t;
    if (s_.call.soft_target.present()) {
      t.soft = Matrix::of(s_.call.soft_target);
      t.ids = s_.candidates;
    }
    t.weight = s_.class_weight;
    return t;
  }

  void sweep_sums() {
    sweep(true, [&](const LabelBlock<A>& b) {
      label_sums(s_.stream, b, s_.alpha(), targets(), s_.sums, b.dots.column0 == 0);
    });
  }

  void find_thresholds() {
    const lsm_label_options& o = s_.call.options;
    const TopKStart start{o.k, o.alpha, IdVector::of(s_.call.k_rows), false};
    start_top_k(s_.stream, start, 0, s_.n, s_.entries, s_.sums, s_.top_k);
    if (s_.stored_blocks == s_.blocks() && resident_thresholds()) return;
    for (int pass = 0; pass < kTopKPasses; ++pass) {
      sweep(false, [&](const LabelBlock<A>& b) {
        probe_top_k(s_.stream, b, s_.alpha(), s_.top_k, b.dots.column0 == 0);
      });
      advance_top_k<A>(s_.stream, 0, s_.n, s_.alpha(), pass + 1 == kTopKPasses, s_.top_k);
    }
  }

  bool resident_thresholds() {
    bool done = true;
    for (std::int64_t row = 0; done && row < s_.n; row += kCudaTiling.block_rows) {
      done = resident_top_k(s_.stream, block_at(row, 0), s_.columns, s_.stored_block_elements(),
                            s_.alpha(), s_.top_k);
    }
    return done;
  }

  LabelRowInputs<A> row_inputs() const {
    LabelRowInputs<A> in;
    in.options = s_.call.options;
    in.n = s_.n;
    in.columns = s_.columns;
    in.soft = s_.call.soft_target.present();
    in.entries = s_.entries;
    in.products = s_.products;
    in.bias = s_.bias;
    in.class_weight = s_.class_weight;
    in.softcap = static_cast<A>(s_.call.options.softcap);
    in.sums = s_.sums;
    in.top_k = s_.top_k;
    in.row_weight = Vector::of(s_.call.row_weight);
    in.upstream = Vector::of(s_.call.upstream);
    in.scalars = s_.scalars;
    return in;
  }

  // ---- gradients ----------------------------------------------------------------------

  void gradients() {
    clear_gradients();
    for (std::int64_t column = 0; column < s_.columns; column += kCudaTiling.block_columns) {
      const bool multiplies = !is_stored(column) || s_.grad_x.wanted;
      Matrix labels;
      if (s_.n > 0 && multiplies && !s_.given()) labels = labels_at(column);
      for (std::int64_t row = 0; row < s_.n; row += kCudaTiling.block_rows) {
        const LabelBlock<A> b = block_at(row, column);
        if (!is_stored(column)) make_products(b, labels);
        sweep_coefficients(b, labels);
      }
      if (s_.grad_labels.wanted && !s_.grad_labels.direct) finish_labels(column);
    }
    if (s_.grad_x.wanted && !s_.grad_x.direct) {
      const Matrix g{s_.grad_x.data, s_.accumulator_type(), s_.n, s_.d, s_.grad_x.ld};
      store_gradient_rows(s_.stream, Matrix::of(s_.call.x), s_.x_inverse, Skip{}, 0, g,
                          s_.gradient_factor(), Matrix::of(s_.call.grad_x));
    }
  }

  void clear_gradients() {
    const LabelCall& call = s_.call;
    if (s_.bias_gradient != nullptr) clear(s_.bias_gradient, s_.columns, "the bias gradient");
    if (s_.n == 0 && s_.grad_labels.wanted && !s_.grad_labels.direct) {
      clear(s_.grad_labels.data, s_.block_columns() * s_.d, "the labels' gradient");
    }
    // Labels that take no part have a gradient of 0.
    if (s_.candidates == nullptr) return;
    if (call.grad_labels.present()) fill_zero(s_.stream, call.grad_labels);
    if (s_.given() && call.grad_x.present()) fill_zero(s_.stream, call.grad_x);
  }

  template <class T>
  void clear(T* data, std::int64_t count, const char* what) {
    check(cudaMemsetAsync(data, 0, static_cast<std::size_t>(count) * sizeof(T), s_.stream),
          (std::string("clearing ") + what).c_str());
  }

  void sweep_coefficients(const LabelBlock<A>& b, const Matrix& labels) {
    const DotBlock<A>& dots = b.dots;
    patch_entries(s_.stream, b, row_inputs(), s_.rows, s_.marks, dots.column0 == 0, s_.entry_scale);
    CoefficientOutputs<A> out;
    out.coefficients = s_.narrows() ? s_.narrow : dots.dots;
    out.type = s_.narrows() ? s_.operand : s_.accumulator_type();
    out.ld = dots.ld;
    out.scale_partial = s_.scale_partial;
    out.column_partial = s_.column_partial;
    label_coefficients(s_.stream, b, s_.dense(), s_.alpha(), s_.rows, targets(), s_.marks, out);
    merge_coefficients(s_.stream, dots, out, s_.scalars, s_.bias_gradient);
    if (s_.given()) {
      if (s_.call.grad_x.present()) {
        store_products(s_.stream, dots, s_.candidates, Matrix::of(s_.call.grad_x));
      }
      return;
    }
    if (s_.call.options.filter > 0) {
      filter_coefficients(s_.stream, {out.coefficients, out.type, dots.rows, dots.columns, out.ld},
                          s_.call.options.filter, s_.scalars);
    }
    multiply_gradients(dots, labels, out);
  }

  void multiply_gradients(const DotBlock<A>& dots, const Matrix& labels,
                          const CoefficientOutputs<A>& out) {
    GemmCall product;
    product.operand = s_.operand;
    product.a = out.coefficients;
    product.lda = out.ld;
    product.n = s_.d;
    if (s_.grad_x.wanted) {
      product.product = Product::nn;
      product.m = dots.rows;
      product.k = dots.columns;
      product.b = labels.data;
      product.ldb = labels.ld;
      product.c = s_.grad_x.data + dots.row0 * s_.grad_x.ld;
      product.ldc = s_.grad_x.ld;
      product.accumulate = dots.column0 > 0;
      multiply(s_.device, product);
    }
    if (s_.grad_labels.wanted) {
      const Matrix x = rows_of(s_.x, dots.row0, dots.rows);
      product.product = Product::tn;
      product.m = dots.columns;
      product.k = dots.rows;
      product.b = x.data;
      product.ldb = x.ld;
      product.c =
          s_.grad_labels.data + (s_.grad_labels.direct ? dots.column0 : 0) * s_.grad_labels.ld;
      product.ldc = s_.grad_labels.ld;
      product.accumulate = dots.row0 > 0;
      multiply(s_.device, product);
    }
  }

  // The gradient of a block of labels is complete: to the output, or into the step.
  void finish_labels(std::int64_t column) {
    const LabelCall& call = s_.call;
    const std::int64_t count = s_.columns_of(column);
    const Matrix g{s_.grad_labels.data, s_.accumulator_type(), count, s_.d, s_.d};
    Matrix source = Matrix::of(call.labels);
    const std::int64_t* ids = s_.candidates != nullptr ? s_.candidates + column : nullptr;
    const double* inverse = s_.label_inverse != nullptr ? s_.label_inverse + column : nullptr;
    const auto from_here = [&](Matrix m) {
      if (ids == nullptr) m.data = static_cast<char*>(m.data) + column * m.ld * bytes_of(m.type);
      return m;
    };
    if (!call.update.present()) {
      store_gradient_rows(s_.stream, from_here(source), inverse, Skip{}, 0, g, s_.gradient_factor(),
                          from_here(Matrix::of(call.grad_labels)), ids, ids);
      return;
    }
    if (inverse != nullptr || s_.scales_coefficients()) {
      store_gradient_rows(s_.stream, from_here(source), inverse, Skip{}, 0, g, s_.gradient_factor(),
                          g, ids);
    }
    GradientRows rows;
    rows.data = g.data;
    rows.type = g.type;
    rows.ld = g.ld;
    rows.count = count;
    rows.begin = column;
    rows.row_ids = ids;
    update_rows(s_.stream, call.update, rows);
  }

  // ---- other outputs --------------------------------------------------------------------

  void write_vectors() {
    const LabelCall& call = s_.call;
    if (call.row_loss.present()) store_vector(s_.stream, s_.rows.loss, s_.n, call.row_loss);
    if (call.threshold.present()) {
      store_vector(s_.stream, s_.top_k.threshold, s_.n, call.threshold);
    }
    if (call.loss.present()) {
      total_loss(s_.stream, s_.rows.loss, s_.n, call.options.reduction == LSM_MEAN, s_.scalars,
                 call.loss);
    }
    if (call.grad_log_scale.present()) {
      write_scale_gradient(s_.stream, s_.entry_scale, s_.n, s_.scalars, call.grad_log_scale);
    }
    if (call.grad_bias.present()) {
      write_label_bias_gradient(s_.stream, s_.bias_gradient, s_.candidates, s_.columns, s_.scalars,
                                call.grad_bias);
    }
  }

  // No rows or no labels take part: nothing to sum over.
  void write_empty() {
    const LabelCall& call = s_.call;
    for (const View* out : {&call.loss, &call.row_loss, &call.threshold, &call.grad_x,
                            &call.grad_labels, &call.grad_log_scale, &call.grad_bias}) {
      if (out->present()) fill_zero(s_.stream, *out);
    }
  }

  LabelState<A> s_;
  std::size_t bytes_ = 0;
};

// Calls f with the run of the arithmetic that the element type asks for.
template <class F>
auto with_run(const LabelCall& call, lsm_context_s& context, F&& f) {
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

}  // namespace cuda
}  // namespace lossmith
