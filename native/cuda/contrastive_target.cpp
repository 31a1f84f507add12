#include "cuda/contrastive_target.h"

namespace lossmith {
namespace cuda {
namespace {

// Bytes as elements of the carver, for buffers whose type is known at run time.
void* take(Carver& carver, Type type, std::int64_t elements) {
  return carver.take<char>(elements * bytes_of(type));
}

std::int64_t chunk_rows(std::int64_t count) { return std::min(kCudaTiling.block_rows, count); }

}  // namespace

template <class A>
void LowRankTarget<A>::carve(Carver& carver) {
  const std::int64_t chunk = chunk_rows(std::max(s_.n, s_.m));
  reference_inverse_ = carver.take<double>(s_.n);
  candidate_inverse_ =
      s_.call.own_candidates_reference ? carver.take<double>(s_.m) : reference_inverse_;
  reference_sum_ = carver.take<double>(s_.r);
  chunk_ = take(carver, type(), chunk * s_.r);
  dots_ = carver.take<double>(chunk);
  if (s_.call.only_statistics) return;
  candidate_sum_ = carver.take<double>(s_.d);
  if (s_.call.bias.present()) bias_weights_ = carver.take<double>(s_.m);
  bias_reference_ = carver.take<double>(s_.r);
  weighted_x_ = carver.take<double>(s_.d);
  weighted_reference_ = carver.take<double>(s_.r);
  target_scale_ = carver.take<double>(s_.n);
  mixed_ = carver.take<A>(s_.r * s_.d);
  if (type() != s_.accumulator_type()) narrow_ = take(carver, type(), s_.r * s_.d);
  if (type() != s_.operand) wide_ = take(carver, type(), chunk * s_.d);
  if (!s_.grad_x.wanted) product_ = carver.take<A>(chunk * s_.d);
}

template <class A>
Matrix LowRankTarget<A>::load(const Matrix& source, const double* inverse, const double* factor,
                              std::int64_t begin, std::int64_t rows) {
  const Matrix to{chunk_, type(), rows, s_.r, s_.r};
  load_rows(s_.stream, source, begin, s_.call.options.normalize_reference ? inverse : nullptr,
            factor, s_.skip, to);
  return to;
}

template <class A>
Matrix LowRankTarget<A>::widened(const Matrix& source, std::int64_t begin, std::int64_t rows) {
  if (type() == s_.operand) return rows_of(source, begin, rows);
  const Matrix to{wide_, type(), rows, s_.d, s_.d};
  load_rows(s_.stream, source, begin, nullptr, nullptr, Skip{}, to);
  return to;
}

template <class A>
void LowRankTarget<A>::add_rows(const Matrix& rows, const double* weights, bool accumulate,
                                double* sum) {
  add_weighted_rows(s_.stream, rows, weights, accumulate, s_.sum_scratch, sum);
}

template <class A>
void LowRankTarget<A>::weight_sums() {
  inverse_norms(s_.stream, references(), s_.skip, reference_inverse_);
  if (s_.call.own_candidates_reference) {
    inverse_norms(s_.stream, candidates(), s_.skip, candidate_inverse_);
  }
  if (!s_.call.options.normalize_reference) {
    check_norms(s_.stream, reference_inverse_, s_.n, s_.scalars);
    if (s_.call.own_candidates_reference) {
      check_norms(s_.stream, candidate_inverse_, s_.m, s_.scalars);
    }
  }
  if (s_.call.given_statistics) {
    low_rank_weight_sums(s_.stream, nullptr, s_.n, s_.scalars, s_.weight_sum);
    return;
  }
  for (std::int64_t begin = 0; begin < s_.m; begin += kCudaTiling.block_rows) {
    const std::int64_t rows = chunk_rows(s_.m - begin);
    add_rows(load(candidates(), candidate_inverse_, nullptr, begin, rows), nullptr, begin > 0,
             reference_sum_);
  }
  for (std::int64_t begin = 0; begin < s_.n; begin += kCudaTiling.block_rows) {
    const std::int64_t rows = chunk_rows(s_.n - begin);
    row_dots(s_.stream, load(references(), reference_inverse_, nullptr, begin, rows),
             reference_sum_, dots_);
    low_rank_weight_sums(s_.stream, dots_, rows, s_.scalars, s_.weight_sum + begin);
  }
}

// mixed (+)= references^T embeddings
template <class A>
void LowRankTarget<A>::mix(const Matrix& references, const Matrix& embeddings, bool fresh) {
  GemmCall product;
  product.operand = type();
  product.product = Product::tn;
  product.m = s_.r;
  product.n = s_.d;
  product.k = references.rows;
  product.a = references.data;
  product.lda = references.ld;
  product.b = embeddings.data;
  product.ldb = embeddings.ld;
  product.c = mixed_;
  product.ldc = s_.d;
  product.accumulate = !fresh;
  multiply(s_.device, product);
}

// out = references mixed
template <class A>
void LowRankTarget<A>::unmix(const Matrix& references, const Matrix& mixed, A* out,
                             std::int64_t ld) {
  GemmCall product;
  product.operand = type();
  product.product = Product::nn;
  product.m = references.rows;
  product.n = s_.d;
  product.k = s_.r;
  product.a = references.data;
  product.lda = references.ld;
  product.b = mixed.data;
  product.ldb = mixed.ld;
  product.c = out;
  product.ldc = ld;
  multiply(s_.device, product);
}

// The mixed matrix in the type of the products.
template <class A>
Matrix LowRankTarget<A>::mixed_operand() {
  const Matrix mixed{mixed_, s_.accumulator_type(), s_.r, s_.d, s_.d};
  if (narrow_ == nullptr) return mixed;
  const Matrix to{narrow_, type(), s_.r, s_.d, s_.d};
  load_rows(s_.stream, mixed, 0, nullptr, nullptr, Skip{}, to);
  return to;
}

template <class A>
void LowRankTarget<A>::mix_candidates() {
  if (!needs_rows()) return;
  if (bias_weights_ != nullptr) {
    View bias;
    bias.data = reinterpret_cast<char*>(s_.bias);
    bias.type = s_.accumulator_type();
    bias.ndim = 1;
    bias.shape[0] = s_.m;
    bias.strides[0] = 1;
    bias.exists = true;
    load_vector(s_.stream, bias, s_.m, bias_weights_);
  }
  for (std::int64_t begin = 0; begin < s_.m; begin += kCudaTiling.block_rows) {
    const std::int64_t rows = chunk_rows(s_.m - begin);
    const Matrix references = load(candidates(), candidate_inverse_, nullptr, begin, rows);
    mix(references, widened(s_.y, begin, rows), begin == 0);
    add_rows(rows_of(s_.y, begin, rows), nullptr, begin > 0, candidate_sum_);
    if (bias_weights_ != nullptr) {
      add_rows(references, bias_weights_ + begin, begin > 0, bias_reference_);
    }
  }
}

template <class A>
void LowRankTarget<A>::rows(std::int64_t begin, std::int64_t count) {
  if (!needs_rows()) return;
  const Matrix mixed = mixed_operand();
  for (std::int64_t at = begin; at < begin + count; at += kCudaTiling.block_rows) {
    const std::int64_t rows = chunk_rows(begin + count - at);
    const Matrix references = load(this->references(), reference_inverse_, nullptr, at, rows);
    TargetRows<A> t;
    t.rows = rows;
    t.d = s_.d;
    t.mixed = s_.grad_x.wanted
                  ? s_.grad_x.data + (at - (s_.grad_x.direct ? 0 : begin)) * s_.grad_x.ld
                  : product_;
    t.ld = s_.grad_x.wanted ? s_.grad_x.ld : s_.d;
    unmix(references, mixed, t.mixed, t.ld);
    if (bias_weights_ != nullptr) {
      row_dots(s_.stream, references, bias_reference_, dots_);
      t.reference_bias = dots_;
    }
    t.x = rows_of(s_.x, at, rows);
    t.candidate_sum = candidate_sum_;
    t.weight_sum = s_.weight_sum + at;
    t.c = s_.row.c + at;
    t.smoothing = s_.call.options.label_smoothing;
    t.scalars = s_.scalars;
    t.row_term = s_.row_term + at;
    t.target_scale = target_scale_ + at;
    target_rows(s_.stream, t);
  }
}

template <class A>
void LowRankTarget<A>::columns() {
  if (!s_.grad_y.wanted && s_.bias_gradient == nullptr) return;
  sum_target_weight(s_.stream, s_.target_factor, s_.n, s_.scalars);
  for (std::int64_t begin = 0; begin < s_.n; begin += kCudaTiling.block_rows) {
    const std::int64_t rows = chunk_rows(s_.n - begin);
    const double* factor = s_.target_factor + begin;
    if (s_.bias_gradient != nullptr) {
      add_rows(load(references(), reference_inverse_, nullptr, begin, rows), factor, begin > 0,
               weighted_reference_);
    }
    if (!s_.grad_y.wanted) continue;
    add_rows(rows_of(s_.x, begin, rows), factor, begin > 0, weighted_x_);
    // load_rows counts factors by the rows of the source.
    mix(load(references(), reference_inverse_, s_.target_factor, begin, rows),
        widened(s_.x, begin, rows), begin == 0);
  }
  const Matrix mixed = s_.grad_y.wanted ? mixed_operand() : Matrix{};
  for (std::int64_t begin = 0; begin < s_.m; begin += kCudaTiling.block_rows) {
    const std::int64_t rows = chunk_rows(s_.m - begin);
    const Matrix references = load(candidates(), candidate_inverse_, nullptr, begin, rows);
    if (s_.bias_gradient != nullptr) {
      row_dots(s_.stream, references, weighted_reference_, dots_);
      target_bias(s_.stream, dots_, begin, rows, s_.skip, s_.scalars, s_.bias_gradient);
    }
    if (!s_.grad_y.wanted) continue;
    A* out = s_.grad_y.data + begin * s_.grad_y.ld;
    unmix(references, mixed, out, s_.grad_y.ld);
    target_columns(s_.stream, out, rows, s_.d, s_.grad_y.ld, weighted_x_, s_.scalars);
  }
}

template class LowRankTarget<float>;
template class LowRankTarget<double>;

}  // namespace cuda
}  // namespace lossmith
