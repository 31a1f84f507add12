// Calls of the power operator that do not fit: refused by name, with what was expected and what came,
// and with nothing written.
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "power/power_case.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A fake quantization with all outputs, whose tensors a test may replace; w [4,6] with shifts.
struct BadCall {
  BadCall() {
    options = PowerOptions(4, LSM_POWER_UNSIGNED, 0);
    Set(&w, DType::kF32, {4, 6});
    Set(&upstream, DType::kF32, {4, 6});
    Set(&scale, DType::kF32, {4});
    Set(&exponent, DType::kF32, {1});
    Set(&shift, DType::kF32, {4});
    out = std::make_unique<HostTensor>(DType::kF32, Shape{4, 6});
    codes = std::make_unique<HostTensor>(DType::kU8, Shape{4, 6});
    grad_w = std::make_unique<HostTensor>(DType::kF32, Shape{4, 6});
    grad_scale = std::make_unique<HostTensor>(DType::kF32, Shape{4});
    grad_exponent = std::make_unique<HostTensor>(DType::kF32, Shape{1});
  }
  static void Set(std::unique_ptr<HostTensor>* tensor, DType type, const Shape& shape) {
    *tensor = std::make_unique<HostTensor>(type, shape, std::vector<double>(CountOf(shape), 1));
  }
  lsm_status Run() {
    const Context context;
    Mirror d;
    const lsm_status status = lsm_power_fake_quantize(
        context, no_options ? nullptr : &options, d.View(w.get()), d.View(scale.get()),
        d.View(exponent.get()), d.View(shift.get()), d.View(upstream.get()),
        d.View(alias != nullptr ? alias : out.get()), d.View(codes.get()), d.View(grad_w.get()),
        d.View(grad_scale.get()), d.View(grad_exponent.get()));
    d.Return(context);
    return status;
  }
  bool Untouched() const {
    for (const HostTensor* tensor :
         {out.get(), codes.get(), grad_w.get(), grad_scale.get(), grad_exponent.get()}) {
      if (tensor != nullptr && !tensor->Untouched()) return false;
    }
    return true;
  }

  lsm_power_options options;
  bool no_options = false;
  std::unique_ptr<HostTensor> w, upstream, scale, exponent, shift, out, codes, grad_w, grad_scale,
      grad_exponent;
  HostTensor* alias = nullptr;  // what out is instead
};

void ExpectRejected(const std::function<void(BadCall*)>& spoil, const std::string& argument,
                    const std::string& got = "") {
  SCOPED_TRACE(argument + " " + got);
  BadCall call;
  spoil(&call);
  EXPECT_TRUE(Rejects(call.Run(), argument, got));
  EXPECT_TRUE(call.Untouched());
}

TEST(BadPower, TheCallItselfIsGood) {
  BadCall call;
  EXPECT_EQ(call.Run(), LSM_OK) << lsm_last_error();
  EXPECT_FALSE(call.Untouched());
}

TEST(BadPower, Options) {
  const auto option = [](const std::function<void(lsm_power_options*)>& spoil,
                         const std::string& argument, const std::string& got) {
    ExpectRejected([&](BadCall* call) { spoil(&call->options); }, argument, got);
  };
  ExpectRejected([](BadCall* call) { call->no_options = true; }, "options", "NULL");
  option([](lsm_power_options* o) { o->bits = 1; }, "bits", "1");
  option([](lsm_power_options* o) { o->bits = 9; }, "bits", "9");
  option([](lsm_power_options* o) { o->range = 2; }, "range", "2");
  option([](lsm_power_options* o) { o->gradient = -1; }, "gradient", "-1");
  option([](lsm_power_options* o) { o->packed = 3; }, "packed", "3");
  option([](lsm_power_options* o) { o->groups.axis = 2; }, "groups.axis", "2");
  option([](lsm_power_options* o) { o->groups.axis = -2; }, "groups.axis", "-2");
  option([](lsm_power_options* o) { o->groups.columns = -1; }, "groups.columns", "-1");
  option([](lsm_power_options* o) { o->groups.columns = 3; }, "groups.axis", "0");
  option([](lsm_power_options* o) { o->range = LSM_POWER_SIGNED; }, "codes", "u8");
}

