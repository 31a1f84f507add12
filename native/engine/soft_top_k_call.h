// One validated call of the soft top-k operator.
#ifndef LOSSMITH_ENGINE_SOFT_TOP_K_CALL_H_
#define LOSSMITH_ENGINE_SOFT_TOP_K_CALL_H_

#include "core/tensor.h"
#include "engine/label_call.h"
#include "lossmith/soft_top_k.h"

namespace lossmith {

struct SoftTopKCall {
  // Rows, ignored entries, k and alpha, as soft top-k has them as a loss on given products: x are the
  // scores, grad_x is grad_scores.
  LabelCall rows;
  View upstream, memberships;
};

struct SoftTopKArguments {
  const lsm_soft_top_k_options* options = nullptr;
  lsm_input scores = nullptr, k_rows = nullptr;
  lsm_input ignored_offsets = nullptr, ignored_ids = nullptr, upstream = nullptr;
  lsm_output memberships = nullptr, threshold = nullptr, grad_scores = nullptr;
};

SoftTopKCall validate(const SoftTopKArguments& arguments, const lsm_device& device);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_SOFT_TOP_K_CALL_H_
