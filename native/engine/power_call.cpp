#include "engine/power_call.h"

#include <cmath>
#include <string>

#include "core/status.h"
#include "engine/demands.h"
#include "engine/update_call.h"

namespace lossmith {
namespace {

constexpr double kLowestExponent = 0.01;
constexpr double kHighestExponent = 16;

void expect_range(std::int32_t range) {
  if (range != LSM_POWER_SIGNED && range != LSM_POWER_UNSIGNED) {
    reject("range", "LSM_POWER_SIGNED or LSM_POWER_UNSIGNED (0 or 1)", range);
  }
}

Type arithmetic_of(Type type) { return type == Type::f64 ? Type::f64 : Type::f32; }

// Numbers are looked at where the host can: a device's would have to be waited for.
void expect_scales(const View& v, const char* name) {
  for (std::int64_t i = 0; i < v.elements(); ++i) {
    const double scale = v.type == Type::f64 ? reinterpret_cast<const double*>(v.data)[i]
                                             : reinterpret_cast<const float*>(v.data)[i];
    if (std::isfinite(scale) && scale >= 0) continue;
    reject(name, "finite numbers >= 0", std::to_string(scale) + " at index " + std::to_string(i));
  }
}

void expect_exponents(const View& v, const char* name) {
  for (std::int64_t i = 0; i < v.elements(); ++i) {
    const double exponent = v.type == Type::f64 ? reinterpret_cast<const double*>(v.data)[i]
                                                : reinterpret_cast<const float*>(v.data)[i];
    // An f32 exponent may be the nearest to the bound.
    if (static_cast<float>(exponent) >= static_cast<float>(kLowestExponent) &&
        exponent <= kHighestExponent) {
      continue;
    }
    reject(name, "numbers from 0.01 to 16",
           std::to_string(exponent) + " at index " + std::to_string(i));
  }
}

// What a task calls its tensors.
struct Names {
  const char* w = "w";
  const char* out = "out";
  const char* grad_w = "grad_w";
};
Names names_of(PowerTask task) {
  Names names;
  if (task == PowerTask::staircase) {
    names.w = "theta";
    names.grad_w = "grad_theta";
  }
  if (task == PowerTask::latents) names.out = "theta";
  return names;
}

class Validation {
 public:
  Validation(PowerTask task, const PowerArguments& arguments, const lsm_device& device)
      : a_(arguments), device_(device), names_(names_of(task)) {
    call_.task = task;
  }

  PowerCall run() {
    take_options();
    take_tensors();
    lay_out();
    take_parameters();
    expect_outputs_apart();
    return call_;
  }

 private:
  bool is(PowerTask task) const { return call_.task == task; }
  // The tensor whose elements have codes.
  const View& shaped() const { return is(PowerTask::dequantize) ? call_.out : call_.w; }
  const char* shaped_name() const { return is(PowerTask::dequantize) ? names_.out : names_.w; }

  void take_options() {
    if (a_.options == nullptr) reject("options", "hyperparameters", "NULL");
    call_.options = *a_.options;
    lsm_power_options& o = call_.options;
    // Neither has a meaning in these.
    if (is(PowerTask::staircase) || is(PowerTask::latents)) {
      o.gradient = LSM_GRADIENT_IDENTITY;
      o.packed = 0;
    }
    expect_power_options(o);
    call_.beta = a_.beta;
    if (is(PowerTask::staircase)) expect_not_negative(a_.beta, "beta");
  }

  View required(lsm_input tensor, const char* name) const { return view_of(tensor, name, device_); }
  View optional(lsm_input tensor, const char* name) const {
    return optional_view_of(tensor, name, device_);
  }

  void take_tensors() {
    PowerCall& c = call_;
    switch (c.task) {
      case PowerTask::quantize:
        c.w = required(a_.w, names_.w);
        c.codes = required(a_.codes, "codes");
        break;
      case PowerTask::dequantize:
        c.codes = required(a_.codes, "codes");
        c.out = required(a_.out, names_.out);
        break;
      case PowerTask::latents:
        c.w = required(a_.w, names_.w);
        c.out = required(a_.out, names_.out);
        break;
      default:
        c.w = required(a_.w, names_.w);
        c.upstream = optional(a_.upstream, "upstream");
        c.out = optional(a_.out, names_.out);
        c.codes = optional(a_.codes, "codes");
        c.grad_w = optional(a_.grad_w, names_.grad_w);
        c.grad_scale = optional(a_.grad_scale, "grad_scale");
        c.grad_exponent = optional(a_.grad_exponent, "grad_exponent");
    }
    expect_floating(shaped(), shaped_name());
    if (is(PowerTask::staircase)) expect_type(c.w, names_.w, Type::f32, Type::f64);
    const bool gradients =
        c.grad_w.present() || c.grad_scale.present() || c.grad_exponent.present();
    if (c.upstream.present() != gradients) {
      reject("upstream", "a tensor with one of the gradients and only then",
             c.upstream.present() ? "a tensor" : "NULL");
    }
  }

