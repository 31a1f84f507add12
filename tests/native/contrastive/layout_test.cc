// Slices, padded rows, unaligned memory, byte offsets, odd strides: the numbers and the bits are
// those of plain arrays, and nothing beside the elements is written.
#include <gtest/gtest.h>

#include "oracle/contrastive_oracle.h"
#include "support/call.h"
#include "support/compare.h"
#include "support/context.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

const Types kTypes[] = {Types{}, SingleTypes(DType::kF32), SingleTypes(DType::kBF16),
                        SingleTypes(DType::kF16)};

std::vector<Problem> Problems() {
  Problem clip = RandomClip(70, 83, 13, 1);
  AddEveryOption(&clip, 2);
  Problem normalized = RandomCwcl(70, 83, 13, 5, 3);
  AddEveryOption(&normalized, 4);
  normalized.options.normalize = 1;
  Problem weights = RandomCwcl(70, 83, 13, 1, 5);
  weights.r = 0;
  weights.reference.clear();
  weights.reference_y.clear();
  weights.weights = Random(6).Uniforms(70 * 83, 0, 1);
  return {clip, normalized, weights};
}

TEST(Layout, PaddedAndUnalignedTensorsGiveTheSameBits) {
  const Context context;
  const Layout layouts[] = {{0, 0, false, true}, {3, 0, false, false}, {0, 1, false, false},
                            {0, 1, true, false}, {5, 3, true, false},  {16, 1, false, false}};
  for (const Problem& problem : Problems()) {
    for (const Types& types : kTypes) {
      Call plain(problem, types);
      ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();
      for (const Layout& layout : layouts) {
        Call call(problem, types);
        call.SetLayout(layout);
        ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
        EXPECT_EQ(call.Bits(), plain.Bits()) << Name(types.matrices) << ", padding "
                                             << layout.row_padding << ", offset " << layout.offset;
        for (const auto& output : call.outputs) {
          EXPECT_TRUE(!output || output->GapsUntouched());
        }
      }
    }
  }
}

