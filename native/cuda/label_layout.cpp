#include "cuda/label_layout.h"

#include "core/workspace.h"

namespace lossmith {
namespace cuda {
namespace {

template <class A>
class Layout {
 public:
  explicit Layout(LabelState<A>& state) : s_(state) {}

  std::size_t choose() {
    choose_operands();
    choose_layout();
    return bytes_;
  }

  void carve(Carver& carver) {
    const LabelCall& call = s_.call;
    const std::int64_t element = bytes_of(s_.operand);
    s_.scalars = carver.take<CallScalars>(1);
    s_.x = Matrix::of(call.x);
    if (s_.x.rows <= 1) s_.x.ld = s_.x.width;
    if (s_.copies_x) {
      s_.x = {carver.take<char>(s_.n * s_.d * element), s_.operand, s_.n, s_.d, s_.d};
    }
    if (s_.copies_labels) s_.label_block = carver.take<char>(s_.block_columns() * s_.d * element);
    if (call.options.normalize_x != 0) s_.x_inverse = carver.take<double>(s_.n);
    if (call.options.normalize_labels != 0) s_.label_inverse = carver.take<double>(s_.columns);
    if (call.candidates.present()) s_.candidates = carver.take<std::int64_t>(s_.columns);
    if (call.bias.present()) s_.bias = carver.take<A>(s_.columns);
    if (call.class_weight.present()) s_.class_weight = carver.take<A>(s_.columns);
    carve_entries(carver);
    carve_rows(carver);
    carve_gradients(carver);
    const std::int64_t rows = s_.block_rows();
    s_.stored = s_.stored_blocks > 0 ? carver.take<A>(s_.stored_blocks * s_.stored_block_elements())
                                     : nullptr;
    s_.block = s_.stored_blocks < s_.blocks() ? carver.take<A>(rows * s_.block_ld()) : nullptr;
  }

 private:
  // Products want rows one after another; rows that repeat, overlap or run backwards are packed.
  static bool unusual(const View& v) { return v.shape[0] > 1 && v.strides[0] < v.shape[1]; }

  void choose_operands() {
    const LabelCall& call = s_.call;
    if (s_.given()) return;
    const bool candidates = call.candidates.present();
    s_.copies_x = call.options.normalize_x != 0 || unusual(call.x);
    s_.copies_labels = call.options.normalize_labels != 0 || candidates || unusual(call.labels);
    const auto direct = [&](const View& gradient, bool transformed) {
      return !transformed && gradient.type == s_.accumulator_type() && !s_.scales_coefficients() &&
             !unusual(gradient);
    };
    // A row stride below the width happens only with a single row, where it means nothing.
    const auto row_stride = [&](const View& v) { return v.shape[0] > 1 ? v.strides[0] : s_.d; };
    s_.grad_x.wanted = call.grad_x.present();
    if (s_.grad_x.wanted) s_.grad_x.direct = direct(call.grad_x, call.options.normalize_x != 0);
    s_.grad_x.ld = s_.grad_x.direct ? row_stride(call.grad_x) : s_.d;
    s_.grad_labels.wanted = call.wants_label_gradient();
    if (call.grad_labels.present()) {
      s_.grad_labels.direct =
          direct(call.grad_labels, call.options.normalize_labels != 0 || candidates);
    }
    s_.grad_labels.ld = s_.grad_labels.direct ? row_stride(call.grad_labels) : s_.d;
  }

  std::size_t measure(std::int64_t stored_blocks) {
    s_.stored_blocks = stored_blocks;
    Carver carver(nullptr);
    carve(carver);
    return carver.used();
  }

  // Reading kept products costs less than multiplying again, so AUTO keeps as many blocks as the
  // budget holds.
  void choose_layout() {
    const Workspace& workspace = s_.context.workspace;
    const auto budget = static_cast<std::size_t>(workspace.budget());
    const bool keeps = (s_.call.wants_gradients() || s_.is_top_k()) && s_.n > 0;
    const std::int32_t asked = s_.call.options.plan;
    if (asked == LSM_PLAN_STORE && keeps) {
      bytes_ = measure(s_.blocks());
      expect_budget(workspace, bytes_);
      return;
    }
    bytes_ = measure(0);
    expect_budget(workspace, bytes_);
    if (asked != LSM_PLAN_AUTO || !keeps) return;
    // With all blocks kept the one that is worked on is not needed: that may be what makes them fit.
    std::int64_t stored = s_.blocks();
    while (stored > 0 && measure(stored) > budget) {
      const std::int64_t element = static_cast<std::int64_t>(sizeof(A));
      const std::int64_t excess = static_cast<std::int64_t>(measure(stored) - budget);
      stored -= std::max<std::int64_t>(
          1, std::min(stored, excess / (s_.stored_block_elements() * element)));
    }
    bytes_ = measure(stored);
  }

