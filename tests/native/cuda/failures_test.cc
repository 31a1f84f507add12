// Failing calls of the CUDA runtime: status and message as documented, and the context stays usable
// unless the device is lost.
#include <gtest/gtest.h>

#include <functional>

#include "core/status.h"
#include "cuda/cuda_context.h"
#include "cuda/device.h"
#include "cuda/error.h"
#include "cuda/launch.h"
#include "cuda/placed_tensor.h"
#include "lossmith/contrastive_sharded.h"
#include "lossmith/device.h"
#include "simt/control.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;

class Failures : public ::testing::Test {
 protected:
  Failures() {
    const std::vector<unsigned char> zeros(4 * 12, 0);
    dense_ = std::make_unique<PlacedTensor>(Place::device, DType::kF32,
                                            StridedLayout{{3, 4}, {4, 1}, 0}, zeros);
    transposed_ = std::make_unique<PlacedTensor>(Place::device, DType::kF32,
                                                 StridedLayout{{3, 4}, {1, 3}, 0}, zeros);
    host_ = std::make_unique<PlacedTensor>(Place::pageable, DType::kF32,
                                           StridedLayout{{3, 4}, {4, 1}, 0}, zeros);
    padded_ = std::make_unique<PlacedTensor>(Place::device, DType::kF32,
                                             StridedLayout{{3, 2}, {4, 1}, 0}, zeros);
    narrow_ = std::make_unique<PlacedTensor>(Place::pageable, DType::kF32,
                                             StridedLayout{{3, 2}, {2, 1}, 0}, zeros);
    vector_ = std::make_unique<PlacedTensor>(Place::device, DType::kF32, StridedLayout{{4}, {1}, 0},
                                             zeros);
    one_ =
        std::make_unique<PlacedTensor>(Place::device, DType::kF32, StridedLayout{{}, {}, 0}, zeros);
  }
  void TearDown() override {
    simt::reset();
    EXPECT_TRUE(simt::take_violations().empty());
  }

  struct Case {
    const char* function;
    const char* says;
    std::function<lsm_status()> call;
  };
  std::vector<Case> Cases() {
    const auto copy = [this](const std::unique_ptr<PlacedTensor>& from,
                             const std::unique_ptr<PlacedTensor>& to) {
      return [this, &from, &to] { return lsm_tensor_copy(context_, from->view(), to->view()); };
    };
    return {
        {"cudaGetDevice", "cudaGetDevice", copy(dense_, transposed_)},
        {"cudaMemcpyAsync", "cudaMemcpyAsync", copy(host_, dense_)},
        {"cudaMemcpyAsync", "cudaMemcpyAsync", copy(dense_, host_)},
        {"cudaMemcpy2DAsync", "cudaMemcpy2DAsync", copy(padded_, narrow_)},
        {"cudaMemcpy2DAsync", "cudaMemcpy2DAsync", copy(narrow_, padded_)},
        {"cudaLaunchKernel", "kernel copy, grid (1,1,1), block (256,1,1), 0 bytes",
         copy(dense_, transposed_)},
        {"cudaLaunchKernel", "kernel copy", copy(host_, transposed_)},
        {"cudaLaunchKernel", "kernel copy", copy(transposed_, host_)},
        {"cudaMemcpyAsync", "cudaMemcpyAsync", copy(transposed_, host_)},
        {"cudaStreamSynchronize", "copy to the device", copy(host_, dense_)},
        {"cudaStreamSynchronize", "copy from the device", copy(transposed_, host_)},
        {"cudaStreamSynchronize",
         "synchronize: cudaErrorUnknown (unknown error), from work queued "
         "earlier",
         [this] { return lsm_context_synchronize(context_); }},
        {"cudaStreamSynchronize", "reading an element",
         [this] {
           double value = 0;
           return lsm_tensor_item(context_, one_->view(), &value);
         }},
        {"cudaMemcpyAsync", "reading an element",
         [this] {
           double value = 0;
           return lsm_tensor_item(context_, one_->view(), &value);
         }},
        {"cudaLaunchKernel", "kernel merge_logsumexp",
         [this] { return lsm_merge_logsumexp(context_, dense_->view(), vector_->view()); }},
        {"cudaMemcpyAsync", "cudaMemcpyAsync",
         [this] {
           double rate = 0;
           return lsm_measure_copy(context_, 100, 1, &rate);
         }},
        {"cudaStreamSynchronize", "",
         [this] {
           double rate = 0;
           return lsm_measure_copy(context_, 100, 1, &rate);
         }},
        {"cudaDeviceSynchronize", "synchronize",
         [] { return lsm_device_synchronize(LSM_CUDA, 0); }},
        {"cudaFree", "cudaFree",
         [] {
           OwnedTensor tensor;
           EXPECT_EQ(CreateTensor(0, DType::kU8, {77777}, &tensor), LSM_OK);
           EXPECT_EQ(lsm_tensor_destroy(*tensor.receive()), LSM_OK);
           *tensor.receive() = nullptr;
           return lsm_memory_trim(LSM_CUDA, 0);
         }},
    };
  }

  const CudaContext context_;
  std::unique_ptr<PlacedTensor> dense_, transposed_, host_, padded_, narrow_, vector_, one_;
};

