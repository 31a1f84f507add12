#include "core/tensor.h"

#include <limits>

#include "core/status.h"

namespace lossmith {
namespace {

// a * b for extents; the whole view must be addressable with 63 bits.
std::int64_t checked_product(std::int64_t a, std::int64_t b, const char* argument) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    reject(argument, "at most 2^63-1 bytes", std::to_string(a) + " x " + std::to_string(b));
  }
  return product;
}

bool same(const lsm_device& a, const lsm_device& b) { return a.type == b.type && a.id == b.id; }

void expect_device(const lsm_tensor* tensor, const char* argument, const lsm_device& device) {
  if (tensor == nullptr || same(tensor->device, device)) return;
  reject(argument, "a tensor on " + device_text(device), "one on " + device_text(tensor->device));
}

// view_of for a tensor on any device.
View checked_view(const lsm_tensor* tensor, const char* argument) {
  if (tensor == nullptr) reject(argument, "a tensor", "NULL");
  if (tensor->ndim < 0 || tensor->ndim > kMaxDimensions) {
    reject(argument, "0 to 8 dimensions", tensor->ndim);
  }
  if (tensor->ndim > 0 && tensor->shape == nullptr) reject(argument, "a shape", "shape = NULL");
  View v;
  v.exists = true;
  v.device = tensor->device;
  v.type = type_of(tensor->dtype, argument);
  v.ndim = tensor->ndim;
  std::int64_t bytes = bytes_of(v.type);
  bool empty = false;
  for (int i = v.ndim - 1; i >= 0; --i) {
    v.shape[i] = tensor->shape[i];
    if (v.shape[i] < 0) {
      reject(argument, "extents >= 0", shape_text(tensor->shape, tensor->ndim));
    }
    v.strides[i] = tensor->strides != nullptr ? tensor->strides[i] : bytes / bytes_of(v.type);
    if (v.shape[i] == 0) empty = true;
    bytes = checked_product(bytes, v.shape[i] > 0 ? v.shape[i] : 1, argument);
    if (v.shape[i] > 1) {
      checked_product(checked_product(v.strides[i], v.shape[i] - 1, argument), bytes_of(v.type),
                      argument);
    }
  }
  if (tensor->data == nullptr && !empty) reject(argument, "data", "data = NULL");
  v.data = static_cast<char*>(tensor->data);
  if (v.data != nullptr) v.data += tensor->byte_offset;
  return v;
}

}  // namespace

std::string device_text(const lsm_device& device) {
  const char* name = device.type == LSM_CPU ? "cpu" : device.type == LSM_CUDA ? "cuda" : "type ";
  std::string text = name;
  if (device.type != LSM_CPU && device.type != LSM_CUDA) text += std::to_string(device.type);
  return text + ":" + std::to_string(device.id);
}

