#include "lossmith/power_product.h"

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

using lossmith::guard;
using lossmith::Lease;

extern "C" lsm_status lsm_power_product(lsm_context context, const lsm_power_options* options,
                                        lsm_input x, lsm_input codes, lsm_input scale,
                                        lsm_input exponent, lsm_input bias, lsm_output out) {
  return guard([&] {
    const Lease lease(context);
    lease->backend.run_power_product(
        lossmith::validate_power_product(options, x, codes, scale, exponent, bias, out,
                                         lease->device),
        *lease);
  });
}

extern "C" void lsm_power_integer_defaults(lsm_power_integer_options* options) {
  if (options == nullptr) return;
  *options = lsm_power_integer_options{};
  options->x_bits = options->w_bits = options->out_bits = 4;
  options->x_range = options->out_range = LSM_POWER_SIGNED;
}

extern "C" lsm_status lsm_power_integer_product(lsm_context context,
                                                const lsm_power_integer_options* options,
                                                lsm_input x_codes, lsm_input w_codes,
                                                lsm_input x_scale, lsm_input w_scale,
                                                lsm_input out_scale, lsm_output sums,
                                                lsm_output out, lsm_output out_codes) {
  return guard([&] {
    const Lease lease(context);
    lease->backend.run_power_integer(
        lossmith::validate_power_integer(options, x_codes, w_codes, x_scale, w_scale, out_scale,
                                         sums, out, out_codes, lease->device),
        *lease);
  });
}
