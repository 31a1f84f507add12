// Tensors of the library's own, views of foreign memory, and their accounting.
#include "lossmith/tensor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "support/context.h"
#include "support/errors.h"
#include "support/host_tensor.h"
#include "support/mirror.h"

namespace lossmith_test {
namespace {

lsm_status Create(uint8_t code, uint8_t bits, const std::vector<int64_t>& shape,
                  OwnedTensor* tensor) {
  return lsm_tensor_create(TestDevice().type, TestDevice().id, code, bits,
                           static_cast<int32_t>(shape.size()), shape.data(), tensor->receive());
}

class Accounted : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(lsm_memory_live_bytes(), bytes_);
    EXPECT_EQ(lsm_memory_live_tensors(), tensors_);
  }

  const int64_t bytes_ = lsm_memory_live_bytes();
  const int64_t tensors_ = lsm_memory_live_tensors();
};

using TensorCreate = Accounted;
using TensorWrap = Accounted;

TEST_F(TensorCreate, GivesZeroedAlignedMemoryInCOrder) {
  OwnedTensor tensor;
  ASSERT_EQ(Create(LSM_FLOAT, 32, {3, 5}, &tensor), LSM_OK) << lsm_last_error();
  const lsm_tensor* view = tensor.get();
  EXPECT_EQ(view->ndim, 2);
  EXPECT_EQ(view->shape[0], 3);
  EXPECT_EQ(view->shape[1], 5);
  EXPECT_TRUE(view->strides == nullptr || (view->strides[0] == 5 && view->strides[1] == 1));
  EXPECT_EQ(view->device.type, TestDevice().type);
  EXPECT_EQ(view->device.id, TestDevice().id);
  EXPECT_EQ(view->dtype.code, LSM_FLOAT);
  EXPECT_EQ(view->dtype.bits, 32);
  EXPECT_EQ(view->dtype.lanes, 1);
  const int64_t address = lsm_tensor_address(view);
  EXPECT_EQ(address % 64, 0);
  std::vector<float> elements(15, 1.0f);
  const int64_t shape[] = {3, 5};
  OwnedTensor host;
  ASSERT_EQ(lsm_tensor_wrap(reinterpret_cast<int64_t>(elements.data()), LSM_CPU, 0, LSM_FLOAT, 32,
                            2, shape, nullptr, host.receive()),
            LSM_OK)
      << lsm_last_error();
  const Context context;
  ASSERT_EQ(lsm_tensor_copy(context, view, host.get()), LSM_OK) << lsm_last_error();
  ASSERT_EQ(lsm_context_synchronize(context), LSM_OK) << lsm_last_error();
  for (float element : elements) EXPECT_EQ(element, 0.0f);
}

TEST_F(TensorCreate, OffersEveryElementTypeAndRank) {
  for (DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kU8, DType::kI32,
                      DType::kI64}) {
    for (size_t rank = 0; rank <= 8; ++rank) {
      OwnedTensor tensor;
      const int64_t bytes = lsm_memory_live_bytes();
      ASSERT_EQ(Create(Abi(dtype).code, Abi(dtype).bits, std::vector<int64_t>(rank, 2), &tensor),
                LSM_OK)
          << lsm_last_error();
      const int64_t needed = (int64_t{1} << rank) * static_cast<int64_t>(Bytes(dtype));
      EXPECT_GE(lsm_memory_live_bytes() - bytes, needed);
      EXPECT_LE(lsm_memory_live_bytes() - bytes, needed + 64);
    }
  }
}

TEST_F(TensorCreate, AllowsEmptyTensors) {
  OwnedTensor tensor;
  ASSERT_EQ(Create(LSM_FLOAT, 32, {4, 0, 3}, &tensor), LSM_OK) << lsm_last_error();
  EXPECT_EQ(lsm_memory_live_tensors(), tensors_ + 1);
}

TEST_F(TensorCreate, RejectsBadArguments) {
  OwnedTensor tensor;
  EXPECT_TRUE(Rejects(Create(LSM_FLOAT, 32, {3, -1}, &tensor), "shape", "-1"));
  EXPECT_TRUE(Rejects(Create(LSM_FLOAT, 32, std::vector<int64_t>(9, 1), &tensor), "ndim", "9"));
  EXPECT_TRUE(Rejects(Create(LSM_FLOAT, 24, {3}, &tensor), "dtype"));
  EXPECT_TRUE(Rejects(Create(77, 32, {3}, &tensor), "dtype"));
  EXPECT_TRUE(Rejects(Create(LSM_FLOAT, 32, {int64_t{1} << 62, 4}, &tensor), "shape"));
  EXPECT_TRUE(Rejects(Create(LSM_FLOAT, 64, {int64_t{1} << 61}, &tensor), "shape"));
  EXPECT_TRUE(Rejects(Create(LSM_FLOAT, 64, {std::numeric_limits<int64_t>::max(), 0, 3}, &tensor),
                      "shape"));
  const int64_t shape[] = {3};
  EXPECT_TRUE(
      Rejects(lsm_tensor_create(LSM_CPU, 0, LSM_FLOAT, 32, -1, shape, tensor.receive()), "ndim"));
  EXPECT_TRUE(
      Rejects(lsm_tensor_create(LSM_CPU, 0, LSM_FLOAT, 32, 1, nullptr, tensor.receive()), "shape"));
  EXPECT_TRUE(
      Rejects(lsm_tensor_create(LSM_CPU, 3, LSM_FLOAT, 32, 1, shape, tensor.receive()), "device"));
  EXPECT_NE(lsm_tensor_create(99, 0, LSM_FLOAT, 32, 1, shape, tensor.receive()), LSM_OK);
  EXPECT_TRUE(Rejects(lsm_tensor_create(LSM_CPU, 0, LSM_FLOAT, 32, 1, shape, nullptr), "tensor"));
  EXPECT_EQ(tensor.get(), nullptr);
}

