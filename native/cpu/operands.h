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
void store_gradient_rows(const View& gradient, const RowSource& source, const double* inverse_norms,
                         std::int64_t begin, std::int64_t end, const A* g, std::int64_t ld);

// The same, packed: rows of `width` elements to out.
template <class A>
void gradient_rows(const RowSource& source, const double* inverse_norms, std::int64_t begin,
                   std::int64_t end, const A* g, std::int64_t ld, A* out);

// sum += sum_i weights_i row_i, weights null: 1. In the order of the rows for every element.
template <class T>
void add_weighted_rows(int threads, const T* rows, std::int64_t ld, std::int64_t count,
                       std::int64_t width, const double* weights, double* sum);

template <class T>
double dot_row(const T* row, const double* vector, std::int64_t n);

// row *= factor
template <class T>
void scale_row(T* row, double factor, std::int64_t n);

// Sets all elements to 0.
void fill_zero(const View& view);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_OPERANDS_H_
