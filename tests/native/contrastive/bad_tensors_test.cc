// Tensors that do not fit: refused by name, with what was expected and what came, and with no
// output touched.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "support/call.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/mirror.h"

namespace lossmith_test {
namespace {

using Shape = std::vector<int64_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

constexpr int64_t kN = 6, kM = 8, kD = 4, kR = 3;

Problem Full(bool cwcl) {
  Problem problem = cwcl ? RandomCwcl(kN, kM, kD, kR, 1) : RandomClip(kN, kM, kD, 2);
  AddEveryOption(&problem, 3);
  return problem;
}

std::vector<double> Ones(const Shape& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return std::vector<double>(count, 0.5);
}

void ExpectRejected(const std::function<void(Call*)>& spoil, const std::string& argument,
                    const std::string& got = "") {
  SCOPED_TRACE(argument + " " + got);
  Call call(Full(true), Types{});
  spoil(&call);
  EXPECT_TRUE(Rejects(call.Run(Context()), argument, got));
  EXPECT_TRUE(call.OutputsUntouched());
}

// Values that break a demand. The CPU refuses them; a device must not be waited for to see them, and
// the loss becomes NaN there.
void ExpectRefusedValues(const std::function<void(Call*)>& spoil, const std::string& argument,
                         const std::string& got = "") {
  if (!OnDevice()) return ExpectRejected(spoil, argument, got);
  SCOPED_TRACE(argument + " " + got);
  Call call(Full(true), Types{});
  spoil(&call);
  EXPECT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
  EXPECT_TRUE(std::isnan(call.Values()[kLoss][0]));
}

void ReplaceInput(Input input, DType dtype, const Shape& shape, const std::string& got = "") {
  ExpectRejected([&](Call* call) { call->inputs[input].emplace(dtype, shape, Ones(shape)); },
                 InputName(input), got);
}

void ReplaceOutput(Output output, DType dtype, const Shape& shape, const std::string& got = "") {
  ExpectRejected([&](Call* call) { call->outputs[output].emplace(dtype, shape); },
                 OutputName(output), got);
}

TEST(BadTensors, MissingInputs) {
  ExpectRejected([](Call* call) { call->inputs[kX].reset(); }, "x", "NULL");
  ExpectRejected([](Call* call) { call->inputs[kY].reset(); }, "y", "NULL");
  ExpectRejected([](Call* call) { call->inputs[kReference].reset(); }, "reference");
  ExpectRejected([](Call* call) { call->inputs[kReferenceY].reset(); }, "reference_y");
}

TEST(BadTensors, ShapesOfInputs) {
  ReplaceInput(kX, DType::kF64, {kN * kD});
  ReplaceInput(kX, DType::kF64, {kN, kD, 1});
  ReplaceInput(kY, DType::kF64, {kM, kD + 1}, "5");
  ReplaceInput(kY, DType::kF64, {kN - 1, kD}, "5");
  ReplaceInput(kReference, DType::kF64, {kN + 1, kR}, "7");
  ReplaceInput(kReference, DType::kF64, {kN * kR});
  ReplaceInput(kReferenceY, DType::kF64, {kM, kR + 1}, "4");
  ReplaceInput(kReferenceY, DType::kF64, {kM - 1, kR}, "7");
  ReplaceInput(kLogScale, DType::kF64, {2}, "2");
  ReplaceInput(kBias, DType::kF64, {kN}, "6");
  ReplaceInput(kBias, DType::kF64, {kM, 1});
  ReplaceInput(kRowWeight, DType::kF64, {kM}, "8");
  ReplaceInput(kUpstream, DType::kF64, {kN}, "6");
  ReplaceInput(kIgnore, DType::kU8, {kN - 1}, "5");
}

TEST(BadTensors, UpstreamWithoutReductionHasOneElementForEachRow) {
  Problem problem = Full(false);
  problem.options.reduction = LSM_NONE;
  problem.upstream = {1};
  Call call(problem, Types{});
  EXPECT_TRUE(Rejects(call.Run(Context()), "upstream"));
  EXPECT_TRUE(call.OutputsUntouched());
}

TEST(BadTensors, ElementTypesOfInputs) {
  ReplaceInput(kX, DType::kI32, {kN, kD}, "i32");
  ReplaceInput(kX, DType::kF32, {kN, kD});
  ReplaceInput(kY, DType::kF32, {kM, kD}, "f32");
  ReplaceInput(kReference, DType::kU8, {kN, kR}, "u8");
  ReplaceInput(kLogScale, DType::kBF16, {1}, "bf16");
  ReplaceInput(kBias, DType::kF16, {kM}, "f16");
  ReplaceInput(kRowWeight, DType::kI64, {kN}, "i64");
  ReplaceInput(kUpstream, DType::kI32, {1}, "i32");
  ReplaceInput(kIgnore, DType::kF32, {kN}, "f32");
}

TEST(BadTensors, ShapesOfOutputs) {
  ReplaceOutput(kLoss, DType::kF64, {2});
  ReplaceOutput(kLoss, DType::kF64, {0});
  ReplaceOutput(kRowLoss, DType::kF64, {kM}, "8");
  ReplaceOutput(kGradX, DType::kF64, {kD, kN});
  ReplaceOutput(kGradX, DType::kF64, {kN * kD});
  ReplaceOutput(kGradY, DType::kF64, {kN, kD});
  ReplaceOutput(kGradLogScale, DType::kF64, {kN});
  ReplaceOutput(kGradBias, DType::kF64, {1});
}

TEST(BadTensors, ElementTypesOfOutputs) {
  ReplaceOutput(kLoss, DType::kBF16, {1}, "bf16");
  ReplaceOutput(kRowLoss, DType::kI32, {kN}, "i32");
  ReplaceOutput(kGradX, DType::kBF16, {kN, kD}, "bf16");
  ReplaceOutput(kGradY, DType::kI64, {kM, kD}, "i64");
  ReplaceOutput(kGradLogScale, DType::kF16, {1}, "f16");
  ReplaceOutput(kGradBias, DType::kU8, {kM}, "u8");
}

TEST(BadTensors, AGradientOfABiasThatIsNotThere) {
  ExpectRejected([](Call* call) { call->inputs[kBias].reset(); }, "grad_bias");
}

TEST(BadTensors, BothOrNeitherOfReferenceAndWeights) {
  ExpectRejected(
      [](Call* call) {
        call->inputs[kWeights].emplace(DType::kF64, Shape{kN, kM}, Ones({kN, kM}));
      },
      "weights");
  ExpectRejected(
      [](Call* call) {
        call->inputs[kReference].reset();
        call->inputs[kReferenceY].reset();
      },
      "reference");
}

TEST(BadTensors, ValuesOfWeights) {
  for (double bad : {-1e-9, kNaN, kInfinity}) {
    for (int64_t position : {int64_t{0}, kN * kM - 1}) {
      ExpectRefusedValues(
          [&](Call* call) {
            call->inputs[kReference].reset();
            call->inputs[kReferenceY].reset();
            std::vector<double> weights = Ones({kN, kM});
            weights[position] = bad;
            call->inputs[kWeights].emplace(DType::kF64, Shape{kN, kM}, weights);
            // A pair that is not ignored.
            call->inputs[kIgnore].reset();
          },
          "weights");
    }
  }
}

TEST(BadTensors, LongReferences) {
  for (Input input : {kReference, kReferenceY}) {
    ExpectRefusedValues(
        [&](Call* call) {
          call->options.normalize_reference = 0;
          call->inputs[kIgnore].reset();
          for (int64_t k = 0; k < kR; ++k) {
            call->inputs[input]->Set(kR + k, 2 * call->inputs[input]->Get(kR + k));
          }
        },
        InputName(input), "2");
  }
}

TEST(BadTensors, ValuesOfRowWeights) {
  for (double bad : {kNaN, kInfinity, -kInfinity}) {
    ExpectRefusedValues(
        [&](Call* call) {
          call->inputs[kRowWeight]->Set(2, bad);
          call->inputs[kIgnore].reset();
        },
        "row_weight");
  }
}

// Fields of the view itself, for every tensor of the call.
void ExpectRejectedView(const std::function<void(lsm_tensor*)>& spoil, const std::string& got) {
  const Context context;
  Call call(Full(false), Types{});
  Mirror device;
  lsm_tensor* y = device.View(call.inputs[kY]);
  lsm_tensor* loss = device.View(call.outputs[kLoss]);
  lsm_tensor x = *device.View(call.inputs[kX]);
  spoil(&x);
  EXPECT_TRUE(Rejects(lsm_infonce(context, &call.options, &x, y, nullptr, nullptr, nullptr, nullptr,
                                  nullptr, loss, nullptr, nullptr, nullptr, nullptr, nullptr),
                      "x", got));
  lsm_tensor grad_x = *device.View(call.outputs[kGradX]);
  spoil(&grad_x);
  EXPECT_TRUE(Rejects(
      lsm_infonce(context, &call.options, device.View(call.inputs[kX]), y, nullptr, nullptr,
                  nullptr, nullptr, nullptr, loss, nullptr, &grad_x, nullptr, nullptr, nullptr),
      "grad_x", got));
  device.Return(context);
  EXPECT_TRUE(call.OutputsUntouched());
}

TEST(BadTensors, Views) {
  int64_t negative[] = {-1, kD};
  int64_t transposed[] = {1, kN};
  ExpectRejectedView([](lsm_tensor* t) { t->data = nullptr; }, "NULL");
  ExpectRejectedView([](lsm_tensor* t) { t->shape = nullptr; }, "NULL");
  ExpectRejectedView([](lsm_tensor* t) { t->ndim = -1; }, "-1");
  ExpectRejectedView([](lsm_tensor* t) { t->ndim = 99; }, "99");
  const lsm_device other = OnDevice() ? lsm_device{LSM_CPU, 0} : lsm_device{LSM_CUDA, 0};
  ExpectRejectedView([&](lsm_tensor* t) { t->device = other; }, OnDevice() ? "cpu" : "cuda");
  ExpectRejectedView([](lsm_tensor* t) { t->device = {LSM_CPU, 2}; }, "2");
  ExpectRejectedView([](lsm_tensor* t) { t->dtype = {LSM_FLOAT, 8, 1}; }, "8");
  ExpectRejectedView([](lsm_tensor* t) { t->dtype.lanes = 4; }, "4");
  ExpectRejectedView([&](lsm_tensor* t) { t->shape = negative; }, "-1");
  ExpectRejectedView([&](lsm_tensor* t) { t->strides = transposed; }, "6");
}

TEST(BadTensors, OutputsThatOverlap) {
  const Context context;
  Call call(Full(false), Types{}, (1u << kGradX) | (1u << kGradY));
  Mirror device;
  lsm_tensor* x = device.View(call.inputs[kX]);
  lsm_tensor* y = device.View(call.inputs[kY]);
  const auto run = [&](lsm_tensor* loss, lsm_tensor* grad_x, lsm_tensor* grad_y) {
    return lsm_infonce(context, &call.options, x, y, nullptr, nullptr, nullptr, nullptr, nullptr,
                       loss, nullptr, grad_x, grad_y, nullptr, nullptr);
  };
  lsm_tensor* grad_x = device.View(call.outputs[kGradX]);
  lsm_tensor* grad_y = device.View(call.outputs[kGradY]);
  EXPECT_TRUE(Rejects(run(nullptr, x, nullptr), "grad_x", "overlap"));
  EXPECT_TRUE(Rejects(run(nullptr, nullptr, y), "grad_y", "overlap"));
  int64_t one[] = {1};
  lsm_tensor last = *grad_y;
  last.ndim = 1;
  last.shape = one;
  last.strides = nullptr;
  last.data = static_cast<double*>(grad_y->data) + kM * kD - 1;
  EXPECT_TRUE(Rejects(run(&last, nullptr, grad_y), "loss", "overlap"));
  // One row down: the views share all but a row.
  lsm_tensor shifted = *grad_y;
  int64_t rows[] = {kN, kD};
  shifted.shape = rows;
  shifted.data = static_cast<double*>(grad_y->data) + kD;
  EXPECT_TRUE(Rejects(run(nullptr, &shifted, grad_y), "grad_", "overlap"));
  device.Return(context);
  EXPECT_TRUE(call.OutputsUntouched());
  EXPECT_EQ(run(nullptr, grad_x, grad_y), LSM_OK) << lsm_last_error();
}

// Rows of an output that share memory would be written twice.
TEST(BadTensors, OutputsThatOverlapThemselves) {
  const Context context;
  Call call(Full(false), Types{}, 1u << kGradX);
  Mirror device;
  lsm_tensor* x = device.View(call.inputs[kX]);
  lsm_tensor* y = device.View(call.inputs[kY]);
  lsm_tensor grad_x = *device.View(call.outputs[kGradX]);
  for (int64_t stride : {int64_t{0}, kD - 1}) {
    int64_t strides[] = {stride, 1};
    grad_x.strides = strides;
    EXPECT_TRUE(
        Rejects(lsm_infonce(context, &call.options, x, y, nullptr, nullptr, nullptr, nullptr,
                            nullptr, nullptr, nullptr, &grad_x, nullptr, nullptr, nullptr),
                "grad_x"));
  }
  device.Return(context);
  EXPECT_TRUE(call.OutputsUntouched());
}

}  // namespace
}  // namespace lossmith_test
