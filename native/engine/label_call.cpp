#include "engine/label_call.h"

#include <cmath>
#include <string>

#include "core/status.h"
#include "engine/demands.h"

namespace lossmith {
namespace {

void take_matrices(const LabelArguments& a, const lsm_device& device, LabelCall& c) {
  c.x = view_of(a.x, "x", device);
  expect_floating(c.x, "x");
  expect_shape(c.x, "x", -1, -1);
  c.n = c.x.shape[0];
  c.labels = optional_view_of(a.labels, "labels", device);
  if (c.labels.present()) {
    c.d = c.x.shape[1];
    if (c.d < 1) reject("x", "[n,d] with d >= 1", shape_text(c.x.shape, 2));
    expect_type(c.labels, "labels", c.x.type, c.x.type);
    expect_shape(c.labels, "labels", -1, c.d);
    c.l = c.labels.shape[0];
  } else {
    c.l = c.x.shape[1];
    if (c.options.normalize_x != 0 || c.options.normalize_labels != 0) {
      reject("normalize", "0 where labels is NULL", 1);
    }
  }
  c.candidates = optional_view_of(a.candidates, "candidates", device);
  c.columns = c.l;
  if (c.candidates.present()) {
    expect_type(c.candidates, "candidates", Type::i64, Type::i64);
    expect_vector(c.candidates, "candidates", -1);
    c.columns = c.candidates.shape[0];
    if (c.columns > c.l) {
      reject("candidates", "at most " + std::to_string(c.l) + " ids", c.columns);
    }
  }
}

void take_truth(const LabelArguments& a, const lsm_device& device, LabelCall& c) {
  c.positives =
      take_sets(a.positive_offsets, a.positive_ids, a.positive_values, kPositiveNames, c.n, device);
  c.ignored = take_sets(a.ignored_offsets, a.ignored_ids, nullptr, kIgnoredNames, c.n, device);
  c.target = optional_view_of(a.target, "target", device);
  c.soft_target = optional_view_of(a.soft_target, "soft_target", device);
  const bool ce = c.is_loss(LSM_SOFTMAX_CE);
  if (!ce) {
    if (!c.positives.present()) reject("positive_offsets", "the positives of every row", "NULL");
    if (c.target.present()) reject("target", "NULL for a loss with positives", "a tensor");
    if (c.soft_target.present())
      reject("soft_target", "NULL for a loss with positives", "a tensor");
    return;
  }
  if (c.positives.present()) reject("positive_offsets", "NULL for softmax CE", "a tensor");
  if (c.target.present() == c.soft_target.present()) {
    reject("target", "exactly one of target and soft_target",
           c.target.present() ? "both" : "neither");
  }
  if (c.target.present()) {
    expect_type(c.target, "target", Type::i32, Type::i64);
    expect_vector(c.target, "target", c.n);
  } else {
    expect_floating(c.soft_target, "soft_target");
    expect_shape(c.soft_target, "soft_target", c.n, c.l);
  }
}

void take_vectors(const LabelArguments& a, const lsm_device& device, LabelCall& c) {
  c.k_rows = optional_view_of(a.k_rows, "k_rows", device);
  c.log_scale = optional_view_of(a.log_scale, "log_scale", device);
  c.bias = optional_view_of(a.bias, "bias", device);
  c.class_weight = optional_view_of(a.class_weight, "class_weight", device);
  c.row_weight = optional_view_of(a.row_weight, "row_weight", device);
  c.upstream = optional_view_of(a.upstream, "upstream", device);
  if (c.k_rows.present()) {
    if (!c.is_loss(LSM_SOFT_TOP_K) || c.options.k != 0) {
      reject("k_rows", "NULL unless the loss is soft top-k with k = 0", "a tensor");
    }
    expect_type(c.k_rows, "k_rows", Type::i32, Type::i64);
    expect_vector(c.k_rows, "k_rows", c.n);
  }
  expect_vector_type(c.log_scale, "log_scale");
  expect_vector_type(c.bias, "bias");
  expect_vector_type(c.class_weight, "class_weight");
  expect_vector_type(c.row_weight, "row_weight");
  expect_vector_type(c.upstream, "upstream");
  if (c.log_scale.present()) expect_scalar(c.log_scale, "log_scale");
  if (c.bias.present()) expect_vector_or_scalar(c.bias, "bias", c.l);
  if (c.class_weight.present()) {
    if (!c.is_loss(LSM_SOFTMAX_CE)) {
      reject("class_weight", "NULL unless the loss is softmax CE", "a tensor");
    }
    expect_vector(c.class_weight, "class_weight", c.l);
  }
  if (c.row_weight.present()) expect_vector(c.row_weight, "row_weight", c.n);
  if (!c.upstream.present()) return;
  if (c.options.reduction == LSM_NONE) {
    expect_vector(c.upstream, "upstream", c.n);
  } else {
    expect_scalar(c.upstream, "upstream");
  }
}

void take_gradient(const View& gradient, const View& of, const char* name) {
  if (!gradient.present()) return;
  expect_type(gradient, name, of.type, Type::f32);
  expect_shape(gradient, name, of.shape[0], of.shape[1]);
  expect_separate_rows(gradient, name);
}

void take_outputs(const LabelArguments& a, const lsm_device& device, LabelCall& c) {
  c.loss = optional_view_of(a.loss, "loss", device);
  c.row_loss = optional_view_of(a.row_loss, "row_loss", device);
  c.threshold = optional_view_of(a.threshold, "threshold", device);
  c.grad_x = optional_view_of(a.grad_x, "grad_x", device);
  c.grad_labels = optional_view_of(a.grad_labels, "grad_labels", device);
  c.grad_log_scale = optional_view_of(a.grad_log_scale, "grad_log_scale", device);
  c.grad_bias = optional_view_of(a.grad_bias, "grad_bias", device);
  expect_vector_type(c.loss, "loss");
  expect_vector_type(c.row_loss, "row_loss");
  expect_vector_type(c.threshold, "threshold");
  expect_vector_type(c.grad_log_scale, "grad_log_scale");
  expect_vector_type(c.grad_bias, "grad_bias");
  if (c.loss.present()) {
    if (c.options.reduction == LSM_NONE) {
      reject("loss", "NULL with reduction none (row_loss holds the losses)", "a tensor");
    }
    expect_scalar(c.loss, "loss");
  }
  if (c.row_loss.present()) expect_output_vector(c.row_loss, "row_loss", c.n);
  if (c.threshold.present()) {
    if (!c.is_loss(LSM_SOFT_TOP_K)) {
      reject("threshold", "NULL unless the loss is soft top-k", "a tensor");
    }
    expect_output_vector(c.threshold, "threshold", c.n);
  }
  take_gradient(c.grad_x, c.x, "grad_x");
  if (c.grad_labels.present() && c.given_products()) {
    reject("grad_labels", "NULL where labels is NULL", "a tensor");
  }
  take_gradient(c.grad_labels, c.labels, "grad_labels");
  if (c.grad_log_scale.present()) expect_scalar(c.grad_log_scale, "grad_log_scale");
  if (c.grad_bias.present()) {
    if (!c.bias.present()) reject("grad_bias", "NULL where bias is NULL", "a tensor");
    expect_output_vector(c.grad_bias, "grad_bias", c.bias.elements());
  }
}

void take_update(const LabelArguments& a, const lsm_device& device, LabelCall& c) {
  if (a.update == nullptr) {
    if (a.update_state != nullptr) reject("update_state", "NULL without update", "a tensor");
    if (a.new_labels != nullptr) reject("new_labels", "NULL without update", "a tensor");
    return;
  }
  if (c.given_products()) reject("update", "NULL where labels is NULL", "an update");
  if (c.grad_labels.present()) reject("grad_labels", "NULL with update", "a tensor");
  c.update.options = *a.update;
  c.update.weights = c.labels;
  c.update.state = optional_view_of(a.update_state, "update_state", device);
  c.update.new_weights = view_of(a.new_labels, "new_labels", device);
  expect_update(c.update.options, c.labels, c.update.state, c.update.new_weights, "labels",
                "update_state", "new_labels");
}

void expect_option(bool holds, const char* name, const char* expected, double got) {
  if (!holds) reject(name, expected, got);
}

}  // namespace

IdSets take_sets(lsm_input offsets, lsm_input ids, lsm_input values, const SetNames& names,
                 std::int64_t n, const lsm_device& device) {
  const auto beside = [](const char* other) { return std::string("a tensor beside ") + other; };
  IdSets sets;
  sets.offsets = optional_view_of(offsets, names.offsets, device);
  sets.ids = optional_view_of(ids, names.ids, device);
  sets.values = optional_view_of(values, names.values, device);
  if (!sets.offsets.present()) {
    if (sets.ids.present()) reject(names.offsets, beside(names.ids), "NULL");
    if (sets.values.present()) reject(names.offsets, beside(names.values), "NULL");
    return sets;
  }
  if (!sets.ids.present()) reject(names.ids, beside(names.offsets), "NULL");
  expect_type(sets.offsets, names.offsets, Type::i64, Type::i64);
  expect_vector(sets.offsets, names.offsets, n + 1);
  expect_type(sets.ids, names.ids, Type::i32, Type::i64);
  expect_vector(sets.ids, names.ids, -1);
  if (sets.values.present()) {
    expect_vector_type(sets.values, names.values);
    expect_vector(sets.values, names.values, sets.ids.shape[0]);
  }
  return sets;
}

void validate_options(const lsm_label_options* options) {
  if (options == nullptr) reject("options", "hyperparameters", "NULL");
  const lsm_label_options& o = *options;
  if (o.loss < LSM_DECOUPLED_SOFTMAX || o.loss > LSM_SOFTMAX_CE) {
    reject("loss kind", "LSM_DECOUPLED_SOFTMAX to LSM_SOFTMAX_CE", o.loss);
  }
  if (o.reduction != LSM_MEAN && o.reduction != LSM_SUM && o.reduction != LSM_NONE) {
    reject("reduction", "LSM_MEAN, LSM_SUM or LSM_NONE", o.reduction);
  }
  expect_option(std::isfinite(o.temperature) && o.temperature > 0, "temperature",
                "a finite number > 0", o.temperature);
  expect_option(o.max_scale > 0, "max_scale", "a number > 0 or infinity", o.max_scale);
  expect_not_negative(o.softcap, "softcap");
  expect_flag(o.normalize_x, "normalize_x");
  expect_flag(o.normalize_labels, "normalize_labels");
  expect_flag(o.average, "average");
  expect_flag(o.weighted, "weighted");
  expect_flag(o.plain, "plain");
  if (o.sample < 0) reject("sample", "a number of positives >= 0", o.sample);
  expect_option(std::isfinite(o.alpha) && o.alpha > 0, "alpha", "a finite number > 0", o.alpha);
  if (o.k < 0) reject("k", ">= 0", o.k);
  if (o.plan != LSM_PLAN_AUTO && o.plan != LSM_PLAN_STORE && o.plan != LSM_PLAN_RECOMPUTE) {
    reject("plan", "LSM_PLAN_AUTO, LSM_PLAN_STORE or LSM_PLAN_RECOMPUTE", o.plan);
  }
  expect_option(o.label_smoothing >= 0 && o.label_smoothing < 1, "label_smoothing", "0 <= e < 1",
                o.label_smoothing);
  expect_not_negative(o.z_weight, "z_weight");
  expect_not_negative(o.filter, "filter");
}

LabelCall validate(const LabelArguments& arguments, const lsm_device& device) {
  validate_options(arguments.options);
  LabelCall call;
  call.options = *arguments.options;
  take_matrices(arguments, device, call);
  take_truth(arguments, device, call);
  take_vectors(arguments, device, call);
  take_outputs(arguments, device, call);
  take_update(arguments, device, call);
  // A step in place is the one case where an output may be an input.
  View nothing;
  const bool in_place =
      call.update.present() && same_elements(call.labels, call.update.new_weights);
  const View& labels = in_place ? nothing : call.labels;
  expect_disjoint_outputs({{"x", &call.x, false},
                           {"labels", &labels, false},
                           {"positive_offsets", &call.positives.offsets, false},
                           {"positive_ids", &call.positives.ids, false},
                           {"positive_values", &call.positives.values, false},
                           {"target", &call.target, false},
                           {"soft_target", &call.soft_target, false},
                           {"ignored_offsets", &call.ignored.offsets, false},
                           {"ignored_ids", &call.ignored.ids, false},
                           {"candidates", &call.candidates, false},
                           {"k_rows", &call.k_rows, false},
                           {"log_scale", &call.log_scale, false},
                           {"bias", &call.bias, false},
                           {"class_weight", &call.class_weight, false},
                           {"row_weight", &call.row_weight, false},
                           {"upstream", &call.upstream, false},
                           {"loss", &call.loss, true},
                           {"row_loss", &call.row_loss, true},
                           {"threshold", &call.threshold, true},
                           {"grad_x", &call.grad_x, true},
                           {"grad_labels", &call.grad_labels, true},
                           {"grad_log_scale", &call.grad_log_scale, true},
                           {"grad_bias", &call.grad_bias, true},
                           {"update_state", &call.update.state, true},
                           {"new_labels", &call.update.new_weights, true}});
  return call;
}

}  // namespace lossmith
