// Hyperparameters out of range: refused by name, with what was expected and what came, and with
// no output touched.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "support/call.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/mirror.h"

namespace lossmith_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct BadOption {
  const char* argument;
  const char* got;
  std::function<void(lsm_contrastive_options*)> spoil;
};

const BadOption kBadOptions[] = {
    {"temperature", "0", [](auto* o) { o->temperature = 0; }},
    {"temperature", "-0.5", [](auto* o) { o->temperature = -0.5; }},
    {"temperature", "nan", [](auto* o) { o->temperature = kNaN; }},
    {"temperature", "inf", [](auto* o) { o->temperature = kInfinity; }},
    {"max_scale", "0", [](auto* o) { o->max_scale = 0; }},
    {"max_scale", "-1", [](auto* o) { o->max_scale = -1; }},
    {"max_scale", "nan", [](auto* o) { o->max_scale = kNaN; }},
    {"row_coefficient", "-0.25", [](auto* o) { o->row_coefficient = -0.25; }},
    {"row_coefficient", "nan", [](auto* o) { o->row_coefficient = kNaN; }},
    {"row_coefficient", "inf", [](auto* o) { o->row_coefficient = kInfinity; }},
    {"column_coefficient", "-1", [](auto* o) { o->column_coefficient = -1; }},
    {"column_coefficient", "nan", [](auto* o) { o->column_coefficient = kNaN; }},
    {"label_smoothing", "1", [](auto* o) { o->label_smoothing = 1; }},
    {"label_smoothing", "-0.1", [](auto* o) { o->label_smoothing = -0.1; }},
    {"label_smoothing", "nan", [](auto* o) { o->label_smoothing = kNaN; }},
    {"reduction", "3", [](auto* o) { o->reduction = 3; }},
    {"reduction", "-1", [](auto* o) { o->reduction = -1; }},
    {"plan", "3", [](auto* o) { o->plan = 3; }},
    {"plan", "-2", [](auto* o) { o->plan = -2; }},
    {"normalize", "2", [](auto* o) { o->normalize = 2; }},
    {"normalize_reference", "-1", [](auto* o) { o->normalize_reference = -1; }},
};

TEST(BadOptions, AreRejectedByName) {
  const Context context;
  for (const Problem& problem : {RandomClip(6, 8, 4, 1), RandomCwcl(6, 8, 4, 3, 2)}) {
    for (const BadOption& bad : kBadOptions) {
      SCOPED_TRACE(std::string(bad.argument) + " " + bad.got);
      Call call(problem, Types{});
      bad.spoil(&call.options);
      EXPECT_TRUE(Rejects(call.Run(context), bad.argument, bad.got));
      EXPECT_TRUE(call.OutputsUntouched());
    }
  }
}

TEST(BadOptions, AContextStaysUsableAfterRejection) {
  const Context context;
  Call call(RandomClip(6, 8, 4, 3), Types{});
  call.options.temperature = -1;
  EXPECT_NE(call.Run(context), LSM_OK);
  call.options.temperature = 1;
  EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
}

TEST(BadOptions, ALossWithoutReductionIsRejected) {
  Problem problem = RandomClip(6, 8, 4, 4);
  Call call(problem, Types{});
  call.options.reduction = LSM_NONE;
  EXPECT_TRUE(Rejects(call.Run(Context()), "loss"));
  EXPECT_TRUE(call.OutputsUntouched());
}

TEST(BadOptions, NullOptionsAndContextAreRejected) {
  Call call(RandomClip(6, 8, 4, 5), Types{});
  EXPECT_TRUE(Rejects(call.Run(nullptr), "context"));
  Mirror device;
  const Context context;
  EXPECT_TRUE(Rejects(
      lsm_infonce(context, nullptr, device.View(call.inputs[kX]), device.View(call.inputs[kY]),
                  nullptr, nullptr, nullptr, nullptr, nullptr, device.View(call.outputs[kLoss]),
                  nullptr, nullptr, nullptr, nullptr, nullptr),
      "options"));
  device.Return(context);
  EXPECT_TRUE(call.OutputsUntouched());
}

}  // namespace
}  // namespace lossmith_test
