// Slices, padded rows, unaligned memory, byte offsets, odd strides, offsets beyond 2^31 elements: the
// numbers and the bits are those of plain arrays, and nothing beside the elements is written.
#include <gtest/gtest.h>

#include <array>
#include <list>

#include "support/compare.h"
#include "support/context.h"
#include "support/label_call.h"
#include "support/mirror.h"
#include "support/random.h"
#include "support/sparse_matrix.h"

namespace lossmith_test::labels {
namespace {

std::vector<Problem> Problems(int64_t n, int64_t l, int64_t d, uint64_t seed) {
  std::vector<Problem> problems;
  for (int32_t loss : kLosses) problems.push_back(RandomProblem(loss, n, l, d, seed));
  problems.push_back(WithSoftTargets(problems.back(), seed));
  for (Problem& problem : problems) AddEveryOption(&problem, seed + 1);
  return problems;
}

TEST(LabelLayout, PaddedAndUnalignedTensorsGiveTheSameBits) {
  const Context context;
  const Layout layouts[] = {{0, 0, false, true},
                            {3, 0, false, false},
                            {0, 1, true, false},
                            {5, 3, true, false},
                            {16, 1, false, false}};
  std::vector<Problem> problems = Problems(25, 40, 7, 1);
  problems.push_back(AsProducts(problems[0]));
  problems.push_back(AsProducts(problems[4]));
  for (Problem problem : problems) {
    if (problem.d > 0 && problem.options.loss == LSM_SOFT_TOP_K) {
      problem.options.normalize_x = problem.options.normalize_labels = 1;
    }
    for (DType dtype : {DType::kF64, DType::kF32, DType::kBF16}) {
      const Types types = dtype == DType::kF64 ? Types{} : SingleTypes(dtype);
      Call plain(problem, types);
      ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();
      for (const Layout& layout : layouts) {
        Call call(problem, types);
        call.SetLayout(layout);
        ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
        EXPECT_EQ(call.Bits(), plain.Bits())
            << LossName(problem.options.loss) << ", " << Name(dtype) << ", padding "
            << layout.row_padding << ", offset " << layout.offset;
        for (const auto& output : call.outputs) EXPECT_TRUE(!output || output->GapsUntouched());
      }
    }
  }
}

TEST(LabelLayout, AStepOfPaddedLabelsGivesTheSameBits) {
  const Problem problem = RandomProblem(LSM_DECOUPLED_SOFTMAX, 25, 40, 7, 2);
  for (bool in_place : {true, false}) {
    for (DType dtype : {DType::kF32, DType::kBF16}) {
      const auto make = [&] {
        Call call(problem, SingleTypes(dtype), 1u << kLoss | 1u << kGradX);
        call.update.emplace();
        lsm_update_defaults(LSM_UPDATE_MOMENTUM, &*call.update);
        call.update_state.emplace(DType::kF32, std::vector<int64_t>{40, 7},
                                  std::vector<double>(280, 0.5));
        call.in_place = in_place;
        if (!in_place) call.new_labels.emplace(dtype, std::vector<int64_t>{40, 7});
        return call;
      };
      Call plain = make(), padded = make();
      padded.SetLayout({3, 1, true, false});
      ASSERT_EQ(plain.Run(Context()), LSM_OK) << lsm_last_error();
      ASSERT_EQ(padded.Run(Context()), LSM_OK) << lsm_last_error();
      const auto labels = [&](Call& call) -> HostTensor& {
        return in_place ? *call.inputs[kLabels] : *call.new_labels;
      };
      EXPECT_EQ(padded.Bits(), plain.Bits());
      EXPECT_EQ(labels(padded).Bits(), labels(plain).Bits());
      EXPECT_EQ(padded.update_state->Bits(), plain.update_state->Bits());
      EXPECT_TRUE(labels(padded).GapsUntouched());
      EXPECT_TRUE(padded.update_state->GapsUntouched());
    }
  }
}

// Rows of labels that lie every `stride` elements of one buffer, backwards or on top of each other.
TEST(LabelLayout, RowsOfLabelsMayOverlapRepeatOrRunBackwards) {
  for (int32_t loss : kLosses) {
    Problem problem = RandomProblem(loss, 20, 35, 9, 3);
    const std::vector<double> numbers = Random(4).Normals(35 * 9);
    for (auto [first, stride] : {std::array<int64_t, 2>{0, 1}, {4, 0}, {34 * 9, -9}}) {
      for (int64_t j = 0; j < 35; ++j) {
        for (int64_t k = 0; k < 9; ++k) problem.labels[9 * j + k] = numbers[first + j * stride + k];
      }
      const Context context;
      Call packed(problem, Types{}), strided(problem, Types{});
      ASSERT_EQ(packed.Run(context), LSM_OK) << lsm_last_error();
      std::vector<double> memory = numbers;
      int64_t shape[] = {35, 9}, strides[] = {stride, 1};
      const lsm_tensor labels{
          memory.data() + first, {LSM_CPU, 0}, 2, Abi(DType::kF64), shape, strides, 0};
      Mirror device;
      const auto in = [&](Input input) { return device.View(strided.inputs[input]); };
      const auto out = [&](Output output) { return device.View(strided.outputs[output]); };
      ASSERT_EQ(
          lsm_label_loss(context, &problem.options, in(kX),
                         device.View(labels, memory.data(), memory.size() * sizeof(double)),
                         in(kPositiveOffsets), in(kPositiveIds), nullptr, in(kTarget), nullptr,
                         nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                         nullptr, out(kLoss), out(kRowLoss), nullptr, out(kGradX), out(kGradLabels),
                         nullptr, nullptr, nullptr, nullptr, nullptr),
          LSM_OK)
          << lsm_last_error();
      device.Return(context);
      Result expected = packed.Values(), got = strided.Values();
      got[kThreshold] = expected[kThreshold];
      EXPECT_TRUE(Near(got, expected, 1e-12, 1e-14)) << LossName(loss) << ", stride " << stride;
    }
  }
}

TEST(LabelLayout, VectorsMayHaveStrides) {
  Problem problem = RandomProblem(LSM_BCE, 12, 20, 5, 5);
  problem.row_weight = Random(6).Uniforms(12, 0, 2);
  problem.positives.values = Random(7).Uniforms(problem.positives.ids.size(), 0.5, 2);
  problem.options.weighted = 1;
  const Context context;
  Call plain(problem, Types{}), call(problem, Types{});
  ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();
  // Every third element of a longer vector.
  const auto spread = [](const HostTensor& vector) {
    HostTensor memory(vector.dtype(), {3 * vector.elements()});
    for (int64_t i = 0; i < vector.elements(); ++i) memory.Set(3 * i, vector.Get(i));
    return memory;
  };
  HostTensor weights = spread(*call.inputs[kRowWeight]);
  HostTensor ids = spread(*call.inputs[kPositiveIds]);
  HostTensor offsets = spread(*call.inputs[kPositiveOffsets]);
  HostTensor values = spread(*call.inputs[kPositiveValues]);
  Mirror device;
  int64_t three[] = {3};
  std::list<int64_t> extents;
  std::list<lsm_tensor> views;
  const auto view = [&](HostTensor* memory, int64_t count) {
    views.push_back(*device.View(memory));
    extents.push_back(count);
    views.back().shape = &extents.back();
    views.back().strides = three;
    return &views.back();
  };
  const int64_t count = static_cast<int64_t>(problem.positives.ids.size());
  const auto out = [&](Output output) { return device.View(call.outputs[output]); };
  ASSERT_EQ(lsm_label_loss(context, &problem.options, device.View(call.inputs[kX]),
                           device.View(call.inputs[kLabels]), view(&offsets, 13), view(&ids, count),
                           view(&values, count), nullptr, nullptr, nullptr, nullptr, nullptr,
                           nullptr, nullptr, nullptr, nullptr, view(&weights, 12), nullptr,
                           out(kLoss), out(kRowLoss), nullptr, out(kGradX), out(kGradLabels),
                           nullptr, nullptr, nullptr, nullptr, nullptr),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  EXPECT_EQ(call.Bits(), plain.Bits());
}

TEST(LabelLayout, ScalarsMayHaveRankZero) {
  Problem problem = RandomProblem(LSM_SOFTMAX_CE, 12, 20, 5, 8);
  problem.log_scale = {2.0};
  problem.upstream = {3.0};
  const Context context;
  Call plain(problem, Types{}), call(problem, Types{});
  ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();
  const std::vector<int64_t> none;
  call.inputs[kLogScale].emplace(DType::kF64, none, problem.log_scale);
  call.inputs[kUpstream].emplace(DType::kF64, none, problem.upstream);
  call.outputs[kLoss].emplace(DType::kF64, none);
  call.outputs[kGradLogScale].emplace(DType::kF64, none);
  ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  EXPECT_EQ(call.Bits(), plain.Bits());
}

class WideLabels : public ::testing::TestWithParam<DType> {};

TEST_P(WideLabels, RowStridesBeyondTwoToThe31Elements) {
  const DType dtype = GetParam();
  const Types types = SingleTypes(dtype);
  constexpr int64_t kStride = (int64_t{1} << 31) + 12345;
  const int64_t n = 2, l = OnRealDevice() ? 3 : 6;
  Problem problem = RandomProblem(LSM_DECOUPLED_SOFTMAX, n, l, 33, 9);
  problem.positives = {};
  problem.positives.Add({1});
  problem.positives.Add({2, 0});
  problem = RoundedProblem(problem, dtype, DType::kF32);
  const Context context;
  Call plain(problem, types);
  ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();
  SparseMatrix x(dtype, n, 33, kStride), labels(dtype, l, 33, kStride);
  SparseMatrix grad_x(dtype, n, 33, kStride), grad_labels(dtype, l, 33, kStride);
  for (SparseMatrix* matrix : {&x, &labels, &grad_x, &grad_labels}) RETURN_UNLESS_GOOD(matrix);
  x.Fill(problem.x);
  labels.Fill(problem.labels);
  Call call(problem, types, 1u << kLoss);
  Mirror device;
  ASSERT_EQ(lsm_label_loss(
                context, &problem.options, x.view(), labels.view(),
                device.View(call.inputs[kPositiveOffsets]), device.View(call.inputs[kPositiveIds]),
                nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                nullptr, nullptr, nullptr, device.View(call.outputs[kLoss]), nullptr, nullptr,
                grad_x.view(), grad_labels.view(), nullptr, nullptr, nullptr, nullptr, nullptr),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  Result got = call.Values();
  got[kGradX] = grad_x.Values();
  got[kGradLabels] = grad_labels.Values();
  EXPECT_TRUE(Near(got, plain.Values(), 4 * UnitRoundoff(dtype), 0));
}

INSTANTIATE_TEST_SUITE_P(Types, WideLabels,
                         ::testing::Values(DType::kF32, DType::kF64, DType::kBF16),
                         [](const auto& instance) { return Name(instance.param); });

}  // namespace
}  // namespace lossmith_test::labels
