#include "lossmith/update.h"

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

using lossmith::guard;
using lossmith::Lease;

extern "C" void lsm_update_defaults(int32_t rule, lsm_update_options* options) {
  if (options == nullptr) return;
  *options = lsm_update_options{};
  options->rule = rule;
  const bool lion = rule == LSM_UPDATE_LION, adam = rule == LSM_UPDATE_ADAM;
  options->learning_rate = lion ? 1e-4 : adam ? 1e-3 : 0.01;
  if (rule == LSM_UPDATE_MOMENTUM || lion || adam) options->momentum = 0.9;
  if (lion || adam) options->beta2 = lion ? 0.99 : 0.999;
  if (rule == LSM_UPDATE_ADAGRAD || adam) options->epsilon = adam ? 1e-8 : 1e-10;
}

extern "C" lsm_status lsm_update_step(lsm_context context, const lsm_update_options* options,
                                      lsm_input gradient, lsm_input row_ids, lsm_input weights,
                                      lsm_output state, lsm_output new_weights) {
  return guard([&] {
    const Lease lease(context);
    const lossmith::UpdateStep step = lossmith::validate_step(options, gradient, row_ids, weights,
                                                              state, new_weights, lease->device);
    lease->backend.run_update(step, *lease);
  });
}

extern "C" lsm_status lsm_normalize_rows(lsm_context context, lsm_input x, lsm_output out,
                                         lsm_output norms) {
  return guard([&] {
    const Lease lease(context);
    const lossmith::NormalizeCall call = lossmith::validate_normalize(x, out, norms, lease->device);
    lease->backend.normalize_rows(call, *lease);
  });
}