TEST(BadPower, Tensors) {
  const auto set = [](std::unique_ptr<HostTensor> BadCall::*which, DType type, const Shape& shape) {
    return [=](BadCall* call) { BadCall::Set(&(call->*which), type, shape); };
  };
  const auto drop = [](std::unique_ptr<HostTensor> BadCall::*which) {
    return [=](BadCall* call) { (call->*which).reset(); };
  };
  ExpectRejected(drop(&BadCall::w), "w", "NULL");
  ExpectRejected(drop(&BadCall::scale), "scale", "NULL");
  ExpectRejected(drop(&BadCall::exponent), "exponent", "NULL");
  ExpectRejected(drop(&BadCall::upstream), "upstream", "NULL");
  ExpectRejected(set(&BadCall::w, DType::kI32, {4, 6}), "w", "i32");
  ExpectRejected(set(&BadCall::scale, DType::kF64, {4}), "scale", "f64");
  ExpectRejected(set(&BadCall::scale, DType::kF32, {6}), "scale", "[6]");
  ExpectRejected(set(&BadCall::scale, DType::kF32, {4, 1}), "scale", "[4,1]");
  ExpectRejected(set(&BadCall::exponent, DType::kF32, {2}), "exponent", "[2]");
  ExpectRejected(set(&BadCall::exponent, DType::kBF16, {1}), "exponent", "bf16");
  ExpectRejected(set(&BadCall::shift, DType::kF32, {1}), "shift", "[1]");
  ExpectRejected(set(&BadCall::upstream, DType::kF32, {6, 4}), "upstream", "[6,4]");
  ExpectRejected(set(&BadCall::upstream, DType::kBF16, {4, 6}), "upstream", "bf16");
  ExpectRejected(
      [](BadCall* call) {
        call->out = std::make_unique<HostTensor>(DType::kF16, Shape{4, 6});
      },
      "out", "f16");
  ExpectRejected(
      [](BadCall* call) {
        call->codes = std::make_unique<HostTensor>(DType::kI8, Shape{4, 6});
      },
      "codes", "i8");
  ExpectRejected(
      [](BadCall* call) {
        call->codes = std::make_unique<HostTensor>(DType::kU8, Shape{4, 5});
      },
      "codes", "[4,5]");
  ExpectRejected([](BadCall* call) { call->options.packed = 1; }, "codes", "[4,6]");
  ExpectRejected(
      [](BadCall* call) { call->grad_scale = std::make_unique<HostTensor>(DType::kF32, Shape{1}); },
      "grad_scale", "[1]");
  ExpectRejected(
      [](BadCall* call) {
        call->grad_exponent = std::make_unique<HostTensor>(DType::kF32, Shape{4});
      },
      "grad_exponent", "[4]");
  ExpectRejected(
      [](BadCall* call) {
        call->options.range = LSM_POWER_SIGNED;
        call->codes = std::make_unique<HostTensor>(DType::kI8, Shape{4, 6});
      },
      "shift", "a tensor");
  ExpectRejected([](BadCall* call) { call->alias = call->upstream.get(); }, "out", "upstream");
}

TEST(BadPower, UpstreamWithoutAGradient) {
  ExpectRejected(
      [](BadCall* call) {
        call->grad_w.reset();
        call->grad_scale.reset();
        call->grad_exponent.reset();
      },
      "upstream", "a tensor");
}

