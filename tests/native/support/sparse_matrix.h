// A matrix with rows far apart, for offsets beyond 2^31 elements. On the CPU and on the simulated
// device address space is reserved, and only the touched pages exist; a real device may not have the
// memory.
#ifndef LOSSMITH_TESTS_SUPPORT_SPARSE_MATRIX_H_
#define LOSSMITH_TESTS_SUPPORT_SPARSE_MATRIX_H_

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <vector>

#include "support/context.h"
#include "support/device.h"
#include "support/dtype.h"
#include "support/host_tensor.h"

namespace lossmith_test {

// A matrix whose rows lie `stride` elements apart, on the device of the tests.
class SparseMatrix {
 public:
  SparseMatrix(DType dtype, int64_t rows, int64_t columns, int64_t stride)
      : dtype_(dtype),
        shape_{rows, columns},
        strides_{stride, 1},
        bytes_(((rows - 1) * stride + columns) * Bytes(dtype)) {
    if (OnRealDevice()) {
      const int64_t bytes[] = {static_cast<int64_t>(bytes_)};
      const lsm_device device = TestDevice();
      if (lsm_tensor_create(device.type, device.id, LSM_UINT, 8, 1, bytes, owned_.receive()) ==
          LSM_OK) {
        memory_ = owned_.get()->data;
      }
      return;
    }
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED) memory_ = nullptr;
  }
  ~SparseMatrix() {
    if (good() && owned_.get() == nullptr) munmap(memory_, bytes_);
  }
  SparseMatrix(const SparseMatrix&) = delete;
  SparseMatrix& operator=(const SparseMatrix&) = delete;

  bool good() const { return memory_ != nullptr; }
  void Fill(const std::vector<double>& values) {
    if (OnRealDevice()) {
      HostTensor host(dtype_, {shape_[0], shape_[1]}, values);
      return Copy(host.view(), view());
    }
    for (size_t i = 0; i < values.size(); ++i) Store(dtype_, values[i], at(i));
  }
  std::vector<double> Values() {
    std::vector<double> values(shape_[0] * shape_[1]);
    if (OnRealDevice()) {
      HostTensor host(dtype_, {shape_[0], shape_[1]});
      Copy(view(), host.view());
      return host.Values();
    }
    for (size_t i = 0; i < values.size(); ++i) values[i] = Load(dtype_, at(i));
    return values;
  }
  lsm_tensor* view() {
    view_ = {memory_, TestDevice(), 2, Abi(dtype_), shape_, strides_, 0};
    return &view_;
  }

 private:
  void* at(int64_t index) {
    const int64_t position = index / shape_[1] * strides_[0] + index % shape_[1];
    return static_cast<unsigned char*>(memory_) + position * Bytes(dtype_);
  }
  static void Copy(const lsm_tensor* from, lsm_tensor* to) {
    const Context context;
    ASSERT_EQ(lsm_tensor_copy(context, from, to), LSM_OK) << lsm_last_error();
    ASSERT_EQ(lsm_context_synchronize(context), LSM_OK) << lsm_last_error();
  }

  DType dtype_;
  int64_t shape_[2];
  int64_t strides_[2];
  size_t bytes_;
  void* memory_ = nullptr;
  OwnedTensor owned_;
  lsm_tensor view_{};
};

// Leaves the test if a matrix could not be had: a failure where only address space is needed.
#define RETURN_UNLESS_GOOD(matrix)                                          \
  if (!(matrix)->good()) {                                                  \
    if (OnRealDevice()) GTEST_SKIP() << "the device has too little memory"; \
    FAIL() << "no address space for the test";                              \
  }

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_SPARSE_MATRIX_H_
