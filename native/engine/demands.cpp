#include "engine/demands.h"

#include <cmath>
#include <string>

#include "core/status.h"

namespace lossmith {
namespace {

struct Span {
  const char* begin;
  const char* end;
};

Span span_of(const View& v) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  for (int i = 0; i < v.ndim; ++i) {
    const std::int64_t reach = (v.shape[i] - 1) * v.strides[i];
    (reach < 0 ? low : high) += reach;
  }
  const std::int64_t size = bytes_of(v.type);
  return {v.data + low * size, v.data + (high + 1) * size};
}

// Column windows of one wider matrix interleave without sharing an element.
bool disjoint_columns(const View& a, const View& b) {
  if (a.ndim != 2 || b.ndim != 2) return false;
  const std::int64_t stride = a.strides[0] * bytes_of(a.type);
  if (stride <= 0 || stride != b.strides[0] * bytes_of(b.type)) return false;
  const std::int64_t wa = a.shape[1] * bytes_of(a.type);
  const std::int64_t wb = b.shape[1] * bytes_of(b.type);
  std::int64_t shift = (b.data - a.data) % stride;
  if (shift < 0) shift += stride;
  return shift >= wa && shift + wb <= stride;
}

bool overlap(const View& a, const View& b) {
  if (a.elements() == 0 || b.elements() == 0) return false;
  const Span sa = span_of(a);
  const Span sb = span_of(b);
  return sa.begin < sb.end && sb.begin < sa.end && !disjoint_columns(a, b);
}

}  // namespace

void expect_not_negative(double value, const char* name) {
  if (!(std::isfinite(value) && value >= 0)) reject(name, "a finite number >= 0", value);
}

void expect_vector_type(const View& v, const char* name) {
  if (v.present()) expect_type(v, name, Type::f32, Type::f64);
}

// [length] or, where allowed, one element.
void expect_vector_or_scalar(const View& v, const char* name, std::int64_t length) {
  if (v.elements() == 1 && v.ndim <= 1) return;
  if (v.ndim != 1 || v.shape[0] != length) {
    reject(name, "[" + std::to_string(length) + "] or one element", shape_text(v.shape, v.ndim));
  }
}

void expect_output_vector(const View& v, const char* name, std::int64_t length) {
  expect_vector(v, name, length);
  if (length > 1 && v.strides[0] == 0) reject(name, "elements of their own", "stride 0");
}

void expect_flag(std::int32_t value, const char* name) {
  if (value != 0 && value != 1) reject(name, "0 or 1", value);
}

void expect_finite(const View& v, const char* name) {
  for (std::int64_t i = 0; i < v.elements(); ++i) {
    if (!std::isfinite(element(v, i))) {
      reject(name, "finite numbers",
             std::to_string(element(v, i)) + " at index " + std::to_string(i));
    }
  }
}

void expect_disjoint_outputs(std::initializer_list<NamedView> all) {
  for (const NamedView& out : all) {
    if (!out.output || !out.view->present()) continue;
    for (const NamedView& other : all) {
      if (&out == &other || !other.view->present()) continue;
      if (overlap(*out.view, *other.view)) {
        reject(out.name, "memory of its own", std::string("an overlap with ") + other.name);
      }
    }
  }
}

}  // namespace lossmith
