// Products of bf16 and f16 operands on tensor cores; see gemm_tensor.cuh.
//
// nvcc 13.0, no spills on any of sm_75, 80, 86, 89, 90, 100, 120. Registers of nt, nn, tn, and blocks
// of 4 warps on a multiprocessor:
//                tile 128, 48 KiB shared      tile 64, 24 KiB
//   sm_80        240, 239, 228: 2 blocks      116, 118, 110: 4 blocks
//   sm_90        242, 240, 236: 2 blocks      116, 118, 110: 4 blocks
#include "cuda/kernels/gemm_kernels.h"
#include "cuda/kernels/gemm_tensor.cuh"

namespace lossmith {
namespace cuda {
namespace {

template <class T>
struct HalfFragments : PairFragments<T> {
  using Sum = float;

  LSM_DEVICE static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2]) {
    mma_m16n8k16(d, a, b, T{});
  }
};

template <class T, Product kProduct, int kTile>
__global__ void __launch_bounds__(kTensorThreads, 2) gemm_mma_kernel(GemmProblem<T> p) {
  gemm_tensor_tile<HalfFragments<T>, T, kProduct, kTile>(p);
}

template <class T, int kTile>
void launch_tiles(cudaStream_t stream, const GemmCall& call) {
  const GemmProblem<T> p = problem_of<T>(call, kTile);
  dispatch_product(call.product, [&](auto product) {
    launch(stream, "gemm_mma", {dim3(tile_blocks(p)), dim3(kTensorThreads), stages_bytes(kTile)},
           gemm_mma_kernel<T, decltype(product)::value, kTile>, p);
  });
}

template <class T>
void launch_type(cudaStream_t stream, const DeviceFacts& facts, const GemmCall& call) {
  return fills_device(call, 128, facts) ? launch_tiles<T, 128>(stream, call)
                                        : launch_tiles<T, 64>(stream, call);
}

}  // namespace

void gemm_mma(cudaStream_t stream, const DeviceFacts& facts, const GemmCall& call) {
  return call.operand == Type::bf16 ? launch_type<bfloat16>(stream, facts, call)
                                    : launch_type<float16>(stream, facts, call);
}

}  // namespace cuda
}  // namespace lossmith
