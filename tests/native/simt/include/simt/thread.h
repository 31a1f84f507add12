// The thread that runs, as kernels see it, and how kernels report a broken rule.
#ifndef LOSSMITH_SIMT_THREAD_H_
#define LOSSMITH_SIMT_THREAD_H_

#include <cstdint>
#include <string>

#include "cuda_runtime_api.h"

namespace lossmith {
namespace cuda {
namespace simt {

constexpr int kWarp = 32;
constexpr int kMaxThreads = 1024;

// Set by the executor whenever another thread goes on.
struct Running {
  uint3 thread = {0, 0, 0};
  uint3 block = {0, 0, 0};
  dim3 block_dim, grid_dim;
  // Times of shared memory accesses, as shared_check.h compares them.
  std::uint32_t stamp = 0;        // of an access now by this thread
  std::uint32_t lanes_stamp = 0;  // of reads now by several lanes of its warp
  std::uint32_t lane_bit = 0;
  std::uint32_t block_floor = 0;  // accesses below happened before the last __syncthreads
  std::uint32_t start_floor = 0;  // accesses below happened in earlier blocks
  std::uint64_t serial = 0;       // of the block, different for every block ever run
};
extern Running running;

// What threads wait for each other in.
enum class Operation : std::uint8_t {
  none,
  syncthreads,
  syncthreads_count,
  syncthreads_and,
  syncthreads_or,
  syncwarp,
  shuffle,
  shuffle_up,
  shuffle_down,
  shuffle_xor,
  ballot,
  any,
  all,
  match_any,
  match_all,
  reduce_add,
  reduce_min,
  reduce_max,
  reduce_and,
  reduce_or,
  reduce_xor,
  ldmatrix,
  mma
};

// Where in the source a thread waits.
struct Place {
  const char* file;
  int line;
};

// Ends the launch: "kernel NAME, block (x,y,z), thread (x,y,z): text".
[[noreturn]] void fail(const std::string& text);
[[noreturn]] void trap();

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

inline constexpr int warpSize = lossmith::cuda::simt::kWarp;

#define threadIdx (static_cast<const uint3&>(::lossmith::cuda::simt::running.thread))
#define blockIdx (static_cast<const uint3&>(::lossmith::cuda::simt::running.block))
#define blockDim (static_cast<const dim3&>(::lossmith::cuda::simt::running.block_dim))
#define gridDim (static_cast<const dim3&>(::lossmith::cuda::simt::running.grid_dim))

#endif  // LOSSMITH_SIMT_THREAD_H_
