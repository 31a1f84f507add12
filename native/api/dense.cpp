#include "lossmith/dense.h"

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

extern "C" lsm_status lsm_multiply(lsm_context context, const lsm_multiply_options* options,
                                   lsm_input a, lsm_input b, lsm_output out) {
  return lossmith::guard([&] {
    const lossmith::Lease lease(context);
    const lossmith::MultiplyCall call =
        lossmith::validate_multiply(options, a, b, out, lease->device);
    lease->backend.run_multiply(call, *lease);
  });
}
