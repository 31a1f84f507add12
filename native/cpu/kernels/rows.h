// Loops over one row of embeddings, compiled per instruction set.
#ifndef LOSSMITH_CPU_KERNELS_ROWS_H_
#define LOSSMITH_CPU_KERNELS_ROWS_H_

#include <cstdint>

#include "core/dtype.h"

namespace lossmith {

struct RowKernels {
  double (*dot)(const float* a, const float* b, std::int64_t n);
  // Element types to and from f32; bf16 and f16 round to nearest even.
  void (*widen_bf16)(const bfloat16* from, float* to, std::int64_t n);
  void (*narrow_bf16)(const float* from, bfloat16* to, std::int64_t n);
  // sum_i += row_i
  void (*add_to)(double* sum, const float* row, std::int64_t n);
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_ROWS_H_
