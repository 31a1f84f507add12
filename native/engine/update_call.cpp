#include "engine/update_call.h"

#include <cmath>
#include <string>

#include "core/status.h"
#include "engine/demands.h"

namespace lossmith {
namespace {

void expect_decay_rate(double value, const char* name) {
  if (!(value >= 0 && value < 1)) reject(name, "a number in [0, 1)", value);
}

void expect_update_options(const lsm_update_options& o) {
  if (o.rule < LSM_UPDATE_SGD || o.rule > LSM_UPDATE_ADAM) {
    reject("rule", "LSM_UPDATE_SGD, .._MOMENTUM, .._ADAGRAD, .._LION or .._ADAM (0 to 4)", o.rule);
  }
  expect_flag(o.project_rows, "project_rows");
  expect_flag(o.stochastic_rounding, "stochastic_rounding");
  expect_not_negative(o.learning_rate, "learning_rate");
  expect_not_negative(o.weight_decay, "weight_decay");
  const bool averages = o.rule == LSM_UPDATE_LION || o.rule == LSM_UPDATE_ADAM;
  const bool divides = o.rule == LSM_UPDATE_ADAGRAD || o.rule == LSM_UPDATE_ADAM;
  if (o.rule == LSM_UPDATE_MOMENTUM || averages) expect_decay_rate(o.momentum, "momentum");
  if (averages) expect_decay_rate(o.beta2, "beta2");
  if (divides && !(std::isfinite(o.epsilon) && o.epsilon > 0)) {
    reject("epsilon", "a finite number > 0", o.epsilon);
  }
}

void expect_state(const lsm_update_options& o, const View& weights, const View& state,
                  const char* name) {
  if (o.rule == LSM_UPDATE_SGD) {
    if (state.present()) reject(name, "NULL with LSM_UPDATE_SGD", "a tensor");
    return;
  }
  if (!state.present()) reject(name, "a tensor (the rule keeps a state)", "NULL");
  const Type type = weights.type == Type::f64 ? Type::f64 : Type::f32;
  expect_type(state, name, type, type);
  const std::int64_t width = weights.shape[1];
  expect_shape(state, name, weights.shape[0], o.rule == LSM_UPDATE_ADAM ? 2 * width : width);
  expect_separate_rows(state, name);
}

// A device's memory cannot be read without waiting for it: its kernels pass over ids that no row
// has.
void expect_increasing_ids(const View& ids, std::int64_t rows) {
  std::int64_t before = -1;
  for (std::int64_t i = 0; i < ids.shape[0]; ++i) {
    const std::int64_t id = *ids.row<const std::int64_t>(i);
    if (id <= before || id >= rows) {
      reject("row_ids", "strictly increasing ids from 0 to " + std::to_string(rows - 1),
             std::to_string(id) + (i > 0 ? " after " + std::to_string(before) : "") + " at index " +
                 std::to_string(i));
    }
    before = id;
  }
}

}  // namespace

bool same_elements(const View& a, const View& b) {
  if (a.data != b.data || a.type != b.type || a.ndim != b.ndim) return false;
  for (int i = 0; i < a.ndim; ++i) {
    if (a.shape[i] != b.shape[i] || (a.shape[i] > 1 && a.strides[i] != b.strides[i])) return false;
  }
  return true;
}

void expect_update(const lsm_update_options& options, const View& weights, const View& state,
                   const View& new_weights, const char* weights_name, const char* state_name,
                   const char* new_weights_name) {
  expect_update_options(options);
  if (options.stochastic_rounding != 0 && bytes_of(weights.type) != 2) {
    reject(weights_name, "bf16 or f16 with stochastic_rounding", name_of(weights.type));
  }
  expect_state(options, weights, state, state_name);
  expect_type(new_weights, new_weights_name, weights.type, weights.type);
  expect_shape(new_weights, new_weights_name, weights.shape[0], weights.shape[1]);
  expect_separate_rows(new_weights, new_weights_name);
  if (new_weights.elements() != 0 && new_weights.data == weights.data &&
      !same_elements(new_weights, weights)) {
    reject(new_weights_name,
           std::string("the rows of ") + weights_name + " themselves (row stride " +
               std::to_string(weights.strides[0]) + ") or memory of its own",
           "row stride " + std::to_string(new_weights.strides[0]));
  }
}

GradientRows UpdateStep::rows() const {
  GradientRows rows;
  rows.data = gradient.data;
  rows.type = gradient.type;
  rows.ld = gradient.strides[0];
  rows.count = gradient.shape[0];
  if (row_ids.present()) {
    rows.row_ids = row_ids.row<const std::int64_t>(0);
    rows.row_id_stride = row_ids.strides[0];
  }
  return rows;
}

UpdateStep validate_step(const lsm_update_options* options, lsm_input gradient, lsm_input row_ids,
                         lsm_input weights, lsm_output state, lsm_output new_weights,
                         const lsm_device& device) {
  if (options == nullptr) reject("options", "hyperparameters", "NULL");
  UpdateStep step;
  UpdateCall& update = step.update;
  update.options = *options;
  update.weights = view_of(weights, "weights", device);
  expect_floating(update.weights, "weights");
  expect_shape(update.weights, "weights", -1, -1);
  step.gradient = view_of(gradient, "gradient", device);
  step.row_ids = optional_view_of(row_ids, "row_ids", device);
  update.state = optional_view_of(state, "state", device);
  update.new_weights = view_of(new_weights, "new_weights", device);
  expect_update(update.options, update.weights, update.state, update.new_weights, "weights",
                "state", "new_weights");
  expect_type(step.gradient, "gradient", Type::f32, update.weights.type);
  const std::int64_t rows = update.weights.shape[0];
  expect_shape(step.gradient, "gradient", step.row_ids.present() ? -1 : rows, update.width());
  if (step.row_ids.present()) {
    expect_type(step.row_ids, "row_ids", Type::i64, Type::i64);
    expect_vector(step.row_ids, "row_ids", step.gradient.shape[0]);
    if (device.type == LSM_CPU) expect_increasing_ids(step.row_ids, rows);
  }
  const View nothing;
  const bool in_place = same_elements(update.weights, update.new_weights);
  expect_disjoint_outputs({{"gradient", &step.gradient, false},
                           {"row_ids", &step.row_ids, false},
                           {"weights", in_place ? &nothing : &update.weights, false},
                           {"state", &update.state, true},
                           {"new_weights", &update.new_weights, true}});
  return step;
}

NormalizeCall validate_normalize(lsm_input x, lsm_output out, lsm_output norms,
                                 const lsm_device& device) {
  NormalizeCall call;
  call.x = view_of(x, "x", device);
  expect_floating(call.x, "x");
  expect_shape(call.x, "x", -1, -1);
  call.out = view_of(out, "out", device);
  expect_floating(call.out, "out");
  expect_shape(call.out, "out", call.x.shape[0], call.x.shape[1]);
  expect_separate_rows(call.out, "out");
  call.norms = optional_view_of(norms, "norms", device);
  expect_vector_type(call.norms, "norms");
  if (call.norms.present()) expect_output_vector(call.norms, "norms", call.x.shape[0]);
  const View nothing;
  expect_disjoint_outputs({{"x", same_elements(call.x, call.out) ? &nothing : &call.x, false},
                           {"out", &call.out, true},
                           {"norms", &call.norms, true}});
  return call;
}

}  // namespace lossmith
