// Contexts on a CUDA device: streams, budgets, what they hold.
#include <gtest/gtest.h>

#include "core/context.h"
#include "core/status.h"
#include "cuda/cuda_context.h"
#include "cuda/state.h"
#include "simt/control.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;

lsm_context_options OwnStream() {
  lsm_context_options options = CudaOptions();
  options.own_stream = 1;
  return options;
}

class CudaContexts : public ::testing::Test {
 protected:
  void TearDown() override {
    simt::reset();
    EXPECT_TRUE(simt::take_violations().empty());
  }
};

TEST_F(CudaContexts, UseTheLegacyDefaultStream) {
  const CudaContext context;
  EXPECT_EQ(lsm_context_stream(context), 0);
  EXPECT_FALSE(lossmith::cuda::state_of(*static_cast<lsm_context>(context)).owns_stream);
  EXPECT_EQ(lsm_context_stream(nullptr), 0);
}

TEST_F(CudaContexts, MakeAStreamThatKeepsOrderWithTheDefaultStream) {
  const CudaContext context(OwnStream());
  ASSERT_NE(context.stream(), nullptr);
  unsigned flags = 99;
  ASSERT_EQ(cudaStreamGetFlags(context.stream(), &flags), cudaSuccess);
  EXPECT_EQ(flags, unsigned{cudaStreamDefault});
}

TEST_F(CudaContexts, DestroyTheirOwnStreamOnly) {
  cudaStream_t own;
  {
    const CudaContext context(OwnStream());
    own = context.stream();
  }
  EXPECT_EQ(cudaStreamSynchronize(own), cudaErrorInvalidResourceHandle);
  cudaGetLastError();
  cudaStream_t foreign;
  ASSERT_EQ(cudaStreamCreate(&foreign), cudaSuccess);
  {
    lsm_context_options options = CudaOptions();
    options.stream = reinterpret_cast<int64_t>(foreign);
    const CudaContext context(options);
    EXPECT_EQ(context.stream(), foreign);
  }
  EXPECT_EQ(cudaStreamSynchronize(foreign), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(foreign), cudaSuccess);
}

TEST_F(CudaContexts, KeepTheChoiceOfTf32) {
  for (int32_t tf32 : {0, 1}) {
    lsm_context_options options = CudaOptions();
    options.tf32 = tf32;
    const CudaContext context(options);
    EXPECT_EQ(lossmith::cuda::state_of(*static_cast<lsm_context>(context)).tf32, tf32 == 1);
  }
}

TEST_F(CudaContexts, HaveABudgetOfOneGibibyte) {
  const CudaContext context;
  EXPECT_EQ(static_cast<lsm_context>(context)->workspace.budget(), LSM_DEFAULT_CUDA_BUDGET);
  EXPECT_EQ(lsm_context_workspace_bytes(context), 0);
}

TEST_F(CudaContexts, RejectBadOptionsByName) {
  lsm_context_options options = CudaOptions();
  options.own_stream = 2;
  EXPECT_TRUE(Rejects(CreateContext(options), "own_stream", "2"));
  options = CudaOptions();
  options.tf32 = -1;
  EXPECT_TRUE(Rejects(CreateContext(options), "tf32", "-1"));
  options = OwnStream();
  options.stream = 4096;
  EXPECT_TRUE(Rejects(CreateContext(options), "stream", "4096"));
  options = CudaOptions();
  options.budget = -1;
  EXPECT_TRUE(Rejects(CreateContext(options), "budget", "-1"));
  options = CudaOptions();
  options.stream = 4096;  // no stream
  EXPECT_TRUE(Fails(CreateContext(options), LSM_DEVICE_ERROR,
                    {"stream", "cudaErrorInvalidResourceHandle"}));
}

TEST_F(CudaContexts, ReportADeviceThatRefuses) {
  for (const char* function : {"cudaGetDevice", "cudaStreamCreate"}) {
    simt::fail_call(function, 1, cudaErrorDevicesUnavailable);
    EXPECT_TRUE(Fails(CreateContext(OwnStream()), LSM_DEVICE_ERROR,
                      {function, "cudaErrorDevicesUnavailable"}))
        << function;
    EXPECT_EQ(CreateContext(OwnStream()), LSM_OK) << function;
  }
}

