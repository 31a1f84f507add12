#include "engine/contrastive_call.h"

#include <cmath>
#include <string>

#include "core/status.h"
#include "engine/demands.h"

namespace lossmith {
namespace {

// ---- parts of the call --------------------------------------------------------------------

void take_embeddings(const ContrastiveArguments& a, const lsm_device& device, ContrastiveCall& c) {
  c.x = view_of(a.x, "x", device);
  expect_floating(c.x, "x");
  expect_shape(c.x, "x", -1, -1);
  c.y = view_of(a.y, "y", device);
  c.n = c.x.shape[0];
  c.d = c.x.shape[1];
  if (c.d < 1) reject("x", "[n,d] with d >= 1", shape_text(c.x.shape, 2));
  expect_type(c.y, "y", c.x.type, c.x.type);
  expect_shape(c.y, "y", -1, c.d);
  c.m = c.y.shape[0];
}

void take_shard(const ContrastiveArguments& a, ContrastiveCall& c) {
  if (!a.sharded) {
    if (c.m < c.n) {
      reject("y", "[m," + std::to_string(c.d) + "] with m >= " + std::to_string(c.n),
             shape_text(c.y.shape, 2));
    }
    c.shard = {0, 0, c.n, c.m};
    return;
  }
  if (a.shard == nullptr) reject("shard", "a shard", "NULL");
  c.shard = *a.shard;
  const auto inside = [](const char* name, std::int64_t offset, std::int64_t count,
                         std::int64_t all) {
    if (offset < 0 || count > all || offset > all - count) {
      reject(name, "a block inside 0.." + std::to_string(all),
             std::to_string(count) + " from " + std::to_string(offset));
    }
  };
  if (c.shard.rows < 0 || c.shard.columns < c.shard.rows) {
    reject("shard", "columns >= rows >= 0",
           "rows " + std::to_string(c.shard.rows) + ", columns " + std::to_string(c.shard.columns));
  }
  inside("shard rows", c.shard.row_offset, c.n, c.shard.rows);
  inside("shard columns", c.shard.column_offset, c.m, c.shard.columns);
}

void take_weights(const ContrastiveArguments& a, const lsm_device& device, ContrastiveCall& c) {
  if (!a.is_cwcl) return;
  c.reference = optional_view_of(a.reference, "reference", device);
  c.reference_y = optional_view_of(a.reference_y, "reference_y", device);
  c.weights = optional_view_of(a.weights, "weights", device);
  if (c.reference.present() == c.weights.present()) {
    reject("reference", "exactly one of reference and weights",
           c.reference.present() ? "both" : "neither");
  }
  if (c.weights.present()) {
    if (c.reference_y.present()) reject("reference_y", "NULL together with weights", "a tensor");
    expect_floating(c.weights, "weights");
    expect_shape(c.weights, "weights", c.n, c.m);
    c.target = Target::dense;
    return;
  }
  c.target = Target::low_rank;
  expect_floating(c.reference, "reference");
  expect_shape(c.reference, "reference", c.n, -1);
  c.r = c.reference.shape[1];
  if (c.r < 1) reject("reference", "[n,r] with r >= 1", shape_text(c.reference.shape, 2));
  c.own_candidates_reference = c.reference_y.present();
  if (c.reference_y.present()) {
    expect_floating(c.reference_y, "reference_y");
    expect_shape(c.reference_y, "reference_y", c.m, c.r);
    return;
  }
  const bool same_rows = c.n == c.m && c.shard.row_offset == c.shard.column_offset;
  if (!same_rows) {
    reject("reference_y",
           "[" + std::to_string(c.m) + "," + std::to_string(c.r) +
               "], because rows and candidates differ",
           "NULL");
  }
  c.reference_y = c.reference;
}

void take_vectors(const ContrastiveArguments& a, const lsm_device& device, ContrastiveCall& c) {
  const std::int64_t rows = c.shard.rows;
  c.log_scale = optional_view_of(a.log_scale, "log_scale", device);
  c.bias = optional_view_of(a.bias, "bias", device);
  c.row_weight = optional_view_of(a.row_weight, "row_weight", device);
  c.upstream = optional_view_of(a.upstream, "upstream", device);
  c.ignore = optional_view_of(a.ignore, "ignore", device);
  expect_vector_type(c.log_scale, "log_scale");
  expect_vector_type(c.bias, "bias");
  expect_vector_type(c.row_weight, "row_weight");
  expect_vector_type(c.upstream, "upstream");
  if (c.log_scale.present()) expect_scalar(c.log_scale, "log_scale");
  if (c.bias.present()) expect_vector_or_scalar(c.bias, "bias", c.m);
  if (c.row_weight.present()) {
    expect_vector(c.row_weight, "row_weight", rows);
    // A device's memory cannot be read without waiting for it: its kernels answer with NaN.
    if (device.type == LSM_CPU) expect_finite(c.row_weight, "row_weight");
  }
  if (c.upstream.present()) {
    if (c.options.reduction == LSM_NONE) {
      expect_vector(c.upstream, "upstream", rows);
    } else {
      expect_scalar(c.upstream, "upstream");
    }
  }
  if (c.ignore.present()) {
    expect_type(c.ignore, "ignore", Type::u8, Type::u8);
    expect_vector(c.ignore, "ignore", rows);
  }
}

void take_outputs(const ContrastiveArguments& a, const lsm_device& device, ContrastiveCall& c) {
  c.loss = optional_view_of(a.loss, "loss", device);
  c.row_loss = optional_view_of(a.row_loss, "row_loss", device);
  c.grad_x = optional_view_of(a.grad_x, "grad_x", device);
  c.grad_y = optional_view_of(a.grad_y, "grad_y", device);
  c.grad_log_scale = optional_view_of(a.grad_log_scale, "grad_log_scale", device);
  c.grad_bias = optional_view_of(a.grad_bias, "grad_bias", device);
  expect_vector_type(c.loss, "loss");
  expect_vector_type(c.row_loss, "row_loss");
  expect_vector_type(c.grad_log_scale, "grad_log_scale");
  expect_vector_type(c.grad_bias, "grad_bias");
  if (c.loss.present()) {
    if (c.options.reduction == LSM_NONE) {
      reject("loss", "NULL with reduction none (row_loss holds the losses)", "a tensor");
    }
    expect_scalar(c.loss, "loss");
  }
  if (c.row_loss.present()) expect_output_vector(c.row_loss, "row_loss", c.shard.rows);
  if (c.grad_x.present()) {
    expect_type(c.grad_x, "grad_x", c.x.type, Type::f32);
    expect_shape(c.grad_x, "grad_x", c.n, c.d);
    expect_separate_rows(c.grad_x, "grad_x");
  }
  if (c.grad_y.present()) {
    expect_type(c.grad_y, "grad_y", c.y.type, Type::f32);
    expect_shape(c.grad_y, "grad_y", c.m, c.d);
    expect_separate_rows(c.grad_y, "grad_y");
  }
  if (c.grad_log_scale.present()) expect_scalar(c.grad_log_scale, "grad_log_scale");
  if (c.grad_bias.present()) {
    if (!c.bias.present()) reject("grad_bias", "NULL where bias is NULL", "a tensor");
    expect_output_vector(c.grad_bias, "grad_bias", c.bias.elements());
  }
}

void take_statistics(const ContrastiveArguments& a, const lsm_device& device, ContrastiveCall& c) {
  c.only_statistics = a.statistics;
  c.given_statistics = a.sharded && !c.only_statistics;
  if (!a.sharded) return;
  const bool out = c.only_statistics;
  c.row_lse = view_of(out ? a.row_lse_out : a.row_lse, "row_lse", device);
  expect_vector_type(c.row_lse, "row_lse");
  expect_vector(c.row_lse, "row_lse", c.n);
  if (c.both_directions()) {
    c.column_lse = view_of(out ? a.column_lse_out : a.column_lse, "column_lse", device);
    expect_vector_type(c.column_lse, "column_lse");
    expect_vector(c.column_lse, "column_lse", c.m);
  }
  if (a.is_cwcl) {
    c.weight_sum = view_of(out ? a.weight_sum_out : a.weight_sum, "weight_sum", device);
    expect_vector_type(c.weight_sum, "weight_sum");
    expect_vector(c.weight_sum, "weight_sum", c.n);
  }
}

}  // namespace

void validate_options(const lsm_contrastive_options* options) {
  if (options == nullptr) reject("options", "hyperparameters", "NULL");
  const lsm_contrastive_options& o = *options;
  if (!(std::isfinite(o.temperature) && o.temperature > 0)) {
    reject("temperature", "a finite number > 0", o.temperature);
  }
  if (!(o.max_scale > 0)) reject("max_scale", "a number > 0 or infinity", o.max_scale);
  expect_not_negative(o.row_coefficient, "row_coefficient");
  expect_not_negative(o.column_coefficient, "column_coefficient");
  if (!(o.label_smoothing >= 0 && o.label_smoothing < 1)) {
    reject("label_smoothing", "0 <= e < 1", o.label_smoothing);
  }
  expect_flag(o.normalize, "normalize");
  expect_flag(o.normalize_reference, "normalize_reference");
  if (o.reduction != LSM_MEAN && o.reduction != LSM_SUM && o.reduction != LSM_NONE) {
    reject("reduction", "LSM_MEAN, LSM_SUM or LSM_NONE", o.reduction);
  }
  if (o.plan != LSM_PLAN_AUTO && o.plan != LSM_PLAN_STORE && o.plan != LSM_PLAN_RECOMPUTE) {
    reject("plan", "LSM_PLAN_AUTO, LSM_PLAN_STORE or LSM_PLAN_RECOMPUTE", o.plan);
  }
}

double ContrastiveCall::scale(bool* clamped) const {
  const double free =
      log_scale.present() ? std::exp(element(log_scale, 0)) : 1.0 / options.temperature;
  *clamped = free > options.max_scale;
  return *clamped ? options.max_scale : free;
}

ContrastiveCall validate(const ContrastiveArguments& arguments, const lsm_device& device) {
  validate_options(arguments.options);
  ContrastiveCall call;
  call.options = *arguments.options;
  take_embeddings(arguments, device, call);
  take_shard(arguments, call);
  take_weights(arguments, device, call);
  take_vectors(arguments, device, call);
  take_statistics(arguments, device, call);
  take_outputs(arguments, device, call);
  const bool statistics_out = call.only_statistics;
  expect_disjoint_outputs({{"x", &call.x, false},
                           {"y", &call.y, false},
                           {"reference", &call.reference, false},
                           {"reference_y", &call.reference_y, false},
                           {"weights", &call.weights, false},
                           {"log_scale", &call.log_scale, false},
                           {"bias", &call.bias, false},
                           {"row_weight", &call.row_weight, false},
                           {"upstream", &call.upstream, false},
                           {"ignore", &call.ignore, false},
                           {"row_lse", &call.row_lse, statistics_out},
                           {"column_lse", &call.column_lse, statistics_out},
                           {"weight_sum", &call.weight_sum, statistics_out},
                           {"loss", &call.loss, true},
                           {"row_loss", &call.row_loss, true},
                           {"grad_x", &call.grad_x, true},
                           {"grad_y", &call.grad_y, true},
                           {"grad_log_scale", &call.grad_log_scale, true},
                           {"grad_bias", &call.grad_bias, true}});
  return call;
}

}  // namespace lossmith
