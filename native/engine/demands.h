// What the validation of calls demands of tensors and numbers beyond core/tensor.h. Each throws with
// the argument's name, what was expected and what came.
#ifndef LOSSMITH_ENGINE_DEMANDS_H_
#define LOSSMITH_ENGINE_DEMANDS_H_

#include <cstdint>
#include <initializer_list>

#include "core/tensor.h"

namespace lossmith {

void expect_not_negative(double value, const char* name);
void expect_flag(std::int32_t value, const char* name);

// f32 or f64, if the view is present.
void expect_vector_type(const View& v, const char* name);
// [length] or one element.
void expect_vector_or_scalar(const View& v, const char* name, std::int64_t length);
// [length], elements that do not share memory.
void expect_output_vector(const View& v, const char* name, std::int64_t length);
// Host memory only.
void expect_finite(const View& v, const char* name);

struct NamedView {
  const char* name;
  const View* view;
  bool output;
};

// Outputs share no memory with anything else of a call. Views that are not present do not count.
void expect_disjoint_outputs(std::initializer_list<NamedView> all);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_DEMANDS_H_
