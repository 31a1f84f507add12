// Matrices in device memory with any layout that kernels must take: gaps between the rows, rows that
// run backwards or repeat, elements off their natural alignment. Memory holds a pattern between the
// elements, so that writes beside them are seen, and ends with the last element.
#ifndef LOSSMITH_TESTS_CUDA_DEVICE_MATRIX_H_
#define LOSSMITH_TESTS_CUDA_DEVICE_MATRIX_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/device_array.h"
#include "cuda/rows.h"
#include "support/dtype.h"

namespace lossmith_test {

inline lossmith::Type KernelType(DType dtype) {
  constexpr lossmith::Type kTypes[] = {
      lossmith::Type::f32, lossmith::Type::f64, lossmith::Type::f16, lossmith::Type::bf16,
      lossmith::Type::u8,  lossmith::Type::i32, lossmith::Type::i64};
  return kTypes[static_cast<int>(dtype)];
}

// Elements [rows, width]; row i begins at element offset + i ld, for any ld (negative ones too).
struct MatrixLayout {
  int64_t ld;
  int64_t offset = 0;
};

class DeviceMatrix {
 public:
  DeviceMatrix(DType dtype, int64_t rows, int64_t width, MatrixLayout layout,
               const std::vector<double>& values = {})
      : dtype_(dtype), rows_(rows), width_(width), layout_(layout) {
    const int64_t reach = rows > 0 ? (rows - 1) * layout.ld : 0;
    lowest_ = std::min<int64_t>(reach, 0);
    const int64_t elements = std::max<int64_t>(reach, 0) - lowest_ + layout.offset + width;
    bytes_.assign((rows > 0 ? elements : 0) * Bytes(dtype), kPattern);
    for (size_t i = 0; i < values.size(); ++i) {
      Store(dtype, values[i], Address(static_cast<int64_t>(i)));
    }
    memory_ = std::make_unique<DeviceArray<unsigned char>>(bytes_);
  }
  // Rows without gaps.
  DeviceMatrix(DType dtype, int64_t rows, int64_t width, const std::vector<double>& values = {})
      : DeviceMatrix(dtype, rows, width, MatrixLayout{width}, values) {}

  lossmith::cuda::Matrix get() const {
    unsigned char* first = memory_->get() + First() * static_cast<int64_t>(Bytes(dtype_));
    return {first, KernelType(dtype_), rows_, width_, layout_.ld};
  }
  std::vector<double> Values() {
    bytes_ = memory_->Values();
    std::vector<double> values(rows_ * width_);
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = Load(dtype_, Address(static_cast<int64_t>(i)));
    }
    return values;
  }
  // After Values: whether no byte beside the elements changed.
  bool GapsUntouched() {
    std::vector<unsigned char> gaps = bytes_;
    for (int64_t i = 0; i < rows_ * width_; ++i) {
      std::fill_n(gaps.data() + (Address(i) - bytes_.data()), Bytes(dtype_), kPattern);
    }
    return std::all_of(gaps.begin(), gaps.end(), [](unsigned char c) { return c == kPattern; });
  }

 private:
  static constexpr unsigned char kPattern = 0xA5;

  int64_t First() const { return layout_.offset - lowest_; }
  unsigned char* Address(int64_t element) {
    const int64_t at = First() + element / width_ * layout_.ld + element % width_;
    return bytes_.data() + at * static_cast<int64_t>(Bytes(dtype_));
  }

  DType dtype_;
  int64_t rows_, width_;
  MatrixLayout layout_;
  int64_t lowest_ = 0;
  std::vector<unsigned char> bytes_;
  std::unique_ptr<DeviceArray<unsigned char>> memory_;
};

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_CUDA_DEVICE_MATRIX_H_
