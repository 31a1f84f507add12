// A validated look at an lsm_tensor: what the engines work with.
#ifndef LOSSMITH_CORE_TENSOR_H_
#define LOSSMITH_CORE_TENSOR_H_

#include <cstdint>
#include <string>

#include "core/dtype.h"
#include "lossmith/base.h"

namespace lossmith {

constexpr int kMaxDimensions = 8;

struct View {
  char* data = nullptr;
  lsm_device device{LSM_CPU, 0};
  Type type = Type::f32;
  int ndim = 0;
  std::int64_t shape[kMaxDimensions] = {};
  std::int64_t strides[kMaxDimensions] = {};

  bool present() const { return ndim >= 0 && exists; }
  std::int64_t elements() const;
  bool contiguous() const;
  // Address of row i of a matrix, of element i of a vector.
  template <class T>
  T* row(std::int64_t i) const {
    return reinterpret_cast<T*>(data) + i * strides[0];
  }
  std::string describe() const;  // "f32 [3,4]"

  bool on_host() const { return device.type == LSM_CPU; }

  bool exists = false;
};

// "[3,4]"
std::string shape_text(const std::int64_t* shape, int ndim);

// Checks a tensor that must be there: dtype known, extents and size in range, data not null
// unless it is empty, on the given device. `argument` names it in errors.
View view_of(const lsm_tensor* tensor, const char* argument, const lsm_device& device);
// The same, NULL gives a view that is not present.
View optional_view_of(const lsm_tensor* tensor, const char* argument, const lsm_device& device);
// The same for a tensor that lies on the given device or in host memory.
View reachable_view_of(const lsm_tensor* tensor, const char* argument, const lsm_device& device);

// Further demands; each throws with the argument's name, what was expected and what came.
void expect_floating(const View& v, const char* argument);
void expect_shape(const View& v, const char* argument, std::int64_t rows, std::int64_t columns);
// length -1: any
void expect_vector(const View& v, const char* argument, std::int64_t length);
void expect_scalar(const View& v, const char* argument);
// An output matrix whose rows do not share elements.
void expect_separate_rows(const View& v, const char* argument);
void expect_type(const View& v, const char* argument, Type a, Type b);

// Throws unless a copy from source to target makes sense: one shape, and types of which both are
// floating, or which are the same.
void expect_copyable(const View& source, const View& target);

// "cpu:0"
std::string device_text(const lsm_device& device);

// Host memory only: element i of a vector or scalar, as f64 (i64 beyond 2^53 rounds); set_element: floating types.
double element(const View& v, std::int64_t i);
std::int64_t integer_element(const View& v, std::int64_t i);  // of an i32 or i64 vector
void set_element(const View& v, std::int64_t i, double value);

}  // namespace lossmith

#endif  // LOSSMITH_CORE_TENSOR_H_
