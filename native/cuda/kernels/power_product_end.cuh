// The last step of a product with power-quantized weights: one sum to one element of the output.
#ifndef LOSSMITH_CUDA_KERNELS_POWER_PRODUCT_END_CUH_
#define LOSSMITH_CUDA_KERNELS_POWER_PRODUCT_END_CUH_

#include <cstdint>

#include "cuda/kernels/element_at.cuh"
#include "cuda/ops.h"
#include "cuda/power_product_kernels.h"

namespace lossmith {
namespace cuda {

template <class A>
LSM_DEVICE void store_product(const ProductEnd<A>& end, std::int64_t row, std::int64_t column,
                              A sum) {
  if (end.scale != nullptr) sum *= end.scale[column * end.scale_step];
  if (end.bias.data != nullptr) {
    sum += static_cast<A>(element_at(end.bias, 0, column * end.bias_step));
  }
  const std::int64_t at = row * end.out.ld + column;
  switch (end.out.type) {
    case Type::f64:
      static_cast<double*>(end.out.data)[at] = Convert<double>::from(sum);
      break;
    case Type::bf16:
      static_cast<bfloat16*>(end.out.data)[at] = Convert<bfloat16>::from(sum);
      break;
    case Type::f16:
      static_cast<float16*>(end.out.data)[at] = Convert<float16>::from(sum);
      break;
    default:
      static_cast<float*>(end.out.data)[at] = Convert<float>::from(sum);
  }
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_POWER_PRODUCT_END_CUH_
