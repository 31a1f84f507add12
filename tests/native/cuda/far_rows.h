// Matrices whose elements lie further apart than 32 bits count.
#ifndef LOSSMITH_TESTS_CUDA_FAR_ROWS_H_
#define LOSSMITH_TESTS_CUDA_FAR_ROWS_H_

#include <sys/mman.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "cuda/device_matrix.h"

namespace lossmith_test {

// Rows `ld` elements apart in reserved address space, of which only the touched pages exist. The
// simulated device has the host's addresses.
class FarRows {
 public:
  FarRows(DType dtype, int64_t rows, int64_t width, int64_t ld, const std::vector<double>& values)
      : matrix_{nullptr, KernelType(dtype), rows, width, ld},
        dtype_(dtype),
        bytes_(((rows - 1) * ld + width) * Bytes(dtype)) {
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED) throw std::runtime_error("no address space for the test");
    matrix_.data = memory_;
    for (size_t i = 0; i < values.size(); ++i) Store(dtype, values[i], Address(i));
  }
  ~FarRows() { munmap(memory_, bytes_); }
  FarRows(const FarRows&) = delete;
  FarRows& operator=(const FarRows&) = delete;

  const lossmith::cuda::Matrix& get() const { return matrix_; }
  std::vector<double> Values() const {
    ExpectSuccess(cudaDeviceSynchronize());
    std::vector<double> values(matrix_.rows * matrix_.width);
    for (size_t i = 0; i < values.size(); ++i) values[i] = Load(dtype_, Address(i));
    return values;
  }

 private:
  void* Address(int64_t element) const {
    const int64_t at = element / matrix_.width * matrix_.ld + element % matrix_.width;
    return static_cast<unsigned char*>(memory_) + at * static_cast<int64_t>(Bytes(dtype_));
  }

  lossmith::cuda::Matrix matrix_;
  DType dtype_;
  size_t bytes_;
  void* memory_;
};

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_CUDA_FAR_ROWS_H_
