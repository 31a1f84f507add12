// Two devices: each has its contexts, tensors and pool, and the caller's current device stays.
#include <gtest/gtest.h>

#include <thread>

#include "cuda/cuda_context.h"
#include "lossmith/device.h"
#include "simt/control.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;

// Before the library asks for devices.
const bool kTwo = [] {
  simt::set_device_count(2);
  return true;
}();

int CurrentDevice() {
  int device = -1;
  EXPECT_EQ(cudaGetDevice(&device), cudaSuccess);
  return device;
}

class TwoDevices : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(kTwo);
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  }
};

TEST_F(TwoDevices, AreCountedAndDescribed) {
  EXPECT_EQ(lsm_device_count(LSM_CUDA), 2);
  const std::string text = lsm_describe();
  EXPECT_NE(text.find("{\"name\":\"cuda\",\"available\":true"), std::string::npos) << text;
  EXPECT_NE(text.find("{\"type\":\"cuda\",\"index\":0,"), std::string::npos) << text;
  EXPECT_NE(text.find("{\"type\":\"cuda\",\"index\":1,"), std::string::npos) << text;
}

TEST_F(TwoDevices, OthersAreRefusedWithTheRange) {
  EXPECT_TRUE(Rejects(CreateContext(CudaOptions(2)), "device", "cuda:2"));
  EXPECT_TRUE(Fails(CreateContext(CudaOptions(-1)), LSM_INVALID_ARGUMENT,
                    {"expected cuda:0 to cuda:1, got cuda:-1"}));
}

TEST_F(TwoDevices, CallsLeaveTheCurrentDevice) {
  OwnedTensor source, target;
  ASSERT_EQ(CreateTensor(1, DType::kF32, {4}, &source), LSM_OK) << lsm_last_error();
  EXPECT_EQ(CurrentDevice(), 0);
  ASSERT_EQ(CreateTensor(1, DType::kF64, {4}, &target), LSM_OK) << lsm_last_error();
  {
    lsm_context_options options = CudaOptions(1);
    options.own_stream = 1;
    const CudaContext context(options);
    EXPECT_EQ(CurrentDevice(), 0);
    int owner = -1;
    EXPECT_EQ(cudaStreamGetDevice(context.stream(), &owner), cudaSuccess);
    EXPECT_EQ(owner, 1);
    HostTensor host(DType::kF32, {4}, std::vector<double>{1, 2, 3, 4});
    ASSERT_EQ(lsm_tensor_copy(context, host.view(), source.get()), LSM_OK) << lsm_last_error();
    ASSERT_EQ(lsm_tensor_copy(context, source.get(), target.get()), LSM_OK) << lsm_last_error();
    HostTensor back(DType::kF64, {4});
    ASSERT_EQ(lsm_tensor_copy(context, target.get(), back.view()), LSM_OK) << lsm_last_error();
    EXPECT_EQ(back.Values(), host.Values());
    EXPECT_EQ(lsm_context_synchronize(context), LSM_OK);
    EXPECT_EQ(lsm_device_synchronize(LSM_CUDA, 1), LSM_OK);
    EXPECT_EQ(lsm_memory_trim(LSM_CUDA, 1), LSM_OK);
    EXPECT_EQ(CurrentDevice(), 0);
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    EXPECT_EQ(lsm_context_synchronize(context), LSM_OK);
    EXPECT_EQ(CurrentDevice(), 1);
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  }
  EXPECT_EQ(CurrentDevice(), 0);
}

TEST_F(TwoDevices, ACallLeavesItWhenItFails) {
  const CudaContext context(CudaOptions(1));
  simt::fail_call("cudaStreamSynchronize", 1, cudaErrorUnknown);
  EXPECT_TRUE(Fails(lsm_context_synchronize(context), LSM_DEVICE_ERROR, {"cudaErrorUnknown"}));
  EXPECT_EQ(CurrentDevice(), 0);
}

