// Elements of a matrix of any floating type: soft targets, upstream gradients.
#ifndef LOSSMITH_CUDA_KERNELS_ELEMENT_AT_CUH_
#define LOSSMITH_CUDA_KERNELS_ELEMENT_AT_CUH_

#include <cstdint>

#include "cuda/device.h"
#include "cuda/rows.h"

namespace lossmith {
namespace cuda {

LSM_DEVICE double element_at(const Matrix& m, std::int64_t i, std::int64_t j) {
  const std::int64_t at = i * m.ld + j;
  switch (m.type) {
    case Type::f64:
      return static_cast<const double*>(m.data)[at];
    case Type::bf16:
      return Convert<double>::from(static_cast<const bfloat16*>(m.data)[at]);
    case Type::f16:
      return Convert<double>::from(static_cast<const float16*>(m.data)[at]);
    default:
      return static_cast<double>(static_cast<const float*>(m.data)[at]);
  }
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_ELEMENT_AT_CUH_
