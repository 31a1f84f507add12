// Compiled once per instruction set; LSM_ISA names it. Plain loops: the compiler vectorises them.
#include "cpu/kernels/rows.h"

namespace lossmith {
namespace {

double dot(const float* a, const float* b, std::int64_t n) {
  constexpr int kSums = 16;  // independent sums, so that the loop is not one chain of additions
  double sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int k = 0; k < kSums; ++k) {
      sums[k] += static_cast<double>(a[i + k]) * static_cast<double>(b[i + k]);
    }
  }
  double total = 0;
  for (; i < n; ++i) total += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  for (int k = 0; k < kSums; ++k) total += sums[k];
  return total;
}

void widen_bf16(const bfloat16* from, float* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = to_float(from[i]);
}

void narrow_bf16(const float* from, bfloat16* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = to_bfloat16(from[i]);
}

void add_to(double* sum, const float* row, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sum[i] += static_cast<double>(row[i]);
}

}  // namespace

namespace LSM_ISA {

extern const RowKernels row_kernels;
const RowKernels row_kernels = {dot, widen_bf16, narrow_bf16, add_to};

}  // namespace LSM_ISA
}  // namespace lossmith
