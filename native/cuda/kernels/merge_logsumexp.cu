// Merges the log-sum-exps of shards: one thread for each column.
#include "cuda/device.h"
#include "cuda/launch.h"
#include "cuda/merge_logsumexp.h"
#include "math/logsumexp.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 128;

// parts [count, columns]
template <class From, class To>
__global__ void __launch_bounds__(kThreads)
    merge_kernel(const From* parts, std::int64_t part_stride, std::int64_t column_stride,
                 std::int64_t count, std::int64_t columns, To* merged, std::int64_t merged_stride) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < columns; i += step) {
    const From* column = parts + i * column_stride;
    merged[i * merged_stride] = static_cast<To>(math::merged_logsumexp(
        count, [=](std::int64_t k) { return static_cast<double>(column[k * part_stride]); }));
  }
}

template <class From, class To>
void launch_merge(cudaStream_t stream, const View& parts, const View& merged) {
  LaunchShape shape;
  shape.grid = dim3(blocks_for(parts.shape[1], kThreads));
  shape.block = dim3(kThreads);
  launch(stream, "merge_logsumexp", shape, merge_kernel<From, To>,
         reinterpret_cast<const From*>(parts.data), parts.strides[0], parts.strides[1],
         parts.shape[0], parts.shape[1], reinterpret_cast<To*>(merged.data), merged.strides[0]);
}

}  // namespace

void merge_logsumexp(cudaStream_t stream, const View& parts, const View& merged) {
  if (parts.type == Type::f64) {
    if (merged.type == Type::f64) return launch_merge<double, double>(stream, parts, merged);
    return launch_merge<double, float>(stream, parts, merged);
  }
  if (merged.type == Type::f64) return launch_merge<float, double>(stream, parts, merged);
  return launch_merge<float, float>(stream, parts, merged);
}

}  // namespace cuda
}  // namespace lossmith
