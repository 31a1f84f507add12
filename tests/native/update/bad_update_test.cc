// Steps that do not fit: refused by name, with what was expected and what came, and with nothing
// written.
#include <functional>
#include <memory>
#include <string>

#include "support/errors.h"
#include "update/step_case.h"

namespace lossmith_test {
namespace {

using Shape = std::vector<int64_t>;

// A step of momentum on some rows of bf16 weights, whose tensors a test may replace.
struct BadStep {
  BadStep() {
    options = FullOptions(LSM_UPDATE_MOMENTUM);
    options.stochastic_rounding = 1;
    Set(&gradient, DType::kF32, {2, 3});
    Set(&row_ids, DType::kI64, {2});
    row_ids->Set(0, 1);
    row_ids->Set(1, 3);
    Set(&weights, DType::kBF16, {4, 3});
    state = std::make_unique<HostTensor>(DType::kF32, Shape{4, 3});
    new_weights = std::make_unique<HostTensor>(DType::kBF16, Shape{4, 3});
  }
  static void Set(std::unique_ptr<HostTensor>* tensor, DType type, const Shape& shape) {
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    *tensor = std::make_unique<HostTensor>(type, shape, std::vector<double>(count, 1));
  }
  lsm_status Run() {
    const Context context;
    Mirror device;
    const lsm_status status = lsm_update_step(
        context, no_options ? nullptr : &options, device.View(gradient.get()),
        device.View(row_ids.get()), device.View(weights.get()), device.View(state.get()),
        alias != nullptr ? device.View(alias) : device.View(new_weights.get()));
    device.Return(context);
    return status;
  }
  bool Untouched() const {
    return (state == nullptr || state->Untouched()) &&
           (new_weights == nullptr || new_weights->Untouched());
  }