// A device's memory is not looked at.
TEST(BadPower, NumbersOfTheParameters) {
  if (OnDevice()) GTEST_SKIP() << "parameters are in host memory on the CPU only";
  const auto number = [](std::unique_ptr<HostTensor> BadCall::*which, int64_t index, double value,
                         const std::string& argument) {
    ExpectRejected([=](BadCall* call) { (call->*which)->Set(index, value); }, argument,
                   "index " + std::to_string(index));
  };
  number(&BadCall::scale, 2, -1, "scale");
  number(&BadCall::scale, 3, kNaN, "scale");
  number(&BadCall::scale, 0, kInfinity, "scale");
  number(&BadCall::exponent, 0, 0, "exponent");
  number(&BadCall::exponent, 0, 17, "exponent");
  number(&BadCall::exponent, 0, kNaN, "exponent");
}

TEST(BadPower, OtherCallsNameTheirOwnTensors) {
  const Context context;
  const lsm_power_options options = PowerOptions(4);
  HostTensor theta(DType::kBF16, {8}, std::vector<double>(8, 1));
  HostTensor one(DType::kF32, {1}, std::vector<double>{1});
  HostTensor out(DType::kF32, {8}), matrix(DType::kF32, {2, 4});
  HostTensor codes(DType::kI8, {8}), scalar(DType::kF32, {});
  Mirror d;
  EXPECT_TRUE(
      Rejects(lsm_power_staircase(context, &options, 1, d.View(&theta), d.View(&one), d.View(&one),
                                  nullptr, d.View(&out), nullptr, nullptr, nullptr, nullptr),
              "theta", "bf16"));
  EXPECT_TRUE(
      Rejects(lsm_power_staircase(context, &options, -1, d.View(&out), d.View(&one), d.View(&one),
                                  nullptr, d.View(&out), nullptr, nullptr, nullptr, nullptr),
              "beta", "-1"));
  EXPECT_TRUE(Rejects(lsm_power_latents(context, &options, d.View(&theta), d.View(&one),
                                        d.View(&one), d.View(&matrix)),
                      "theta", "[2,4]"));
  EXPECT_TRUE(Rejects(lsm_power_dequantize(context, &options, nullptr, d.View(&one), d.View(&one),
                                           nullptr, d.View(&out)),
                      "codes", "NULL"));
  EXPECT_TRUE(Rejects(lsm_power_dequantize(context, &options, d.View(&codes), d.View(&one),
                                           d.View(&one), nullptr, d.View(&matrix)),
                      "codes", "[8]"));
  EXPECT_TRUE(Rejects(lsm_power_quantize(context, &options, d.View(&scalar), d.View(&one),
                                         d.View(&one), nullptr, d.View(&codes)),
                      "w", "a scalar"));
  EXPECT_TRUE(Rejects(lsm_power_scales(context, &options, d.View(&out), nullptr, nullptr), "scale",
                      "NULL"));
  EXPECT_TRUE(Rejects(
      lsm_power_scales(context, &options, d.View(&theta), d.View(&one), d.View(&scalar)), "shift"));
  EXPECT_TRUE(Rejects(lsm_power_scales(nullptr, &options, d.View(&theta), d.View(&one), nullptr),
                      "context", "NULL"));
  d.Return(context);
  EXPECT_TRUE(out.Untouched() && codes.Untouched());
}

// What a call needs beside its tensors is said, and with that it runs.
TEST(BadPower, ABudgetThatIsTooSmallNamesTheBytes) {
  if (OnDevice()) GTEST_SKIP() << "the workspace of a device has another size";
  const PowerProblem p =
      RandomProblem(PowerOptions(4, LSM_POWER_SIGNED, 1), {40, 200}, DType::kF32, 3);
  PowerTensors t(p, DType::kF32);
  ASSERT_EQ(t.FakeQuantize(Context(2, 1)), LSM_BUDGET_TOO_SMALL);
  EXPECT_TRUE(t.out.Untouched() && t.grad_scale.Untouched());
  const int64_t needed = LargestNumberIn(lsm_last_error());
  EXPECT_EQ(t.FakeQuantize(Context(2, needed)), LSM_OK) << lsm_last_error();
}

}  // namespace
}  // namespace lossmith_test