  // Tensors of the elements' shape: their rows may lie apart.
  void expect_alike(const View& v, const char* name, bool output) const {
    if (!v.present()) return;
    const View& s = shaped();
    bool same = v.ndim == s.ndim;
    for (int i = 0; same && i < s.ndim; ++i) same = v.shape[i] == s.shape[i];
    if (!same) reject(name, shape_text(s.shape, s.ndim), shape_text(v.shape, v.ndim));
    expect_rows(v, name, output);
  }

  static void expect_rows(const View& v, const char* name, bool output) {
    expect_elements_in_order(v, name);
    if (output && !v.contiguous()) expect_separate_rows(v, name);
  }

  void expect_codes() const {
    const View& codes = call_.codes;
    if (!codes.present()) return;
    const bool output = !is(PowerTask::dequantize);
    if (call_.options.packed == 0) {
      const Type type = call_.options.range == LSM_POWER_SIGNED ? Type::i8 : Type::u8;
      expect_type(codes, "codes", type, type);
      expect_alike(codes, "codes", output);
      return;
    }
    const View& s = shaped();
    if (s.ndim != 2) {
      reject(shaped_name(), "a matrix with packed codes", shape_text(s.shape, s.ndim));
    }
    expect_type(codes, "codes", Type::u8, Type::u8);
    const std::int64_t bytes = lsm_power_packed_bytes(call_.options.bits, s.shape[1]);
    if (codes.ndim != 2 || codes.shape[0] != s.shape[0] || codes.shape[1] != bytes) {
      const std::int64_t expected[] = {s.shape[0], bytes};
      reject("codes", shape_text(expected, 2), shape_text(codes.shape, codes.ndim));
    }
    expect_rows(codes, "codes", output);
  }

  void lay_out() {
    PowerCall& c = call_;
    if (!is(PowerTask::dequantize)) {
      const Type type = is(PowerTask::latents) ? arithmetic_of(c.w.type) : c.w.type;
      if (c.out.present()) {
        expect_type(c.out, names_.out, is(PowerTask::latents) ? type : Type::f32, type);
      }
      if (c.upstream.present()) expect_type(c.upstream, "upstream", Type::f32, type);
      if (c.grad_w.present()) expect_type(c.grad_w, names_.grad_w, Type::f32, type);
    }
    c.groups = groups_of(c.options.groups, shaped(), shaped_name(),
                         {&c.upstream, &c.out, &c.codes, &c.grad_w});
    if (is(PowerTask::dequantize)) expect_rows(c.out, names_.out, true);
    expect_alike(c.upstream, "upstream", false);
    expect_alike(c.out, names_.out, true);
    expect_alike(c.grad_w, names_.grad_w, true);
    expect_codes();
    const View& s = shaped();
    // Rows of codes that end inside a byte do not follow each other.
    if (c.codes.present() && c.options.packed != 0 && c.groups.lines == 1 &&
        s.shape[1] * power_field_bits(c.options.bits) % 8 != 0) {
      c.groups.lines = s.shape[0];
      c.groups.width = s.shape[1];
    }
  }

  // Those of scale, or one element.
  void expect_exponent_shape(const View& v, const char* name) const {
    if (v.ndim == 1 && v.shape[0] == 1) return;
    expect_parameters(v, name, call_.options.groups, call_.groups);
  }

