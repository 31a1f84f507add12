#include "lossmith/power_search.h"

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

using lossmith::guard;
using lossmith::Lease;

extern "C" void lsm_power_search_defaults(lsm_power_search_options* options) {
  if (options == nullptr) return;
  *options = lsm_power_search_options{};
  lsm_power_defaults(&options->power);
  options->norm = 2;
  options->lowest = 0.1;
  options->highest = 1.2;
  options->steps = 64;
  options->refinements = 3;
  options->clips = 1;
  options->clip_step = 0.02;
}

extern "C" lsm_status lsm_power_errors(lsm_context context, const lsm_power_search_options* options,
                                       lsm_input w, lsm_input scale, lsm_input shift,
                                       lsm_input exponents, lsm_input ratios, lsm_output errors) {
  return guard([&] {
    const Lease lease(context);
    const lossmith::PowerErrorsCall call = lossmith::validate_power_errors(
        options, w, scale, shift, exponents, ratios, errors, lease->device);
    lease->backend.run_power_errors(call, *lease);
  });
}

extern "C" lsm_status lsm_power_search(lsm_context context, const lsm_power_search_options* options,
                                       lsm_input w, lsm_input scale, lsm_input shift,
                                       lsm_output exponent, lsm_output best_scale,
                                       lsm_output error) {
  return guard([&] {
    const Lease lease(context);
    const lossmith::PowerSearchCall call = lossmith::validate_power_search(
        options, w, scale, shift, exponent, best_scale, error, lease->device);
    lease->backend.run_power_search(call, *lease);
  });
}
