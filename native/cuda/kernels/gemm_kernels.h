// Launchers of the product kernels, which cuda/gemm.cpp chooses from. Each queues the whole product
// of a call with m, n > 0; k = 0 writes zeros.
#ifndef LOSSMITH_CUDA_KERNELS_GEMM_KERNELS_H_
#define LOSSMITH_CUDA_KERNELS_GEMM_KERNELS_H_

#include "cuda/gemm.h"

namespace lossmith {
namespace cuda {

// Every operand type on every device, by fused multiply-add.
void gemm_fma(cudaStream_t stream, const DeviceFacts& facts, const GemmCall& call);

// bf16 and f16 operands on tensor cores, from compute capability 8.0 on.
void gemm_mma(cudaStream_t stream, const DeviceFacts& facts, const GemmCall& call);

// f32 operands rounded to tf32 on tensor cores, from compute capability 8.0 on.
void gemm_tf32(cudaStream_t stream, const DeviceFacts& facts, const GemmCall& call);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_GEMM_KERNELS_H_
