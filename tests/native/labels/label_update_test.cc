// The fused step of the labels, bit for bit the gradient followed by lsm_update_step, and the
// gradient filter with its bound.
#include <gtest/gtest.h>

#include <cmath>

#include "support/context.h"
#include "support/errors.h"
#include "support/label_call.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test::labels {
namespace {

constexpr int32_t kRules[] = {LSM_UPDATE_SGD, LSM_UPDATE_MOMENTUM, LSM_UPDATE_ADAGRAD,
                              LSM_UPDATE_LION, LSM_UPDATE_ADAM};

lsm_update_options Update(int32_t rule) {
  lsm_update_options update;
  lsm_update_defaults(rule, &update);
  update.learning_rate = 0.3;
  update.weight_decay = 0.01;
  return update;
}

using Bytes = std::vector<unsigned char>;

struct Stepped {
  Bytes labels, state;
  std::array<Bytes, kOutputs> outputs;
};

DType StateType(const Types& types) {
  return types.matrices == DType::kF64 ? DType::kF64 : DType::kF32;
}

HostTensor State(const Problem& problem, const Types& types, int32_t rule) {
  const int64_t width = rule == LSM_UPDATE_ADAM ? 2 * problem.d : problem.d;
  return HostTensor(StateType(types), {problem.l, width},
                    Random(99).Uniforms(problem.l * width, 0, 0.01));
}

// The loss with an f32 gradient (f64 in f64), then the step as a call of its own.
Stepped InTwoCalls(const Problem& problem, const Types& types, const lsm_update_options& update,
                   lsm_context context) {
  Types wide = types;
  wide.gradients = StateType(types);
  Call loss(problem, wide, EveryOutput(problem) & ~(1u << kGradX));
  EXPECT_EQ(loss.Run(context), LSM_OK) << lsm_last_error();
  HostTensor gradient = *loss.outputs[kGradLabels];
  std::optional<HostTensor> ids, state;
  if (!problem.candidates.empty()) {
    ids = *loss.inputs[kCandidates];
    gradient =
        HostTensor(wide.gradients, {static_cast<int64_t>(problem.candidates.size()), problem.d});
    for (size_t a = 0; a < problem.candidates.size(); ++a) {
      for (int64_t k = 0; k < problem.d; ++k) {
        gradient.Set(a * problem.d + k,
                     loss.outputs[kGradLabels]->Get(problem.candidates[a] * problem.d + k));
      }
    }
  }
  if (update.rule != LSM_UPDATE_SGD) state = State(problem, types, update.rule);
  HostTensor labels = *loss.inputs[kLabels];
  Mirror device;
  EXPECT_EQ(lsm_update_step(context, &update, device.View(&gradient), device.View(ids),
                            device.View(&labels), device.View(state), device.View(&labels)),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  Stepped stepped{labels.Bits(), state ? state->Bits() : Bytes{}, loss.Bits()};
  stepped.outputs[kGradLabels].clear();
  return stepped;
}

Call FusedCall(const Problem& problem, const Types& types, const lsm_update_options& update,
               bool in_place) {
  Call call(problem, types, EveryOutput(problem) & ~(1u << kGradLabels | 1u << kGradX));
  call.update = update;
  if (update.rule != LSM_UPDATE_SGD) call.update_state = State(problem, types, update.rule);
  call.in_place = in_place;
  if (!in_place)
    call.new_labels.emplace(types.matrices, std::vector<int64_t>{problem.l, problem.d});
  return call;
}

Stepped InOneCall(const Problem& problem, const Types& types, const lsm_update_options& update,
                  bool in_place, lsm_context context) {
  Call call = FusedCall(problem, types, update, in_place);
  EXPECT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  return {(in_place ? call.inputs[kLabels] : call.new_labels)->Bits(),
          call.update_state ? call.update_state->Bits() : Bytes{}, call.Bits()};
}

void ExpectSame(const Problem& problem, const Types& types, const lsm_update_options& update,
                const char* what) {
  const Context context(2, int64_t{1} << 28);
  const Stepped expected = InTwoCalls(problem, types, update, context);
  for (bool in_place : {true, false}) {
    // Rows of labels that are no candidates are written only where they lie already.
    if (!in_place && !problem.candidates.empty()) continue;
    const Stepped got = InOneCall(problem, types, update, in_place, context);
    EXPECT_EQ(got.labels, expected.labels)
        << what << ", " << LossName(problem.options.loss) << ", rule " << update.rule << ", "
        << Name(types.matrices) << (in_place ? ", in place" : "");
    EXPECT_EQ(got.state, expected.state) << what << ", rule " << update.rule;
    EXPECT_EQ(got.outputs, expected.outputs) << what << ", rule " << update.rule;
  }
}

// Several tiles of rows and of labels.
Problem Large(int32_t loss, uint64_t seed) {
  return RandomProblem(loss, 110, Size(1100, 530), 9, seed);
}

TEST(LabelUpdate, EveryRuleGivesTheBitsOfGradientThenStep) {
  for (int32_t rule : kRules) {
    ExpectSame(Large(LSM_DECOUPLED_SOFTMAX, 1), SingleTypes(DType::kF32), Update(rule), "plain");
    ExpectSame(RandomProblem(LSM_DECOUPLED_SOFTMAX, 20, 30, 5, 2), Types{}, Update(rule), "f64");
  }
}

TEST(LabelUpdate, EveryLossGivesTheBitsOfGradientThenStep) {
  for (int32_t loss : kLosses) {
    Problem problem = Large(loss, 3);
    ExpectSame(problem, SingleTypes(DType::kF32), Update(LSM_UPDATE_ADAGRAD), "plain");
    AddEveryOption(&problem, 4);
    ExpectSame(problem, SingleTypes(DType::kF32), Update(LSM_UPDATE_MOMENTUM), "every option");
  }
}

TEST(LabelUpdate, SixteenBitLabelsWithStochasticRounding) {
  for (DType dtype : {DType::kBF16, DType::kF16}) {
    for (int32_t rule : kRules) {
      lsm_update_options update = Update(rule);
      const Problem problem = RoundedProblem(Large(LSM_DECOUPLED_SOFTMAX, 5), dtype, DType::kF32);
      ExpectSame(problem, SingleTypes(dtype), update, "to nearest");
      update.stochastic_rounding = 1;
      update.seed = 77;
      update.step = 3;
      ExpectSame(problem, SingleTypes(dtype), update, "stochastic");
    }
  }
}

TEST(LabelUpdate, ProjectionAndNormalization) {
  lsm_update_options update = Update(LSM_UPDATE_MOMENTUM);
  update.project_rows = 1;
  Problem problem = Large(LSM_SOFTMAX_CE, 6);
  problem.options.normalize_x = 1;
  ExpectSame(problem, SingleTypes(DType::kF32), update, "projected");
  const Context context(2, int64_t{1} << 28);
  Call call = FusedCall(problem, SingleTypes(DType::kF32), update, true);
  ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  for (int64_t j = 0; j < problem.l; ++j) {
    double square = 0;
    for (int64_t k = 0; k < 9; ++k) square += std::pow(call.inputs[kLabels]->Get(9 * j + k), 2);
    ASSERT_NEAR(square, 1, 1e-6) << j;
  }
  for (double& value : problem.labels) value *= 3;
  problem.options.normalize_labels = 1;
  ExpectSame(problem, SingleTypes(DType::kF32), update, "normalized, projected");
}

TEST(LabelUpdate, LabelsThatAreNoCandidatesAreUntouched) {
  Problem problem = Large(LSM_MULTI_LABEL_INFONCE, 7);
  for (int64_t j = 0; j < problem.l; j += 3) problem.candidates.push_back(j);
  for (int32_t rule : kRules) {
    ExpectSame(problem, SingleTypes(DType::kF32), Update(rule), "candidates");
  }
  Call call = FusedCall(problem, SingleTypes(DType::kF32), Update(LSM_UPDATE_MOMENTUM), false);
  const HostTensor empty(DType::kF32, {problem.l, problem.d});
  const HostTensor before = *call.update_state;
  ASSERT_EQ(call.Run(Context(2, int64_t{1} << 28)), LSM_OK) << lsm_last_error();
  const Bytes labels = call.new_labels->Bits(), unwritten = empty.Bits();
  const Bytes state = call.update_state->Bits(), old_state = before.Bits();
  const int64_t row = 4 * problem.d;
  for (int64_t j = 0; j < problem.l; ++j) {
    const bool same_labels = std::equal(labels.begin() + j * row, labels.begin() + (j + 1) * row,
                                        unwritten.begin() + j * row);
    const bool same_state = std::equal(state.begin() + j * row, state.begin() + (j + 1) * row,
                                       old_state.begin() + j * row);
    EXPECT_EQ(same_labels, j % 3 != 0) << j;
    EXPECT_EQ(same_state, j % 3 != 0) << j;
  }
}

TEST(LabelUpdate, ThreadsBudgetsAndPlansGiveTheSameBits) {
  const Problem problem = Large(LSM_DECOUPLED_SOFTMAX, 8);
  const Types types = SingleTypes(DType::kF32);
  const lsm_update_options update = Update(LSM_UPDATE_ADAGRAD);
  const Stepped one = InOneCall(problem, types, update, true, Context(1, int64_t{1} << 28));
  const auto expect_same = [&](const Stepped& got, const char* what) {
    EXPECT_EQ(got.labels, one.labels) << what;
    EXPECT_EQ(got.state, one.state) << what;
    EXPECT_EQ(got.outputs, one.outputs) << what;
  };
  for (int threads : {2, 5}) {
    expect_same(InOneCall(problem, types, update, true, Context(threads, int64_t{1} << 28)),
                "threads");
  }
  for (int plan : {LSM_PLAN_STORE, LSM_PLAN_RECOMPUTE}) {
    Problem planned = problem;
    planned.options.plan = plan;
    expect_same(InOneCall(planned, types, update, true, Context(2, int64_t{1} << 28)), "plan");
  }
  Call call = FusedCall(problem, types, update, true);
  ASSERT_EQ(call.Run(Context(2, 1)), LSM_BUDGET_TOO_SMALL);
  const int64_t least = LargestNumberIn(lsm_last_error());
  expect_same(InOneCall(problem, types, update, true, Context(2, least)), "least budget");
}

// A batch of nothing has a gradient of zeros, and a step with it.
TEST(LabelUpdate, ABatchWithoutRowsStillSteps) {
  const Problem problem = RandomProblem(LSM_DECOUPLED_SOFTMAX, 0, 12, 5, 9);
  for (int32_t rule : kRules) {
    ExpectSame(problem, SingleTypes(DType::kF32), Update(rule), "no rows");
  }
}

TEST(LabelUpdate, BadArguments) {
  const Problem problem = RandomProblem(LSM_DECOUPLED_SOFTMAX, 6, 12, 5, 10);
  const Types types = SingleTypes(DType::kF32);
  const Context context;
  const auto expect_rejected = [&](const char* argument, auto spoil) {
    Call call = FusedCall(problem, types, Update(LSM_UPDATE_MOMENTUM), false);
    spoil(&call);
    const Bytes labels = call.inputs[kLabels]->Bits();
    const Bytes state = call.update_state ? call.update_state->Bits() : Bytes{};
    EXPECT_TRUE(Rejects(call.Run(context), argument));
    EXPECT_TRUE(call.OutputsUntouched()) << argument;
    EXPECT_EQ(call.inputs[kLabels]->Bits(), labels) << argument;
    EXPECT_EQ(call.update_state ? call.update_state->Bits() : Bytes{}, state) << argument;
  };
  using Shape = std::vector<int64_t>;
  expect_rejected("update_state", [](Call* call) { call->update_state.reset(); });
  expect_rejected("update_state", [](Call* call) {
    call->update_state = HostTensor(DType::kF32, {12, 4}, std::vector<double>(48, 0));
  });
  expect_rejected("update_state", [](Call* call) {
    call->update_state = HostTensor(DType::kBF16, {12, 5}, std::vector<double>(60, 0));
  });
  expect_rejected("new_labels", [](Call* call) { call->new_labels.reset(); });
  expect_rejected("new_labels", [](Call* call) {
    call->new_labels.emplace(DType::kF32, Shape{11, 5});
  });
  expect_rejected("new_labels", [](Call* call) {
    call->new_labels.emplace(DType::kBF16, Shape{12, 5});
  });
  expect_rejected("grad_labels", [](Call* call) {
    call->outputs[kGradLabels].emplace(DType::kF32, Shape{12, 5});
  });
  expect_rejected("rule", [](Call* call) { call->update->rule = 9; });
  expect_rejected("learning_rate", [](Call* call) { call->update->learning_rate = NAN; });
  expect_rejected("stochastic_rounding", [](Call* call) { call->update->stochastic_rounding = 1; });
  expect_rejected("update", [](Call* call) { call->update.reset(); });
  Call sgd = FusedCall(problem, types, Update(LSM_UPDATE_SGD), false);
  sgd.update_state = State(problem, types, LSM_UPDATE_MOMENTUM);
  EXPECT_TRUE(Rejects(sgd.Run(context), "update_state"));
}

// ---- gradient filter ---------------------------------------------------------------------------

// |z_j| summed for grad_x, |x_i| for grad_labels: more than any set of skipped entries can miss.
void ExpectWithinBound(const Problem& problem, double eps, bool expect_skips) {
  Problem filtered = problem;
  filtered.options.filter = eps;
  const Context context;
  const Result exact = Evaluate(problem, Types{}, context);
  const Result got = Evaluate(filtered, Types{}, context);
  for (int output : {kLoss, kRowLoss, kGradLogScale, kGradBias}) {
    EXPECT_EQ(got[output], exact[output]) << OutputName(output) << ", eps " << eps;
  }
  const double scale = std::exp(problem.log_scale[0]);
  const double n = static_cast<double>(problem.n), l = static_cast<double>(problem.l);
  // Rows are of unit length.
  double missed = 0;
  for (size_t i = 0; i < exact[kGradX].size(); i += problem.d) {
    double square = 0;
    for (int64_t k = 0; k < problem.d; ++k)
      square += std::pow(got[kGradX][i + k] - exact[kGradX][i + k], 2);
    EXPECT_LE(std::sqrt(square), scale * eps / n * l * (1 + 1e-6) + 1e-15);
    missed = std::max(missed, std::sqrt(square));
  }
  for (size_t j = 0; j < exact[kGradLabels].size(); j += problem.d) {
    double square = 0;
    for (int64_t k = 0; k < problem.d; ++k)
      square += std::pow(got[kGradLabels][j + k] - exact[kGradLabels][j + k], 2);
    EXPECT_LE(std::sqrt(square), scale * eps / n * n * (1 + 1e-6) + 1e-15);
  }
  if (expect_skips) {
    EXPECT_GT(missed, 1e-15) << eps;
  } else {
    EXPECT_LE(missed, 1e-14) << eps;
  }
}

// Rows equal to their label, at a temperature that leaves nothing to the others; positives lie in the
// first tile of labels.
Problem Peaked() {
  Problem problem = RandomProblem(LSM_DECOUPLED_SOFTMAX, 100, 1100, 12, 11);
  problem.positives = {};
  for (int64_t i = 0; i < problem.n; ++i) {
    problem.positives.Add({i % 64});
    for (int64_t k = 0; k < problem.d; ++k)
      problem.x[12 * i + k] = problem.labels[12 * (i % 64) + k];
  }
  problem.log_scale = {std::log(20.0)};
  problem.bias.assign(problem.l, 0);
  return problem;
}

TEST(LabelFilter, StaysWithinItsBoundOnPeakedAndFlatInputs) {
  ExpectWithinBound(Peaked(), 1e-2, true);
  ExpectWithinBound(Peaked(), 1e-5, false);
  Problem flat = Peaked();
  flat.log_scale = {std::log(0.01)};
  // Every coefficient of a negative is about 1/l of its row's.
  ExpectWithinBound(flat, 2.0 / 1100, true);
  ExpectWithinBound(flat, 0.5 / 1100, false);
}

TEST(LabelFilter, NoneIsExact) {
  Problem problem = Peaked();
  Call plain(problem, Types{});
  ASSERT_EQ(plain.Run(Context()), LSM_OK) << lsm_last_error();
  problem.options.filter = 0;
  EXPECT_EQ(Call(problem, Types{}).Run(Context()), LSM_OK);
  problem.options.filter = 1e-300;  // looks at every tile and skips none
  Call call(problem, Types{});
  ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
  EXPECT_TRUE(Near(call.Values(), plain.Values(), 1e-13, 0));
}

TEST(LabelFilter, ThreadsPlansAndBudgetsGiveTheSameBits) {
  Problem problem = Peaked();
  problem.options.filter = 1e-2;
  for (const Types& types : {Types{}, SingleTypes(DType::kF32)}) {
    Call one(problem, types);
    ASSERT_EQ(one.Run(Context(1)), LSM_OK) << lsm_last_error();
    for (int plan : {LSM_PLAN_STORE, LSM_PLAN_RECOMPUTE}) {
      problem.options.plan = plan;
      Call call(problem, types);
      ASSERT_EQ(call.Run(Context(2)), LSM_OK) << lsm_last_error();
      EXPECT_EQ(call.Bits(), one.Bits());
    }
    problem.options.plan = LSM_PLAN_AUTO;
    Call call(problem, types);
    ASSERT_EQ(call.Run(Context(2, LeastBudget(problem, types, 2))), LSM_OK) << lsm_last_error();
    EXPECT_EQ(call.Bits(), one.Bits());
  }
}

// A fused step sees the filtered gradient.
TEST(LabelFilter, TheFusedStepIsThatOfTheFilteredGradient) {
  Problem problem = Peaked();
  problem.options.filter = 1e-2;
  ExpectSame(problem, SingleTypes(DType::kF32), Update(LSM_UPDATE_MOMENTUM), "filtered");
}

}  // namespace
}  // namespace lossmith_test::labels
