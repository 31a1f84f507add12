// A tensor in host memory with any layout that the C ABI allows: padded rows, elements that lie
// off their natural alignment, a byte offset, absent strides. Bytes between the rows hold a
// pattern, so that a write beside the elements is seen; memory ends with the last element, so that
// AddressSanitizer sees a read past it.
#ifndef LOSSMITH_TESTS_SUPPORT_HOST_TENSOR_H_
#define LOSSMITH_TESTS_SUPPORT_HOST_TENSOR_H_

#include <cstdint>
#include <vector>

#include "lossmith/base.h"
#include "support/dtype.h"

namespace lossmith_test {

struct Layout {
  // Elements between the end of a row (last dimension) and the next row.
  int64_t row_padding = 0;
  // Elements before the first one.
  int64_t offset = 0;
  // Whether byte_offset (true) or the data pointer (false) carries the offset.
  bool use_byte_offset = false;
  // strides = NULL; needs row_padding 0.
  bool null_strides = false;
};

class HostTensor {
 public:
  // All elements hold the sentinel pattern.
  HostTensor(DType dtype, std::vector<int64_t> shape, Layout layout = {});
  HostTensor(DType dtype, std::vector<int64_t> shape, const std::vector<double>& values,
             Layout layout = {});

  // A view of this tensor; valid until the tensor is moved or destroyed.
  lsm_tensor* view();
  // All of its memory, gaps and offset included.
  unsigned char* memory() { return memory_.data(); }
  size_t memory_bytes() const { return memory_.size(); }

  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  int64_t elements() const;

  // Elements in C order.
  double Get(int64_t index) const;
  void Set(int64_t index, double value);
  std::vector<double> Values() const;
  // The bytes of the elements in C order, without the gaps.
  std::vector<unsigned char> Bits() const;
  // Whether every byte that belongs to no element still holds the pattern.
  bool GapsUntouched() const;
  // Whether no byte at all was written since the construction without values.
  bool Untouched() const;

 private:
  int64_t Position(int64_t index) const;

  DType dtype_;
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  Layout layout_;
  std::vector<unsigned char> memory_;
  lsm_tensor view_{};
};

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_HOST_TENSOR_H_
