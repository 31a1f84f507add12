// Compiled once per instruction set; LSM_ISA names it. Plain loops: the compiler vectorises them.
#include "cpu/kernels/rows.h"

namespace lossmith {
namespace {

double to_double(double v) { return v; }
template <class S>
double to_double(S v) {
  return static_cast<double>(to_float(v));
}

template <class S>
void to_f32(const S* from, double factor, float* to, std::int64_t n) {
  const float f = static_cast<float>(factor);
  for (std::int64_t i = 0; i < n; ++i) to[i] = to_float(from[i]) * f;
}

template <class S>
void to_bf16(const S* from, double factor, bfloat16* to, std::int64_t n) {
  const float f = static_cast<float>(factor);
  for (std::int64_t i = 0; i < n; ++i) to[i] = to_bfloat16(to_float(from[i]) * f);
}

template <class S>
void to_f64(const S* from, double factor, double* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = to_double(from[i]) * factor;
}

// Independent partial sums, so that the loop is not one chain of additions.
constexpr int kSums = 16;

template <class S, class Other>
double sum_of_products(const S* a, const Other* b, std::int64_t n) {
  double sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int k = 0; k < kSums; ++k) sums[k] += to_double(a[i + k]) * to_double(b[i + k]);
  }
  double total = 0;
  for (; i < n; ++i) total += to_double(a[i]) * to_double(b[i]);
  for (int k = 0; k < kSums; ++k) total += sums[k];
  return total;
}

template <class S>
double squared_norm(const S* row, std::int64_t n) {
  return sum_of_products(row, row, n);
}

template <class S>
double dot(const S* row, const double* vector, std::int64_t n) {
  return sum_of_products(row, vector, n);
}

template <class S>
void add_scaled(double* sum, double factor, const S* row, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sum[i] += factor * to_double(row[i]);
}

template <class S>
constexpr RowKernelsOf<S> kernels_of() {
  return {to_f32<S>, to_bf16<S>, to_f64<S>, squared_norm<S>, dot<S>, add_scaled<S>};
}

}  // namespace

namespace LSM_ISA {

extern const RowKernels row_kernels;
const RowKernels row_kernels = {kernels_of<float>(), kernels_of<bfloat16>(), kernels_of<float16>(),
                                kernels_of<double>()};

}  // namespace LSM_ISA
}  // namespace lossmith
