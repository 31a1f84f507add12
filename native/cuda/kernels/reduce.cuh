// Reductions of one warp and one block. Every tree is fixed, so that the same input gives the same
// bits whatever order the threads run in.
#ifndef LOSSMITH_CUDA_KERNELS_REDUCE_CUH_
#define LOSSMITH_CUDA_KERNELS_REDUCE_CUH_

#include <cstdint>

#include "cuda/device.h"
#include "cuda/ops.h"

namespace lossmith {
namespace cuda {

constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kWarp = 32;

// The sum over the lanes of a warp, in all of them.
template <class A>
LSM_DEVICE A warp_sum(A value) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, step);
  }
  return value;
}

// The largest of a warp's values that are numbers, in all lanes.
template <class A>
LSM_DEVICE A warp_max(A value) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    value = larger(value, __shfl_xor_sync(kAllLanes, value, step));
  }
  return value;
}

// The sum over a block of kThreads threads, in all of them. `room` holds kThreads / 32 elements; it
// may be used again after the next barrier.
template <int kThreads>
LSM_DEVICE double block_sum(double value, Shared<double> room) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  value = warp_sum(value);
  if (lane == 0) room[warp] = value;
  __syncthreads();
  double total = 0;
  for (int i = 0; i < kThreads / kWarp; ++i) {
    const double part = room[i];
    total += part;
  }
  return total;
}

template <int kThreads>
LSM_DEVICE double block_max(double value, Shared<double> room) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  value = warp_max(value);
  if (lane == 0) room[warp] = value;
  __syncthreads();
  double largest = room[0];
  for (int i = 1; i < kThreads / kWarp; ++i) {
    const double part = room[i];
    largest = larger(largest, part);
  }
  return largest;
}

// The sum of `value` over the threads of a block before this one, and over all of them to *total.
// `room` holds kThreads / 32 elements; it may be used again after the next barrier.
template <int kThreads>
LSM_DEVICE int block_prefix(int value, Shared<int> room, int* total) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  int sum = value;
  for (int step = 1; step < kWarp; step *= 2) {
    const int below = __shfl_up_sync(kAllLanes, sum, step);
    if (lane >= step) sum += below;
  }
  if (lane == kWarp - 1) room[warp] = sum;
  __syncthreads();
  int before = sum - value;
  *total = 0;
  for (int w = 0; w < kThreads / kWarp; ++w) {
    const int part = room[w];
    if (w < warp) before += part;
    *total += part;
  }
  return before;
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_REDUCE_CUH_
