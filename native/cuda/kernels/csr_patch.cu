// One warp for each row of the block; its lanes share the row's targets inside the block. Targets of
// one column are neighbours, since rows are sorted: the lane of the first one takes them all, so
// that no two lanes write the same element.
#include <type_traits>

#include "cuda/csr_patch.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "math/contrastive.h"

namespace lossmith {
namespace cuda {
namespace {

// The first of the sorted columns in [begin, end) that is not below `column`.
template <class C>
LSM_DEVICE std::int64_t first_from(const C* columns, std::int64_t begin, std::int64_t end,
                                   std::int64_t column) {
  while (begin < end) {
    const std::int64_t middle = begin + (end - begin) / 2;
    if (static_cast<std::int64_t>(columns[middle]) < column) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

template <class C, class V>
struct Targets {
  using Column = C;
  using Value = V;
  const std::int64_t* offsets;
  const C* columns;
  const V* values;

  // Entries [begin, end) of a row with columns in [first, last).
  struct Range {
    std::int64_t begin, end;
  };
  LSM_DEVICE Range range(std::int64_t row, std::int64_t first, std::int64_t last) const {
    const std::int64_t end = offsets[row + 1];
    const std::int64_t begin = first_from(columns, offsets[row], end, first);
    return {begin, first_from(columns, begin, end, last)};
  }
  LSM_DEVICE double value(std::int64_t entry) const {
    return values != nullptr ? static_cast<double>(values[entry]) : 1.0;
  }
};

template <class T>
LSM_DEVICE void subtract(T* element, double amount) {
  *element = Convert<T>::from(Convert<double>::from(*element) - amount);
}

template <class T, class C, class V>
__global__ void __launch_bounds__(kRowThreads)
    subtract_targets_kernel(Targets<C, V> targets, std::int64_t row0, std::int64_t column0,
                            const double* factor, const double* common, RowsOf<T> coefficients) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  const double scale = common != nullptr ? *common : 1.0;
  for (std::int64_t i = warp_row(); i < coefficients.rows; i += warp_rows()) {
    const auto range = targets.range(row0 + i, column0, column0 + coefficients.width);
    T* row = coefficients.row(i);
    for (std::int64_t e = range.begin + lane; e < range.end; e += kRowWarp) {
      const C column = targets.columns[e];
      if (e > range.begin && targets.columns[e - 1] == column) continue;
      double value = targets.value(e);
      for (std::int64_t next = e + 1; next < range.end && targets.columns[next] == column; ++next) {
        value += targets.value(next);
      }
      subtract(row + (static_cast<std::int64_t>(column) - column0), factor[i] * scale * value);
    }
  }
}

template <class A, class C, class V>
__global__ void __launch_bounds__(kRowThreads)
    target_scores_kernel(Targets<C, V> targets, std::int64_t row0, std::int64_t column0,
                         RowsOf<const A> dots, const double* scale, const A* bias,
                         double* row_term) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  const A factor = static_cast<A>(*scale);
  for (std::int64_t i = warp_row(); i < dots.rows; i += warp_rows()) {
    const auto range = targets.range(row0 + i, column0, column0 + dots.width);
    const A* row = dots.row(i);
    double sum = 0;
    for (std::int64_t e = range.begin + lane; e < range.end; e += kRowWarp) {
      const double value = targets.value(e);
      // A column that is masked by its bias may have a target of 0, but 0 times -inf is NaN.
      if (value == 0) continue;
      const std::int64_t j = static_cast<std::int64_t>(targets.columns[e]) - column0;
      const A score = math::score<ThreadOps<A>>(row[j], factor, bias != nullptr ? bias[j] : A(0));
      sum += value * static_cast<double>(score);
    }
    sum = warp_sum(sum);
    if (lane == 0) row_term[i] += sum;
  }
}

// Row i of the block has its diagonal element in column i + shift of the block.
template <class T>
__global__ void __launch_bounds__(kRowThreads)
    subtract_diagonal_kernel(std::int64_t shift, const double* factor, const double* common,
                             RowsOf<T> coefficients) {
  const double scale = common != nullptr ? *common : 1.0;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kRowThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       i < coefficients.rows; i += step) {
    const std::int64_t j = i + shift;
    if (j < 0 || j >= coefficients.width) continue;
    subtract(coefficients.row(i) + j, factor[i] * scale);
  }
}

template <class T>
using ColumnOf = typename std::decay_t<T>::Column;
template <class T>
using ValueOf = typename std::decay_t<T>::Value;

// Calls f with the targets as kernels take them.
template <class F>
void dispatch_targets(const CsrTargets& t, const F& f) {
  const auto with_columns = [&](const auto* columns) {
    using C = std::remove_cv_t<std::remove_pointer_t<decltype(columns)>>;
    if (t.values_are_f64) {
      f(Targets<C, double>{t.offsets, columns, static_cast<const double*>(t.values)});
    } else {
      f(Targets<C, float>{t.offsets, columns, static_cast<const float*>(t.values)});
    }
  };
  if (t.columns_are_i64) {
    with_columns(static_cast<const std::int64_t*>(t.columns));
  } else {
    with_columns(static_cast<const std::int32_t*>(t.columns));
  }
}

}  // namespace

void subtract_targets(cudaStream_t stream, const CsrTargets& targets, std::int64_t row0,
                      std::int64_t column0, const double* factor, const double* common,
                      const Matrix& coefficients) {
  dispatch_floating(coefficients.type, [&](auto tag) {
    using T = decltype(tag);
    dispatch_targets(targets, [&](const auto& t) {
      launch(stream, "subtract_targets", warp_for_each_row(coefficients.rows),
             subtract_targets_kernel<T, ColumnOf<decltype(t)>, ValueOf<decltype(t)>>, t, row0,
             column0, factor, common, RowsOf<T>(coefficients, 1));
    });
  });
}

template <class A>
void add_target_scores(cudaStream_t stream, const CsrTargets& targets, std::int64_t row0,
                       std::int64_t column0, const Matrix& dots, const double* scale, const A* bias,
                       double* row_term) {
  dispatch_targets(targets, [&](const auto& t) {
    launch(stream, "target_scores", warp_for_each_row(dots.rows),
           target_scores_kernel<A, ColumnOf<decltype(t)>, ValueOf<decltype(t)>>, t, row0, column0,
           RowsOf<const A>(dots, 1), scale, bias, row_term);
  });
}

template void add_target_scores(cudaStream_t, const CsrTargets&, std::int64_t, std::int64_t,
                                const Matrix&, const double*, const float*, double*);
template void add_target_scores(cudaStream_t, const CsrTargets&, std::int64_t, std::int64_t,
                                const Matrix&, const double*, const double*, double*);

void subtract_diagonal(cudaStream_t stream, std::int64_t shift, std::int64_t row0,
                       std::int64_t column0, const double* factor, const double* common,
                       const Matrix& coefficients) {
  dispatch_floating(coefficients.type, [&](auto tag) {
    using T = decltype(tag);
    launch(stream, "subtract_diagonal",
           LaunchShape{dim3(blocks_for(coefficients.rows, kRowThreads)), dim3(kRowThreads)},
           subtract_diagonal_kernel<T>, row0 + shift - column0, factor, common,
           RowsOf<T>(coefficients, 1));
  });
}

}  // namespace cuda
}  // namespace lossmith
