#include "lossmith/power.h"

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

using lossmith::guard;
using lossmith::Lease;
using lossmith::PowerArguments;
using lossmith::PowerTask;

namespace {

lsm_status run(lsm_context context, PowerTask task, const PowerArguments& arguments) {
  return guard([&] {
    const Lease lease(context);
    const lossmith::PowerCall call = lossmith::validate(task, arguments, lease->device);
    lease->backend.run_power(call, *lease);
  });
}

}  // namespace

extern "C" void lsm_power_defaults(lsm_power_options* options) {
  if (options == nullptr) return;
  *options = lsm_power_options{4, LSM_POWER_SIGNED, LSM_GRADIENT_IDENTITY, 0, {-1, 0}};
}

extern "C" int64_t lsm_power_packed_bytes(int32_t bits, int64_t columns) {
  if (bits < 2 || bits > 8 || columns < 0) return 0;
  const int64_t field = lossmith::power_field_bits(bits);
  // Eight codes at a time, so that the product with the width of a field cannot overflow.
  return columns / 8 * field + (columns % 8 * field + 7) / 8;
}

extern "C" lsm_status lsm_power_scales(lsm_context context, const lsm_power_options* options,
                                       lsm_input w, lsm_output scale, lsm_output shift) {
  return guard([&] {
    const Lease lease(context);
    const lossmith::PowerScalesCall call =
        lossmith::validate_power_scales(options, w, scale, shift, lease->device);
    lease->backend.run_power_scales(call, *lease);
  });
}

extern "C" lsm_status lsm_power_quantize(lsm_context context, const lsm_power_options* options,
                                         lsm_input w, lsm_input scale, lsm_input exponent,
                                         lsm_input shift, lsm_output codes) {
  PowerArguments a;
  a.options = options;
  a.w = w;
  a.scale = scale;
  a.exponent = exponent;
  a.shift = shift;
  a.codes = codes;
  return run(context, PowerTask::quantize, a);
}

extern "C" lsm_status lsm_power_dequantize(lsm_context context, const lsm_power_options* options,
                                           lsm_input codes, lsm_input scale, lsm_input exponent,
                                           lsm_input shift, lsm_output out) {
  PowerArguments a;
  a.options = options;
  // The validated view is an input's: nothing is written through it.
  a.codes = const_cast<lsm_tensor*>(codes);
  a.scale = scale;
  a.exponent = exponent;
  a.shift = shift;
  a.out = out;
  return run(context, PowerTask::dequantize, a);
}

extern "C" lsm_status lsm_power_fake_quantize(lsm_context context, const lsm_power_options* options,
                                              lsm_input w, lsm_input scale, lsm_input exponent,
                                              lsm_input shift, lsm_input upstream, lsm_output out,
                                              lsm_output codes, lsm_output grad_w,
                                              lsm_output grad_scale, lsm_output grad_exponent) {
  PowerArguments a;
  a.options = options;
  a.w = w;
  a.scale = scale;
  a.exponent = exponent;
  a.shift = shift;
  a.upstream = upstream;
  a.out = out;
  a.codes = codes;
  a.grad_w = grad_w;
  a.grad_scale = grad_scale;
  a.grad_exponent = grad_exponent;
  return run(context, PowerTask::fake_quantize, a);
}

extern "C" lsm_status lsm_power_staircase(lsm_context context, const lsm_power_options* options,
                                          double beta, lsm_input theta, lsm_input scale,
                                          lsm_input exponent, lsm_input upstream, lsm_output out,
                                          lsm_output codes, lsm_output grad_theta,
                                          lsm_output grad_scale, lsm_output grad_exponent) {
  PowerArguments a;
  a.options = options;
  a.beta = beta;
  a.w = theta;
  a.scale = scale;
  a.exponent = exponent;
  a.upstream = upstream;
  a.out = out;
  a.codes = codes;
  a.grad_w = grad_theta;
  a.grad_scale = grad_scale;
  a.grad_exponent = grad_exponent;
  return run(context, PowerTask::staircase, a);
}

extern "C" lsm_status lsm_power_latents(lsm_context context, const lsm_power_options* options,
                                        lsm_input w, lsm_input scale, lsm_input exponent,
                                        lsm_output theta) {
  PowerArguments a;
  a.options = options;
  a.w = w;
  a.scale = scale;
  a.exponent = exponent;
  a.out = theta;
  return run(context, PowerTask::latents, a);
}
