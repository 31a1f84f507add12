#include "lossmith/labels.h"

#include <limits>

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

using lossmith::guard;
using lossmith::LabelArguments;
using lossmith::LabelCall;
using lossmith::Lease;
using lossmith::reject;

extern "C" void lsm_label_defaults(int32_t loss, lsm_label_options* options) {
  if (options == nullptr) return;
  *options = lsm_label_options{};
  options->loss = loss;
  options->temperature = 1;
  options->max_scale = std::numeric_limits<double>::infinity();
  options->average = loss == LSM_DECOUPLED_SOFTMAX || loss == LSM_SOFT_TOP_K;
  options->alpha = 2;
  options->k = 5;
  options->ignore_index = -100;
}

extern "C" lsm_status lsm_label_loss(
    lsm_context context, const lsm_label_options* options, lsm_input x, lsm_input labels,
    lsm_input positive_offsets, lsm_input positive_ids, lsm_input positive_values, lsm_input target,
    lsm_input soft_target, lsm_input ignored_offsets, lsm_input ignored_ids, lsm_input candidates,
    lsm_input k_rows, lsm_input log_scale, lsm_input bias, lsm_input class_weight,
    lsm_input row_weight, lsm_input upstream, lsm_output loss, lsm_output row_loss,
    lsm_output threshold, lsm_output grad_x, lsm_output grad_labels, lsm_output grad_log_scale,
    lsm_output grad_bias, const lsm_update_options* update, lsm_output update_state,
    lsm_output new_labels) {
  return guard([&] {
    const Lease lease(context);
    // In the order of the struct, which is that of the parameters.
    const LabelArguments arguments = {options,         x,
                                      labels,          positive_offsets,
                                      positive_ids,    positive_values,
                                      target,          soft_target,
                                      ignored_offsets, ignored_ids,
                                      candidates,      k_rows,
                                      log_scale,       bias,
                                      class_weight,    row_weight,
                                      upstream,        loss,
                                      row_loss,        threshold,
                                      grad_x,          grad_labels,
                                      grad_log_scale,  grad_bias,
                                      update,          update_state,
                                      new_labels};
    const LabelCall call = lossmith::validate(arguments, lease->device);
    lease->backend.run_labels(call, *lease);
  });
}

extern "C" lsm_status lsm_label_describe_plan(lsm_context context, const lsm_label_options* options,
                                              uint8_t code, uint8_t bits, int64_t n, int64_t l,
                                              int64_t d, int32_t gradients,
                                              lsm_contrastive_plan* plan) {
  return guard([&] {
    const Lease lease(context);
    if (plan == nullptr) reject("plan", "a place for the result", "NULL");
    if (d < 0) reject("d", ">= 0", d);
    if (gradients < 0 || gradients > 2) reject("gradients", "0, 1 or 2", gradients);
    lossmith::validate_options(options);
    const lossmith::Type type = lossmith::type_of({code, bits, 1}, "dtype");
    if (!lossmith::is_floating(type)) {
      reject("dtype", "f32, bf16, f16 or f64", lossmith::name_of(type));
    }
    // Views of the right shapes and no data: planning reads none.
    static char nothing[1];
    const auto matrix = [&](int64_t rows, int64_t columns) {
      int64_t shape[2] = {rows, columns};
      lsm_tensor t{};
      t.data = nothing;
      t.device = lease->device;
      t.ndim = 2;
      t.dtype = {code, bits, 1};
      t.shape = shape;
      return lossmith::view_of(&t, rows == n ? "n" : "l", lease->device);
    };
    LabelCall call;
    call.options = *options;
    call.x = matrix(n, d > 0 ? d : l);
    if (d > 0) call.labels = matrix(l, d);
    call.n = n;
    call.l = call.columns = l;
    call.d = d;
    if (gradients != 0) call.grad_x = call.x;
    if (gradients == 1) call.grad_labels = call.labels;
    if (gradients == 2) call.update.new_weights = call.update.weights = call.labels;
    call.loss = call.x;
    *plan = lease->backend.plan_labels(call, *lease);
  });
}
