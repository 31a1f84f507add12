// What the tests of the executor share: a kernel is a lambda, and what it breaks is asked for.
#ifndef LOSSMITH_SIMT_TESTING_H_
#define LOSSMITH_SIMT_TESTING_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "simt/control.h"
#include "simt/device.h"
#include "simt/launch.h"

namespace lossmith_test {

namespace simt = lossmith::cuda::simt;

constexpr unsigned kFull = 0xffffffffu;

// Memory on the device that is filled from the host and read back.
template <class T>
class DeviceVector {
 public:
  explicit DeviceVector(const std::vector<T>& values) : size_(values.size()) {
    void* p = nullptr;
    EXPECT_EQ(cudaMalloc(&p, size_ * sizeof(T)), cudaSuccess);
    data_ = static_cast<T*>(p);
    EXPECT_EQ(cudaMemcpy(p, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
  }
  explicit DeviceVector(std::size_t size) : DeviceVector(std::vector<T>(size)) {}
  ~DeviceVector() { cudaFree(data_); }
  DeviceVector(const DeviceVector&) = delete;
  DeviceVector& operator=(const DeviceVector&) = delete;

  T* data() const { return data_; }
  std::vector<T> Read() const {
    std::vector<T> values(size_);
    EXPECT_EQ(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost),
              cudaSuccess);
    return values;
  }

 private:
  std::size_t size_;
  T* data_ = nullptr;
};

// Runs `kernel` to its end; gives what it broke, "" if nothing.
inline std::string RunKernel(dim3 grid, dim3 block, std::function<void()> kernel,
                             unsigned shared_bytes = 0) {
  const cudaError_t launched =
      simt::launch(nullptr, "kernel_under_test", grid, block, shared_bytes, std::move(kernel));
  const cudaError_t ended = launched != cudaSuccess ? launched : cudaDeviceSynchronize();
  const std::vector<std::string> violations = simt::take_violations();
  if (violations.empty()) {
    EXPECT_EQ(ended, cudaSuccess) << cudaGetErrorName(ended);
    return "";
  }
  EXPECT_EQ(violations.size(), 1u);
  EXPECT_EQ(ended, cudaErrorLaunchFailure);
  simt::set_sticky_error(0, cudaSuccess);
  cudaGetLastError();
  return violations.front();
}

// With one block.
inline std::string RunKernel(int threads, std::function<void()> kernel, unsigned shared_bytes = 0) {
  return RunKernel(1, static_cast<unsigned>(threads), std::move(kernel), shared_bytes);
}

inline void ExpectContains(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' not in '" << text << "'";
  }
}

// Starts and ends with a healthy device and no violation left.
class Simt : public ::testing::Test {
 protected:
  void SetUp() override {
    simt::reset();
    // Whatever the environment says: the tests name threads that come first.
    simt::set_schedule_seed(0);
    simt::set_deferred(true);
  }
  void TearDown() override {
    EXPECT_EQ(simt::take_violations(), std::vector<std::string>());
    simt::reset();
  }
};

}  // namespace lossmith_test

#endif  // LOSSMITH_SIMT_TESTING_H_
