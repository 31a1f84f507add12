#include "cuda/top_k.h"

#include <algorithm>

#include "cuda/gemm.h"
#include "cuda/state.h"
#include "cuda/top_k_kernels.h"
#include "engine/similarity_plan.h"

namespace lossmith {
namespace cuda {
namespace {

// Rows of x, and labels, on their way into a product: as they lie in memory, or packed and
// normalised block by block.
struct Operand {
  Matrix source;
  bool normalizes = false, packs = false;
  void* block = nullptr;      // [block rows, d]
  double* inverse = nullptr;  // [block rows]

  Operand(const View& view, bool normalize)
      : source(Matrix::of(view)),
        normalizes(normalize),
        // Products want rows one after another; rows that repeat, overlap or run backwards are
        // packed.
        packs(normalize || (view.shape[0] > 1 && view.strides[0] < view.shape[1])) {
    // A row stride below the width happens only with a single row, where it means nothing.
    if (source.rows <= 1) source.ld = source.width;
  }

  void carve(Carver& carver, std::int64_t rows) {
    if (packs) block = carver.take<char>(rows * source.width * bytes_of(source.type));
    if (normalizes) inverse = carver.take<double>(rows);
  }

  Matrix rows(cudaStream_t stream, std::int64_t begin, std::int64_t count) const {
    Matrix part = source;
    part.data = static_cast<char*>(source.data) + begin * source.ld * bytes_of(source.type);
    part.rows = count;
    if (!packs) return part;
    if (normalizes) inverse_norms(stream, part, Skip{}, inverse);
    const Matrix packed{block, source.type, count, source.width, source.width};
    load_rows(stream, part, 0, inverse, nullptr, Skip{}, packed);
    return packed;
  }
};

template <class A>
class TopKRun {
 public:
  TopKRun(const TopKCall& call, lsm_context_s& context)
      : call_(call),
        workspace_(context.workspace),
        device_(state_of(context)),
        x_(call.x, call.options.normalize_x != 0),
        labels_(call.given_products() ? call.x : call.labels, call.options.normalize_labels != 0) {}

  void run() {
    if (call_.n == 0) return;
    Carver sizes(nullptr);
    carve(sizes);
    expect_budget(workspace_, sizes.used());
    Carver carver(workspace_.block(sizes.used()));
    carve(carver);
    const Vector bias = Vector::of(call_.bias);
    for (std::int64_t row = 0; row < call_.n; row += kCudaTiling.block_rows) {
      rows_.row0 = row;
      rows_.rows = std::min(kCudaTiling.block_rows, call_.n - row);
      start_candidates(device_.stream, rows_);
      if (call_.given_products()) {
        Matrix products = Matrix::of(call_.x);
        products.data = call_.x.data + row * products.ld * bytes_of(products.type);
        if (call_.l > 0) {
          select_candidates(device_.stream, products, 0, call_.scale(), bias, rows_);
        }
      } else {
        search(x_.rows(device_.stream, row, rows_.rows), bias);
      }
      finish_candidates(device_.stream, rows_, call_.scores, call_.ids);
    }
  }

 private:
  static constexpr Type kScore = sizeof(A) == sizeof(double) ? Type::f64 : Type::f32;

  std::int64_t block_columns() const { return std::min(kCudaTiling.block_columns, call_.l); }

  void carve(Carver& carver) {
    const std::int64_t rows = std::min(kCudaTiling.block_rows, call_.n);
    rows_.kept = call_.kept();
    rows_.capacity = candidate_capacity(rows_.kept);
    rows_.excluded = ExcludedSets::of(call_.excluded_offsets, call_.excluded_ids);
    rows_.progress = carver.take<RowProgress<A>>(rows);
    rows_.scores = carver.take<A>(rows * rows_.capacity);
    rows_.ids = carver.take<std::int64_t>(rows * rows_.capacity);
    if (call_.given_products()) return;
    x_.carve(carver, rows);
    labels_.carve(carver, block_columns());
    products_.ld = block_columns() + kLeadingPad;
    products_.data = carver.take<A>(rows * products_.ld);
    products_.type = kScore;
  }

  // All labels for one block of rows.
  void search(const Matrix& x, const Vector& bias) {
    for (std::int64_t column = 0; column < call_.l; column += kCudaTiling.block_columns) {
      const std::int64_t columns = std::min(kCudaTiling.block_columns, call_.l - column);
      const Matrix z = labels_.rows(device_.stream, column, columns);
      GemmCall product;
      product.operand = call_.x.type;
      product.product = Product::nt;
      product.m = x.rows;
      product.n = columns;
      product.k = call_.d;
      product.a = x.data;
      product.lda = x.ld;
      product.b = z.data;
      product.ldb = z.ld;
      product.c = products_.data;
      product.ldc = products_.ld;
      multiply(device_, product);
      products_.rows = x.rows;
      products_.width = columns;
      select_candidates(device_.stream, products_, column, call_.scale(), bias, rows_);
    }
  }

  const TopKCall& call_;
  Workspace& workspace_;
  CudaState& device_;
  Operand x_, labels_;
  CandidateRows<A> rows_;
  Matrix products_;
};

}  // namespace

void run_top_k(const TopKCall& call, lsm_context_s& context) {
  if (call.x.type == Type::f64) {
    TopKRun<double>(call, context).run();
  } else {
    TopKRun<float>(call, context).run();
  }
}

}  // namespace cuda
}  // namespace lossmith
