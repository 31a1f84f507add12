// Arrays in device memory for tests that call kernels directly. On the simulated device memory is
// separate allocations of the host, so that AddressSanitizer sees every access outside of them.
#ifndef LOSSMITH_TESTS_CUDA_DEVICE_ARRAY_H_
#define LOSSMITH_TESTS_CUDA_DEVICE_ARRAY_H_

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace lossmith_test {

inline void ExpectSuccess(cudaError_t error) { EXPECT_EQ(error, cudaSuccess); }

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::int64_t count) : count_(count) {
    ExpectSuccess(cudaMalloc(reinterpret_cast<void**>(&data_), bytes() > 0 ? bytes() : 1));
  }
  explicit DeviceArray(const std::vector<T>& values)
      : DeviceArray(static_cast<std::int64_t>(values.size())) {
    ExpectSuccess(cudaMemcpy(data_, values.data(), bytes(), cudaMemcpyHostToDevice));
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* get() const { return data_; }
  // Waits for the device.
  std::vector<T> Values() const {
    std::vector<T> values(static_cast<std::size_t>(count_));
    ExpectSuccess(cudaDeviceSynchronize());
    ExpectSuccess(cudaMemcpy(values.data(), data_, bytes(), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * sizeof(T); }
  std::int64_t count_;
  T* data_ = nullptr;
};

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_CUDA_DEVICE_ARRAY_H_
