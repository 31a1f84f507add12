// The generator against its published numbers, and the device against the CPU: the same bits for
// every rule, type, layout and kind of rounding, with blocks of rows as the label losses call them.
#include <string>

#include "cpu/update.h"
#include "cuda/far_rows.h"
#include "cuda/rows_support.h"
#include "cuda/update.h"
#include "math/random.h"
#include "update/step_case.h"

namespace lossmith_test {
namespace {

using lossmith::GradientRows;
using lossmith::UpdateCall;
using lossmith::math::Philox;

void ExpectWords(Philox counter, uint64_t key, const Philox& expected) {
  const Philox words = lossmith::math::philox4x32(counter, key);
  EXPECT_EQ(words.a, expected.a);
  EXPECT_EQ(words.b, expected.b);
  EXPECT_EQ(words.c, expected.c);
  EXPECT_EQ(words.d, expected.d);
}

// The known answers for philox4x32 with ten rounds that its authors publish with Random123.
TEST(Philox, KnownAnswers) {
  ExpectWords({0, 0, 0, 0}, 0, {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  constexpr uint32_t kOnes = 0xffffffffu;
  ExpectWords({kOnes, kOnes, kOnes, kOnes}, ~uint64_t{0},
              {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  // Digits of pi.
  ExpectWords({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, 0x299f31d0a4093822u,
              {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

View Host(HostTensor* tensor) { return lossmith::view_of(tensor->view(), "tensor", {LSM_CPU, 0}); }

View Device(const DeviceMatrix& matrix) {
  const lossmith::cuda::Matrix m = matrix.get();
  View v;
  v.exists = true;
  v.data = static_cast<char*>(m.data);
  v.type = m.type;
  v.ndim = 2;
  v.shape[0] = m.rows;
  v.shape[1] = m.width;
  v.strides[0] = m.ld;
  v.strides[1] = 1;
  return v;
}

// The CPU's step in blocks of `block` rows.
StepResult OnCpu(const StepCase& c, int64_t block) {
  HostTensor weights(c.weight_type, {c.rows, c.width}, c.weights);
  HostTensor gradient(c.gradient_type, {c.gradient_rows(), c.width}, c.gradient);
  std::vector<double> zeros(c.rows * c.state_width(), 0);
  HostTensor state(c.state_type(), {c.rows, c.state_width()}, c.state.empty() ? zeros : c.state);
  UpdateCall call{c.options, Host(&weights), Host(&weights), {}};
  if (!c.state.empty()) call.state = Host(&state);
  const View g = Host(&gradient);
  for (int64_t begin = 0; begin < c.gradient_rows(); begin += block) {
    GradientRows rows;
    rows.data = g.data + begin * c.width * lossmith::bytes_of(g.type);
    rows.type = g.type;
    rows.ld = c.width;
    rows.count = std::min(block, c.gradient_rows() - begin);
    if (c.row_ids.empty()) {
      rows.begin = begin;
    } else {
      rows.row_ids = c.row_ids.data() + begin;
    }
    lossmith::update_rows(call, rows);
  }
  return {weights.Values(), c.state.empty() ? std::vector<double>{} : state.Values()};
}

// The same on the device, each block of the gradient a matrix of its own.
StepResult OnDevice(const StepCase& c, int64_t block, const MatrixLayout& layout) {
  DeviceMatrix weights(c.weight_type, c.rows, c.width, layout, c.weights);
  MatrixLayout state_layout = layout;
  const int64_t wider = c.state_width() - c.width;
  state_layout.ld += layout.ld < 0 ? -wider : wider;  // rows may run backwards
  DeviceMatrix state(c.state_type(), c.rows, c.state_width(), state_layout, c.state);
  const DeviceArray<int64_t> ids(c.row_ids);
  UpdateCall call{c.options, Device(weights), Device(weights), {}};
  if (!c.state.empty()) call.state = Device(state);
  for (int64_t begin = 0; begin < c.gradient_rows(); begin += block) {
    const int64_t count = std::min(block, c.gradient_rows() - begin);
    const auto first = c.gradient.begin() + begin * c.width;
    const DeviceMatrix gradient(c.gradient_type, count, c.width, layout,
                                std::vector<double>(first, first + count * c.width));
    GradientRows rows;
    rows.data = gradient.get().data;
    rows.type = gradient.get().type;
    rows.ld = layout.ld;
    rows.count = count;
    if (c.row_ids.empty()) {
      rows.begin = begin;
    } else {
      rows.row_ids = ids.get() + begin;
    }
    lossmith::cuda::update_rows(nullptr, call, rows);
    ExpectSuccess(cudaDeviceSynchronize());
  }
  StepResult result{weights.Values(), {}};
  EXPECT_TRUE(weights.GapsUntouched());
  if (!c.state.empty()) {
    result.state = state.Values();
    EXPECT_TRUE(state.GapsUntouched());
  }
  return result;
}

TEST(UpdateDevice, GivesTheBitsOfTheCpu) {
  uint64_t seed = 1;
  for (const DType weights : kFloats) {
    for (const DType gradient : {DType::kF32, weights}) {
      for (const int32_t rule : kRules) {
        for (const int mode : {0, 1, 2, 3}) {
          const bool small = Bytes(weights) == 2;
          if (mode >= 2 && !small) continue;
          const int64_t width = kEdges[1 + seed % 8];
          SCOPED_TRACE(std::string(Name(weights)) + " " + Name(gradient) + " rule " +
                       std::to_string(rule) + " mode " + std::to_string(mode) + " width " +
                       std::to_string(width));
          StepCase c = RandomCase(rule, weights, gradient, 11, width, seed);
          c.options.project_rows = mode % 2;
          c.options.stochastic_rounding = mode / 2;
          c.options.seed = 77;
          c.options.step = seed;
          const std::vector<MatrixLayout> layouts = Layouts(width);
          const StepResult cpu = OnCpu(c, 11);
          EXPECT_TRUE(OnCpu(c, 4) == cpu);
          EXPECT_TRUE(OnDevice(c, 11, {width}) == cpu);
          EXPECT_TRUE(OnDevice(c, 3, layouts[seed % layouts.size()]) == cpu);
          ++seed;
        }
      }
    }
  }
}

TEST(UpdateDevice, BlocksOfCandidates) {
  StepCase c = RandomCase(LSM_UPDATE_MOMENTUM, DType::kBF16, DType::kF32, 20, 33, 5);
  c.options.project_rows = 1;
  c.options.stochastic_rounding = 1;
  c.row_ids = {19, 0, 7, 3, 12};
  c.gradient.resize(5 * 33);
  const StepResult cpu = OnCpu(c, 5);
  EXPECT_TRUE(OnCpu(c, 2) == cpu);
  EXPECT_TRUE(OnDevice(c, 5, {33}) == cpu);
  EXPECT_TRUE(OnDevice(c, 2, {40, 1}) == cpu);
}

// Rows whose numbers need more than 32 bits are found, and get random bits of their own.
TEST(UpdateDevice, RowsBeyond32Bits) {
  constexpr int64_t kRows = (int64_t{1} << 32) + 4, kWidth = 8;
  const std::vector<int64_t> numbers = {1, (int64_t{1} << 32) + 1};
  StepCase c = RandomCase(LSM_UPDATE_SGD, DType::kBF16, DType::kF32, 2, kWidth, 3);
  std::copy_n(c.gradient.begin(), kWidth, c.gradient.begin() + kWidth);
  c.options.stochastic_rounding = 1;
  HostTensor gradient(DType::kF32, {2, kWidth}, c.gradient);
  std::vector<double> results[2];
  for (const bool device : {false, true}) {
    const FarRows weights(DType::kBF16, kRows, kWidth, kWidth, {});
    auto* elements = static_cast<uint16_t*>(weights.get().data);
    View v = Host(&gradient);
    v.data = static_cast<char*>(weights.get().data);
    v.type = lossmith::Type::bf16;
    v.shape[0] = kRows;
    const UpdateCall call{c.options, v, v, {}};
    GradientRows rows;
    rows.data = gradient.memory();
    rows.ld = kWidth;
    rows.count = 2;
    rows.row_ids = numbers.data();
    if (device) {
      lossmith::cuda::update_rows(nullptr, call, rows);
      ExpectSuccess(cudaDeviceSynchronize());
    } else {
      lossmith::update_rows(call, rows);
    }
    for (const int64_t row : numbers) {
      for (int64_t k = 0; k < kWidth; ++k) {
        results[device].push_back(Load(DType::kBF16, &elements[row * kWidth + k]));
      }
    }
  }
  EXPECT_EQ(results[0], results[1]);
  const auto middle = results[0].begin() + kWidth;
  EXPECT_FALSE(std::equal(results[0].begin(), middle, middle));
  EXPECT_NEAR(results[0][0], -0.03 * c.gradient[0], 0.001);
}

}  // namespace
}  // namespace lossmith_test
