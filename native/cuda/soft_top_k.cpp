#include "cuda/soft_top_k.h"

#include "core/workspace.h"
#include "cuda/contrastive_state.h"
#include "cuda/soft_top_k_kernels.h"

namespace lossmith {
namespace cuda {
namespace {

// Scores that are kept at a time, whole rows.
constexpr std::int64_t kGroupBytes = std::int64_t{64} << 20;

// Groups of rows one after another; all scores of a group are kept until it is done.
template <class A>
class SoftTopKRun {
 public:
  SoftTopKRun(const SoftTopKCall& call, lsm_context_s& context)
      : call_(call),
        rows_(call.rows),
        context_(context),
        stream_(state_of(context).stream),
        n_(call.rows.n),
        columns_(call.rows.columns) {
    const std::int64_t row_bytes = blocks() * block_ld() * static_cast<std::int64_t>(sizeof(A));
    group_ = row_bytes == 0 ? n_ : std::max<std::int64_t>(1, kGroupBytes / row_bytes);
    group_ = std::min({group_, kCudaTiling.block_rows, n_});
  }

  void run() {
    Carver measure(nullptr);
    carve(measure);
    expect_budget(context_.workspace, measure.used());
    if (n_ == 0 || columns_ == 0) return;
    Carver carver(context_.workspace.block(measure.used()));
    carve(carver);
    prepare_label_scalars(stream_, rows_, scalars_);
    LabelSets sets;
    sets.n = n_;
    sets.l = sets.columns = columns_;
    sets.ignored_offsets = IdVector::of(rows_.ignored.offsets);
    sets.ignored_ids = IdVector::of(rows_.ignored.ids);
    build_entries(stream_, sets, scratch_, entries_);
    for (std::int64_t row = 0; row < n_; row += group_) group(row);
    if (rows_.threshold.present()) {
      store_vector(stream_, top_k_.threshold, n_, rows_.threshold);
    }
  }

 private:
  std::int64_t blocks() const { return pieces(columns_, kCudaTiling.block_columns); }
  std::int64_t block_columns() const { return std::min(kCudaTiling.block_columns, columns_); }
  std::int64_t block_ld() const { return padded(block_columns()); }

  void carve(Carver& carver) {
    const std::int64_t capacity = entry_capacity(rows_);
    scalars_ = carver.take<CallScalars>(1);
    entries_.begin = carver.take<std::int64_t>(n_);
    entries_.count = carver.take<std::int64_t>(n_);
    entries_.positives = carver.take<double>(n_);
    entries_.relevance_sum = carver.take<double>(n_);
    entries_.column = carver.take<std::int64_t>(capacity);
    entries_.relevance = carver.take<double>(capacity);
    scratch_.bad_ignored = carver.take<std::uint8_t>(n_);
    for (int side = 0; side < 2; ++side) {
      scratch_.key[side] = carver.take<std::int64_t>(capacity);
      scratch_.order[side] = carver.take<std::int64_t>(capacity);
    }
    products_ = carver.take<A>(capacity);
    for (double** v :
         {&sums_.max, &sums_.sum, &sums_.min, &sums_.finite, &top_k_.k, &top_k_.threshold,
          &top_k_.low, &top_k_.high, &top_k_.active, &top_k_.least, &top_k_.slope, &pull_}) {
      *v = carver.take<double>(n_);
    }
    top_k_.surplus = carver.take<double>(n_ * kTopKProbes);
    top_k_.above = carver.take<double>(n_ * kTopKProbes);
    scores_ = carver.take<A>(blocks() * group_ * block_ld());
  }

  LabelBlock<A> block_at(std::int64_t row, std::int64_t column) const {
    LabelBlock<A> b;
    b.dots.row0 = row;
    b.dots.column0 = column;
    b.dots.rows = std::min(group_, n_ - row);
    b.dots.columns = std::min(kCudaTiling.block_columns, columns_ - column);
    b.dots.ld = block_ld();
    b.dots.dots = scores_ + column / kCudaTiling.block_columns * group_ * block_ld();
    b.dots.scalars = scalars_;
    return b;
  }

  template <class Each>
  void for_blocks(std::int64_t row, const Each& each) const {
    for (std::int64_t column = 0; column < columns_; column += kCudaTiling.block_columns) {
      each(block_at(row, column), column == 0);
    }
  }

  void group(std::int64_t row) {
    const double alpha = rows_.options.alpha;
    for_blocks(row, [&](const LabelBlock<A>& b, bool fresh) {
      load_products(stream_, Matrix::of(rows_.x), nullptr, b.dots);
      take_out_entries(stream_, b.dots, entries_, false, products_);
      label_sums(stream_, b, alpha, LabelTargets<A>{}, sums_, fresh);
    });
    const TopKStart start{rows_.options.k, alpha, IdVector::of(rows_.k_rows), true};
    const std::int64_t rows = std::min(group_, n_ - row);
    start_top_k(stream_, start, row, rows, entries_, sums_, top_k_);
    if (!resident_top_k(stream_, block_at(row, 0), columns_, group_ * block_ld(), alpha, top_k_)) {
      for (int pass = 0; pass < kTopKPasses; ++pass) {
        for_blocks(row, [&](const LabelBlock<A>& b, bool fresh) {
          probe_top_k(stream_, b, alpha, top_k_, fresh);
        });
        advance_top_k<A>(stream_, row, rows, alpha, pass + 1 == kTopKPasses, top_k_);
      }
    }
    const MembershipRows memberships{alpha, rows_.options.plain != 0, top_k_};
    if (call_.memberships.present()) {
      for_blocks(row, [&](const LabelBlock<A>& b, bool) {
        store_memberships(stream_, b.dots, memberships, Matrix::of(call_.memberships));
      });
    }
    if (!rows_.grad_x.present()) return;
    const Matrix upstream = Matrix::of(call_.upstream);
    for_blocks(row, [&](const LabelBlock<A>& b, bool fresh) {
      sum_pulls(stream_, b.dots, memberships, upstream, fresh, pull_);
    });
    for_blocks(row, [&](const LabelBlock<A>& b, bool) {
      store_membership_gradient(stream_, b.dots, memberships, upstream, pull_,
                                Matrix::of(rows_.grad_x));
    });
  }

  const SoftTopKCall& call_;
  const LabelCall& rows_;
  lsm_context_s& context_;
  const cudaStream_t stream_;
  const std::int64_t n_, columns_;
  std::int64_t group_ = 0;
  CallScalars* scalars_ = nullptr;
  LabelEntries entries_;
  EntryScratch scratch_;
  A* products_ = nullptr;
  LabelSums sums_;
  TopKRows top_k_;
  double* pull_ = nullptr;
  A* scores_ = nullptr;  // [blocks, group, block_ld]
};

}  // namespace

void run_soft_top_k(const SoftTopKCall& call, lsm_context_s& context) {
  if (call.rows.x.type == Type::f64) {
    SoftTopKRun<double>(call, context).run();
  } else {
    SoftTopKRun<float>(call, context).run();
  }
}

}  // namespace cuda
}  // namespace lossmith
