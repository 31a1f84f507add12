#include "engine/top_k_call.h"

#include <cmath>
#include <string>

#include "core/status.h"
#include "engine/demands.h"

namespace lossmith {
namespace {

void take_options(const lsm_top_k_options* options, const lsm_device& device, TopKCall& c) {
  if (options == nullptr) reject("options", "hyperparameters", "NULL");
  c.options = *options;
  if (c.options.k < 1) reject("k", ">= 1", c.options.k);
  if (!(std::isfinite(c.options.temperature) && c.options.temperature > 0)) {
    reject("temperature", "a finite number > 0", c.options.temperature);
  }
  if (!std::isfinite(c.scale())) {
    reject("temperature", "a number whose reciprocal is finite", c.options.temperature);
  }
  expect_flag(c.options.normalize_x, "normalize_x");
  expect_flag(c.options.normalize_labels, "normalize_labels");
  if (device.type == LSM_CUDA && c.options.k > LSM_TOP_K_CUDA_LIMIT) {
    throw Error(LSM_UNSUPPORTED, "k: expected at most " + std::to_string(LSM_TOP_K_CUDA_LIMIT) +
                                     " on " + device_text(device) + ", got " +
                                     std::to_string(c.options.k));
  }
}

void take_products(const TopKArguments& a, const lsm_device& device, TopKCall& c) {
  c.x = view_of(a.x, "x", device);
  expect_floating(c.x, "x");
  expect_shape(c.x, "x", -1, -1);
  c.n = c.x.shape[0];
  c.labels = optional_view_of(a.labels, "labels", device);
  if (!c.labels.present()) {
    c.l = c.x.shape[1];
    if (c.options.normalize_x != 0) reject("normalize_x", "0 where labels is NULL", 1);
    if (c.options.normalize_labels != 0) reject("normalize_labels", "0 where labels is NULL", 1);
    return;
  }
  c.d = c.x.shape[1];
  if (c.d < 1) reject("x", "[n,d] with d >= 1", shape_text(c.x.shape, 2));
  expect_type(c.labels, "labels", c.x.type, c.x.type);
  expect_shape(c.labels, "labels", -1, c.d);
  c.l = c.labels.shape[0];
}

// "name[3]"
std::string indexed(const char* name, std::int64_t i) {
  return std::string(name) + "[" + std::to_string(i) + "]";
}

void expect_offset(const TopKCall& c, std::int64_t i, std::int64_t before) {
  const std::int64_t offset = integer_element(c.excluded_offsets, i);
  const std::int64_t count = c.excluded_ids.shape[0];
  const auto fail = [&](const std::string& expected) {
    reject(indexed("excluded_offsets", i).c_str(), expected, offset);
  };
  if (i == 0 && offset != 0) fail("0");
  if (offset < before) fail("at least " + std::to_string(before));
  if (i == c.n && offset != count) fail("the number of ids, " + std::to_string(count));
}

void expect_sets(const TopKCall& c) {
  for (std::int64_t i = 0; i <= c.n; ++i) {
    expect_offset(c, i, i == 0 ? 0 : integer_element(c.excluded_offsets, i - 1));
  }
  for (std::int64_t i = 0; i < c.excluded_ids.shape[0]; ++i) {
    const std::int64_t id = integer_element(c.excluded_ids, i);
    if (id < 0 || id >= c.l) {
      reject(indexed("excluded_ids", i).c_str(), "a label from 0 to " + std::to_string(c.l - 1),
             id);
    }
  }
}

void take_exclusions(const TopKArguments& a, const lsm_device& device, TopKCall& c) {
  c.excluded_offsets = optional_view_of(a.excluded_offsets, "excluded_offsets", device);
  c.excluded_ids = optional_view_of(a.excluded_ids, "excluded_ids", device);
  if (c.excluded_offsets.present() != c.excluded_ids.present()) {
    reject(c.excluded_ids.present() ? "excluded_offsets" : "excluded_ids",
           "both excluded_offsets and excluded_ids, or neither", "NULL");
  }
  if (!c.excluded_offsets.present()) return;
  expect_type(c.excluded_offsets, "excluded_offsets", Type::i64, Type::i64);
  expect_vector(c.excluded_offsets, "excluded_offsets", c.n + 1);
  expect_type(c.excluded_ids, "excluded_ids", Type::i32, Type::i64);
  if (c.excluded_ids.ndim != 1) {
    reject("excluded_ids", "one dimension", shape_text(c.excluded_ids.shape, c.excluded_ids.ndim));
  }
  // A device's memory cannot be read without waiting for it.
  if (device.type == LSM_CPU) expect_sets(c);
}

void take_outputs(const TopKArguments& a, const lsm_device& device, TopKCall& c) {
  c.scores = optional_view_of(a.scores, "scores", device);
  c.ids = view_of(a.ids, "ids", device);
  if (c.scores.present()) {
    expect_type(c.scores, "scores", Type::f32, Type::f64);
    expect_shape(c.scores, "scores", c.n, c.options.k);
    expect_separate_rows(c.scores, "scores");
  }
  expect_type(c.ids, "ids", Type::i64, Type::i64);
  expect_shape(c.ids, "ids", c.n, c.options.k);
  expect_separate_rows(c.ids, "ids");
}

}  // namespace

TopKCall validate(const TopKArguments& arguments, const lsm_device& device) {
  TopKCall call;
  take_options(arguments.options, device, call);
  take_products(arguments, device, call);
  call.bias = optional_view_of(arguments.bias, "bias", device);
  expect_vector_type(call.bias, "bias");
  if (call.bias.present()) expect_vector_or_scalar(call.bias, "bias", call.l);
  take_exclusions(arguments, device, call);
  take_outputs(arguments, device, call);
  expect_disjoint_outputs({{"x", &call.x, false},
                           {"labels", &call.labels, false},
                           {"bias", &call.bias, false},
                           {"excluded_offsets", &call.excluded_offsets, false},
                           {"excluded_ids", &call.excluded_ids, false},
                           {"scores", &call.scores, true},
                           {"ids", &call.ids, true}});
  return call;
}

}  // namespace lossmith
