// Copies between memory of the device and of the host.
#ifndef LOSSMITH_CUDA_TRANSFER_H_
#define LOSSMITH_CUDA_TRANSFER_H_

#include "core/tensor.h"

struct lsm_context_s;

namespace lossmith {
namespace cuda {

// lsm_tensor_copy: copyable views with elements, each on the context's device or in host memory.
void copy_tensor(lsm_context_s& context, const View& source, const View& target);

// The element of a view of one element; waits for the context's stream.
double read_item(lsm_context_s& context, const View& view);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_TRANSFER_H_