TEST_F(TensorCreate, SaysWhenMemoryIsShort) {
  OwnedTensor tensor;
  EXPECT_TRUE(
      Fails(Create(LSM_FLOAT, 64, {int64_t{1} << 57}, &tensor), LSM_OUT_OF_MEMORY, {"bytes"}));
  EXPECT_EQ(tensor.get(), nullptr);
}

TEST_F(TensorWrap, CountsAsATensorButHoldsNoBytes) {
  float memory[6] = {1, 2, 3, 4, 5, 6};
  const int64_t shape[] = {2, 3};
  OwnedTensor tensor;
  ASSERT_EQ(lsm_tensor_wrap(reinterpret_cast<int64_t>(memory), LSM_CPU, 0, LSM_FLOAT, 32, 2, shape,
                            nullptr, tensor.receive()),
            LSM_OK)
      << lsm_last_error();
  EXPECT_EQ(lsm_memory_live_tensors(), tensors_ + 1);
  EXPECT_EQ(lsm_memory_live_bytes(), bytes_);
  EXPECT_EQ(lsm_tensor_address(tensor.get()), reinterpret_cast<int64_t>(memory));
}

TEST_F(TensorWrap, KeepsStridesAndCopiesTheArrays) {
  float memory[10] = {};
  OwnedTensor tensor;
  {
    int64_t shape[] = {2, 3};
    int64_t strides[] = {5, 1};
    ASSERT_EQ(lsm_tensor_wrap(reinterpret_cast<int64_t>(memory), LSM_CPU, 0, LSM_FLOAT, 32, 2,
                              shape, strides, tensor.receive()),
              LSM_OK)
        << lsm_last_error();
    shape[0] = strides[0] = -99;
  }
  EXPECT_EQ(tensor.get()->shape[0], 2);
  EXPECT_EQ(tensor.get()->strides[0], 5);
}

TEST_F(TensorWrap, NullMemoryOnlyForEmptyTensors) {
  OwnedTensor tensor;
  const int64_t empty[] = {0, 4};
  EXPECT_EQ(lsm_tensor_wrap(0, LSM_CPU, 0, LSM_FLOAT, 32, 2, empty, nullptr, tensor.receive()),
            LSM_OK)
      << lsm_last_error();
  OwnedTensor other;
  const int64_t full[] = {1, 4};
  EXPECT_TRUE(Rejects(
      lsm_tensor_wrap(0, LSM_CPU, 0, LSM_FLOAT, 32, 2, full, nullptr, other.receive()), "data"));
}

TEST(Tensor, AddressIncludesTheByteOffset) {
  HostTensor tensor(DType::kF32, {2, 2}, Layout{0, 3, true, false});
  const lsm_tensor* view = tensor.view();
  EXPECT_EQ(lsm_tensor_address(view), reinterpret_cast<int64_t>(view->data) + 12);
}

TEST(Tensor, DestroyingNullIsAllowed) { EXPECT_EQ(lsm_tensor_destroy(nullptr), LSM_OK); }

TEST(TensorItem, ReadsOneElementOfAnyType) {
  const Context context;
  for (DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kU8, DType::kI32,
                      DType::kI64}) {
    for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{{}, {1}, {1, 1}}) {
      HostTensor tensor(dtype, shape, {3.0}, Layout{0, 1, true, false});
      double value = 0;
      Mirror device;
      ASSERT_EQ(lsm_tensor_item(context, device.View(&tensor), &value), LSM_OK) << lsm_last_error();
      EXPECT_EQ(value, 3.0) << Name(dtype);
    }
  }
}

TEST(TensorItem, RejectsTensorsOfOtherSizes) {
  const Context context;
  double value = -7;
  HostTensor two(DType::kF32, {2}, std::vector<double>{1, 2});
  Mirror device;
  EXPECT_TRUE(Rejects(lsm_tensor_item(context, device.View(&two), &value), "tensor"));
  HostTensor none(DType::kF32, {0}, std::vector<double>{});
  EXPECT_TRUE(Rejects(lsm_tensor_item(context, device.View(&none), &value), "tensor"));
  EXPECT_TRUE(Rejects(lsm_tensor_item(context, nullptr, &value), "tensor"));
  EXPECT_EQ(value, -7);
}

}  // namespace
}  // namespace lossmith_test
