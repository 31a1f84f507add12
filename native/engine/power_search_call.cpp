#include "engine/power_search_call.h"

#include <cmath>
#include <string>

#include "core/status.h"
#include "engine/demands.h"
#include "engine/power_call.h"

namespace lossmith {
namespace {

constexpr std::int64_t kMaxExponents = 1024;
constexpr std::int64_t kMaxRatios = 64;
constexpr double kLowestExponent = 0.01;
constexpr double kHighestExponent = 16;

// What both calls have: options of the operator, p, and the weights with their parameters.
template <class Call>
void take_weights(const lsm_power_search_options* options, lsm_input w, lsm_input scale,
                  lsm_input shift, const lsm_device& device, Call& call) {
  if (options == nullptr) reject("options", "hyperparameters", "NULL");
  call.options = *options;
  // The search looks at neither of these.
  call.options.power.gradient = LSM_GRADIENT_IDENTITY;
  call.options.power.packed = 0;
  expect_power_options(call.options.power);
  if (!(std::isfinite(options->norm) && options->norm > 0)) {
    reject("norm", "a finite number > 0", options->norm);
  }
  call.w = view_of(w, "w", device);
  expect_floating(call.w, "w");
  call.groups = groups_of(options->power.groups, call.w, "w");
  const Type type = call.w.type == Type::f64 ? Type::f64 : Type::f32;
  call.scale = view_of(scale, "scale", device);
  expect_type(call.scale, "scale", type, type);
  expect_parameters(call.scale, "scale", options->power.groups, call.groups);
  call.shift = optional_view_of(shift, "shift", device);
  if (!call.shift.present()) return;
  if (options->power.range != LSM_POWER_UNSIGNED) {
    reject("shift", "NULL with LSM_POWER_SIGNED", "a tensor");
  }
  expect_type(call.shift, "shift", type, type);
  expect_parameters(call.shift, "shift", options->power.groups, call.groups);
}

// NaN and infinite scales are those of groups with such elements: their errors are NaN.
void expect_scales(const View& scale) {
  if (!scale.on_host()) return;
  const bool wide = scale.type == Type::f64;
  for (std::int64_t i = 0; i < scale.elements(); ++i) {
    const double s = wide ? reinterpret_cast<const double*>(scale.data)[i]
                          : static_cast<double>(reinterpret_cast<const float*>(scale.data)[i]);
    if (s < 0)
      reject("scale", "numbers >= 0", std::to_string(s) + " at index " + std::to_string(i));
  }
}

void take_candidates(const View& v, const char* name, Type type, std::int64_t most) {
  expect_type(v, name, type, type);
  expect_vector(v, name, -1);
  if (v.shape[0] < 1 || v.shape[0] > most) {
    reject(name, "1 to " + std::to_string(most) + " elements", v.shape[0]);
  }
  if (!v.contiguous()) {
    reject(name, "contiguous elements", "stride " + std::to_string(v.strides[0]));
  }
}

// Host memory only: `low`, rounded to the type, itself belongs to the range where `closed`.
void expect_between(const View& v, const char* name, double low, bool closed, double high) {
  if (!v.on_host()) return;
  if (v.type == Type::f32) low = static_cast<double>(static_cast<float>(low));
  for (std::int64_t i = 0; i < v.elements(); ++i) {
    const double x = element(v, i);
    if ((closed ? x >= low : x > low) && x <= high) continue;
    std::ostringstream range;
    range << "numbers in " << (closed ? '[' : '(') << low << ", " << high << ']';
    reject(name, range.str(), std::to_string(x) + " at index " + std::to_string(i));
  }
}

void expect_grid(const lsm_power_search_options& o) {
  const auto within = [](double a) { return a >= kLowestExponent && a <= kHighestExponent; };
  if (!within(o.lowest)) reject("lowest", "a number in [0.01, 16]", o.lowest);
  if (!(within(o.highest) && o.highest > o.lowest)) {
    reject("highest", "a number in (lowest, 16]", o.highest);
  }
  if (o.steps < 2 || o.steps > kMaxExponents) reject("steps", "2 to 1024", o.steps);
  if (o.refinements < 0 || o.refinements > 8) reject("refinements", "0 to 8", o.refinements);
  if (o.clips < 1 || o.clips > kMaxRatios) reject("clips", "1 to 64", o.clips);
  const bool steps_down = std::isfinite(o.clip_step) && o.clip_step > 0;
  if (o.clips > 1 && !(steps_down && 1 - (o.clips - 1) * o.clip_step > 0)) {
    reject("clip_step", "a number > 0 of which clips - 1 stay below 1", o.clip_step);
  }
}

}  // namespace

PowerErrorsCall validate_power_errors(const lsm_power_search_options* options, lsm_input w,
                                      lsm_input scale, lsm_input shift, lsm_input exponents,
                                      lsm_input ratios, lsm_output errors,
                                      const lsm_device& device) {
  PowerErrorsCall call;
  take_weights(options, w, scale, shift, device, call);
  call.exponents = view_of(exponents, "exponents", device);
  take_candidates(call.exponents, "exponents", call.scale.type, kMaxExponents);
  call.ratios = optional_view_of(ratios, "ratios", device);
  if (call.ratios.present()) {
    take_candidates(call.ratios, "ratios", call.scale.type, kMaxRatios);
  }
  const std::int64_t c = call.ratios.present() ? call.ratios.shape[0] : 1;
  const std::int64_t g = call.exponents.shape[0];
  call.errors = view_of(errors, "errors", device);
  expect_type(call.errors, "errors", Type::f64, Type::f64);
  const std::int64_t expected[] = {call.groups.count, c, g};
  const View& e = call.errors;
  if (e.ndim != 3 || e.shape[0] != expected[0] || e.shape[1] != c || e.shape[2] != g) {
    reject("errors", shape_text(expected, 3), shape_text(e.shape, e.ndim));
  }
  if (!e.contiguous()) reject("errors", "a contiguous tensor", "strides of another");
  expect_scales(call.scale);
  expect_between(call.exponents, "exponents", kLowestExponent, true, kHighestExponent);
  if (call.ratios.present()) expect_between(call.ratios, "ratios", 0, false, 1);
  expect_disjoint_outputs({{"w", &call.w, false},
                           {"scale", &call.scale, false},
                           {"shift", &call.shift, false},
                           {"exponents", &call.exponents, false},
                           {"ratios", &call.ratios, false},
                           {"errors", &call.errors, true}});
  return call;
}

PowerSearchCall validate_power_search(const lsm_power_search_options* options, lsm_input w,
                                      lsm_input scale, lsm_input shift, lsm_output exponent,
                                      lsm_output best_scale, lsm_output error,
                                      const lsm_device& device) {
  PowerSearchCall call;
  take_weights(options, w, scale, shift, device, call);
  expect_grid(call.options);
  const auto take = [&](lsm_output tensor, const char* name, Type type, View& view) {
    view = optional_view_of(tensor, name, device);
    if (!view.present()) return;
    expect_type(view, name, type, type);
    expect_parameters(view, name, options->power.groups, call.groups);
  };
  if (exponent == nullptr) reject("exponent", "a tensor", "NULL");
  take(exponent, "exponent", call.scale.type, call.exponent);
  take(best_scale, "best_scale", call.scale.type, call.best_scale);
  take(error, "error", Type::f64, call.error);
  expect_scales(call.scale);
  expect_disjoint_outputs({{"w", &call.w, false},
                           {"scale", &call.scale, false},
                           {"shift", &call.shift, false},
                           {"exponent", &call.exponent, true},
                           {"best_scale", &call.best_scale, true},
                           {"error", &call.error, true}});
  return call;
}

}  // namespace lossmith
