#include "cpu/operands.h"

#include <cstring>
#include <type_traits>

#include "core/status.h"
#include "cpu/isa.h"
#include "cpu/parallel.h"
#include "math/normalize.h"

namespace lossmith {
namespace {

template <class S>
const RowKernelsOf<S>& row_kernels() {
  return kernels().rows->of(S{});
}

template <class S>
void convert_row(const S* from, double factor, float* to, std::int64_t n) {
  row_kernels<S>().to_f32(from, factor, to, n);
}
template <class S>
void convert_row(const S* from, double factor, bfloat16* to, std::int64_t n) {
  row_kernels<S>().to_bf16(from, factor, to, n);
}
template <class S>
void convert_row(const S* from, double factor, double* to, std::int64_t n) {
  row_kernels<S>().to_f64(from, factor, to, n);
}

template <class S, class A, class G>
void store_row(const S* x, std::int64_t d, const double* inverse, const A* g, G* out) {
  if (inverse == nullptr) {
    for (std::int64_t k = 0; k < d; ++k) out[k] = Convert<G>::from(g[k]);
    return;
  }
  double along = 0;  // <y, gy>
  for (std::int64_t k = 0; k < d; ++k) {
    along += Convert<double>::from(x[k]) * *inverse * static_cast<double>(g[k]);
  }
  for (std::int64_t k = 0; k < d; ++k) {
    const double y = Convert<double>::from(x[k]) * *inverse;
    out[k] = Convert<G>::from(
        math::normalization_gradient(static_cast<double>(g[k]), y, along, *inverse));
  }
}

}  // namespace

double inverse_norm(const RowSource& source, std::int64_t row) {
  return dispatch_floating(source.view.type, [&](auto tag) {
    using S = decltype(tag);
    const S* p = source.view.row<const S>(source.source_row(row));
    return math::inverse_norm(row_kernels<S>().squared_norm(p, source.view.shape[1]));
  });
}

template <class T>
void load_rows(const RowSource& source, std::int64_t begin, std::int64_t end,
               const double* inverse_norms, T* out, std::int64_t ld) {
  const std::int64_t width = source.view.shape[1];
  dispatch_floating(source.view.type, [&](auto tag) {
    using S = decltype(tag);
    for (std::int64_t i = begin; i < end; ++i) {
      const S* row = source.view.row<const S>(source.source_row(i));
      T* to = out + (i - begin) * ld;
      if (std::is_same<S, T>::value && inverse_norms == nullptr) {
        std::memcpy(static_cast<void*>(to), row, static_cast<std::size_t>(width) * sizeof(T));
      } else {
        convert_row(row, inverse_norms != nullptr ? inverse_norms[i] : 1.0, to, width);
      }
    }
  });
}

template <class A>
void store_gradient_rows(const View& gradient, const RowSource& source, const double* inverse_norms,
                         std::int64_t begin, std::int64_t end, const A* g, std::int64_t ld) {
  const std::int64_t width = source.view.shape[1];
  if (gradient.type == Type::bf16 && inverse_norms == nullptr) {
    for (std::int64_t i = begin; i < end; ++i) {
      convert_row(g + (i - begin) * ld, 1.0, gradient.row<bfloat16>(source.source_row(i)), width);
    }
    return;
  }
  dispatch_floating(source.view.type, [&](auto source_tag) {
    using S = decltype(source_tag);
    dispatch_floating(gradient.type, [&](auto gradient_tag) {
      using G = decltype(gradient_tag);
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t row = source.source_row(i);
        store_row(source.view.row<const S>(row), width,
                  inverse_norms != nullptr ? inverse_norms + i : nullptr, g + (i - begin) * ld,
                  gradient.row<G>(row));
      }
    });
  });
}

template <class A>
void gradient_rows(const RowSource& source, const double* inverse_norms, std::int64_t begin,
                   std::int64_t end, const A* g, std::int64_t ld, A* out) {
  const std::int64_t width = source.view.shape[1];
  dispatch_floating(source.view.type, [&](auto tag) {
    using S = decltype(tag);
    for (std::int64_t i = begin; i < end; ++i) {
      store_row(source.view.row<const S>(source.source_row(i)), width,
                inverse_norms != nullptr ? inverse_norms + i : nullptr, g + (i - begin) * ld,
                out + (i - begin) * width);
    }
  });
}

template <class T>
void add_weighted_rows(int threads, const T* rows, std::int64_t ld, std::int64_t count,
                       std::int64_t width, const double* weights, double* sum) {
  constexpr std::int64_t kColumns = 64;  // tasks share rows, not elements of the sum
  parallel_ranges(threads, width, kColumns, [&](std::int64_t from, std::int64_t to, int) {
    for (std::int64_t i = 0; i < count; ++i) {
      row_kernels<T>().add_scaled(sum + from, weights != nullptr ? weights[i] : 1.0,
                                  rows + i * ld + from, to - from);
    }
  });
}

template <class T>
double dot_row(const T* row, const double* vector, std::int64_t n) {
  return row_kernels<T>().dot(row, vector, n);
}

template <class T>
void scale_row(T* row, double factor, std::int64_t n) {
  convert_row(row, factor, row, n);
}

void fill_zero(const View& view) {
  if (view.ndim == 2) {
    const std::size_t bytes =
        static_cast<std::size_t>(view.shape[1]) * static_cast<std::size_t>(bytes_of(view.type));
    for (std::int64_t i = 0; i < view.shape[0]; ++i) {
      std::memset(view.data + i * view.strides[0] * bytes_of(view.type), 0, bytes);
    }
    return;
  }
  for (std::int64_t i = 0; i < view.elements(); ++i) set_element(view, i, 0.0);
}

#define LSM_INSTANTIATE(T)                                                                 \
  template void load_rows(const RowSource&, std::int64_t, std::int64_t, const double*, T*, \
                          std::int64_t);                                                   \
  template void add_weighted_rows(int, const T*, std::int64_t, std::int64_t, std::int64_t, \
                                  const double*, double*);                                 \
  template double dot_row(const T*, const double*, std::int64_t);                          \
  template void scale_row(T*, double, std::int64_t);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(bfloat16)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE
template void store_gradient_rows(const View&, const RowSource&, const double*, std::int64_t,
                                  std::int64_t, const float*, std::int64_t);
template void store_gradient_rows(const View&, const RowSource&, const double*, std::int64_t,
                                  std::int64_t, const double*, std::int64_t);
template void gradient_rows(const RowSource&, const double*, std::int64_t, std::int64_t,
                            const float*, std::int64_t, float*);
template void gradient_rows(const RowSource&, const double*, std::int64_t, std::int64_t,
                            const double*, std::int64_t, double*);

}  // namespace lossmith
