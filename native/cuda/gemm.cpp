#include "cuda/gemm.h"

#include "cuda/cublas.h"
#include "cuda/kernels/gemm_kernels.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kTensorCores = 80;  // the capability from which our kernels use them

}  // namespace

void multiply(CudaState& state, const GemmCall& call) {
  if (call.m == 0 || call.n == 0) return;
  // What k = 0 gives, the library's manual does not say.
  if (state.cublas == nullptr || call.k == 0 || !Cublas::takes(call)) {
    return multiply_by_kernel(state, call);
  }
  state.cublas->multiply(call, state.tf32);
}

void multiply_by_kernel(CudaState& state, const GemmCall& call) {
  if (call.m == 0 || call.n == 0 || (call.k == 0 && call.accumulate)) return;
  const bool tensor_cores = state.facts.capability >= kTensorCores;
  if (tensor_cores && (call.operand == Type::bf16 || call.operand == Type::f16)) {
    return gemm_mma(state.stream, state.facts, call);
  }
  if (tensor_cores && call.operand == Type::f32 && state.tf32) {
    return gemm_tf32(state.stream, state.facts, call);
  }
  gemm_fma(state.stream, state.facts, call);
}

}  // namespace cuda
}  // namespace lossmith
