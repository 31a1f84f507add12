// A machine without a usable GPU: everything about CUDA is refused with the reason, everything else
// works.
#include <gtest/gtest.h>

#include "cuda/cuda_context.h"
#include "lossmith/device.h"
#include "simt/control.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;

constexpr const char* kReason = "cudaErrorNoDevice";

// Before anything of the library runs.
const bool kHidden = [] {
  simt::set_device_count(0, cudaErrorNoDevice);
  return true;
}();

// The first test: later ones ask for CUDA.
TEST(NoDevices, TheCpuNeedsNoCallOfCuda) {
  ASSERT_TRUE(kHidden);
  simt::reset_counters();
  lsm_context_options options{};
  options.own_stream = options.tf32 = 1;  // no matter on the CPU
  const CudaContext context(options);
  HostTensor source(DType::kF32, {2, 3}, std::vector<double>{1, 2, 3, 4, 5, 6});
  HostTensor target(DType::kF64, {2, 3});
  EXPECT_EQ(lsm_tensor_copy(context, source.view(), target.view()), LSM_OK) << lsm_last_error();
  EXPECT_EQ(target.Values(), source.Values());
  EXPECT_EQ(lsm_context_stream(context), 0);
  for (const char* function : {"cudaDriverGetVersion", "cudaRuntimeGetVersion",
                               "cudaGetDeviceCount", "cudaGetDevice", "cudaSetDevice"}) {
    EXPECT_EQ(simt::counter(function), 0u) << function;
  }
}

TEST(NoDevices, CudaIsRefusedWithTheReason) {
  EXPECT_TRUE(Fails(CreateContext(CudaOptions()), LSM_UNSUPPORTED, {"cuda:0", kReason}));
  EXPECT_TRUE(Fails(CreateContext(CudaOptions(3)), LSM_UNSUPPORTED, {"cuda:3", kReason}));
  OwnedTensor tensor;
  EXPECT_TRUE(Fails(CreateTensor(0, DType::kF32, {2}, &tensor), LSM_UNSUPPORTED, {kReason}));
  EXPECT_TRUE(Fails(CreatePinned(0, DType::kF32, {2}, &tensor), LSM_UNSUPPORTED, {kReason}));
  EXPECT_EQ(tensor.get(), nullptr);
  lsm_memory_pool pool{};
  EXPECT_TRUE(Fails(lsm_memory_pool_bytes(LSM_CUDA, 0, &pool), LSM_UNSUPPORTED, {kReason}));
  EXPECT_TRUE(Fails(lsm_memory_set_limit(LSM_CUDA, 0, 1), LSM_UNSUPPORTED, {kReason}));
  EXPECT_TRUE(Fails(lsm_memory_trim(LSM_CUDA, 0), LSM_UNSUPPORTED, {kReason}));
  lsm_device_facts facts{};
  EXPECT_TRUE(Fails(lsm_device_describe(LSM_CUDA, 0, &facts), LSM_UNSUPPORTED, {kReason}));
  EXPECT_EQ(lsm_device_count(LSM_CUDA), 0);
}

TEST(NoDevices, TheDescriptionHoldsTheReason) {
  const std::string text = lsm_describe();
  EXPECT_NE(text.find("{\"name\":\"cuda\",\"available\":false,\"reason\":\"cudaErrorNoDevice"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\"devices\":[{\"type\":\"cpu\",\"index\":0}]"), std::string::npos) << text;
}

}  // namespace
}  // namespace lossmith_test
