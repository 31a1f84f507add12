#include "cpu/operands.h"

#include <cmath>
#include <cstring>
#include <type_traits>

#include "core/status.h"

namespace lossmith {
namespace {

template <class S>
double squared_norm(const S* row, std::int64_t d) {
  double sums[4] = {};
  std::int64_t k = 0;
  for (; k + 4 <= d; k += 4) {
    for (int u = 0; u < 4; ++u) {
      const double v = Convert<double>::from(row[k + u]);
      sums[u] += v * v;
    }
  }
  double total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (; k < d; ++k) {
    const double v = Convert<double>::from(row[k]);
    total += v * v;
  }
  return total;
}

template <class S, class T>
void load_row(const S* from, std::int64_t d, double factor, bool scaled, T* to) {
  if (scaled) {
    for (std::int64_t k = 0; k < d; ++k) {
      // A zero row stays zero whatever it holds; 0 * factor would not hide a NaN either.
      to[k] = Convert<T>::from(Convert<double>::from(from[k]) * factor);
    }
  } else if (std::is_same<S, T>::value) {
    std::memcpy(static_cast<void*>(to), from, static_cast<std::size_t>(d) * sizeof(T));
  } else {
    for (std::int64_t k = 0; k < d; ++k) to[k] = Convert<T>::from(from[k]);
  }
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
    out[k] = Convert<G>::from((static_cast<double>(g[k]) - y * along) * *inverse);
  }
}

}  // namespace

double inverse_norm(const RowSource& source, std::int64_t row) {
  return dispatch_floating(source.view.type, [&](auto tag) {
    using S = decltype(tag);
    const S* p = source.view.row<const S>(source.source_row(row));
    const double norm = std::sqrt(squared_norm(p, source.view.shape[1]));
    return norm <= kNormEpsilon ? 0.0 : 1.0 / norm;
  });
}

template <class T>
void load_rows(const RowSource& source, std::int64_t begin, std::int64_t end,
               const double* inverse_norms, T* out, std::int64_t ld) {
  dispatch_floating(source.view.type, [&](auto tag) {
    using S = decltype(tag);
    for (std::int64_t i = begin; i < end; ++i) {
      load_row(source.view.row<const S>(source.source_row(i)), source.view.shape[1],
               inverse_norms != nullptr ? inverse_norms[i] : 1.0, inverse_norms != nullptr,
               out + (i - begin) * ld);
    }
  });
}

template <class A>
void store_gradient_rows(const View& gradient, const RowSource& source,
                         const double* inverse_norms, std::int64_t begin, std::int64_t end,
                         const A* g, std::int64_t ld) {
  dispatch_floating(source.view.type, [&](auto source_tag) {
    using S = decltype(source_tag);
    dispatch_floating(gradient.type, [&](auto gradient_tag) {
      using G = decltype(gradient_tag);
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t row = source.source_row(i);
        store_row(source.view.row<const S>(row), source.view.shape[1],
                  inverse_norms != nullptr ? inverse_norms + i : nullptr, g + (i - begin) * ld,
                  gradient.row<G>(row));
      }
    });
  });
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

template void load_rows(const RowSource&, std::int64_t, std::int64_t, const double*, float*,
                        std::int64_t);
template void load_rows(const RowSource&, std::int64_t, std::int64_t, const double*, double*,
                        std::int64_t);
template void load_rows(const RowSource&, std::int64_t, std::int64_t, const double*, bfloat16*,
                        std::int64_t);
template void store_gradient_rows(const View&, const RowSource&, const double*, std::int64_t,
                                  std::int64_t, const float*, std::int64_t);
template void store_gradient_rows(const View&, const RowSource&, const double*, std::int64_t,
                                  std::int64_t, const double*, std::int64_t);

}  // namespace lossmith
