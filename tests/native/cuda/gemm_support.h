// What the tests of products on a device share: problems on any layout of memory, runs of one kernel
// on them, and the error that rounding explains.
#ifndef LOSSMITH_TESTS_CUDA_GEMM_SUPPORT_H_
#define LOSSMITH_TESTS_CUDA_GEMM_SUPPORT_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "cuda/device_matrix.h"
#include "cuda/gemm.h"
#include "cuda/kernels/gemm_kernels.h"
#include "support/dtype.h"
#include "support/random.h"

namespace lossmith_test {

using lossmith::Product;
using lossmith::cuda::GemmCall;

constexpr Product kProducts[] = {Product::nt, Product::nn, Product::tn};
inline const char* Name(Product product) {
  constexpr const char* kNames[] = {"nt", "nn", "tn"};
  return kNames[static_cast<int>(product)];
}

// A kernel, and the tiles that it takes: large ones where they fill the device.
struct Kernel {
  const char* name;
  void (*run)(cudaStream_t, const lossmith::cuda::DeviceFacts&, const GemmCall&);
  DType operand;
  bool large_tiles;
  bool tf32 = false;  // rounds its operands first

  std::string Text() const {
    return std::string(name) + "_" + lossmith_test::Name(operand) + (large_tiles ? "_large" : "");
  }
  DType result() const { return operand == DType::kF64 ? DType::kF64 : DType::kF32; }
  lossmith::cuda::DeviceFacts facts() const { return {0, 90, large_tiles ? 1 : 1 << 30}; }
};
inline void PrintTo(const Kernel& kernel, std::ostream* out) { *out << kernel.Text(); }

// Every kernel that a call can reach.
inline std::vector<Kernel> Kernels() {
  using namespace lossmith::cuda;
  return {{"gemm_fma", gemm_fma, DType::kF32, true},
          {"gemm_fma", gemm_fma, DType::kF32, false},
          {"gemm_fma", gemm_fma, DType::kF64, false},
          {"gemm_fma", gemm_fma, DType::kF16, false},
          {"gemm_fma", gemm_fma, DType::kBF16, false},
          {"gemm_mma", gemm_mma, DType::kBF16, true},
          {"gemm_mma", gemm_mma, DType::kBF16, false},
          {"gemm_mma", gemm_mma, DType::kF16, true},
          {"gemm_mma", gemm_mma, DType::kF16, false},
          {"gemm_tf32", gemm_tf32, DType::kF32, true, true},
          {"gemm_tf32", gemm_tf32, DType::kF32, false, true}};
}

// Where the three matrices lie: their leading dimensions are the width plus `gap` (negative: rows
// run backwards), their first elements `offset` elements behind an aligned address.
struct GemmLayout {
  int64_t gap[3] = {0, 0, 0};
  int64_t offset[3] = {0, 0, 0};
};
inline MatrixLayout LayoutOf(int64_t width, int64_t gap, int64_t offset) {
  return {gap < 0 ? -(width - gap) : width + gap, offset};
}

struct GemmProblem {
  Product product;
  int64_t m, n, k;
  bool accumulate = false;

  int64_t a_rows() const { return product == Product::tn ? k : m; }
  int64_t a_width() const { return product == Product::tn ? m : k; }
  int64_t b_rows() const { return product == Product::nt ? n : k; }
  int64_t b_width() const { return product == Product::nt ? k : n; }
  std::string Text() const {
    return std::string(Name(product)) + " [" + std::to_string(m) + "," + std::to_string(n) + "," +
           std::to_string(k) + "]" + (accumulate ? " accumulated" : "");
  }
};

// Nearest number of 10 mantissa bits, ties away from zero, as the tensor cores' f32 operands are
// rounded.
inline double RoundedToTf32(double value) {
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  return std::ldexp(std::round(std::ldexp(mantissa, 11)), exponent - 11);
}

struct GemmInputs {
  std::vector<double> a, b, c;  // c: what C holds before