TEST_F(CudaContexts, AreRefusedOnAGpuThatTheBuildHasNoKernelsFor) {
  for (const cudaError_t error :
       {cudaErrorNoKernelImageForDevice, cudaErrorUnsupportedPtxVersion}) {
    simt::fail_call("cudaFuncGetAttributes", 1, error);
    EXPECT_TRUE(
        Fails(CreateContext(CudaOptions()), LSM_UNSUPPORTED,
              {"architectures", "cuda:0 of compute capability 9.0", cudaGetErrorName(error)}));
    EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
  }
  simt::fail_call("cudaFuncGetAttributes", 1, cudaErrorUnknown);
  EXPECT_TRUE(Fails(CreateContext(CudaOptions()), LSM_DEVICE_ERROR, {"loading the kernels"}));
  EXPECT_EQ(CreateContext(CudaOptions()), LSM_OK) << lsm_last_error();
}

TEST_F(CudaContexts, GiveTheWorkspaceBackAfterTheWorkThatUsesIt) {
  const size_t before = simt::memory_used(0);
  {
    const CudaContext context(OwnStream());
    lossmith::Workspace& workspace = static_cast<lsm_context>(context)->workspace;
    char* block = workspace.block(10000);
    EXPECT_EQ(lsm_context_workspace_bytes(context), 10048);
    EXPECT_EQ(workspace.block(64), block);
    ASSERT_EQ(cudaMemsetAsync(block, 1, 10000, context.stream()), cudaSuccess);
    EXPECT_NE(workspace.block(20000), nullptr);  // grows, with work queued on the smaller one
    EXPECT_EQ(simt::memory_used(0), before + 20032);
    ASSERT_EQ(cudaMemsetAsync(workspace.block(64), 1, 20000, context.stream()), cudaSuccess);
    EXPECT_EQ(lsm_context_set_budget(context, 15000), LSM_OK);
    EXPECT_EQ(lsm_context_workspace_bytes(context), 0);
    EXPECT_EQ(simt::memory_used(0), before);
    ASSERT_EQ(cudaMemsetAsync(workspace.block(3000), 1, 3000, context.stream()), cudaSuccess);
  }
  EXPECT_EQ(simt::memory_used(0), before);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST_F(CudaContexts, AWorkspaceThatDoesNotFitIsRefusedAndLeavesNothing) {
  const CudaContext context;
  lossmith::Workspace& workspace = static_cast<lsm_context>(context)->workspace;
  simt::set_memory_limit(0, simt::memory_used(0) + 5000);
  EXPECT_THROW(workspace.block(10000), lossmith::Error);
  EXPECT_EQ(workspace.bytes(), 0);
  EXPECT_NE(workspace.block(4000), nullptr);
}

TEST_F(CudaContexts, AWorkspaceMayTakeWhatThePoolKeeps) {
  ASSERT_EQ(lsm_memory_trim(LSM_CUDA, 0), LSM_OK);
  simt::set_memory_limit(0, simt::memory_used(0) + 20480);
  {
    OwnedTensor tensor;
    ASSERT_EQ(CreateTensor(0, DType::kU8, {16384}, &tensor), LSM_OK) << lsm_last_error();
  }
  EXPECT_EQ(PoolBytes().cached_bytes, 16384);
  const CudaContext context;
  EXPECT_NE(static_cast<lsm_context>(context)->workspace.block(10000), nullptr);
  EXPECT_EQ(PoolBytes().cached_bytes, 0);
}

TEST_F(CudaContexts, AWorkspaceIsGivenBackThoughItsStreamIsGone) {
  cudaStream_t foreign;
  ASSERT_EQ(cudaStreamCreate(&foreign), cudaSuccess);
  lsm_context_options options = CudaOptions();
  options.stream = reinterpret_cast<int64_t>(foreign);
  const size_t before = simt::memory_used(0);
  {
    const CudaContext context(options);
    char* block = static_cast<lsm_context>(context)->workspace.block(1000);
    ASSERT_EQ(cudaMemsetAsync(block, 1, 1000, foreign), cudaSuccess);
    ASSERT_EQ(cudaStreamDestroy(foreign), cudaSuccess);
  }
  EXPECT_EQ(simt::memory_used(0), before);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
}

}  // namespace
}  // namespace lossmith_test