// x, y and the gradients as column windows of one matrix, which interleave without overlap.
TEST(Layout, InputsAndOutputsMayInterleaveInOneMatrix) {
  const Problem problem = RandomClip(40, 40, 6, 7);
  const Context context;
  constexpr int64_t kWidth = 25;
  std::vector<float> matrix(40 * kWidth, -77);
  int64_t shape[] = {40, 6};
  int64_t strides[] = {kWidth, 1};
  const auto window = [&](int64_t column) {
    return lsm_tensor{matrix.data() + column, {LSM_CPU, 0}, 2, Abi(DType::kF32), shape, strides, 0};
  };
  for (int64_t i = 0; i < 40 * 6; ++i) {
    matrix[i / 6 * kWidth + i % 6] = static_cast<float>(problem.x[i]);
    matrix[i / 6 * kWidth + 6 + i % 6] = static_cast<float>(problem.y[i]);
  }
  Mirror device;
  const auto view = [&](int64_t column) {
    return device.View(window(column), matrix.data(), matrix.size() * sizeof(float));
  };
  ASSERT_EQ(lsm_infonce(context, &problem.options, view(0), view(6), nullptr, nullptr, nullptr,
                        nullptr, nullptr, nullptr, nullptr, view(12), view(18), nullptr, nullptr),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  const Result expected = Evaluate(problem, SingleTypes(DType::kF32), context);
  for (int64_t i = 0; i < 40 * 6; ++i) {
    EXPECT_EQ(matrix[i / 6 * kWidth + 12 + i % 6], expected[kGradX][i]);
    EXPECT_EQ(matrix[i / 6 * kWidth + 18 + i % 6], expected[kGradY][i]);
  }
  for (int64_t i = 0; i < 40; ++i) EXPECT_EQ(matrix[i * kWidth + 24], -77);
}

// Runs `problem` with y read through the given row stride of `memory`, and with the packed rows.
void ExpectStridesLikePackedRows(Problem problem, std::vector<float> memory, int64_t first,
                                 int64_t stride) {
  const Context context;
  for (int64_t j = 0; j < problem.m; ++j) {
    for (int64_t k = 0; k < problem.d; ++k) {
      problem.y[j * problem.d + k] = memory[first + j * stride + k];
    }
  }
  const Types types = SingleTypes(DType::kF32);
  Call packed(problem, types);
  ASSERT_EQ(packed.Run(context), LSM_OK) << lsm_last_error();
  Call strided(problem, types);
  int64_t shape[] = {problem.m, problem.d};
  int64_t strides[] = {stride, 1};
  const lsm_tensor y{memory.data() + first, {LSM_CPU, 0}, 2, Abi(DType::kF32), shape, strides, 0};
  Mirror device;
  const auto out = [&](Output output) { return device.View(strided.outputs[output]); };
  ASSERT_EQ(lsm_infonce(context, &problem.options, device.View(strided.inputs[kX]),
                        device.View(y, memory.data(), memory.size() * sizeof(float)), nullptr,
                        nullptr, nullptr, nullptr, nullptr, out(kLoss), out(kRowLoss), out(kGradX),
                        out(kGradY), nullptr, nullptr),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  // Rows this odd may be multiplied by another kernel: equal up to the order of sums.
  EXPECT_TRUE(Near(strided.Values(), packed.Values(), 1e-6, 1e-7)) << "stride " << stride;
}

TEST(Layout, InputRowsMayOverlapRepeatOrRunBackwards) {
  Problem problem = RandomClip(30, 35, 9, 8);
  const std::vector<double> numbers = Random(9).Normals(35 * 9);
  const std::vector<float> memory(numbers.begin(), numbers.end());
  ExpectStridesLikePackedRows(problem, memory, 0, 1);
  ExpectStridesLikePackedRows(problem, memory, 4, 0);
  ExpectStridesLikePackedRows(problem, memory, 34 * 9, -9);
}

TEST(Layout, VectorsMayHaveStrides) {
  Problem problem = RandomClip(12, 12, 5, 10);
  problem.row_weight = Random(11).Uniforms(12, 0, 2);
  Call plain(problem, Types{});
  const Context context;
  ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();
  std::vector<double> memory(36, 1e300);
  for (int i = 0; i < 12; ++i) memory[3 * i] = problem.row_weight[i];
  int64_t shape[] = {12};
  int64_t strides[] = {3};
  const lsm_tensor weight{memory.data(), {LSM_CPU, 0}, 1, Abi(DType::kF64), shape, strides, 0};
  Call call(problem, Types{});
  Mirror device;
  const auto out = [&](Output output) { return device.View(call.outputs[output]); };
  ASSERT_EQ(
      lsm_infonce(context, &problem.options, device.View(call.inputs[kX]),
                  device.View(call.inputs[kY]), nullptr, nullptr,
                  device.View(weight, memory.data(), memory.size() * sizeof(double)), nullptr,
                  nullptr, out(kLoss), out(kRowLoss), out(kGradX), out(kGradY), nullptr, nullptr),
      LSM_OK)
      << lsm_last_error();
  device.Return(context);
  EXPECT_EQ(call.Bits(), plain.Bits());
}

TEST(Layout, ScalarsMayHaveRankZero) {
  Problem problem = RandomClip(12, 12, 5, 12);
  problem.log_scale = {2.0};
  problem.upstream = {3.0};
  Call plain(problem, Types{});
  const Context context;
  ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();
  Call call(problem, Types{});
  call.inputs[kLogScale].emplace(DType::kF64, std::vector<int64_t>{}, problem.log_scale);
  call.inputs[kUpstream].emplace(DType::kF64, std::vector<int64_t>{}, problem.upstream);
  call.outputs[kLoss].emplace(DType::kF64, std::vector<int64_t>{});
  call.outputs[kGradLogScale].emplace(DType::kF64, std::vector<int64_t>{});
  ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  EXPECT_EQ(call.Bits(), plain.Bits());
}

TEST(Layout, TheTypesOfVectorsAndLossesAreFree) {
  Problem problem = RandomClip(30, 33, 7, 13);
  AddEveryOption(&problem, 14);
  for (DType matrices : {DType::kF32, DType::kBF16, DType::kF16}) {
    const Problem rounded = RoundedProblem(problem, matrices, DType::kF32);
    const Types wide{matrices, DType::kF64, DType::kF32, DType::kF64};
    const Types single{matrices, DType::kF32, DType::kF32, DType::kF32};
    const Result in_wide = Evaluate(rounded, wide);
    const Result in_single = Evaluate(rounded, single);
    for (int output = 0; output < kOutputs; ++output) {
      EXPECT_EQ(Rounded(DType::kF32, in_wide[output]), in_single[output]) << OutputName(output);
    }
  }
}

TEST(Layout, AReferenceMayHaveItsOwnElementType) {
  Problem problem = RandomCwcl(30, 33, 7, 5, 15);
  problem.reference = Rounded(DType::kF32, problem.reference);
  problem.reference_y = Rounded(DType::kBF16, problem.reference_y);
  Call call(problem, Types{});
  call.inputs[kReference].emplace(DType::kF32, std::vector<int64_t>{30, 5}, problem.reference);
  call.inputs[kReferenceY].emplace(DType::kBF16, std::vector<int64_t>{33, 5}, problem.reference_y);
  ASSERT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
  EXPECT_TRUE(NearInDouble(call.Values(), Oracle(problem)));
}

}  // namespace
}  // namespace lossmith_test