  GemmInputs(const GemmProblem& p, DType operand, DType result, uint64_t seed = 1) {
    Random random(seed);
    a = Rounded(operand, random.Normals(p.a_rows() * p.a_width()));
    b = Rounded(operand, random.Normals(p.b_rows() * p.b_width()));
    c = Rounded(result, random.Normals(p.m * p.n));
  }
};

inline GemmCall CallOf(const GemmProblem& p, const lossmith::cuda::Matrix& a,
                       const lossmith::cuda::Matrix& b, const lossmith::cuda::Matrix& c) {
  GemmCall call;
  call.operand = a.type;
  call.product = p.product;
  call.m = p.m;
  call.n = p.n;
  call.k = p.k;
  call.a = a.data;
  call.lda = a.ld;
  call.b = b.data;
  call.ldb = b.ld;
  call.c = c.data;
  call.ldc = c.ld;
  call.accumulate = p.accumulate;
  return call;
}

// Runs the kernel; gives C and expects everything around it untouched.
inline std::vector<double> RunKernel(const Kernel& kernel, const GemmProblem& p,
                                     const GemmInputs& in, const GemmLayout& layout = {}) {
  const DeviceMatrix a(kernel.operand, p.a_rows(), p.a_width(),
                       LayoutOf(p.a_width(), layout.gap[0], layout.offset[0]), in.a);
  const DeviceMatrix b(kernel.operand, p.b_rows(), p.b_width(),
                       LayoutOf(p.b_width(), layout.gap[1], layout.offset[1]), in.b);
  const MatrixLayout c_layout = LayoutOf(p.n, layout.gap[2], layout.offset[2]);
  // Where C is not read, it must not matter that it holds a pattern of no number.
  DeviceMatrix c = p.accumulate ? DeviceMatrix(kernel.result(), p.m, p.n, c_layout, in.c)
                                : DeviceMatrix(kernel.result(), p.m, p.n, c_layout);
  kernel.run(nullptr, kernel.facts(), CallOf(p, a.get(), b.get(), c.get()));
  std::vector<double> values = c.Values();
  EXPECT_TRUE(c.GapsUntouched()) << kernel.Text() << " " << p.Text();
  return values;
}

// The product and, for each of its elements, the sum of the magnitudes of what was added.
template <class Real>
struct Reference {
  std::vector<Real> value, magnitude;
};
template <class Real>
Reference<Real> Multiply(const GemmProblem& p, const GemmInputs& in, bool tf32) {
  const auto operand = [&](double v) { return static_cast<Real>(tf32 ? RoundedToTf32(v) : v); };
  std::vector<Real> a(p.m * p.k), b(p.k * p.n);  // [m,k] and [k,n]
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t l = 0; l < p.k; ++l) {
      a[i * p.k + l] = operand(in.a[p.product == Product::tn ? l * p.m + i : i * p.k + l]);
    }
  }
  for (int64_t l = 0; l < p.k; ++l) {
    for (int64_t j = 0; j < p.n; ++j) {
      b[l * p.n + j] = operand(in.b[p.product == Product::nt ? j * p.k + l : l * p.n + j]);
    }
  }
  Reference<Real> r{std::vector<Real>(p.m * p.n), std::vector<Real>(p.m * p.n)};
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t l = 0; l < p.k; ++l) {
      for (int64_t j = 0; j < p.n; ++j) {
        const Real term = a[i * p.k + l] * b[l * p.n + j];
        r.value[i * p.n + j] += term;
        r.magnitude[i * p.n + j] += std::abs(term);
      }
    }
  }
  for (int64_t i = 0; p.accumulate && i < p.m * p.n; ++i) {
    r.value[i] += in.c[i];
    r.magnitude[i] += std::abs(in.c[i]);
  }
  return r;
}

// Products of bf16, f16 and tf32 are exact in f32, those of f32 and f64 are added unrounded, so
// only the additions round: at most k + 1 of them on the way of each term, each by a relative u of
// a partial sum that is no larger than the sum of magnitudes. A missing, doubled or foreign term
// is larger by orders of magnitude.
template <class Real>
::testing::AssertionResult WithinRounding(const Kernel& kernel, const GemmProblem& p,
                                          const std::vector<double>& got,
                                          const Reference<Real>& expected) {
  const double u = UnitRoundoff(kernel.result());
  const double relative = static_cast<double>(p.k + 1) * u;
  for (size_t i = 0; i < got.size(); ++i) {
    const double error =
        static_cast<double>(std::abs(static_cast<Real>(got[i]) - expected.value[i]));
    const double bound = relative * (1 + relative) * static_cast<double>(expected.magnitude[i]);
    if (!(error <= bound)) {
      return ::testing::AssertionFailure()
             << kernel.Text() << " " << p.Text() << ": element " << i / p.n << "," << i % p.n
             << " is " << got[i] << " instead of " << static_cast<double>(expected.value[i])
             << ", more than " << bound << " away";
    }
  }
  return ::testing::AssertionSuccess();
}
inline ::testing::AssertionResult IsProduct(const Kernel& kernel, const GemmProblem& p,
                                            const GemmInputs& in, const std::vector<double>& got) {
  if (kernel.operand == DType::kF64) {
    return WithinRounding(kernel, p, got, Multiply<long double>(p, in, false));
  }
  return WithinRounding(kernel, p, got, Multiply<double>(p, in, kernel.tf32));
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_CUDA_GEMM_SUPPORT_H_
