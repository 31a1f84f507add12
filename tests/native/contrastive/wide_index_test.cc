// Offsets beyond 2^31 elements. The address space is reserved, and only the touched pages exist.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "support/call.h"
#include "support/compare.h"
#include "support/context.h"

namespace lossmith_test {
namespace {

// A matrix whose rows lie `stride` elements apart.
class SparseMatrix {
 public:
  SparseMatrix(DType dtype, int64_t rows, int64_t columns, int64_t stride)
      : dtype_(dtype),
        shape_{rows, columns},
        strides_{stride, 1},
        bytes_((rows * stride + columns) * Bytes(dtype)) {
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  ~SparseMatrix() {
    if (good()) munmap(memory_, bytes_);
  }
  SparseMatrix(const SparseMatrix&) = delete;
  SparseMatrix& operator=(const SparseMatrix&) = delete;

  bool good() const { return memory_ != MAP_FAILED; }
  void* at(int64_t index) {
    const int64_t position = index / shape_[1] * strides_[0] + index % shape_[1];
    return static_cast<unsigned char*>(memory_) + position * Bytes(dtype_);
  }
  void Fill(const std::vector<double>& values) {
    for (size_t i = 0; i < values.size(); ++i) Store(dtype_, values[i], at(i));
  }
  std::vector<double> Values() {
    std::vector<double> values(shape_[0] * shape_[1]);
    for (size_t i = 0; i < values.size(); ++i) values[i] = Load(dtype_, at(i));
    return values;
  }
  lsm_tensor* view() {
    view_ = {memory_, {LSM_CPU, 0}, 2, Abi(dtype_), shape_, strides_, 0};
    return &view_;
  }

 private:
  DType dtype_;
  int64_t shape_[2];
  int64_t strides_[2];
  size_t bytes_;
  void* memory_;
  lsm_tensor view_{};
};

class WideIndex : public ::testing::TestWithParam<DType> {};

TEST_P(WideIndex, RowStridesBeyondTwoToThe31Elements) {
  const DType dtype = GetParam();
  const Types types = SingleTypes(dtype);
  constexpr int64_t kStride = (int64_t{1} << 31) + 12345;
  Problem problem = RandomCwcl(5, 6, 33, 9, 1);
  problem = RoundedProblem(problem, dtype, DType::kF32);
  const Context context;
  Call plain(problem, types);
  ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();

  SparseMatrix x(dtype, 5, 33, kStride), y(dtype, 6, 33, kStride);
  SparseMatrix reference(dtype, 5, 9, kStride), reference_y(dtype, 6, 9, kStride);
  SparseMatrix grad_x(dtype, 5, 33, kStride), grad_y(dtype, 6, 33, kStride);
  for (SparseMatrix* matrix : {&x, &y, &reference, &reference_y, &grad_x, &grad_y}) {
    ASSERT_TRUE(matrix->good()) << "no address space for the test";
  }
  x.Fill(problem.x);
  y.Fill(problem.y);
  reference.Fill(problem.reference);
  reference_y.Fill(problem.reference_y);
  Call call(problem, types, 1u << kLoss);
  ASSERT_EQ(
      lsm_cwcl(context, &problem.options, x.view(), y.view(), reference.view(), reference_y.view(),
               nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, call.outputs[kLoss]->view(),
               nullptr, grad_x.view(), grad_y.view(), nullptr, nullptr),
      LSM_OK)
      << lsm_last_error();
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
  ASSERT_TRUE(weights.good()) << "no address space for the test";
  weights.Fill(problem.weights);
  const Context context;
  Call plain(problem, SingleTypes(DType::kF32));
  ASSERT_EQ(plain.Run(context), LSM_OK) << lsm_last_error();
  Call call(problem, SingleTypes(DType::kF32));
  ASSERT_EQ(lsm_cwcl(context, &problem.options, call.inputs[kX]->view(), call.inputs[kY]->view(),
                     nullptr, nullptr, weights.view(), nullptr, nullptr, nullptr, nullptr, nullptr,
                     call.outputs[kLoss]->view(), call.outputs[kRowLoss]->view(),
                     call.outputs[kGradX]->view(), call.outputs[kGradY]->view(), nullptr, nullptr),
            LSM_OK)
      << lsm_last_error();
  EXPECT_EQ(call.Bits(), plain.Bits());
}

TEST(WideIndexOfCopies, RowStridesBeyondTwoToThe31Elements) {
  constexpr int64_t kStride = (int64_t{1} << 31) + 5;
  SparseMatrix source(DType::kF32, 3, 4, kStride), target(DType::kBF16, 3, 4, kStride);
  ASSERT_TRUE(source.good() && target.good()) << "no address space for the test";
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  source.Fill(values);
  ASSERT_EQ(lsm_tensor_copy(Context(), source.view(), target.view()), LSM_OK) << lsm_last_error();
  EXPECT_EQ(target.Values(), values);
}

}  // namespace
}  // namespace lossmith_test
