// Products of f32 operands that are rounded to tf32 (10 bits of mantissa, ties away from zero), on
// tensor cores; see gemm_tensor.cuh.
//
// nvcc 13.0, no spills on any of sm_75, 80, 86, 89, 90, 100, 120. Registers of nt, nn, tn, and blocks
// of 4 warps on a multiprocessor:
//                tile 128, 48 KiB shared      tile 64, 24 KiB
//   sm_80        244, 255, 252: 2 blocks      144, 144, 144: 3 blocks
//   sm_90        253, 246, 254: 2 blocks      152, 154, 153: 3 blocks
#include "cuda/kernels/gemm_kernels.h"
#include "cuda/kernels/gemm_tensor.cuh"

namespace lossmith {
namespace cuda {
namespace {

struct Tf32Fragments {
  using Sum = float;
  static constexpr int kDepth = 8;

  template <class Stage>
  LSM_DEVICE static std::uint32_t element(Shared<float> stage, int outer, int depth) {
    const float value = stage[Stage::offset(outer, depth)];
    return to_tf32(value);
  }

  // Lane 4 g + t: rows g and g + 8 at depth t, then at depth t + 4.
  template <class Stage>
  LSM_DEVICE static void rows(std::uint32_t (&r)[4], Shared<float> stage, int row, int depth) {
    const int g = static_cast<int>(threadIdx.x) % 32 / 4, t = static_cast<int>(threadIdx.x) % 4;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      r[i] = element<Stage>(stage, row + g + i % 2 * 8, depth + t + i / 2 * 4);
    }
  }
  // Lane 4 g + t: column g at depths t and t + 4, then column g + 8.
  template <class Stage>
  LSM_DEVICE static void columns(std::uint32_t (&first)[2], std::uint32_t (&second)[2],
                                 Shared<float> stage, int column, int depth) {
    const int g = static_cast<int>(threadIdx.x) % 32 / 4, t = static_cast<int>(threadIdx.x) % 4;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      first[i] = element<Stage>(stage, column + g, depth + t + i * 4);
      second[i] = element<Stage>(stage, column + g + 8, depth + t + i * 4);
    }
  }

  LSM_DEVICE static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2]) {
    mma_m16n8k8_tf32(d, a, b);
  }
};

template <Product kProduct, int kTile>
__global__ void __launch_bounds__(kTensorThreads, 2) gemm_tf32_kernel(GemmProblem<float> p) {
  gemm_tensor_tile<Tf32Fragments, float, kProduct, kTile>(p);
}

template <int kTile>
void launch_tiles(cudaStream_t stream, const GemmCall& call) {
  const GemmProblem<float> p = problem_of<float>(call, kTile);
  dispatch_product(call.product, [&](auto product) {
    launch(stream, "gemm_tf32", {dim3(tile_blocks(p)), dim3(kTensorThreads), stages_bytes(kTile)},
           gemm_tf32_kernel<decltype(product)::value, kTile>, p);
  });
}

}  // namespace

void gemm_tf32(cudaStream_t stream, const DeviceFacts& facts, const GemmCall& call) {
  return fills_device(call, 128, facts) ? launch_tiles<128>(stream, call)
                                        : launch_tiles<64>(stream, call);
}

}  // namespace cuda
}  // namespace lossmith
