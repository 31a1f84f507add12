// Options, tensors and values that do not fit a label loss: refused by name, with what was expected
// and what came, and with no output touched. Values of tensors are refused on the CPU; a device is
// not waited for, and the row's loss is NaN there.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "support/context.h"
#include "support/device.h"
#include "support/errors.h"
#include "support/label_call.h"
#include "support/mirror.h"

namespace lossmith_test::labels {
namespace {

using Shape = std::vector<int64_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kN = 6, kL = 20, kD = 4;

Problem Full(int32_t loss) {
  Problem problem = RandomProblem(loss, kN, kL, kD, 1);
  AddEveryOption(&problem, 2);
  return problem;
}

std::vector<double> Filled(const Shape& shape, double value) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return std::vector<double>(count, value);
}

void ExpectRejected(const Problem& problem, const std::function<void(Call*)>& spoil,
                    const std::string& argument, const std::string& got = "") {
  SCOPED_TRACE(std::string(LossName(problem.options.loss)) + ", " + argument + " " + got);
  Call call(problem, Types{});
  spoil(&call);
  EXPECT_TRUE(Rejects(call.Run(Context()), argument, got));
  EXPECT_TRUE(call.OutputsUntouched());
}

// `row`: the one that has no loss on a device; -1: the sum of all has none.
void ExpectRefusedValues(const Problem& problem, const std::function<void(Call*)>& spoil,
                         const std::string& argument, int64_t row = -1) {
  if (!OnDevice()) return ExpectRejected(problem, spoil, argument);
  SCOPED_TRACE(std::string(LossName(problem.options.loss)) + ", " + argument);
  Call call(problem, Types{});
  spoil(&call);
  ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
  EXPECT_TRUE(std::isnan(call.Values()[kLoss][0]));
  if (row >= 0) {
    EXPECT_TRUE(std::isnan(call.Values()[kRowLoss][row]));
  }
}

TEST(BadLabels, Options) {
  struct BadOption {
    const char* argument;
    const char* got;
    std::function<void(lsm_label_options*)> spoil;
  };
  const BadOption options[] = {
      {"loss", "0", [](auto* o) { o->loss = 0; }},
      {"loss", "6", [](auto* o) { o->loss = 6; }},
      {"reduction", "3", [](auto* o) { o->reduction = 3; }},
      {"temperature", "0", [](auto* o) { o->temperature = 0; }},
      {"temperature", "nan", [](auto* o) { o->temperature = kNaN; }},
      {"temperature", "inf", [](auto* o) { o->temperature = kInfinity; }},
      {"max_scale", "-1", [](auto* o) { o->max_scale = -1; }},
      {"softcap", "-2", [](auto* o) { o->softcap = -2; }},
      {"softcap", "inf", [](auto* o) { o->softcap = kInfinity; }},
      {"normalize_x", "2", [](auto* o) { o->normalize_x = 2; }},
      {"normalize_labels", "-1", [](auto* o) { o->normalize_labels = -1; }},
      {"average", "2", [](auto* o) { o->average = 2; }},
      {"weighted", "7", [](auto* o) { o->weighted = 7; }},
      {"sample", "-1", [](auto* o) { o->sample = -1; }},
      {"alpha", "0", [](auto* o) { o->alpha = 0; }},
      {"alpha", "nan", [](auto* o) { o->alpha = kNaN; }},
      {"k", "-5", [](auto* o) { o->k = -5; }},
      {"plain", "3", [](auto* o) { o->plain = 3; }},
      {"plan", "3", [](auto* o) { o->plan = 3; }},
      {"label_smoothing", "1", [](auto* o) { o->label_smoothing = 1; }},
      {"label_smoothing", "-0.1", [](auto* o) { o->label_smoothing = -0.1; }},
      {"z_weight", "-1", [](auto* o) { o->z_weight = -1; }},
      {"z_weight", "nan", [](auto* o) { o->z_weight = kNaN; }},
      {"filter", "-0.5", [](auto* o) { o->filter = -0.5; }},
      {"filter", "nan", [](auto* o) { o->filter = kNaN; }},
  };
  for (int32_t loss : kLosses) {
    for (const BadOption& bad : options) {
      ExpectRejected(
          Full(loss), [&](Call* call) { bad.spoil(&call->options); }, bad.argument, bad.got);
    }
  }
}

TEST(BadLabels, NullContextOptionsAndX) {
  Call call(Full(LSM_BCE), Types{});
  EXPECT_TRUE(Rejects(call.Run(nullptr), "context"));
  ExpectRejected(
      Full(LSM_BCE), [](Call* c) { c->inputs[kX].reset(); }, "x", "NULL");
  const Context context;
  EXPECT_TRUE(Rejects(lsm_label_loss(context, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                     nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                     nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                     nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr),
                      "options"));
  EXPECT_TRUE(call.OutputsUntouched());
}

TEST(BadLabels, InputsThatAreMissingOrTooMany) {
  for (int32_t loss : {LSM_DECOUPLED_SOFTMAX, LSM_SOFT_TOP_K, LSM_MULTI_LABEL_INFONCE, LSM_BCE}) {
    const Problem problem = Full(loss);
    ExpectRejected(
        problem, [](Call* c) { c->inputs[kPositiveOffsets].reset(); }, "positive_offsets");
    ExpectRejected(
        problem, [](Call* c) { c->inputs[kPositiveIds].reset(); }, "positive_ids");
    ExpectRejected(
        problem, [](Call* c) { c->inputs[kIgnoredOffsets].reset(); }, "ignored_offsets");
    ExpectRejected(
        problem, [](Call* c) { c->inputs[kIgnoredIds].reset(); }, "ignored_ids");
    ExpectRejected(
        problem,
        [](Call* c) { c->inputs[kTarget].emplace(DType::kI64, Shape{kN}, Filled({kN}, 1)); },
        "target");
    ExpectRejected(
        problem,
        [](Call* c) { c->inputs[kClassWeight].emplace(DType::kF64, Shape{kL}, Filled({kL}, 1)); },
        "class_weight");
    if (loss == LSM_SOFT_TOP_K) continue;
    ExpectRejected(
        problem,
        [](Call* c) { c->inputs[kKRows].emplace(DType::kI64, Shape{kN}, Filled({kN}, 1)); },
        "k_rows");
    ExpectRejected(
        problem, [](Call* c) { c->outputs[kThreshold].emplace(DType::kF64, Shape{kN}); },
        "threshold");
  }
  const Problem ce = Full(LSM_SOFTMAX_CE);
  ExpectRejected(
      ce, [](Call* c) { c->inputs[kTarget].reset(); }, "target");
  ExpectRejected(
      ce,
      [](Call* c) {
        c->inputs[kSoftTarget].emplace(DType::kF64, Shape{kN, kL}, Filled({kN, kL}, 0));
      },
      "target");
  ExpectRejected(
      ce,
      [](Call* c) {
        c->inputs[kPositiveOffsets].emplace(DType::kI64, Shape{kN + 1}, Filled({kN + 1}, 0));
        c->inputs[kPositiveIds].emplace(DType::kI64, Shape{0});
      },
      "positive_offsets");
  ExpectRejected(
      Full(LSM_SOFT_TOP_K),
      [](Call* c) {
        c->options.k = 2;
        c->inputs[kKRows].emplace(DType::kI64, Shape{kN}, Filled({kN}, 1));
      },
      "k_rows");
}

TEST(BadLabels, ShapesAndTypesOfInputs) {
  const auto replace = [](int32_t loss, Input input, DType dtype, const Shape& shape,
                          const std::string& got = "") {
    ExpectRejected(
        Full(loss), [&](Call* c) { c->inputs[input].emplace(dtype, shape, Filled(shape, 1)); },
        InputName(input), got);
  };
  const int32_t dsm = LSM_DECOUPLED_SOFTMAX;
  replace(dsm, kX, DType::kF64, {kN * kD});
  replace(dsm, kX, DType::kI32, {kN, kD}, "i32");
  replace(dsm, kLabels, DType::kF64, {kL, kD + 1}, "5");
  replace(dsm, kLabels, DType::kF32, {kL, kD}, "f32");
  replace(dsm, kPositiveOffsets, DType::kI64, {kN}, "6");
  replace(dsm, kPositiveOffsets, DType::kI32, {kN + 1}, "i32");
  replace(dsm, kPositiveIds, DType::kF64, {4}, "f64");
  replace(dsm, kPositiveIds, DType::kI64, {2, 2});
  replace(dsm, kPositiveValues, DType::kF64, {1}, "1");
  replace(dsm, kPositiveValues, DType::kBF16, {1}, "bf16");
  replace(dsm, kIgnoredOffsets, DType::kI64, {kN + 2}, "8");
  replace(dsm, kIgnoredIds, DType::kU8, {4}, "u8");
  replace(dsm, kCandidates, DType::kI32, {4}, "i32");
  replace(dsm, kCandidates, DType::kI64, {kL + 1}, "21");
  replace(dsm, kLogScale, DType::kF64, {2}, "2");
  replace(dsm, kLogScale, DType::kBF16, {1}, "bf16");
  replace(dsm, kBias, DType::kF64, {kN}, "6");
  replace(dsm, kRowWeight, DType::kF64, {kL}, "20");
  replace(dsm, kUpstream, DType::kF64, {kN}, "6");
  replace(LSM_SOFT_TOP_K, kKRows, DType::kI64, {kN + 1}, "7");
  replace(LSM_SOFT_TOP_K, kKRows, DType::kF64, {kN}, "f64");
  replace(LSM_SOFTMAX_CE, kTarget, DType::kI64, {kN - 1}, "5");
  replace(LSM_SOFTMAX_CE, kTarget, DType::kF64, {kN}, "f64");
  replace(LSM_SOFTMAX_CE, kClassWeight, DType::kF64, {kN}, "6");
  Problem soft = WithSoftTargets(Full(LSM_SOFTMAX_CE), 3);
  ExpectRejected(
      soft,
      [](Call* c) {
        c->inputs[kSoftTarget].emplace(DType::kF64, Shape{kN, kL - 1});
      },
      "soft_target", "19");
  ExpectRejected(
      soft,
      [](Call* c) {
        c->inputs[kSoftTarget].emplace(DType::kI64, Shape{kN, kL});
      },
      "soft_target", "i64");
}

TEST(BadLabels, ShapesAndTypesOfOutputs) {
  const auto replace = [](Output output, DType dtype, const Shape& shape,
                          const std::string& got = "") {
    ExpectRejected(
        Full(LSM_SOFT_TOP_K), [&](Call* c) { c->outputs[output].emplace(dtype, shape); },
        OutputName(output), got);
  };
  replace(kLoss, DType::kF64, {2});
  replace(kLoss, DType::kBF16, {1}, "bf16");
  replace(kRowLoss, DType::kF64, {kL}, "20");
  replace(kThreshold, DType::kF64, {kN + 1}, "7");
  replace(kThreshold, DType::kI64, {kN}, "i64");
  replace(kGradX, DType::kF64, {kD, kN});
  replace(kGradX, DType::kBF16, {kN, kD}, "bf16");
  replace(kGradLabels, DType::kF64, {kN, kD});
  replace(kGradLabels, DType::kI64, {kL, kD}, "i64");
  replace(kGradLogScale, DType::kF64, {kN});
  replace(kGradBias, DType::kF64, {1});
  Problem none = Full(LSM_BCE);
  none.options.reduction = LSM_NONE;
  none.upstream.assign(kN, 1);
  ExpectRejected(
      none, [](Call* c) { c->outputs[kLoss].emplace(DType::kF64, Shape{1}); }, "loss");
  none.upstream = {1};
  ExpectRejected(
      none, [](Call*) {}, "upstream");
  ExpectRejected(
      Full(LSM_BCE), [](Call* c) { c->inputs[kBias].reset(); }, "grad_bias");
}

TEST(BadLabels, WhatGivenProductsDoNotHave) {
  const Problem products = AsProducts(Full(LSM_DECOUPLED_SOFTMAX));
  ExpectRejected(
      products, [](Call* c) { c->options.normalize_x = 1; }, "normalize");
  ExpectRejected(
      products, [](Call* c) { c->options.normalize_labels = 1; }, "normalize");
  ExpectRejected(
      products,
      [](Call* c) {
        c->outputs[kGradLabels].emplace(DType::kF64, Shape{kL, kD});
      },
      "grad_labels");
  ExpectRejected(
      products,
      [](Call* c) {
        c->update.emplace();
        lsm_update_defaults(LSM_UPDATE_SGD, &*c->update);
        c->new_labels.emplace(DType::kF64, Shape{kL, kD});
      },
      "update");
}

TEST(BadLabels, ValuesOfSets) {
  Problem problem = RandomProblem(LSM_DECOUPLED_SOFTMAX, kN, kL, kD, 4);
  problem.positives.values.assign(problem.positives.ids.size(), 1);
  for (int64_t i = 0; i < kN; ++i) problem.ignored.Add({i});
  const int64_t last = static_cast<int64_t>(problem.positives.ids.size()) - 1;
  const auto set = [&](Input input, int64_t index, double value, const char* argument,
                       int64_t row = -1) {
    ExpectRefusedValues(
        problem, [&](Call* c) { c->inputs[input]->Set(index, value); }, argument, row);
  };
  set(kPositiveIds, 0, -1, "positive_ids", 0);
  set(kPositiveIds, last, static_cast<double>(kL), "positive_ids", kN - 1);
  set(kPositiveIds, last, 9e15, "positive_ids", kN - 1);
  set(kIgnoredIds, 2, static_cast<double>(kL), "ignored_ids", 2);
  set(kIgnoredIds, 3, -7, "ignored_ids", 3);
  set(kPositiveOffsets, kN, static_cast<double>(last) + 2, "positive_offsets", kN - 1);
  set(kPositiveOffsets, 3, -1, "positive_offsets");
  set(kPositiveOffsets, 0, 1, "positive_offsets");
  set(kIgnoredOffsets, 2, 5, "ignored_offsets");
  for (double bad : {kNaN, kInfinity}) set(kPositiveValues, 0, bad, "positive_values", 0);
}

TEST(BadLabels, ValuesOfVectorsAndTargets) {
  for (double bad : {kNaN, kInfinity, -kInfinity}) {
    ExpectRefusedValues(
        Full(LSM_BCE), [&](Call* c) { c->inputs[kRowWeight]->Set(2, bad); }, "row_weight", 2);
  }
  Problem ce = RandomProblem(LSM_SOFTMAX_CE, kN, kL, kD, 5);
  ce.class_weight.assign(kL, 1);
  ce.target[1] = 3;
  for (double bad : {kNaN, kInfinity, -0.5}) {
    ExpectRefusedValues(
        ce, [&](Call* c) { c->inputs[kClassWeight]->Set(3, bad); }, "class_weight");
  }
  for (int64_t bad : {int64_t{-1}, kL, int64_t{-99}}) {
    ExpectRefusedValues(
        ce, [&](Call* c) { c->inputs[kTarget]->Set(1, static_cast<double>(bad)); }, "target", 1);
  }
  ce.class_weight.clear();
  ExpectRefusedValues(
      ce,
      [](Call* c) {
        c->inputs[kIgnoredOffsets].emplace(DType::kI64, Shape{kN + 1},
                                           std::vector<double>{0, 0, 1, 1, 1, 1, 1});
        c->inputs[kIgnoredIds].emplace(DType::kI64, Shape{1}, std::vector<double>{3});
      },
      "target", 1);
  ExpectRefusedValues(
      ce,
      [](Call* c) {
        for (int64_t i = 0; i < kN; ++i) c->inputs[kTarget]->Set(i, i == 1 ? 3 : 4);
        c->inputs[kCandidates].emplace(DType::kI64, Shape{2}, std::vector<double>{4, 5});
      },
      "target", 1);
  for (double bad : {kNaN, kInfinity, -1e-9}) {
    ExpectRefusedValues(
        WithSoftTargets(ce, 6), [&](Call* c) { c->inputs[kSoftTarget]->Set(2 * kL + 1, bad); },
        "soft_target", 2);
  }
}

// Candidates that are out of order or range are refused on the CPU. On a device nothing may be
// written outside of the outputs, and no claim is made about the loss.
TEST(BadLabels, Candidates) {
  for (const std::vector<double>& bad :
       {std::vector<double>{3, 3}, {4, 2}, {-1, 2}, {2, static_cast<double>(kL)}}) {
    const auto spoil = [&](Call* c) { c->inputs[kCandidates].emplace(DType::kI64, Shape{2}, bad); };
    const Problem problem = RandomProblem(LSM_BCE, kN, kL, kD, 7);
    if (OnDevice()) continue;
    ExpectRejected(problem, spoil, "candidates");
  }
}

TEST(BadLabels, Views) {
  const Context context;
  const Problem problem = RandomProblem(LSM_BCE, kN, kL, kD, 8);
  const auto expect_rejected = [&](const std::function<void(lsm_tensor*)>& spoil,
                                   const std::string& got) {
    for (const char* argument : {"labels", "positive_ids", "grad_labels"}) {
      SCOPED_TRACE(argument);
      Call call(problem, Types{});
      Mirror device;
      const auto view = [&](const char* name, std::optional<HostTensor>& tensor, lsm_tensor* copy) {
        *copy = *device.View(tensor);
        if (argument == std::string(name)) spoil(copy);
        return copy;
      };
      lsm_tensor labels, ids, grad_labels;
      EXPECT_TRUE(Rejects(
          lsm_label_loss(context, &call.options, device.View(call.inputs[kX]),
                         view("labels", call.inputs[kLabels], &labels),
                         device.View(call.inputs[kPositiveOffsets]),
                         view("positive_ids", call.inputs[kPositiveIds], &ids), nullptr, nullptr,
                         nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                         nullptr, nullptr, device.View(call.outputs[kLoss]), nullptr, nullptr,
                         nullptr, view("grad_labels", call.outputs[kGradLabels], &grad_labels),
                         nullptr, nullptr, nullptr, nullptr, nullptr),
          argument, got));
      device.Return(context);
      EXPECT_TRUE(call.OutputsUntouched());
    }
  };
  const lsm_device other = OnDevice() ? lsm_device{LSM_CPU, 0} : lsm_device{LSM_CUDA, 0};
  expect_rejected([](lsm_tensor* t) { t->data = nullptr; }, "NULL");
  expect_rejected([](lsm_tensor* t) { t->shape = nullptr; }, "NULL");
  expect_rejected([](lsm_tensor* t) { t->ndim = 99; }, "99");
  expect_rejected([&](lsm_tensor* t) { t->device = other; }, OnDevice() ? "cpu" : "cuda");
  expect_rejected([](lsm_tensor* t) { t->dtype.lanes = 4; }, "4");
}

TEST(BadLabels, OutputsThatOverlap) {
  const Context context;
  Call call(RandomProblem(LSM_BCE, kN, kL, kD, 9), Types{});
  Mirror device;
  const auto run = [&](lsm_tensor* loss, lsm_tensor* grad_x, lsm_tensor* grad_labels) {
    return lsm_label_loss(
        context, &call.options, device.View(call.inputs[kX]), device.View(call.inputs[kLabels]),
        device.View(call.inputs[kPositiveOffsets]), device.View(call.inputs[kPositiveIds]), nullptr,
        nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
        nullptr, loss, nullptr, nullptr, grad_x, grad_labels, nullptr, nullptr, nullptr, nullptr,
        nullptr);
  };
  lsm_tensor* grad_labels = device.View(call.outputs[kGradLabels]);
  EXPECT_TRUE(Rejects(run(nullptr, device.View(call.inputs[kX]), nullptr), "grad_x", "overlap"));
  EXPECT_TRUE(
      Rejects(run(nullptr, nullptr, device.View(call.inputs[kLabels])), "grad_labels", "overlap"));
  int64_t one[] = {1}, zero[] = {0, 1};
  lsm_tensor last = *grad_labels;
  last.ndim = 1;
  last.shape = one;
  last.strides = nullptr;
  last.data = static_cast<double*>(grad_labels->data) + kL * kD - 1;
  EXPECT_TRUE(Rejects(run(&last, nullptr, grad_labels), "loss", "overlap"));
  lsm_tensor folded = *grad_labels;
  folded.strides = zero;
  EXPECT_TRUE(Rejects(run(nullptr, nullptr, &folded), "grad_labels"));
  device.Return(context);
  EXPECT_TRUE(call.OutputsUntouched());
}

TEST(BadLabels, AContextStaysUsable) {
  const Context context;
  Call call(Full(LSM_SOFT_TOP_K), Types{});
  call.options.temperature = -1;
  EXPECT_NE(call.Run(context), LSM_OK);
  call.options.temperature = 1;
  EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
}

}  // namespace
}  // namespace lossmith_test::labels
