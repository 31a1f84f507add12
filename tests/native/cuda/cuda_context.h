// Contexts and tensors on CUDA devices, whatever the device of the other tests is.
#ifndef LOSSMITH_TESTS_CUDA_CUDA_CONTEXT_H_
#define LOSSMITH_TESTS_CUDA_CUDA_CONTEXT_H_

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "lossmith/tensor.h"
#include "support/context.h"
#include "support/host_tensor.h"

namespace lossmith_test {

inline lsm_context_options CudaOptions(int32_t device = 0) {
  lsm_context_options options{};
  options.device = {LSM_CUDA, device};
  options.threads = 2;
  return options;
}

class CudaContext {
 public:
  explicit CudaContext(const lsm_context_options& options = CudaOptions()) {
    if (lsm_context_create(&options, &handle_) != LSM_OK) {
      throw std::runtime_error(lsm_last_error());
    }
  }
  ~CudaContext() { lsm_context_destroy(handle_); }
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;

  operator lsm_context() const { return handle_; }
  cudaStream_t stream() const {
    return reinterpret_cast<cudaStream_t>(lsm_context_stream(handle_));
  }

 private:
  lsm_context handle_ = nullptr;
};

inline lsm_status CreateContext(const lsm_context_options& options) {
  lsm_context context = nullptr;
  const lsm_status status = lsm_context_create(&options, &context);
  EXPECT_EQ(context == nullptr, status != LSM_OK);
  lsm_context_destroy(context);
  return status;
}

inline lsm_status CreateTensor(int32_t device, DType dtype, const std::vector<int64_t>& shape,
                               OwnedTensor* tensor) {
  return lsm_tensor_create(LSM_CUDA, device, Abi(dtype).code, Abi(dtype).bits,
                           static_cast<int32_t>(shape.size()), shape.data(), tensor->receive());
}

inline lsm_status CreatePinned(int32_t device, DType dtype, const std::vector<int64_t>& shape,
                               OwnedTensor* tensor) {
  return lsm_tensor_create_pinned(device, Abi(dtype).code, Abi(dtype).bits,
                                  static_cast<int32_t>(shape.size()), shape.data(),
                                  tensor->receive());
}

inline lsm_memory_pool PoolBytes(int32_t device = 0) {
  lsm_memory_pool pool{};
  EXPECT_EQ(lsm_memory_pool_bytes(LSM_CUDA, device, &pool), LSM_OK) << lsm_last_error();
  return pool;
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_CUDA_CUDA_CONTEXT_H_
