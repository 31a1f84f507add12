// Loops over one row of embeddings, compiled per instruction set.
#ifndef LOSSMITH_CPU_KERNELS_ROWS_H_
#define LOSSMITH_CPU_KERNELS_ROWS_H_

#include <cstdint>

#include "core/dtype.h"

namespace lossmith {

// For rows of element type S. Sums are kept in f64, in an order that depends on n alone.
template <class S>
struct RowKernelsOf {
  // to = factor * from; to f32 and bf16 in f32 arithmetic, to f64 in f64.
  void (*to_f32)(const S* from, double factor, float* to, std::int64_t n);
  void (*to_bf16)(const S* from, double factor, bfloat16* to, std::int64_t n);
  void (*to_f64)(const S* from, double factor, double* to, std::int64_t n);
  double (*squared_norm)(const S* row, std::int64_t n);
  double (*dot)(const S* row, const double* vector, std::int64_t n);
  void (*add_scaled)(double* sum, double factor, const S* row, std::int64_t n);
};

struct RowKernels {
  RowKernelsOf<float> f32;
  RowKernelsOf<bfloat16> bf16;
  RowKernelsOf<float16> f16;
  RowKernelsOf<double> f64;

  const RowKernelsOf<float>& of(float) const { return f32; }
  const RowKernelsOf<bfloat16>& of(bfloat16) const { return bf16; }
  const RowKernelsOf<float16>& of(float16) const { return f16; }
  const RowKernelsOf<double>& of(double) const { return f64; }
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_ROWS_H_