  void carve_entries(Carver& carver) {
    const std::int64_t capacity = entry_capacity(s_.call);
    s_.entries.begin = carver.take<std::int64_t>(s_.n);
    s_.entries.count = carver.take<std::int64_t>(s_.n);
    s_.entries.positives = carver.take<double>(s_.n);
    s_.entries.relevance_sum = carver.take<double>(s_.n);
    s_.entries.column = carver.take<std::int64_t>(capacity);
    s_.entries.relevance = carver.take<double>(capacity);
    s_.scratch.bad_positives = carver.take<std::uint8_t>(s_.n);
    s_.scratch.bad_ignored = carver.take<std::uint8_t>(s_.n);
    for (int side = 0; side < 2; ++side) {
      s_.scratch.key[side] = carver.take<std::int64_t>(capacity);
      s_.scratch.order[side] = carver.take<std::int64_t>(capacity);
    }
    if (s_.call.options.sample > 0) {
      s_.scratch.position = carver.take<std::int64_t>(capacity);
      s_.scratch.draw = carver.take<double>(capacity);
    }
    s_.products = carver.take<A>(capacity);
  }

  void carve_rows(Carver& carver) {
    const auto take = [&](double*& v) { v = carver.take<double>(s_.n); };
    s_.sums = {};
    if (s_.dense() == LabelDense::sigmoid) {
      take(s_.sums.softplus);
    } else {
      take(s_.sums.max);
      take(s_.sums.sum);
    }
    if (s_.is_ce() && (s_.call.options.label_smoothing > 0 || s_.call.soft_target.present())) {
      take(s_.sums.weight);
      take(s_.sums.uniform);
      take(s_.sums.target_weight);
      take(s_.sums.target_score);
    }
    if (s_.is_top_k()) {
      take(s_.sums.min);
      take(s_.sums.finite);
      for (double** v : {&s_.top_k.k, &s_.top_k.threshold, &s_.top_k.low, &s_.top_k.high,
                         &s_.top_k.active, &s_.top_k.least, &s_.top_k.slope}) {
        take(*v);
      }
      s_.top_k.surplus = carver.take<double>(s_.n * kTopKProbes);
      s_.top_k.above = carver.take<double>(s_.n * kTopKProbes);
    }
    for (double** v :
         {&s_.rows.loss, &s_.rows.slope, &s_.rows.factor, &s_.rows.shift, &s_.rows.even}) {
      take(*v);
    }
    for (A** v : {&s_.rows.factor_a, &s_.rows.hi, &s_.rows.lo, &s_.rows.least, &s_.rows.uniform,
                  &s_.rows.target, &s_.rows.bound}) {
      *v = carver.take<A>(s_.n);
    }
  }

  void carve_gradients(Carver& carver) {
    const LabelCall& call = s_.call;
    if (!call.wants_gradients()) return;
    const std::int64_t rows = s_.block_rows();
    const std::int64_t columns = s_.block_columns();
    const std::int64_t row_tiles = pieces(rows, kTileRows);
    s_.entry_scale = carver.take<double>(s_.n);
    s_.marks.words = pieces(columns, 32);
    s_.marks.bits = carver.take<std::uint32_t>(rows * s_.marks.words);
    s_.scale_partial = carver.take<double>(row_tiles * pieces(columns, kTileColumns));
    if (call.grad_bias.present()) {
      s_.bias_gradient = carver.take<double>(s_.columns);
      s_.column_partial = carver.take<double>(row_tiles * columns);
    }
    if (s_.narrows()) s_.narrow = carver.take<char>(rows * s_.block_ld() * 2);
    if (s_.grad_x.wanted) {
      s_.grad_x.data =
          s_.grad_x.direct ? reinterpret_cast<A*>(call.grad_x.data) : carver.take<A>(s_.n * s_.d);
    }
    if (s_.grad_labels.wanted) {
      s_.grad_labels.data = s_.grad_labels.direct ? reinterpret_cast<A*>(call.grad_labels.data)
                                                  : carver.take<A>(columns * s_.d);
    }
  }

  LabelState<A>& s_;
  std::size_t bytes_ = 0;
};

}  // namespace

template <class A>
std::size_t choose_label_layout(LabelState<A>& state) {
  return Layout<A>(state).choose();
}

template <class A>
void carve_labels(LabelState<A>& state, char* block) {
  Carver carver(block);
  Layout<A>(state).carve(carver);
}

#define LSM_INSTANTIATE(A)                                        \
  template std::size_t choose_label_layout(LabelState<A>& state); \
  template void carve_labels(LabelState<A>& state, char* block);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
