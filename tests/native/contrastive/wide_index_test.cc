// Offsets beyond 2^31 elements. On the CPU and on the simulated device address space is reserved, and
// only the touched pages exist. A real device has no such memory: smaller problems run there, and
// those that still do not fit are skipped.
#include <gtest/gtest.h>

#include "support/call.h"
#include "support/compare.h"
#include "support/context.h"
#include "support/mirror.h"
#include "support/sparse_matrix.h"

namespace lossmith_test {
namespace {

class WideIndex : public ::testing::TestWithParam<DType> {};

TEST_P(WideIndex, RowStridesBeyondTwoToThe31Elements) {
  const DType dtype = GetParam();
  const Types types = SingleTypes(dtype);
  constexpr int64_t kStride = (int64_t{1} << 31) + 12345;
  Problem problem = OnRealDevice() ? RandomCwcl(2, 2, 33, 9, 1) : RandomCwcl(5, 6, 33, 9, 1);
  const bool own_candidates = !problem.reference_y.empty();
  problem = RoundedProblem(problem, dtype, DType::kF32);
  const Context context;
  Call plain(problem, types);
  ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();

  const int64_t n = problem.n, m = problem.m;
  SparseMatrix x(dtype, n, 33, kStride), y(dtype, m, 33, kStride);
  SparseMatrix reference(dtype, n, 9, kStride);
  SparseMatrix reference_y(dtype, own_candidates ? m : 1, 9, kStride);
  SparseMatrix grad_x(dtype, n, 33, kStride), grad_y(dtype, m, 33, kStride);
  for (SparseMatrix* matrix : {&x, &y, &reference, &reference_y, &grad_x, &grad_y}) {
    RETURN_UNLESS_GOOD(matrix);
  }
  x.Fill(problem.x);
  y.Fill(problem.y);
  reference.Fill(problem.reference);
  reference_y.Fill(problem.reference_y);
  Call call(problem, types, 1u << kLoss);
  Mirror device;
  ASSERT_EQ(lsm_cwcl(context, &problem.options, x.view(), y.view(), reference.view(),
                     own_candidates ? reference_y.view() : nullptr, nullptr, nullptr, nullptr,
                     nullptr, nullptr, nullptr, device.View(call.outputs[kLoss]), nullptr,
                     grad_x.view(), grad_y.view(), nullptr, nullptr),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  // Strides this large may be multiplied by another kernel: equal up to roundings.
  Result got = call.Values();
  got[kGradX] = grad_x.Values();
  got[kGradY] = grad_y.Values();
  EXPECT_TRUE(Near(got, plain.Values(), 4 * UnitRoundoff(dtype), 0));
}

INSTANTIATE_TEST_SUITE_P(Types, WideIndex,
                         ::testing::Values(DType::kF32, DType::kF64, DType::kBF16, DType::kF16),
                         [](const auto& instance) { return Name(instance.param); });

TEST(WideIndexOfWeights, RowStridesBeyondTwoToThe31Elements) {
  constexpr int64_t kStride = (int64_t{1} << 31) + 777;
  Problem problem = RandomCwcl(4, 6, 5, 1, 2);
  problem.r = 0;
  problem.reference.clear();
  problem.reference_y.clear();
  for (int i = 0; i < 24; ++i) problem.weights.push_back(0.125 * (i % 7));
  SparseMatrix weights(DType::kF32, 4, 6, kStride);
  RETURN_UNLESS_GOOD(&weights);
  weights.Fill(problem.weights);
  const Context context;
  Call plain(problem, SingleTypes(DType::kF32));
  ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();
  Call call(problem, SingleTypes(DType::kF32));
  Mirror device;
  const auto out = [&](Output output) { return device.View(call.outputs[output]); };
  ASSERT_EQ(lsm_cwcl(context, &problem.options, device.View(call.inputs[kX]),
                     device.View(call.inputs[kY]), nullptr, nullptr, weights.view(), nullptr,
                     nullptr, nullptr, nullptr, nullptr, out(kLoss), out(kRowLoss), out(kGradX),
                     out(kGradY), nullptr, nullptr),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  EXPECT_EQ(call.Bits(), plain.Bits());
}

TEST(WideIndexOfCopies, RowStridesBeyondTwoToThe31Elements) {
  constexpr int64_t kStride = (int64_t{1} << 31) + 5;
  SparseMatrix source(DType::kF32, 3, 4, kStride), target(DType::kBF16, 3, 4, kStride);
  RETURN_UNLESS_GOOD(&source);
  RETURN_UNLESS_GOOD(&target);
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  source.Fill(values);
  const Context context;
  ASSERT_EQ(lsm_tensor_copy(context, source.view(), target.view()), LSM_OK) << lsm_last_error();
  ASSERT_EQ(lsm_context_synchronize(context), LSM_OK) << lsm_last_error();
  EXPECT_EQ(target.Values(), values);
}

}  // namespace
}  // namespace lossmith_test
