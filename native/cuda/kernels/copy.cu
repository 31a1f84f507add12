// Copies elements between views of any strides, converting floating types.
#include <type_traits>

#include "cuda/copy.h"
#include "cuda/device.h"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kElements = 4;  // of one thread

template <class To, class From>
LSM_DEVICE To converted(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else {
    return Convert<To>::from(value);
  }
}

// Element i in the order of shape.extent. Neighbouring threads take neighbouring elements.
template <class From, class To>
__global__ void __launch_bounds__(kThreads)
    copy_kernel(const From* __restrict__ from, To* __restrict__ to, CopyShape shape) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < shape.count; i += step) {
    std::int64_t rest = i;
    std::int64_t from_at = 0;
    std::int64_t to_at = 0;
    for (int axis = shape.ndim - 1; axis > 0; --axis) {
      const std::int64_t next = rest / shape.extent[axis];
      const std::int64_t index = rest - next * shape.extent[axis];
      from_at += index * shape.from[axis];
      to_at += index * shape.to[axis];
      rest = next;
    }
    if (shape.ndim > 0) {
      from_at += rest * shape.from[0];
      to_at += rest * shape.to[0];
    }
    to[to_at] = converted<To>(from[from_at]);
  }
}

template <class From, class To>
void launch_copy(cudaStream_t stream, const View& source, const View& target) {
  const CopyShape shape = copy_shape(source, target);
  LaunchShape launch_shape;
  launch_shape.grid = dim3(blocks_for(shape.count, kThreads * kElements));
  launch_shape.block = dim3(kThreads);
  launch(stream, "copy", launch_shape, copy_kernel<From, To>,
         reinterpret_cast<const From*>(source.data), reinterpret_cast<To*>(target.data), shape);
}

}  // namespace

cudaError_t find_kernels() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes,
                               reinterpret_cast<const void*>(&copy_kernel<float, float>));
}

void copy_by_kernel(cudaStream_t stream, const View& source, const View& target) {
  if (source.type != target.type) {
    dispatch_floating(source.type, [&](auto from) {
      dispatch_floating(target.type, [&](auto to) {
        launch_copy<decltype(from), decltype(to)>(stream, source, target);
      });
    });
    return;
  }
  switch (bytes_of(source.type)) {
    case 1:
      return launch_copy<std::uint8_t, std::uint8_t>(stream, source, target);
    case 2:
      return launch_copy<std::uint16_t, std::uint16_t>(stream, source, target);
    case 4:
      return launch_copy<std::uint32_t, std::uint32_t>(stream, source, target);
    default:
      return launch_copy<std::uint64_t, std::uint64_t>(stream, source, target);
  }
}

}  // namespace cuda
}  // namespace lossmith
