#include "engine/multiply_call.h"

#include <string>

#include "core/status.h"
#include "engine/demands.h"

namespace lossmith {

MultiplyCall validate_multiply(const lsm_multiply_options* options, lsm_input a, lsm_input b,
                               lsm_output out, const lsm_device& device) {
  if (options == nullptr) reject("options", "which operands are transposed", "NULL");
  MultiplyCall call;
  call.options = *options;
  expect_flag(options->transpose_a, "transpose_a");
  expect_flag(options->transpose_b, "transpose_b");
  expect_flag(options->accumulate, "accumulate");
  if (options->transpose_a != 0 && options->transpose_b != 0) {
    reject("transpose_b", "0 with transpose_a (A'B' is the transpose of B A)", 1);
  }
  call.a = view_of(a, "a", device);
  expect_floating(call.a, "a");
  expect_shape(call.a, "a", -1, -1);
  call.m = call.a.shape[options->transpose_a != 0 ? 1 : 0];
  call.k = call.a.shape[options->transpose_a != 0 ? 0 : 1];
  call.b = view_of(b, "b", device);
  expect_type(call.b, "b", call.a.type, call.a.type);
  const bool tb = options->transpose_b != 0;
  expect_shape(call.b, "b", tb ? -1 : call.k, tb ? call.k : -1);
  call.n = call.b.shape[tb ? 0 : 1];
  call.out = view_of(out, "out", device);
  const Type type = call.a.type == Type::f64 ? Type::f64 : Type::f32;
  expect_type(call.out, "out", type, type);
  expect_shape(call.out, "out", call.m, call.n);
  if (call.m > 1 && call.out.strides[0] < call.n) {
    reject("out", "a row stride of at least the width " + std::to_string(call.n),
           call.out.strides[0]);
  }
  expect_disjoint_outputs({{"a", &call.a, false}, {"b", &call.b, false}, {"out", &call.out, true}});
  return call;
}

}  // namespace lossmith
