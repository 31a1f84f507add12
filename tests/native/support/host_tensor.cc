#include "support/host_tensor.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace lossmith_test {
namespace {

constexpr unsigned char kPattern = 0xA5;

}  // namespace

HostTensor::HostTensor(DType dtype, std::vector<int64_t> shape, Layout layout)
    : dtype_(dtype), shape_(std::move(shape)), strides_(shape_.size()), layout_(layout) {
  int64_t stride = 1;
  for (size_t axis = shape_.size(); axis-- > 0;) {
    strides_[axis] = stride;
    stride *= shape_[axis];
    if (axis + 1 == shape_.size()) stride += layout.row_padding;
  }
  const int64_t count = elements();
  const int64_t last = count == 0 ? layout.offset : Position(count - 1) + 1;
  memory_.assign(last * Bytes(dtype), kPattern);
}

HostTensor::HostTensor(DType dtype, std::vector<int64_t> shape, const std::vector<double>& values,
                       Layout layout)
    : HostTensor(dtype, std::move(shape), layout) {
  if (static_cast<int64_t>(values.size()) != elements()) {
    throw std::invalid_argument("HostTensor: values do not fill the shape");
  }
  for (size_t i = 0; i < values.size(); ++i) Set(i, values[i]);
}

lsm_tensor* HostTensor::view() {
  const uint64_t bytes = layout_.offset * Bytes(dtype_);
  view_.data = memory_.data() + (layout_.use_byte_offset ? 0 : bytes);
  view_.byte_offset = layout_.use_byte_offset ? bytes : 0;
  view_.device = {LSM_CPU, 0};
  view_.ndim = static_cast<int32_t>(shape_.size());
  view_.dtype = Abi(dtype_);
  view_.shape = shape_.data();
  view_.strides = layout_.null_strides ? nullptr : strides_.data();
  return &view_;
}

int64_t HostTensor::elements() const {
  int64_t count = 1;
  for (int64_t extent : shape_) count *= extent;
  return count;
}

int64_t HostTensor::Position(int64_t index) const {
  int64_t position = layout_.offset;
  for (size_t axis = shape_.size(); axis-- > 0;) {
    position += index % shape_[axis] * strides_[axis];
    index /= shape_[axis];
  }
  return position;
}

double HostTensor::Get(int64_t index) const {
  return Load(dtype_, &memory_[Position(index) * Bytes(dtype_)]);
}

void HostTensor::Set(int64_t index, double value) {
  Store(dtype_, value, &memory_[Position(index) * Bytes(dtype_)]);
}

std::vector<double> HostTensor::Values() const {
  std::vector<double> values(elements());
  for (size_t i = 0; i < values.size(); ++i) values[i] = Get(i);
  return values;
}

std::vector<unsigned char> HostTensor::Bits() const {
  std::vector<unsigned char> bits;
  for (int64_t i = 0; i < elements(); ++i) {
    const unsigned char* element = &memory_[Position(i) * Bytes(dtype_)];
    bits.insert(bits.end(), element, element + Bytes(dtype_));
  }
  return bits;
}

bool HostTensor::GapsUntouched() const {
  std::vector<unsigned char> gaps = memory_;
  for (int64_t i = 0; i < elements(); ++i) {
    std::fill_n(gaps.begin() + Position(i) * Bytes(dtype_), Bytes(dtype_), kPattern);
  }
  return std::all_of(gaps.begin(), gaps.end(), [](unsigned char c) { return c == kPattern; });
}

bool HostTensor::Untouched() const {
  return std::all_of(memory_.begin(), memory_.end(), [](unsigned char c) { return c == kPattern; });
}

}  // namespace lossmith_test
