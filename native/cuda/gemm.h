// Matrix products on a device: cuBLAS where it can be opened, our own tiled kernels otherwise.
#ifndef LOSSMITH_CUDA_GEMM_H_
#define LOSSMITH_CUDA_GEMM_H_

#include <cstdint>

#include "core/dtype.h"
#include "cuda/state.h"
#include "engine/product.h"

namespace lossmith {
namespace cuda {

// C[m,n] (+)= A B, row-major; leading dimensions in elements. Operands bf16, f16 and f32 give f32,
// f64 gives f64; all sums are kept in the type of the result.
struct GemmCall {
  Type operand = Type::f32;
  Product product = Product::nt;
  std::int64_t m = 0, n = 0, k = 0;
  const void* a = nullptr;
  std::int64_t lda = 0;
  const void* b = nullptr;
  std::int64_t ldb = 0;
  void* c = nullptr;
  std::int64_t ldc = 0;
  bool accumulate = false;
};

// Queues the product on the state's stream. k = 0 is a product of nothing: C = 0, or C as it is.
// f32 operands are multiplied as f32 unless the state allows tf32. Any leading dimension and any
// alignment of elements is taken. The same call gives the same bits on the same device; cuBLAS may
// choose another order of the sums for other leading dimensions and alignments.
void multiply(CudaState& state, const GemmCall& call);

// The same by our own kernels, cuBLAS or not: tensor cores for bf16, f16 and tf32 from compute
// capability 8.0 on, fused multiply-add otherwise. Every element of C is one sum from k = 0 upwards,
// so its bits depend on the operands alone, not on where they lie or which tile it falls into. k is
// not split: a C of few tiles keeps few multiprocessors busy, however deep the sums.
void multiply_by_kernel(CudaState& state, const GemmCall& call);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_GEMM_H_
