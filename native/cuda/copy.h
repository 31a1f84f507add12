// Copies of strided, converting views by a kernel.
#ifndef LOSSMITH_CUDA_COPY_H_
#define LOSSMITH_CUDA_COPY_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/tensor.h"

namespace lossmith {
namespace cuda {

// How two views of one shape walk through memory, in as few dimensions as possible: those of extent
// 1 are dropped, those that follow each other without a gap in both views are one. The order of
// the dimensions is that of the target's strides, the smallest last.
struct CopyShape {
  int ndim = 0;
  std::int64_t count = 1;
  std::int64_t extent[kMaxDimensions] = {};
  std::int64_t from[kMaxDimensions] = {};  // strides in elements
  std::int64_t to[kMaxDimensions] = {};

  // One run of elements that follow each other in both views.
  bool flat() const { return ndim == 0 || (ndim == 1 && from[0] == 1 && to[0] == 1); }
  // Whole rows of elements that follow each other, rows at strides that a pitched copy takes.
  bool rows(std::int64_t element_bytes) const;
};

CopyShape copy_shape(const View& source, const View& target);

// Success where this build holds machine code for the current device, or PTX that its driver
// compiles: asked of one kernel, since all are built for the same architectures.
cudaError_t find_kernels();

// Queues the copy of views with elements; the device reaches both.
void copy_by_kernel(cudaStream_t stream, const View& source, const View& target);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_COPY_H_
