#include "engine/power_product_call.h"

#include <cmath>
#include <string>

#include "core/status.h"
#include "engine/demands.h"
#include "engine/power_call.h"

namespace lossmith {
namespace {

// The weights [n,k] that packed codes stand for: groups are theirs, elements they have none.
View weights_of(std::int64_t n, std::int64_t k) {
  View weights;
  weights.ndim = 2;
  weights.shape[0] = n;
  weights.shape[1] = k;
  weights.strides[0] = k;
  weights.strides[1] = 1;
  weights.exists = true;
  return weights;
}

View take_codes(lsm_input tensor, const char* name, int bits, std::int64_t n, std::int64_t k,
                const lsm_device& device) {
  const View codes = view_of(tensor, name, device);
  expect_type(codes, name, Type::u8, Type::u8);
  expect_shape(codes, name, n, lsm_power_packed_bytes(bits, k));
  return codes;
}

// [m,n] of one of two types, if it is wanted.
View take_product(lsm_output tensor, const char* name, Type a, Type b, std::int64_t m,
                  std::int64_t n, const lsm_device& device) {
  const View out = optional_view_of(tensor, name, device);
  if (!out.present()) return out;
  expect_type(out, name, a, b);
  expect_shape(out, name, m, n);
  expect_separate_rows(out, name);
  return out;
}

void expect_bits(int bits, const char* name, int largest) {
  if (bits < 2 || bits > largest) reject(name, "2 to " + std::to_string(largest), bits);
}

void expect_range(int range, const char* name) {
  if (range != LSM_POWER_SIGNED && range != LSM_POWER_UNSIGNED) {
    reject(name, "LSM_POWER_SIGNED or LSM_POWER_UNSIGNED", range);
  }
}

lsm_power_integer_options taken(const lsm_power_integer_options* options) {
  if (options == nullptr) reject("options", "hyperparameters", "NULL");
  expect_bits(options->x_bits, "x_bits", 4);
  expect_bits(options->w_bits, "w_bits", 4);
  expect_range(options->x_range, "x_range");
  return *options;
}

// [1], or [n] where n is not negative; numbers are looked at where the host can.
View take_scale(lsm_input tensor, const char* name, std::int64_t n, bool needed, bool positive,
                const lsm_device& device) {
  const View v = needed ? view_of(tensor, name, device) : optional_view_of(tensor, name, device);
  if (!v.present()) return v;
  expect_type(v, name, Type::f32, Type::f32);
  if (n < 0) {
    expect_vector(v, name, 1);
  } else {
    expect_vector_or_scalar(v, name, n);
  }
  if (device.type != LSM_CPU) return v;
  for (std::int64_t i = 0; i < v.elements(); ++i) {
    const double scale = element(v, i);
    if (std::isfinite(scale) && (positive ? scale > 0 : scale >= 0)) continue;
    reject(name, positive ? "finite numbers > 0" : "finite numbers >= 0",
           std::to_string(scale) + " at index " + std::to_string(i));
  }
  return v;
}

// The longest sums: 40000 products of at most 225 * 49 stay below 2^31.
constexpr std::int64_t kMostSummed = 40000;

}  // namespace

PowerProductCall validate_power_product(const lsm_power_options* options, lsm_input x,
                                        lsm_input codes, lsm_input scale, lsm_input exponent,
                                        lsm_input bias, lsm_output out, const lsm_device& device) {
  PowerProductCall c;
  if (options == nullptr) reject("options", "hyperparameters", "NULL");
  c.options = *options;
  expect_power_options(c.options);
  if (c.options.range != LSM_POWER_SIGNED) {
    reject("range", "LSM_POWER_SIGNED: weights have signs", c.options.range);
  }
  c.x = view_of(x, "x", device);
  expect_floating(c.x, "x");
  expect_shape(c.x, "x", -1, -1);
  c.m = c.x.shape[0];
  c.k = c.x.shape[1];
  c.codes = take_codes(codes, "codes", c.options.bits, -1, c.k, device);
  c.n = c.codes.shape[0];
  const View weights = weights_of(c.n, c.k);
  if (c.options.groups.axis > 0) {
    reject("groups.axis", "-1, or 0: a channel is a row of the weights", c.options.groups.axis);
  }
  c.groups = groups_of(c.options.groups, weights, "weights");
  const Type arithmetic = c.x.type == Type::f64 ? Type::f64 : Type::f32;
  c.scale = view_of(scale, "scale", device);
  expect_type(c.scale, "scale", arithmetic, arithmetic);
  expect_parameters(c.scale, "scale", c.options.groups, c.groups);
  c.exponent = view_of(exponent, "exponent", device);
  expect_type(c.exponent, "exponent", arithmetic, arithmetic);
  if (c.exponent.ndim != 1 || c.exponent.shape[0] != 1) {
    expect_parameters(c.exponent, "exponent", c.options.groups, c.groups);
  }
  if (device.type == LSM_CPU) expect_power_parameters(c.scale, c.exponent);
  c.bias = optional_view_of(bias, "bias", device);
  if (c.bias.present()) {
    expect_type(c.bias, "bias", arithmetic, c.x.type);
    expect_vector(c.bias, "bias", c.n);
  }
  if (out == nullptr) reject("out", "a tensor", "NULL");
  c.out = take_product(out, "out", Type::f32, c.x.type, c.m, c.n, device);
  expect_disjoint_outputs({{"x", &c.x, false},
                           {"codes", &c.codes, false},
                           {"scale", &c.scale, false},
                           {"exponent", &c.exponent, false},
                           {"bias", &c.bias, false},
                           {"out", &c.out, true}});
  return c;
}

PowerIntegerCall validate_power_integer(const lsm_power_integer_options* options, lsm_input x_codes,
                                        lsm_input w_codes, lsm_input x_scale, lsm_input w_scale,
                                        lsm_input out_scale, lsm_output sums, lsm_output out,
                                        lsm_output out_codes, const lsm_device& device) {
  PowerIntegerCall c;
  c.options = taken(options);
  if (out_codes != nullptr) {
    expect_bits(c.options.out_bits, "out_bits", 8);
    expect_range(c.options.out_range, "out_range");
  }
  const Type x_type = c.options.x_range == LSM_POWER_SIGNED ? Type::i8 : Type::u8;
  c.x_codes = view_of(x_codes, "x_codes", device);
  expect_type(c.x_codes, "x_codes", x_type, x_type);
  expect_shape(c.x_codes, "x_codes", -1, -1);
  c.m = c.x_codes.shape[0];
  c.k = c.x_codes.shape[1];
  if (c.k > kMostSummed) {
    reject("x_codes", "[m,k] with k <= " + std::to_string(kMostSummed),
           shape_text(c.x_codes.shape, 2));
  }
  c.w_codes = take_codes(w_codes, "w_codes", c.options.w_bits, -1, c.k, device);
  c.n = c.w_codes.shape[0];
  const bool scaled = out != nullptr || out_codes != nullptr;
  c.x_scale = take_scale(x_scale, "x_scale", -1, scaled, false, device);
  c.w_scale = take_scale(w_scale, "w_scale", c.n, scaled, false, device);
  c.out_scale = take_scale(out_scale, "out_scale", c.n, out_codes != nullptr, true, device);
  c.sums = take_product(sums, "sums", Type::i32, Type::i32, c.m, c.n, device);
  c.out = take_product(out, "out", Type::f32, Type::f32, c.m, c.n, device);
  const Type code = c.options.out_range == LSM_POWER_SIGNED ? Type::i8 : Type::u8;
  c.out_codes = take_product(out_codes, "out_codes", code, code, c.m, c.n, device);
  expect_disjoint_outputs({{"x_codes", &c.x_codes, false},
                           {"w_codes", &c.w_codes, false},
                           {"x_scale", &c.x_scale, false},
                           {"w_scale", &c.w_scale, false},
                           {"out_scale", &c.out_scale, false},
                           {"sums", &c.sums, true},
                           {"out", &c.out, true},
                           {"out_codes", &c.out_codes, true}});
  return c;
}

}  // namespace lossmith