std::string shape_text(const std::int64_t* shape, int ndim) {
  std::string text = "[";
  for (int i = 0; i < ndim; ++i) text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

std::int64_t View::elements() const {
  std::int64_t count = 1;
  for (int i = 0; i < ndim; ++i) count *= shape[i];
  return count;
}

bool View::contiguous() const {
  std::int64_t expected = 1;
  for (int i = ndim - 1; i >= 0; --i) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

std::string View::describe() const {
  return std::string(name_of(type)) + " " + shape_text(shape, ndim);
}

View view_of(const lsm_tensor* tensor, const char* argument, const lsm_device& device) {
  expect_device(tensor, argument, device);
  return checked_view(tensor, argument);
}

View optional_view_of(const lsm_tensor* tensor, const char* argument, const lsm_device& device) {
  return tensor == nullptr ? View{} : view_of(tensor, argument, device);
}

View reachable_view_of(const lsm_tensor* tensor, const char* argument, const lsm_device& device) {
  const lsm_device host{LSM_CPU, 0};
  if (tensor != nullptr && !same(tensor->device, device) && !same(tensor->device, host)) {
    reject(argument, "a tensor on " + device_text(device) + " or cpu:0",
           "one on " + device_text(tensor->device));
  }
  return checked_view(tensor, argument);
}

void expect_copyable(const View& source, const View& target) {
  bool same_shape = source.ndim == target.ndim;
  for (int i = 0; same_shape && i < source.ndim; ++i) {
    same_shape = source.shape[i] == target.shape[i];
  }
  if (!same_shape) {
    reject("target", "the source's shape " + shape_text(source.shape, source.ndim),
           shape_text(target.shape, target.ndim));
  }
  if (source.type != target.type && !(is_floating(source.type) && is_floating(target.type))) {
    reject("target", std::string("element type ") + name_of(source.type), name_of(target.type));
  }
}

void expect_floating(const View& v, const char* argument) {
  if (!is_floating(v.type)) reject(argument, "f32, bf16, f16 or f64", name_of(v.type));
}

void expect_type(const View& v, const char* argument, Type a, Type b) {
  if (v.type == a || v.type == b) return;
  std::string expected = name_of(a);
  if (a != b) expected += std::string(" or ") + name_of(b);
  reject(argument, expected, name_of(v.type));
}

void expect_shape(const View& v, const char* argument, std::int64_t rows, std::int64_t columns) {
  if (v.ndim != 2 || (rows >= 0 && v.shape[0] != rows) || (columns >= 0 && v.shape[1] != columns)) {
    reject(argument,
           "[" + (rows < 0 ? std::string("n") : std::to_string(rows)) + "," +
               (columns < 0 ? std::string("d") : std::to_string(columns)) + "]",
           shape_text(v.shape, v.ndim));
  }
  if (v.shape[1] > 1 && v.strides[1] != 1) {
    reject(argument, "contiguous rows (stride 1 in the last dimension)",
           "stride " + std::to_string(v.strides[1]));
  }
}

void expect_separate_rows(const View& v, const char* argument) {
  const std::int64_t stride = v.strides[0] < 0 ? -v.strides[0] : v.strides[0];
  if (v.shape[0] > 1 && stride < v.shape[1]) {
    reject(argument,
           "rows that do not overlap (row stride of at least the width " +
               std::to_string(v.shape[1]) + ")",
           "row stride " + std::to_string(v.strides[0]));
  }
}

void expect_vector(const View& v, const char* argument, std::int64_t length) {
  if (v.ndim != 1 || (length >= 0 && v.shape[0] != length)) {
    reject(argument, length >= 0 ? "[" + std::to_string(length) + "]" : "one dimension",
           shape_text(v.shape, v.ndim));
  }
}

void expect_scalar(const View& v, const char* argument) {
  if (v.elements() != 1) reject(argument, "one element", shape_text(v.shape, v.ndim));
}

std::int64_t integer_element(const View& v, std::int64_t i) {
  return v.type == Type::i64 ? *v.row<const std::int64_t>(i)
                             : std::int64_t{*v.row<const std::int32_t>(i)};
}

double element(const View& v, std::int64_t i) {
  const std::int64_t stride = v.ndim == 0 ? 0 : v.strides[v.ndim - 1];
  const std::int64_t at = i * stride;
  if (v.type == Type::u8) return reinterpret_cast<const std::uint8_t*>(v.data)[at];
  if (v.type == Type::i8) return reinterpret_cast<const std::int8_t*>(v.data)[at];
  if (v.type == Type::i32) return reinterpret_cast<const std::int32_t*>(v.data)[at];
  if (v.type == Type::i64) {
    return static_cast<double>(reinterpret_cast<const std::int64_t*>(v.data)[at]);
  }
  return dispatch_floating(v.type, [&](auto tag) {
    using T = decltype(tag);
    return Convert<double>::from(reinterpret_cast<const T*>(v.data)[at]);
  });
}

void set_element(const View& v, std::int64_t i, double value) {
  const std::int64_t stride = v.ndim == 0 ? 0 : v.strides[v.ndim - 1];
  dispatch_floating(v.type, [&](auto tag) {
    using T = decltype(tag);
    reinterpret_cast<T*>(v.data)[i * stride] = Convert<T>::from(value);
  });
}

}  // namespace lossmith
