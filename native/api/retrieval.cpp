#include "lossmith/retrieval.h"

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

using lossmith::guard;
using lossmith::Lease;
using lossmith::TopKArguments;

extern "C" void lsm_top_k_defaults(lsm_top_k_options* options) {
  if (options == nullptr) return;
  *options = lsm_top_k_options{};
  options->k = 10;
  options->temperature = 1;
}

extern "C" lsm_status lsm_top_k(lsm_context context, const lsm_top_k_options* options, lsm_input x,
                                lsm_input labels, lsm_input bias, lsm_input excluded_offsets,
                                lsm_input excluded_ids, lsm_output scores, lsm_output ids) {
  return guard([&] {
    const Lease lease(context);
    TopKArguments a;
    a.options = options;
    a.x = x;
    a.labels = labels;
    a.bias = bias;
    a.excluded_offsets = excluded_offsets;
    a.excluded_ids = excluded_ids;
    a.scores = scores;
    a.ids = ids;
    lease->backend.run_top_k(lossmith::validate(a, lease->device), *lease);
  });
}
