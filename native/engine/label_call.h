// One validated call of a label loss: what every backend starts from.
#ifndef LOSSMITH_ENGINE_LABEL_CALL_H_
#define LOSSMITH_ENGINE_LABEL_CALL_H_

#include <cstdint>

#include "core/tensor.h"
#include "engine/update_call.h"
#include "lossmith/labels.h"

namespace lossmith {

// The pointers of lsm_label_loss, by the names of the header.
struct LabelArguments {
  const lsm_label_options* options = nullptr;
  lsm_input x = nullptr, labels = nullptr;
  lsm_input positive_offsets = nullptr, positive_ids = nullptr, positive_values = nullptr;
  lsm_input target = nullptr, soft_target = nullptr;
  lsm_input ignored_offsets = nullptr, ignored_ids = nullptr, candidates = nullptr;
  lsm_input k_rows = nullptr, log_scale = nullptr, bias = nullptr, class_weight = nullptr;
  lsm_input row_weight = nullptr, upstream = nullptr;
  lsm_output loss = nullptr, row_loss = nullptr, threshold = nullptr;
  lsm_output grad_x = nullptr, grad_labels = nullptr;
  lsm_output grad_log_scale = nullptr, grad_bias = nullptr;
  const lsm_update_options* update = nullptr;
  lsm_output update_state = nullptr, new_labels = nullptr;
};

// Sets of ids per row.
struct IdSets {
  View offsets, ids, values;
  bool present() const { return offsets.present(); }
};

struct LabelCall {
  lsm_label_options options{};
  UpdateCall update;  // present: labels are stepped in the same pass

  View x, labels;  // labels not present: x [n,l] holds the products
  IdSets positives, ignored;
  View target, soft_target, candidates, k_rows;
  View log_scale, bias, class_weight, row_weight, upstream;
  View loss, row_loss, threshold, grad_x, grad_labels, grad_log_scale, grad_bias;

  std::int64_t n = 0, l = 0, d = 0;  // d = 0: given products
  std::int64_t columns = 0;          // labels that take part: candidates, or all

  bool given_products() const { return !labels.present(); }
  bool is_loss(std::int32_t kind) const { return options.loss == kind; }
  // Whether the labels' gradient is made, for an output or for a step.
  bool wants_label_gradient() const { return grad_labels.present() || update.present(); }
  bool wants_gradients() const {
    return grad_x.present() || wants_label_gradient() || grad_log_scale.present() ||
           grad_bias.present();
  }
  // Whether the positives are kept out of the sum over the labels.
  bool excludes_positives() const { return is_loss(LSM_DECOUPLED_SOFTMAX); }
};

// What the tensors of sets are called, as text that needs no memory: a warm call takes none.
struct SetNames {
  const char *offsets, *ids, *values;
};
constexpr SetNames kPositiveNames = {"positive_offsets", "positive_ids", "positive_values"};
constexpr SetNames kIgnoredNames = {"ignored_offsets", "ignored_ids", "ignored_values"};

// The tensors of one set per row; NULL offsets give none. Their values are not looked at.
IdSets take_sets(lsm_input offsets, lsm_input ids, lsm_input values, const SetNames& names,
                 std::int64_t n, const lsm_device& device);

// Throws on the first argument that is not as the header demands, values of tensors apart (the CPU
// backend checks those, kernels answer with NaN). Writes nothing.
LabelCall validate(const LabelArguments& arguments, const lsm_device& device);

void validate_options(const lsm_label_options* options);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_LABEL_CALL_H_
