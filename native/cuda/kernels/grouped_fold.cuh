// Folding values of threads, and of chunks, into one for each group. A Fold has kValues, start() and
// join(a, b), which does not depend on the order of a and b; every tree is fixed.
#ifndef LOSSMITH_CUDA_KERNELS_GROUPED_FOLD_CUH_
#define LOSSMITH_CUDA_KERNELS_GROUPED_FOLD_CUH_

#include "cuda/grouped.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"

namespace lossmith {
namespace cuda {

template <int kCount>
struct Sums {
  static constexpr int kValues = kCount;
  LSM_DEVICE static double start() { return 0; }
  LSM_DEVICE static double join(double a, double b) { return a + b; }
};

// The values of all threads of a team, in its first thread.
template <class Fold, bool kBlock>
LSM_DEVICE void fold_team(int team, double (&values)[Fold::kValues]) {
  for (int step = (kBlock ? kWarp : team) / 2; step > 0; step /= 2) {
#pragma unroll
    for (int v = 0; v < Fold::kValues; ++v) {
      values[v] = Fold::join(values[v], __shfl_xor_sync(kAllLanes, values[v], step));
    }
  }
  if constexpr (kBlock) {
    constexpr int kWarps = kRowThreads / kWarp;
    LSM_SHARED(double, room, kWarps* Fold::kValues);
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    if (threadIdx.x % kWarp == 0) {
      for (int v = 0; v < Fold::kValues; ++v) room[warp * Fold::kValues + v] = values[v];
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      for (int w = 1; w < kWarps; ++w) {
        for (int v = 0; v < Fold::kValues; ++v) {
          const double other = room[w * Fold::kValues + v];
          values[v] = Fold::join(values[v], other);
        }
      }
    }
    __syncthreads();
  }
}

// A warp, or a block where there are many, for the chunks of each group: lane i takes chunks i,
// i + 32 and so on. fold.finish(group, values) takes what comes out.
template <class Fold, bool kBlock>
__global__ void __launch_bounds__(kRowThreads)
    fold_chunks_kernel(const double* values, ChunkShape shape, Fold fold) {
  constexpr int kTeam = kBlock ? kRowThreads : kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kTeam;
  const std::int64_t chunks = shape.chunks();
  const std::int64_t teams = kRowThreads / kTeam;
  for (std::int64_t turn = blockIdx.x * teams; turn < shape.count; turn += gridDim.x * teams) {
    const std::int64_t group = turn + threadIdx.x / kTeam;
    double folded[Fold::kValues];
#pragma unroll
    for (int v = 0; v < Fold::kValues; ++v) folded[v] = Fold::start();
    if (group < shape.count) {
      for (std::int64_t i = lane; i < shape.of_group(); i += kTeam) {
        const std::int64_t chunk = shape.chunk(group, i);
#pragma unroll
        for (int v = 0; v < Fold::kValues; ++v) {
          folded[v] = Fold::join(folded[v], values[v * chunks + chunk]);
        }
      }
    }
    fold_team<Fold, kBlock>(kTeam, folded);
    if (lane == 0 && group < shape.count) fold.finish(group, folded);
  }
}

template <class Fold>
void fold_chunks(cudaStream_t stream, const char* name, const double* values,
                 const ChunkShape& shape, const Fold& fold) {
  constexpr std::int64_t kChunksOfAWarp = 256;
  if (shape.of_group() > kChunksOfAWarp) {
    launch(stream, name, {dim3(blocks_for(shape.count, 1)), dim3(kRowThreads)},
           fold_chunks_kernel<Fold, true>, values, shape, fold);
  } else {
    launch(stream, name, {dim3(blocks_for(shape.count, kRowThreads / kWarp)), dim3(kRowThreads)},
           fold_chunks_kernel<Fold, false>, values, shape, fold);
  }
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_GROUPED_FOLD_CUH_