  void take_parameters() {
    PowerCall& c = call_;
    c.scale = required(a_.scale, "scale");
    if (is(PowerTask::dequantize)) {
      expect_type(c.scale, "scale", Type::f32, Type::f64);
    } else {
      expect_type(c.scale, "scale", arithmetic_of(c.w.type), arithmetic_of(c.w.type));
    }
    const Type type = c.scale.type;
    expect_parameters(c.scale, "scale", c.options.groups, c.groups);
    c.exponent = required(a_.exponent, "exponent");
    expect_type(c.exponent, "exponent", type, type);
    expect_exponent_shape(c.exponent, "exponent");
    c.shift = optional(a_.shift, "shift");
    if (c.shift.present()) {
      if (c.options.range != LSM_POWER_UNSIGNED) {
        reject("shift", "NULL with LSM_POWER_SIGNED", "a tensor");
      }
      expect_type(c.shift, "shift", type, type);
      expect_parameters(c.shift, "shift", c.options.groups, c.groups);
    }
    if (c.grad_scale.present()) {
      expect_type(c.grad_scale, "grad_scale", type, type);
      expect_parameters(c.grad_scale, "grad_scale", c.options.groups, c.groups);
    }
    if (c.grad_exponent.present()) {
      expect_type(c.grad_exponent, "grad_exponent", type, type);
      if (c.grad_exponent.ndim != c.exponent.ndim ||
          c.grad_exponent.elements() != c.exponent.elements()) {
        reject("grad_exponent",
               "the shape of exponent " + shape_text(c.exponent.shape, c.exponent.ndim),
               shape_text(c.grad_exponent.shape, c.grad_exponent.ndim));
      }
      expect_exponent_shape(c.grad_exponent, "grad_exponent");
    }
    if (device_.type != LSM_CPU) return;
    expect_power_parameters(c.scale, c.exponent);
  }

  void expect_outputs_apart() const {
    const PowerCall& c = call_;
    const View nothing;
    const bool same_values = c.out.present() && c.w.present() && same_elements(c.out, c.w);
    const bool same_gradients = c.grad_w.present() && same_elements(c.grad_w, c.upstream);
    expect_disjoint_outputs({{names_.w, same_values ? &nothing : &c.w, false},
                             {"scale", &c.scale, false},
                             {"exponent", &c.exponent, false},
                             {"shift", &c.shift, false},
                             {"upstream", same_gradients ? &nothing : &c.upstream, false},
                             {names_.out, &c.out, true},
                             {"codes", &c.codes, !is(PowerTask::dequantize)},
                             {names_.grad_w, &c.grad_w, true},
                             {"grad_scale", &c.grad_scale, true},
                             {"grad_exponent", &c.grad_exponent, true}});
  }

  const PowerArguments& a_;
  const lsm_device& device_;
  const Names names_;
  PowerCall call_;
};

}  // namespace

void expect_power_parameters(const View& scale, const View& exponent) {
  expect_scales(scale, "scale");
  expect_exponents(exponent, "exponent");
}

void expect_power_options(const lsm_power_options& o) {
  if (o.bits < 2 || o.bits > 8) reject("bits", "2 to 8", o.bits);
  expect_range(o.range);
  if (o.gradient != LSM_GRADIENT_IDENTITY && o.gradient != LSM_GRADIENT_EXACT) {
    reject("gradient", "LSM_GRADIENT_IDENTITY or LSM_GRADIENT_EXACT (0 or 1)", o.gradient);
  }
  expect_flag(o.packed, "packed");
}

PowerCall validate(PowerTask task, const PowerArguments& arguments, const lsm_device& device) {
  return Validation(task, arguments, device).run();
}

PowerScalesCall validate_power_scales(const lsm_power_options* options, lsm_input w,
                                      lsm_output scale, lsm_output shift,
                                      const lsm_device& device) {
  if (options == nullptr) reject("options", "hyperparameters", "NULL");
  PowerScalesCall c;
  c.options = *options;
  expect_range(options->range);
  c.w = view_of(w, "w", device);
  expect_floating(c.w, "w");
  c.groups = groups_of(options->groups, c.w, "w");
  const Type type = arithmetic_of(c.w.type);
  c.scale = view_of(scale, "scale", device);
  expect_type(c.scale, "scale", type, type);
  expect_parameters(c.scale, "scale", options->groups, c.groups);
  c.shift = optional_view_of(shift, "shift", device);
  if (c.shift.present()) {
    if (options->range != LSM_POWER_UNSIGNED) {
      reject("shift", "NULL with LSM_POWER_SIGNED", "a tensor");
    }
    expect_type(c.shift, "shift", type, type);
    expect_parameters(c.shift, "shift", options->groups, c.groups);
  }
  expect_disjoint_outputs(
      {{"w", &c.w, false}, {"scale", &c.scale, true}, {"shift", &c.shift, true}});
  return c;
}

}  // namespace lossmith
