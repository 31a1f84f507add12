#include "lossmith/soft_top_k.h"

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

extern "C" void lsm_soft_top_k_defaults(lsm_soft_top_k_options* options) {
  if (options == nullptr) return;
  *options = lsm_soft_top_k_options{2, 5, 0};
}

extern "C" lsm_status lsm_soft_top_k(lsm_context context, const lsm_soft_top_k_options* options,
                                     lsm_input scores, lsm_input k_rows, lsm_input ignored_offsets,
                                     lsm_input ignored_ids, lsm_input upstream,
                                     lsm_output memberships, lsm_output threshold,
                                     lsm_output grad_scores) {
  return lossmith::guard([&] {
    const lossmith::Lease lease(context);
    const lossmith::SoftTopKArguments arguments = {options,         scores,      k_rows,
                                                   ignored_offsets, ignored_ids, upstream,
                                                   memberships,     threshold,   grad_scores};
    const lossmith::SoftTopKCall call = lossmith::validate(arguments, lease->device);
    lease->backend.run_soft_top_k(call, *lease);
  });
}
