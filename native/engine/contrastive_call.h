// One validated call of a contrastive loss: what every backend starts from.
#ifndef LOSSMITH_ENGINE_CONTRASTIVE_CALL_H_
#define LOSSMITH_ENGINE_CONTRASTIVE_CALL_H_

#include <cstdint>

#include "core/tensor.h"
#include "lossmith/contrastive.h"
#include "lossmith/contrastive_sharded.h"

namespace lossmith {

// The pointers of a C call. Names are those of the C headers; what a function does not have is
// NULL.
struct ContrastiveArguments {
  const lsm_contrastive_options* options = nullptr;
  const lsm_shard* shard = nullptr;
  bool is_cwcl = false;
  bool sharded = false;
  bool statistics = false;  // sharded: the first half
  lsm_input x = nullptr, y = nullptr;
  lsm_input reference = nullptr, reference_y = nullptr, weights = nullptr;
  lsm_input log_scale = nullptr, bias = nullptr;
  lsm_input row_weight = nullptr, upstream = nullptr, ignore = nullptr;
  // merged statistics of the sharded gradients
  lsm_input row_lse = nullptr, column_lse = nullptr, weight_sum = nullptr;
  // outputs
  lsm_output loss = nullptr, row_loss = nullptr;
  lsm_output grad_x = nullptr, grad_y = nullptr, grad_log_scale = nullptr, grad_bias = nullptr;
  lsm_output row_lse_out = nullptr, column_lse_out = nullptr, weight_sum_out = nullptr;
};

enum class Target { pair, low_rank, dense };

struct ContrastiveCall {
  lsm_contrastive_options options{};
  lsm_shard shard{};  // of a whole call: offsets 0, all rows and columns
  Target target = Target::pair;
  bool given_statistics = false;  // sharded gradients
  bool only_statistics = false;   // sharded statistics
  bool own_candidates_reference = false;

  View x, y, reference, reference_y, weights;
  View log_scale, bias, row_weight, upstream, ignore;
  View row_lse, column_lse, weight_sum;
  View loss, row_loss, grad_x, grad_y, grad_log_scale, grad_bias;

  std::int64_t n = 0, m = 0, d = 0, r = 0;  // rows and columns of this shard

  bool both_directions() const { return options.column_coefficient != 0; }
  bool wants_gradients() const {
    return grad_x.present() || grad_y.present() || grad_log_scale.present() || grad_bias.present();
  }
  // Whether the second sweep runs. A shard's loss needs it too: nobody has seen its pairs before.
  bool sweeps_coefficients() const {
    return wants_gradients() || (given_statistics && wants_loss());
  }
  bool wants_loss() const { return loss.present() || row_loss.present(); }

  // min(exp(log_scale), max_scale), and whether the clamp is active. Reads log_scale: CPU only.
  double scale(bool* clamped) const;
};

// Throws on the first argument that is not as the header demands. Writes nothing.
ContrastiveCall validate(const ContrastiveArguments& arguments, const lsm_device& device);

// Checks hyperparameters alone.
void validate_options(const lsm_contrastive_options* options);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_CONTRASTIVE_CALL_H_