TEST_F(Failures, AreReportedAndLeaveTheContextUsable) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(std::string(c.function) + ": " + c.says);
    simt::fail_call(c.function, 1, cudaErrorUnknown);
    EXPECT_TRUE(Fails(c.call(), LSM_DEVICE_ERROR, {c.says, "cudaErrorUnknown (unknown error)"}));
    EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess) << "the failure must not reach another call";
    EXPECT_EQ(c.call(), LSM_OK) << lsm_last_error();
  }
}

TEST_F(Failures, OfADeviceThatIsLostAreFatalForEveryCall) {
  // Freeing ignores errors, and memory of a lost device cannot be had back; only calls count here.
  for (const Case& c : Cases()) {
    if (std::string(c.function) == "cudaFree") continue;
    SCOPED_TRACE(std::string(c.function) + ": " + c.says);
    simt::fail_call(c.function, 1, cudaErrorIllegalAddress, true);
    for (int round = 0; round < 2; ++round) {
      EXPECT_TRUE(Fails(c.call(), LSM_DEVICE_FATAL,
                        {"cudaErrorIllegalAddress (an illegal memory access was encountered), from "
                         "work queued earlier; the device is lost for this process"}));
    }
    simt::set_sticky_error(0, cudaSuccess);
    EXPECT_EQ(c.call(), LSM_OK) << lsm_last_error();
  }
}

TEST_F(Failures, ObjectsOfALostDeviceCanStillBeDestroyed) {
  OwnedTensor tensor, pinned;
  ASSERT_EQ(CreateTensor(0, DType::kF32, {4}, &tensor), LSM_OK);
  ASSERT_EQ(CreatePinned(0, DType::kF32, {4}, &pinned), LSM_OK);
  lsm_context_options options = CudaOptions();
  options.own_stream = 1;
  lsm_context context = nullptr;
  ASSERT_EQ(lsm_context_create(&options, &context), LSM_OK);
  simt::set_sticky_error(0, cudaErrorLaunchFailure);
  EXPECT_TRUE(
      Fails(lsm_context_synchronize(context), LSM_DEVICE_FATAL, {"cudaErrorLaunchFailure"}));
  EXPECT_EQ(lsm_context_destroy(context), LSM_OK);
  EXPECT_EQ(lsm_tensor_destroy(*tensor.receive()), LSM_OK);
  EXPECT_EQ(lsm_tensor_destroy(*pinned.receive()), LSM_OK);
  *tensor.receive() = *pinned.receive() = nullptr;
}

TEST(StickyErrors, AreThoseThatLoseTheDevice) {
  using lossmith::cuda::status_of;
  for (const cudaError_t error :
       {cudaErrorIllegalAddress, cudaErrorLaunchFailure, cudaErrorLaunchTimeout, cudaErrorAssert,
        cudaErrorHardwareStackError, cudaErrorIllegalInstruction, cudaErrorMisalignedAddress,
        cudaErrorInvalidAddressSpace, cudaErrorInvalidPc, cudaErrorECCUncorrectable,
        cudaErrorNvlinkUncorrectable, cudaErrorContextIsDestroyed, cudaErrorExternalDevice,
        cudaErrorMpsClientTerminated}) {
    EXPECT_EQ(status_of(error), LSM_DEVICE_FATAL) << cudaGetErrorName(error);
  }
  for (const cudaError_t error :
       {cudaErrorInvalidValue, cudaErrorInvalidConfiguration, cudaErrorLaunchOutOfResources,
        cudaErrorNotSupported, cudaErrorDevicesUnavailable, cudaErrorUnknown}) {
    EXPECT_EQ(status_of(error), LSM_DEVICE_ERROR) << cudaGetErrorName(error);
  }
  EXPECT_EQ(status_of(cudaErrorMemoryAllocation), LSM_OUT_OF_MEMORY);
}

__global__ void nothing_kernel(int) {}

TEST(LaunchErrors, NameTheKernelAndItsConfiguration) {
  lossmith::cuda::LaunchShape shape;
  shape.grid = dim3(7, 2, 1);
  shape.block = dim3(4096, 1, 1);  // more threads than a block may have
  shape.shared_bytes = 96;
  try {
    lossmith::cuda::launch(nullptr, "nothing", shape, nothing_kernel, 3);
    FAIL() << "the launch was accepted";
  } catch (const lossmith::Error& e) {
    EXPECT_EQ(e.status(), LSM_DEVICE_ERROR);
    const std::string message = e.what();
    EXPECT_EQ(message.find("kernel nothing, grid (7,2,1), block (4096,1,1), 96 bytes of shared "
                           "memory: cudaErrorInvalid"),
              0u)
        << message;
  }
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
}

TEST(DeviceGuards, RestoreTheDeviceOrFailAsTheyStart) {
  simt::reset();
  simt::set_device_count(2);
  {
    const lossmith::cuda::DeviceGuard guard(1);
    int device = -1;
    ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
    EXPECT_EQ(device, 1);
  }
  int device = -1;
  ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 0);
  EXPECT_THROW(lossmith::cuda::DeviceGuard(5), lossmith::Error);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
  simt::reset();
}

}  // namespace
}  // namespace lossmith_test
