// Rows of embeddings on their way into and out of the products: conversion, gathering of the
// rows that take part, L2 normalisation and the gradient through it.
#ifndef LOSSMITH_CPU_OPERANDS_H_
#define LOSSMITH_CPU_OPERANDS_H_

#include <cstdint>

#include "core/tensor.h"

namespace lossmith {

// Rows of a matrix; `index` (null: identity) says which source row is row i.
struct RowSource {
  View view;
  const std::int64_t* index = nullptr;

  std::int64_t source_row(std::int64_t i) const { return index == nullptr ? i : index[i]; }
};

// Rows shorter than this count as zero: they normalise to 0 and get gradient 0.
constexpr double kNormEpsilon = 1e-12;

// 1 / ||row||, 0 for rows that count as zero; NaN for rows with NaN.
double inverse_norm(const RowSource& source, std::int64_t row);

// Rows [begin, end) as T, times inverse_norms[row] where given, to out (row begin first).
template <class T>
void load_rows(const RowSource& source, std::int64_t begin, std::int64_t end,
               const double* inverse_norms, T* out, std::int64_t ld);

// Writes gradient rows [begin, end), g being with respect to the loaded rows: through the
// normalisation where inverse_norms is given, to the source rows of `gradient`.
//   y = x/||x||:  gx = (gy - y <y,gy>) / ||x||
template <class A>
void store_gradient_rows(const View& gradient, const RowSource& source,
                         const double* inverse_norms, std::int64_t begin, std::int64_t end,
                         const A* g, std::int64_t ld);

// Sets all elements to 0.
void fill_zero(const View& view);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_OPERANDS_H_