TEST_F(TwoDevices, TensorsOfTheOtherAreRefused) {
  const CudaContext context(CudaOptions(0));
  OwnedTensor here, there;
  ASSERT_EQ(CreateTensor(0, DType::kF32, {4}, &here), LSM_OK);
  ASSERT_EQ(CreateTensor(1, DType::kF32, {4}, &there), LSM_OK);
  EXPECT_TRUE(Rejects(lsm_tensor_copy(context, there.get(), here.get()), "source", "cuda:1"));
  EXPECT_TRUE(Rejects(lsm_tensor_copy(context, here.get(), there.get()), "target", "cuda:1"));
  double value = 0;
  EXPECT_TRUE(Rejects(lsm_tensor_item(context, there.get(), &value), "tensor", "cuda:1"));
}

TEST_F(TwoDevices, MemoryOfTheOtherCannotBeWrapped) {
  OwnedTensor there, view;
  ASSERT_EQ(CreateTensor(1, DType::kF32, {4}, &there), LSM_OK);
  const int64_t shape[] = {4};
  const auto wrap = [&](int32_t device) {
    return lsm_tensor_wrap(lsm_tensor_address(there.get()), LSM_CUDA, device, LSM_FLOAT, 32, 1,
                           shape, nullptr, view.receive());
  };
  EXPECT_TRUE(Rejects(wrap(0), "data", "memory of cuda:1"));
  EXPECT_EQ(wrap(1), LSM_OK) << lsm_last_error();
}

TEST_F(TwoDevices, AStreamOfTheOtherIsRefused) {
  const CudaContext owner([] {
    lsm_context_options options = CudaOptions(1);
    options.own_stream = 1;
    return options;
  }());
  lsm_context_options options = CudaOptions(0);
  options.stream = lsm_context_stream(owner);
  EXPECT_TRUE(Rejects(CreateContext(options), "stream", "cuda:1"));
  options.device.id = 1;
  EXPECT_EQ(CreateContext(options), LSM_OK) << lsm_last_error();
}

TEST_F(TwoDevices, HavePoolsOfTheirOwn) {
  ASSERT_EQ(lsm_memory_trim(LSM_CUDA, 0), LSM_OK);
  ASSERT_EQ(lsm_memory_trim(LSM_CUDA, 1), LSM_OK);
  const int64_t live = lsm_memory_live_bytes();
  const lsm_memory_pool first = PoolBytes(0), second = PoolBytes(1);
  OwnedTensor tensor;
  ASSERT_EQ(CreateTensor(1, DType::kF32, {256}, &tensor), LSM_OK);
  EXPECT_EQ(PoolBytes(0).live_bytes, first.live_bytes);
  EXPECT_EQ(PoolBytes(1).live_bytes, second.live_bytes + 1024);
  EXPECT_EQ(lsm_memory_live_bytes(), live + 1024);
  ASSERT_EQ(lsm_memory_set_limit(LSM_CUDA, 0, 1), LSM_OK);
  OwnedTensor other;
  EXPECT_TRUE(
      Fails(CreateTensor(0, DType::kF32, {2}, &other), LSM_OUT_OF_MEMORY, {"cuda:0", "limit"}));
  EXPECT_EQ(CreateTensor(1, DType::kF32, {2}, &other), LSM_OK) << lsm_last_error();
  ASSERT_EQ(lsm_memory_set_limit(LSM_CUDA, 0, 0), LSM_OK);
}

TEST_F(TwoDevices, ThreadsHaveCurrentDevicesOfTheirOwn) {
  const CudaContext first(CudaOptions(0)), second(CudaOptions(1));
  const auto use = [](const CudaContext& context, int32_t device, int current) {
    ASSERT_EQ(cudaSetDevice(current), cudaSuccess);
    for (int round = 0; round < 50; ++round) {
      OwnedTensor tensor;
      ASSERT_EQ(CreateTensor(device, DType::kF32, {3}, &tensor), LSM_OK);
      HostTensor host(DType::kF32, {3}, std::vector<double>{1, 2, double(round)});
      ASSERT_EQ(lsm_tensor_copy(context, host.view(), tensor.get()), LSM_OK) << lsm_last_error();
      HostTensor back(DType::kF32, {3});
      ASSERT_EQ(lsm_tensor_copy(context, tensor.get(), back.view()), LSM_OK) << lsm_last_error();
      ASSERT_EQ(back.Get(2), round);
      ASSERT_EQ(CurrentDevice(), current);
    }
  };
  std::thread a([&] { use(first, 0, 1); });
  std::thread b([&] { use(second, 1, 0); });
  a.join();
  b.join();
}

}  // namespace
}  // namespace lossmith_test
