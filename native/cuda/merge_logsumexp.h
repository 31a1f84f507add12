#ifndef LOSSMITH_CUDA_MERGE_LOGSUMEXP_H_
#define LOSSMITH_CUDA_MERGE_LOGSUMEXP_H_

#include <cuda_runtime_api.h>

#include "core/tensor.h"

namespace lossmith {
namespace cuda {

// merged[i] = ln sum_k exp(parts[k,i]), parts [k,n] and merged [n] of f32 or f64, in f64.
void merge_logsumexp(cudaStream_t stream, const View& parts, const View& merged);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_MERGE_LOGSUMEXP_H_