  lsm_update_options options;
  bool no_options = false;
  std::unique_ptr<HostTensor> gradient, row_ids, weights, state, new_weights;
  HostTensor* alias = nullptr;  // what new_weights is instead
};

void ExpectRejected(const std::function<void(BadStep*)>& spoil, const std::string& argument,
                    const std::string& got = "") {
  SCOPED_TRACE(argument + " " + got);
  BadStep step;
  spoil(&step);
  EXPECT_TRUE(Rejects(step.Run(), argument, got));
  EXPECT_TRUE(step.Untouched());
}

TEST(BadUpdate, TheStepItselfIsGood) {
  BadStep step;
  EXPECT_EQ(step.Run(), LSM_OK) << lsm_last_error();
  EXPECT_FALSE(step.Untouched());
}

TEST(BadUpdate, Options) {
  const auto option = [](const std::function<void(lsm_update_options*)>& spoil,
                         const std::string& argument, const std::string& got) {
    ExpectRejected([&](BadStep* step) { spoil(&step->options); }, argument, got);
  };
  ExpectRejected([](BadStep* step) { step->no_options = true; }, "options", "NULL");
  option([](lsm_update_options* o) { o->rule = 5; }, "rule", "5");
  option([](lsm_update_options* o) { o->rule = -1; }, "rule", "-1");
  option([](lsm_update_options* o) { o->project_rows = 2; }, "project_rows", "2");
  option([](lsm_update_options* o) { o->stochastic_rounding = -1; }, "stochastic_rounding", "-1");
  option([](lsm_update_options* o) { o->learning_rate = -0.5; }, "learning_rate", "-0.5");
  option([](lsm_update_options* o) { o->learning_rate = INFINITY; }, "learning_rate", "inf");
  option([](lsm_update_options* o) { o->weight_decay = NAN; }, "weight_decay", "nan");
  option([](lsm_update_options* o) { o->momentum = 1; }, "momentum", "1");
  option([](lsm_update_options* o) { o->rule = LSM_UPDATE_LION, o->beta2 = 1.5; }, "beta2", "1.5");
  option([](lsm_update_options* o) { o->rule = LSM_UPDATE_ADAGRAD, o->epsilon = 0; }, "epsilon",
         "0");
  option([](lsm_update_options* o) { o->rule = LSM_UPDATE_ADAM, o->beta2 = 1; }, "beta2", "1");
  option([](lsm_update_options* o) { o->rule = LSM_UPDATE_ADAM, o->momentum = -1; }, "momentum",
         "-1");
  option([](lsm_update_options* o) { o->rule = LSM_UPDATE_ADAM, o->epsilon = NAN; }, "epsilon",
         "nan");
}

TEST(BadUpdate, Tensors) {
  const auto tensor = [](std::unique_ptr<HostTensor> BadStep::*member, DType type,
                         const Shape& shape, const std::string& argument, const std::string& got) {
    ExpectRejected(
        [&](BadStep* step) {
          step->*member = std::make_unique<HostTensor>(type, shape);
          if (member == &BadStep::row_ids) step->row_ids->Set(0, 0);
        },
        argument, got);
  };
  tensor(&BadStep::gradient, DType::kF16, {2, 3}, "gradient", "f16");
  tensor(&BadStep::gradient, DType::kF32, {3, 3}, "row_ids", "[2]");
  tensor(&BadStep::gradient, DType::kF32, {2, 4}, "gradient", "[2,4]");
  tensor(&BadStep::gradient, DType::kF32, {6}, "gradient", "[6]");
  tensor(&BadStep::row_ids, DType::kI32, {2}, "row_ids", "i32");
  tensor(&BadStep::row_ids, DType::kI64, {3}, "row_ids", "[3]");
  tensor(&BadStep::weights, DType::kI64, {4, 3}, "weights", "i64");
  tensor(&BadStep::weights, DType::kF32, {4, 3}, "weights", "f32");
  tensor(&BadStep::weights, DType::kBF16, {12}, "weights", "[12]");
  tensor(&BadStep::state, DType::kBF16, {4, 3}, "state", "bf16");
  tensor(&BadStep::state, DType::kF64, {4, 3}, "state", "f64");
  tensor(&BadStep::state, DType::kF32, {2, 3}, "state", "[2,3]");
  tensor(&BadStep::new_weights, DType::kF32, {4, 3}, "new_weights", "f32");
  tensor(&BadStep::new_weights, DType::kBF16, {2, 3}, "new_weights", "[2,3]");
  for (std::unique_ptr<HostTensor> BadStep::*member :
       {&BadStep::gradient, &BadStep::weights, &BadStep::new_weights}) {
    ExpectRejected([&](BadStep* step) { (step->*member).reset(); }, "", "NULL");
  }
  ExpectRejected([](BadStep* step) { step->state.reset(); }, "state", "NULL");
  ExpectRejected([](BadStep* step) { step->options.rule = LSM_UPDATE_SGD; }, "state", "a tensor");
  ExpectRejected([](BadStep* step) { step->row_ids.reset(); }, "gradient", "[2,3]");
  ExpectRejected([](BadStep* step) { lsm_update_defaults(LSM_UPDATE_ADAM, &step->options); },
                 "state", "[4,3]");
}

TEST(BadUpdate, Overlaps) {
  ExpectRejected([](BadStep* step) { step->alias = step->state.get(); }, "new_weights", "f32");
  // The memory of weights, one row further.
  BadStep step;
  HostTensor large(DType::kBF16, {5, 3}, std::vector<double>(15, 1));
  const Context context;
  Mirror device;
  lsm_tensor weights = *device.View(&large), shifted = weights;
  int64_t shape[] = {4, 3}, wide[] = {6, 1}, strides[] = {3, 1};
  weights.shape = shifted.shape = shape;
  shifted.strides = weights.strides = strides;
  shifted.byte_offset += 6;
  lsm_update_options options = step.options;
  HostTensor two_rows_of_state(DType::kF32, {2, 3});
  HostTensor* state = step.state.get();
  HostTensor four_rows(DType::kF32, {4, 3}, std::vector<double>(12, 1));
  HostTensor* gradient = &four_rows;
  const auto run = [&](lsm_tensor* to) {
    return lsm_update_step(context, &options, device.View(gradient), nullptr, &weights,
                           device.View(state), to);
  };
  EXPECT_TRUE(Rejects(run(&shifted), "new_weights", "an overlap with weights"));
  // Its first row, but other rows after it.
  shifted.byte_offset -= 6;
  int64_t two_rows[] = {2, 3};
  weights.shape = shifted.shape = two_rows;
  shifted.strides = wide;
  state = &two_rows_of_state;
  gradient = step.gradient.get();
  EXPECT_TRUE(Rejects(run(&shifted), "new_weights", "row stride 6"));
  device.Return(context);
  EXPECT_EQ(large.Values(), std::vector<double>(15, 1));
}

// The CPU refuses them; a device must not be waited for to see them, and passes over what is not
// there.
TEST(BadUpdate, RowIds) {
  const auto ids = [](int64_t first, int64_t second) {
    return [=](BadStep* step) {
      step->row_ids->Set(0, static_cast<double>(first));
      step->row_ids->Set(1, static_cast<double>(second));
    };
  };
  if (OnDevice()) {
    BadStep step;
    ids(-1, 4)(&step);
    EXPECT_EQ(step.Run(), LSM_OK) << lsm_last_error();
    EXPECT_TRUE(step.Untouched());
    return;
  }
  ExpectRejected(ids(-1, 2), "row_ids", "-1 at index 0");
  ExpectRejected(ids(2, 4), "row_ids", "4 after 2 at index 1");
  ExpectRejected(ids(2, 2), "row_ids", "2 after 2 at index 1");
  ExpectRejected(ids(3, 1), "row_ids", "1 after 3 at index 1");
}

}  // namespace
}  // namespace lossmith_test
