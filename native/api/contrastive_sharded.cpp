#include "lossmith/contrastive_sharded.h"

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

using lossmith::ContrastiveArguments;
using lossmith::ContrastiveCall;
using lossmith::guard;
using lossmith::Lease;
using lossmith::reject;
using lossmith::View;

namespace {

lsm_status run(lsm_context context, ContrastiveArguments arguments) {
  arguments.sharded = true;
  return guard([&] {
    const Lease lease(context);
    const ContrastiveCall call = lossmith::validate(arguments, lease->device);
    lease->backend.run_contrastive(call, *lease);
  });
}

}  // namespace

extern "C" lsm_status lsm_infonce_statistics(lsm_context context,
                                             const lsm_contrastive_options* options,
                                             const lsm_shard* shard, lsm_input x, lsm_input y,
                                             lsm_input log_scale, lsm_input bias,
                                             lsm_output row_lse, lsm_output column_lse) {
  ContrastiveArguments a;
  a.statistics = true;
  a.options = options;
  a.shard = shard;
  a.x = x;
  a.y = y;
  a.log_scale = log_scale;
  a.bias = bias;
  a.row_lse_out = row_lse;
  a.column_lse_out = column_lse;
  return run(context, a);
}

extern "C" lsm_status lsm_cwcl_statistics(lsm_context context,
                                          const lsm_contrastive_options* options,
                                          const lsm_shard* shard, lsm_input x, lsm_input y,
                                          lsm_input reference, lsm_input reference_y,
                                          lsm_input weights, lsm_input log_scale, lsm_input bias,
                                          lsm_output row_lse, lsm_output column_lse,
                                          lsm_output weight_sum) {
  ContrastiveArguments a;
  a.statistics = true;
  a.is_cwcl = true;
  a.options = options;
  a.shard = shard;
  a.x = x;
  a.y = y;
  a.reference = reference;
  a.reference_y = reference_y;
  a.weights = weights;
  a.log_scale = log_scale;
  a.bias = bias;
  a.row_lse_out = row_lse;
  a.column_lse_out = column_lse;
  a.weight_sum_out = weight_sum;
  return run(context, a);
}

extern "C" lsm_status lsm_merge_logsumexp(lsm_context context, lsm_input parts,
                                          lsm_output merged_out) {
  return guard([&] {
    const Lease lease(context);
    const View from = lossmith::view_of(parts, "parts", lease->device);
    const View to = lossmith::view_of(merged_out, "merged", lease->device);
    lossmith::expect_type(from, "parts", lossmith::Type::f32, lossmith::Type::f64);
    lossmith::expect_type(to, "merged", lossmith::Type::f32, lossmith::Type::f64);
    if (from.ndim != 2) reject("parts", "[k,n]", lossmith::shape_text(from.shape, from.ndim));
    lossmith::expect_vector(to, "merged", from.shape[1]);
    lease->backend.merge_logsumexp(*lease, from, to);
  });
}

extern "C" lsm_status lsm_infonce_gradients(
    lsm_context context, const lsm_contrastive_options* options, const lsm_shard* shard,
    lsm_input x, lsm_input y, lsm_input log_scale, lsm_input bias, lsm_input row_weight,
    lsm_input upstream, lsm_input row_lse, lsm_input column_lse, lsm_output loss,
    lsm_output row_loss, lsm_output grad_x, lsm_output grad_y, lsm_output grad_log_scale,
    lsm_output grad_bias) {
  ContrastiveArguments a;
  a.options = options;
  a.shard = shard;
  a.x = x;
  a.y = y;
  a.log_scale = log_scale;
  a.bias = bias;
  a.row_weight = row_weight;
  a.upstream = upstream;
  a.row_lse = row_lse;
  a.column_lse = column_lse;
  a.loss = loss;
  a.row_loss = row_loss;
  a.grad_x = grad_x;
  a.grad_y = grad_y;
  a.grad_log_scale = grad_log_scale;
  a.grad_bias = grad_bias;
  return run(context, a);
}

extern "C" lsm_status lsm_cwcl_gradients(
    lsm_context context, const lsm_contrastive_options* options, const lsm_shard* shard,
    lsm_input x, lsm_input y, lsm_input reference, lsm_input reference_y, lsm_input weights,
    lsm_input log_scale, lsm_input bias, lsm_input row_weight, lsm_input upstream,
    lsm_input row_lse, lsm_input column_lse, lsm_input weight_sum, lsm_output loss,
    lsm_output row_loss, lsm_output grad_x, lsm_output grad_y, lsm_output grad_log_scale,
    lsm_output grad_bias) {
  ContrastiveArguments a;
  a.is_cwcl = true;
  a.options = options;
  a.shard = shard;
  a.x = x;
  a.y = y;
  a.reference = reference;
  a.reference_y = reference_y;
  a.weights = weights;
  a.log_scale = log_scale;
  a.bias = bias;
  a.row_weight = row_weight;
  a.upstream = upstream;
  a.row_lse = row_lse;
  a.column_lse = column_lse;
  a.weight_sum = weight_sum;
  a.loss = loss;
  a.row_loss = row_loss;
  a.grad_x = grad_x;
  a.grad_y = grad_y;
  a.grad_log_scale = grad_log_scale;
  a.grad_bias = grad_bias;
  return run(context, a);
}
