#include "cpu/contrastive_target.h"

#include <atomic>
#include <cmath>
#include <string>
#include <type_traits>

#include "core/status.h"
#include "cpu/backend.h"
#include "cpu/parallel.h"

namespace lossmith {
namespace {

constexpr std::int64_t kChunk = 1024;  // reference rows held at a time
constexpr std::int64_t kMixSlice = 128;
constexpr std::int64_t kRowSlice = 256;
constexpr std::int64_t kRowGrain = 64;
constexpr double kNormTolerance = 1e-3;

}  // namespace

template <class T, class A>
void LowRankTarget<T, A>::prepare() {
  Gemm& gemm = gemm_of(s_.context);
  const Pieces chunk_rows(s_.n, kChunk), chunk_columns(s_.m, kChunk);
  const Pieces r(s_.r, kMixSlice), d(s_.d);
  const auto shape = [&](Product product, std::int64_t lda, std::int64_t ldb, std::int64_t ldc) {
    return GemmShape{operand_type<T>(), product, false, 0, 0, 0, lda, ldb, ldc};
  };
  const auto need = [&](const PieceProduct& p) { s_.scratch.need(p.scratch_bytes()); };
  if (needs_rows()) {
    mix_y_.prepare(gemm, shape(Product::tn, s_.r, s_.ldy, s_.d), r, d, chunk_columns, true,
                   s_.m > kChunk);
    need(mix_y_);
    const std::int64_t ld = s_.grad_x_ld != 0 ? s_.grad_x_ld : s_.d;
    rows_.prepare(gemm, shape(Product::nn, s_.r, s_.d, ld), Pieces(s_.n, kRowSlice), d,
                  Pieces(s_.r), true, false);
    need(rows_);
  }
  if (s_.grad_y_ld != 0) {
    mix_x_.prepare(gemm, shape(Product::tn, s_.r, s_.ldx, s_.d), r, d, chunk_rows, true,
                   s_.n > kChunk);
    need(mix_x_);
    columns_.prepare(gemm, shape(Product::nn, s_.r, s_.d, s_.grad_y_ld), Pieces(s_.m, kRowSlice), d,
                     Pieces(s_.r), true, false);
    need(columns_);
  }
}

template <class T, class A>
void LowRankTarget<T, A>::carve(Carver& carver) {
  if (s_.call.options.normalize_reference) {
    s_.reference_inverse = carver.take<double>(s_.n);
    s_.candidate_inverse =
        s_.call.own_candidates_reference ? carver.take<double>(s_.m) : s_.reference_inverse;
  }
  reference_sum_ = carver.take<double>(s_.r);
  const std::int64_t chunk = std::min(kChunk, std::max(s_.n, s_.m));
  chunk_ = carver.take<T>(chunk * s_.r);
  if (s_.call.only_statistics) return;
  chunk_factor_ = carver.take<double>(chunk);
  candidate_sum_ = carver.take<double>(s_.d);
  bias_reference_ = carver.take<double>(s_.r);
  weighted_x_ = carver.take<double>(s_.d);
  weighted_reference_ = carver.take<double>(s_.r);
  target_scale_ = carver.take<double>(s_.n);
  mixed_ = carver.take<A>(s_.r * s_.d);
  if (!std::is_same<T, A>::value) narrow_ = carver.take<T>(s_.r * s_.d);
  if (s_.grad_x_ld == 0) product_ = carver.take<A>(std::min(kChunk, s_.n) * s_.d);
}

template <class T, class A>
void LowRankTarget<T, A>::load(const RowSource& source, const double* inverse, std::int64_t begin,
                               std::int64_t rows) {
  parallel_ranges(s_.lanes, rows, kRowGrain, [&](std::int64_t from, std::int64_t to, int) {
    load_rows(source, begin + from, begin + to, inverse, chunk_ + from * s_.r, s_.r);
  });
}

template <class T, class A>
void LowRankTarget<T, A>::weight_sums() {
  const auto norms = [&](const RowSource& source, std::int64_t count, double* inverse,
                         const char* name) {
    std::atomic<std::int64_t> too_long{-1};
    parallel_ranges(s_.lanes, count, kRowGrain, [&](std::int64_t from, std::int64_t to, int) {
      for (std::int64_t i = from; i < to; ++i) {
        const double inv = inverse_norm(source, i);
        if (inverse != nullptr) inverse[i] = inv;
        if (inv != 0 && 1.0 / inv > 1 + kNormTolerance) too_long = i;
      }
    });
    if (inverse == nullptr && too_long >= 0) {
      reject(name, "rows of norm <= 1, or normalize_reference",
             "norm " + std::to_string(1.0 / inverse_norm(source, too_long)) + " at row " +
                 std::to_string(source.source_row(too_long)));
    }
  };
  norms(s_.reference_rows, s_.n, s_.reference_inverse, "reference");
  if (s_.call.own_candidates_reference) {
    norms(s_.reference_columns, s_.m, s_.candidate_inverse, "reference_y");
  }
  if (s_.call.given_statistics) return;
  for (std::int64_t k = 0; k < s_.r; ++k) reference_sum_[k] = 0;
  for (std::int64_t begin = 0; begin < s_.m; begin += kChunk) {
    const std::int64_t rows = std::min(kChunk, s_.m - begin);
    load(s_.reference_columns, s_.candidate_inverse, begin, rows);
    add_weighted_rows(s_.lanes, chunk_, s_.r, rows, s_.r, nullptr, reference_sum_);
  }
  for (std::int64_t begin = 0; begin < s_.n; begin += kChunk) {
    const std::int64_t rows = std::min(kChunk, s_.n - begin);
    load(s_.reference_rows, s_.reference_inverse, begin, rows);
    parallel_ranges(s_.lanes, rows, kRowGrain, [&](std::int64_t from, std::int64_t to, int) {
      for (std::int64_t i = from; i < to; ++i) {
        s_.weight_sum[begin + i] =
            0.5 * (static_cast<double>(s_.m) + dot_row(chunk_ + i * s_.r, reference_sum_, s_.r));
      }
    });
  }
}

// mixed (+)= chunk^T operand, in slices of the r rows.
template <class T, class A>
void LowRankTarget<T, A>::mix(const PieceProduct& product, const T* operand, std::int64_t rows,
                              bool fresh) {
  parallel_tasks(s_.lanes, pieces(s_.r, kMixSlice), [&](std::int64_t task, int thread) {
    const std::int64_t at = task * kMixSlice;
    product.run(thread, s_.scratch.of(thread), piece_length(s_.r, kMixSlice, task), s_.d, rows,
                !fresh, chunk_ + at, operand, mixed_ + at * s_.d);
  });
}

// Makes the mixed matrix an operand: narrowed, where products take a narrower type.
template <class T, class A>
void LowRankTarget<T, A>::finish_mix() {
  if constexpr (!std::is_same<T, A>::value) {
    kernels().rows->f32.to_bf16(mixed_, 1.0, narrow_, s_.r * s_.d);
  }
}

template <class T, class A>
const T* LowRankTarget<T, A>::mixed_operand() const {
  if constexpr (std::is_same<T, A>::value) {
    return mixed_;
  } else {
    return narrow_;
  }
}

template <class T, class A>
void LowRankTarget<T, A>::mix_candidates() {
  if (!needs_rows()) return;
  for (std::int64_t k = 0; k < s_.d; ++k) candidate_sum_[k] = 0;
  for (std::int64_t k = 0; k < s_.r; ++k) bias_reference_[k] = 0;
  bias_sum_ = 0;
  for (std::int64_t begin = 0; begin < s_.m; begin += kChunk) {
    const std::int64_t rows = std::min(kChunk, s_.m - begin);
    load(s_.reference_columns, s_.candidate_inverse, begin, rows);
    mix(mix_y_, s_.y + begin * s_.ldy, rows, begin == 0);
    add_weighted_rows(s_.lanes, s_.y + begin * s_.ldy, s_.ldy, rows, s_.d, nullptr, candidate_sum_);
    if (s_.bias == nullptr) continue;
    for (std::int64_t j = 0; j < rows; ++j) {
      chunk_factor_[j] = static_cast<double>(s_.bias[begin + j]);
      bias_sum_ += chunk_factor_[j];
    }
    add_weighted_rows(s_.lanes, chunk_, s_.r, rows, s_.r, chunk_factor_, bias_reference_);
  }
  finish_mix();
}

template <class T, class A>
void LowRankTarget<T, A>::rows(std::int64_t begin, std::int64_t end) {
  if (!needs_rows()) return;
  const bool keep = s_.grad_x != nullptr;
  const T* operand = mixed_operand();
  for (std::int64_t chunk = begin; chunk < end; chunk += kChunk) {
    const std::int64_t rows = std::min(kChunk, end - chunk);
    load(s_.reference_rows, s_.reference_inverse, chunk, rows);
    A* out = keep ? s_.grad_x + (chunk - (s_.grad_x_direct ? 0 : begin)) * s_.grad_x_ld : product_;
    const std::int64_t ld = keep ? s_.grad_x_ld : s_.d;
    parallel_tasks(s_.lanes, pieces(rows, kRowSlice), [&](std::int64_t task, int thread) {
      const std::int64_t at = task * kRowSlice;
      const std::int64_t count = piece_length(rows, kRowSlice, task);
      rows_.run(thread, s_.scratch.of(thread), count, s_.d, s_.r, false, chunk_ + at * s_.r,
                operand, out + at * ld);
      for (std::int64_t i = chunk + at; i < chunk + at + count; ++i) {
        A* mixed_row = out + (i - chunk) * ld;
        const double z = s_.weight_sum[i];
        const double half = z > kZeroWeightSum ? 0.5 / z : 0.0;
        const double factor =
            static_cast<double>(s_.row.c[i]) * (1 - s_.call.options.label_smoothing);
        double along = 0;  // <x_i, sum_j a_ij y_j>
        const T* x = s_.x + i * s_.ldx;
        for (std::int64_t k = 0; k < s_.d; ++k) {
          const double v = half * (candidate_sum_[k] + static_cast<double>(mixed_row[k]));
          along += Convert<double>::from(x[k]) * v;
          mixed_row[k] = static_cast<A>(-factor * v);
        }
        s_.row_term[i] = s_.scale * along;
        if (s_.bias != nullptr) {
          s_.row_term[i] +=
              half * (bias_sum_ + dot_row(chunk_ + (i - chunk) * s_.r, bias_reference_, s_.r));
        }
        target_scale_[i] = -factor * along;
      }
    });
  }
}

template <class T, class A>
double LowRankTarget<T, A>::scale_gradient() const {
  double sum = 0;
  for (std::int64_t i = 0; needs_rows() && i < s_.n; ++i) sum += target_scale_[i];
  return sum;
}

// Factor of row i's weights in the coefficients: c (1-e) / Z_i.
template <class T, class A>
double LowRankTarget<T, A>::row_factor(std::int64_t i) const {
  const double z = s_.weight_sum[i];
  if (!(z > kZeroWeightSum)) return 0;
  return static_cast<double>(s_.row.c[i]) * (1 - s_.call.options.label_smoothing) / z;
}

template <class T, class A>
void LowRankTarget<T, A>::columns() {
  if (s_.grad_y_ld == 0 && s_.bias_gradient == nullptr) return;
  for (std::int64_t k = 0; k < s_.d; ++k) weighted_x_[k] = 0;
  for (std::int64_t k = 0; k < s_.r; ++k) weighted_reference_[k] = 0;
  double weight = 0;
  for (std::int64_t begin = 0; begin < s_.n; begin += kChunk) {
    const std::int64_t rows = std::min(kChunk, s_.n - begin);
    load(s_.reference_rows, s_.reference_inverse, begin, rows);
    for (std::int64_t i = 0; i < rows; ++i) {
      chunk_factor_[i] = row_factor(begin + i);
      weight += chunk_factor_[i];
    }
    add_weighted_rows(s_.lanes, s_.x + begin * s_.ldx, s_.ldx, rows, s_.d, chunk_factor_,
                      weighted_x_);
    add_weighted_rows(s_.lanes, chunk_, s_.r, rows, s_.r, chunk_factor_, weighted_reference_);
    parallel_ranges(s_.lanes, rows, kRowGrain, [&](std::int64_t from, std::int64_t to, int) {
      for (std::int64_t i = from; i < to; ++i) {
        scale_row(chunk_ + i * s_.r, chunk_factor_[i], s_.r);
      }
    });
    if (s_.grad_y_ld != 0) mix(mix_x_, s_.x + begin * s_.ldx, rows, begin == 0);
  }
  if (s_.grad_y_ld != 0) finish_mix();
  const T* operand = mixed_operand();
  for (std::int64_t begin = 0; begin < s_.m; begin += kChunk) {
    const std::int64_t rows = std::min(kChunk, s_.m - begin);
    load(s_.reference_columns, s_.candidate_inverse, begin, rows);
    for (std::int64_t j = begin; s_.bias_gradient != nullptr && j < begin + rows; ++j) {
      s_.bias_gradient[j] -=
          0.5 * (weight + dot_row(chunk_ + (j - begin) * s_.r, weighted_reference_, s_.r));
    }
    if (s_.grad_y_ld == 0) continue;
    parallel_tasks(s_.lanes, pieces(rows, kRowSlice), [&](std::int64_t task, int thread) {
      const std::int64_t at = task * kRowSlice;
      const std::int64_t count = piece_length(rows, kRowSlice, task);
      A* out = s_.grad_y + (begin + at) * s_.grad_y_ld;
      columns_.run(thread, s_.scratch.of(thread), count, s_.d, s_.r, false, chunk_ + at * s_.r,
                   operand, out);
      for (std::int64_t j = 0; j < count; ++j) {
        A* row = out + j * s_.grad_y_ld;
        for (std::int64_t k = 0; k < s_.d; ++k) {
          row[k] = static_cast<A>(-0.5 * (weighted_x_[k] + static_cast<double>(row[k])));
        }
      }
    });
  }
}

template <class T, class A>
void dense_weight_sums(ContrastiveState<T, A>& s) {
  const View& w = s.call.weights;
  std::atomic<std::int64_t> bad_row{-1};
  parallel_ranges(s.lanes, s.n, 16, [&](std::int64_t from, std::int64_t to, int) {
    dispatch_floating(w.type, [&](auto tag) {
      using W = decltype(tag);
      for (std::int64_t i = from; i < to; ++i) {
        const W* row = w.row<const W>(s.x_rows.source_row(i));
        double sum = 0;
        bool good = true;
        for (std::int64_t j = 0; j < s.m; ++j) {
          const double v = Convert<double>::from(row[s.y_rows.source_row(j)]);
          good = good && v >= 0 && std::isfinite(v);
          sum += v;
        }
        if (!good) bad_row = i;
        if (!s.call.given_statistics) s.weight_sum[i] = sum;
      }
    });
  });
  if (bad_row >= 0) {
    reject("weights", "finite numbers >= 0",
           "another in row " + std::to_string(s.x_rows.source_row(bad_row)));
  }
}

#define LSM_INSTANTIATE(T, A)         \
  template class LowRankTarget<T, A>; \
  template void dense_weight_sums(ContrastiveState<T, A>&);
LSM_INSTANTIATE(float, float)
LSM_INSTANTIATE(bfloat16, float)
LSM_INSTANTIATE(double, double)
#undef LSM_INSTANTIATE

}  // namespace lossmith
