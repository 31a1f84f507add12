#include "lossmith/contrastive.h"

#include <limits>
#include <string>

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

using lossmith::ContrastiveArguments;
using lossmith::ContrastiveCall;
using lossmith::guard;
using lossmith::Lease;
using lossmith::reject;

namespace {

lsm_status run(lsm_context context, const ContrastiveArguments& arguments) {
  return guard([&] {
    const Lease lease(context);
    const ContrastiveCall call = lossmith::validate(arguments, lease->device);
    lease->backend.run_contrastive(call, *lease);
  });
}

}  // namespace

extern "C" void lsm_infonce_defaults(lsm_contrastive_options* options) {
  if (options == nullptr) return;
  *options = lsm_contrastive_options{};
  options->temperature = 0.07;
  options->max_scale = std::numeric_limits<double>::infinity();
  options->row_coefficient = 1;
}

extern "C" void lsm_cwcl_defaults(lsm_contrastive_options* options) {
  if (options == nullptr) return;
  lsm_infonce_defaults(options);
  options->column_coefficient = 1;
  options->normalize_reference = 1;
}

extern "C" lsm_status lsm_infonce(lsm_context context, const lsm_contrastive_options* options,
                                  lsm_input x, lsm_input y, lsm_input log_scale, lsm_input bias,
                                  lsm_input row_weight, lsm_input upstream, lsm_input ignore,
                                  lsm_output loss, lsm_output row_loss, lsm_output grad_x,
                                  lsm_output grad_y, lsm_output grad_log_scale,
                                  lsm_output grad_bias) {
  ContrastiveArguments a;
  a.options = options;
  a.x = x;
  a.y = y;
  a.log_scale = log_scale;
  a.bias = bias;
  a.row_weight = row_weight;
  a.upstream = upstream;
  a.ignore = ignore;
  a.loss = loss;
  a.row_loss = row_loss;
  a.grad_x = grad_x;
  a.grad_y = grad_y;
  a.grad_log_scale = grad_log_scale;
  a.grad_bias = grad_bias;
  return run(context, a);
}

extern "C" lsm_status lsm_cwcl(lsm_context context, const lsm_contrastive_options* options,
                               lsm_input x, lsm_input y, lsm_input reference, lsm_input reference_y,
                               lsm_input weights, lsm_input log_scale, lsm_input bias,
                               lsm_input row_weight, lsm_input upstream, lsm_input ignore,
                               lsm_output loss, lsm_output row_loss, lsm_output grad_x,
                               lsm_output grad_y, lsm_output grad_log_scale, lsm_output grad_bias) {
  ContrastiveArguments a;
  a.is_cwcl = true;
  a.options = options;
  a.x = x;
  a.y = y;
  a.reference = reference;
  a.reference_y = reference_y;
  a.weights = weights;
  a.log_scale = log_scale;
  a.bias = bias;
  a.row_weight = row_weight;
  a.upstream = upstream;
  a.ignore = ignore;
  a.loss = loss;
  a.row_loss = row_loss;
  a.grad_x = grad_x;
  a.grad_y = grad_y;
  a.grad_log_scale = grad_log_scale;
  a.grad_bias = grad_bias;
  return run(context, a);
}

extern "C" lsm_status lsm_contrastive_describe_plan(lsm_context context,
                                                    const lsm_contrastive_options* options,
                                                    uint8_t code, uint8_t bits, int64_t n,
                                                    int64_t m, int64_t d, int64_t reference_width,
                                                    int32_t gradients, lsm_contrastive_plan* plan) {
  return guard([&] {
    const Lease lease(context);
    if (plan == nullptr) reject("plan", "a place for the result", "NULL");
    if (reference_width < 0) reject("reference_width", ">= 0", reference_width);
    const lossmith::Type type = lossmith::type_of({code, bits, 1}, "dtype");
    if (!lossmith::is_floating(type)) {
      reject("dtype", "f32, bf16, f16 or f64", lossmith::name_of(type));
    }
    // Views of the right shapes and no data: planning reads none.
    static char nothing[1];
    int64_t x_shape[2] = {n, d};
    int64_t y_shape[2] = {m, d};
    int64_t r_shape[2] = {n, reference_width};
    int64_t r_y_shape[2] = {m, reference_width};
    const auto tensor = [&](int64_t* shape) {
      lsm_tensor t{};
      t.data = nothing;
      t.device = lease->device;
      t.ndim = 2;
      t.dtype = {code, bits, 1};
      t.shape = shape;
      return t;
    };
    const lsm_tensor x = tensor(x_shape);
    const lsm_tensor y = tensor(y_shape);
    const lsm_tensor r = tensor(r_shape);
    const lsm_tensor r_y = tensor(r_y_shape);
    ContrastiveArguments a;
    a.options = options;
    a.x = &x;
    a.y = &y;
    if (reference_width > 0) {
      a.is_cwcl = true;
      a.reference = &r;
      a.reference_y = n == m ? nullptr : &r_y;
    }
    ContrastiveCall call = lossmith::validate(a, lease->device);
    if (gradients != 0) {
      call.grad_x = call.x;
      call.grad_y = call.y;
    }
    call.loss = call.x;
    *plan = lease->backend.plan_contrastive(call, *lease);
  });
}
