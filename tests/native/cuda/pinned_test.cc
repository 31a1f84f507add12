// Page-locked host memory.
#include <gtest/gtest.h>

#include "cuda/cuda_context.h"
#include "simt/control.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;

class Pinned : public ::testing::Test {
 protected:
  void TearDown() override {
    simt::reset();
    EXPECT_EQ(lsm_memory_live_bytes(), live_);
    EXPECT_TRUE(simt::take_violations().empty());
  }
  const int64_t live_ = lsm_memory_live_bytes();
};

TEST_F(Pinned, IsZeroedMemoryOfTheHost) {
  OwnedTensor tensor;
  ASSERT_EQ(CreatePinned(0, DType::kF32, {3, 5}, &tensor), LSM_OK) << lsm_last_error();
  const lsm_tensor* view = tensor.get();
  EXPECT_EQ(view->device.type, LSM_CPU);
  EXPECT_EQ(view->device.id, 0);
  EXPECT_EQ(view->strides[0], 5);
  EXPECT_EQ(lsm_memory_live_bytes(), live_ + 60);
  const float* elements = static_cast<const float*>(view->data);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(elements) % 64, 0u);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(elements[i], 0.0f);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, elements), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
}

TEST_F(Pinned, MayBeEmpty) {
  OwnedTensor tensor;
  EXPECT_EQ(CreatePinned(0, DType::kF32, {3, 0}, &tensor), LSM_OK) << lsm_last_error();
}

TEST_F(Pinned, ServesCallsOfTheCpu) {
  OwnedTensor tensor;
  ASSERT_EQ(CreatePinned(0, DType::kF32, {2}, &tensor), LSM_OK);
  HostTensor source(DType::kF64, {2}, std::vector<double>{1.5, -2});
  lsm_context_options options{};
  const CudaContext context(options);
  ASSERT_EQ(lsm_tensor_copy(context, source.view(), tensor.get()), LSM_OK) << lsm_last_error();
  EXPECT_EQ(static_cast<const float*>(tensor.get()->data)[1], -2.0f);
}

TEST_F(Pinned, IsFreedAfterTheCopiesThatUseIt) {
  lsm_context_options options = CudaOptions();
  options.own_stream = 1;
  const CudaContext context(options);
  OwnedTensor device;
  ASSERT_EQ(CreateTensor(0, DType::kI32, {1000}, &device), LSM_OK);
  {
    OwnedTensor pinned;
    ASSERT_EQ(CreatePinned(0, DType::kI32, {1000}, &pinned), LSM_OK);
    static_cast<int32_t*>(pinned.get()->data)[999] = 77;
    ASSERT_EQ(lsm_tensor_copy(context, pinned.get(), device.get()), LSM_OK) << lsm_last_error();
  }
  HostTensor back(DType::kI32, {1000});
  ASSERT_EQ(lsm_tensor_copy(context, device.get(), back.view()), LSM_OK) << lsm_last_error();
  EXPECT_EQ(back.Get(999), 77);
}

TEST_F(Pinned, RejectsBadArguments) {
  OwnedTensor tensor;
  EXPECT_TRUE(Rejects(CreatePinned(4, DType::kF32, {2}, &tensor), "device", "cuda:4"));
  EXPECT_TRUE(Rejects(CreatePinned(0, DType::kF32, {-2}, &tensor), "shape", "-2"));
  const int64_t shape[] = {2};
  EXPECT_TRUE(
      Rejects(lsm_tensor_create_pinned(0, LSM_FLOAT, 31, 1, shape, tensor.receive()), "dtype"));
  EXPECT_TRUE(Rejects(lsm_tensor_create_pinned(0, LSM_FLOAT, 32, 1, shape, nullptr), "tensor"));
  simt::fail_call("cudaHostAlloc", 1, cudaErrorMemoryAllocation);
  EXPECT_TRUE(Fails(CreatePinned(0, DType::kF32, {2}, &tensor), LSM_OUT_OF_MEMORY,
                    {"could not lock 8 bytes"}));
  simt::fail_call("cudaHostAlloc", 1, cudaErrorNotSupported);
  EXPECT_TRUE(Fails(CreatePinned(0, DType::kF32, {2}, &tensor), LSM_DEVICE_ERROR,
                    {"cudaHostAlloc: cudaErrorNotSupported"}));
  EXPECT_EQ(tensor.get(), nullptr);
  EXPECT_EQ(CreatePinned(0, DType::kF32, {2}, &tensor), LSM_OK);
}

}  // namespace
}  // namespace lossmith_test
