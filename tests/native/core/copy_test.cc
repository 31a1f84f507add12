// Copies between layouts.
#include <gtest/gtest.h>

#include <numeric>

#include "lossmith/tensor.h"
#include "support/context.h"
#include "support/errors.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

std::vector<double> Counting(int64_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

const Layout kLayouts[] = {
    {0, 0, false, true}, {0, 0, false, false}, {3, 1, false, false}, {5, 3, true, false}};

TEST(Copy, ReadsAndWritesAnyRowLayout) {
  const Context context;
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{7, 13}, {1, 1}, {2, 3, 5}, {70, 129}}) {
    for (const Layout& from : kLayouts) {
      for (const Layout& to : kLayouts) {
        for (DType dtype : {DType::kF32, DType::kBF16, DType::kU8}) {
          HostTensor target(dtype, shape, to);
          const int64_t count = target.elements();
          std::vector<double> values = Counting(count);
          for (double& value : values) value = static_cast<int>(value) % 200;
          HostTensor source(dtype, shape, values, from);
          Mirror device;
          ASSERT_EQ(lsm_tensor_copy(context, device.View(&source), device.View(&target)), LSM_OK)
              << lsm_last_error();
          device.Return(context);
          EXPECT_EQ(target.Values(), values);
          EXPECT_TRUE(target.GapsUntouched());
        }
      }
    }
  }
}

TEST(Copy, TransposesThroughStrides) {
  const Context context;
  constexpr int64_t kRows = 37;
  constexpr int64_t kColumns = 53;
  const std::vector<double> values = Counting(kRows * kColumns);
  HostTensor source(DType::kF32, {kRows, kColumns}, values);
  lsm_tensor transposed = *source.view();
  int64_t shape[] = {kColumns, kRows};
  int64_t strides[] = {1, kColumns};
  transposed.shape = shape;
  transposed.strides = strides;
  HostTensor target(DType::kF64, {kColumns, kRows});
  Mirror device;
  ASSERT_EQ(
      lsm_tensor_copy(context, device.View(transposed, source.memory(), source.memory_bytes()),
                      device.View(&target)),
      LSM_OK)
      << lsm_last_error();
  device.Return(context);
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t j = 0; j < kColumns; ++j) {
      ASSERT_EQ(target.Get(j * kRows + i), values[i * kColumns + j]);
    }
  }
}

TEST(Copy, RepeatsARowOfStrideZero) {
  const Context context;
  HostTensor row(DType::kF32, {4}, Counting(4));
  lsm_tensor repeated = *row.view();
  int64_t shape[] = {3, 4};
  int64_t strides[] = {0, 1};
  repeated.ndim = 2;
  repeated.shape = shape;
  repeated.strides = strides;
  HostTensor target(DType::kF32, {3, 4});
  Mirror device;
  ASSERT_EQ(lsm_tensor_copy(context, device.View(repeated, row.memory(), row.memory_bytes()),
                            device.View(&target)),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  EXPECT_EQ(target.Values(), (std::vector<double>{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}));
}

TEST(Copy, ScalarsAndEmptyTensors) {
  const Context context;
  HostTensor source(DType::kF32, {}, std::vector<double>{2.5});
  HostTensor target(DType::kF64, {});
  Mirror device;
  ASSERT_EQ(lsm_tensor_copy(context, device.View(&source), device.View(&target)), LSM_OK)
      << lsm_last_error();
  device.Return(context);
  EXPECT_EQ(target.Get(0), 2.5);
  HostTensor nothing(DType::kF32, {0, 5}, std::vector<double>{});
  HostTensor none(DType::kF64, {0, 5});
  EXPECT_EQ(lsm_tensor_copy(context, device.View(&nothing), device.View(&none)), LSM_OK)
      << lsm_last_error();
}

TEST(Copy, GivesTheSameBitsWithAnyNumberOfThreads) {
  Random random(1);
  HostTensor source(DType::kF32, {600, 301}, random.Normals(600 * 301));
  std::vector<unsigned char> first;
  for (int threads : {1, 2, 3}) {
    HostTensor target(DType::kBF16, {600, 301});
    const Context context(threads);
    Mirror device;
    ASSERT_EQ(lsm_tensor_copy(context, device.View(&source), device.View(&target)), LSM_OK)
        << lsm_last_error();
    device.Return(context);
    if (first.empty()) first = target.Bits();
    EXPECT_EQ(target.Bits(), first);
  }
}

TEST(Copy, RejectsDifferentShapesAndUntouchedStaysTheTarget) {
  const Context context;
  HostTensor source(DType::kF32, {2, 3}, Counting(6));
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{3, 2}, {6}, {2, 3, 1}, {2, 4}}) {
    HostTensor target(DType::kF32, shape);
    Mirror device;
    EXPECT_TRUE(
        Rejects(lsm_tensor_copy(context, device.View(&source), device.View(&target)), "target"));
    device.Return(context);
    EXPECT_TRUE(target.Untouched());
  }
  HostTensor target(DType::kF32, {2, 3});
  Mirror device;
  const lsm_tensor* from = device.View(&source);
  lsm_tensor* to = device.View(&target);
  EXPECT_TRUE(Rejects(lsm_tensor_copy(context, nullptr, to), "source"));
  EXPECT_TRUE(Rejects(lsm_tensor_copy(context, from, nullptr), "target"));
  EXPECT_TRUE(Rejects(lsm_tensor_copy(nullptr, from, to), "context"));
  lsm_tensor unknown = *from;
  unknown.dtype = {9, 32, 1};
  EXPECT_TRUE(Rejects(lsm_tensor_copy(context, &unknown, to), "source"));
  unknown.dtype = {LSM_FLOAT, 32, 2};
  EXPECT_TRUE(Rejects(lsm_tensor_copy(context, &unknown, to), "source"));
  device.Return(context);
  EXPECT_TRUE(target.Untouched());
}

}  // namespace
}  // namespace lossmith_test
