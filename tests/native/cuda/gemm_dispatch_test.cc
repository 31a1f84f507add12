// Which kernel a product goes to, on which device, and what needs none.
#include <gtest/gtest.h>

#include "core/status.h"
#include "cuda/cublas.h"
#include "cuda/gemm_support.h"
#include "cuda/state.h"
#include "simt/control.h"

namespace lossmith_test {
namespace {

using lossmith::cuda::CudaState;
namespace simt = lossmith::cuda::simt;

// The one kernel that a product is launched on, "" for none.
std::string KernelOf(CudaState& state, DType operand, const GemmProblem& p, bool any = false) {
  const Kernel kernel{"", nullptr, operand, false};
  const GemmInputs in(p, operand, kernel.result());
  const DeviceMatrix a(operand, p.a_rows(), p.a_width(), in.a);
  const DeviceMatrix b(operand, p.b_rows(), p.b_width(), in.b);
  DeviceMatrix c(kernel.result(), p.m, p.n, in.c);
  simt::reset_counters();
  const GemmCall call = CallOf(p, a.get(), b.get(), c.get());
  if (any) {
    lossmith::cuda::multiply(state, call);
  } else {
    lossmith::cuda::multiply_by_kernel(state, call);
  }
  ExpectSuccess(cudaDeviceSynchronize());
  std::string names;
  for (const char* name : {"gemm_fma", "gemm_mma", "gemm_tf32"}) {
    if (simt::counter((std::string("kernel ") + name).c_str()) > 0) names += name;
  }
  EXPECT_EQ(simt::counter("cudaLaunchKernel"), names.empty() ? 0u : 1u);
  return names;
}

const GemmProblem kSmall{Product::nn, 5, 6, 7};

TEST(GemmDispatch, TensorCoresFromCapability80On) {
  for (bool any : {false, true}) {
    CudaState state;
    state.facts = {0, 75, 4};
    state.tf32 = true;
    for (DType operand : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}) {
      EXPECT_EQ(KernelOf(state, operand, kSmall, any), "gemm_fma");
    }
    for (int capability : {80, 89, 90, 120}) {
      state.facts.capability = capability;
      EXPECT_EQ(KernelOf(state, DType::kF16, kSmall, any), "gemm_mma");
      EXPECT_EQ(KernelOf(state, DType::kBF16, kSmall, any), "gemm_mma");
      EXPECT_EQ(KernelOf(state, DType::kF32, kSmall, any), "gemm_tf32");
      EXPECT_EQ(KernelOf(state, DType::kF64, kSmall, any), "gemm_fma");
    }
  }
}

TEST(GemmDispatch, Tf32OnlyWhereTheStateAllowsIt) {
  CudaState state;
  state.facts = {0, 90, 4};
  EXPECT_EQ(KernelOf(state, DType::kF32, kSmall), "gemm_fma");
  EXPECT_EQ(KernelOf(state, DType::kBF16, kSmall), "gemm_mma");
}

TEST(GemmDispatch, NothingToDoIsNoLaunch) {
  CudaState state;
  state.facts = {0, 90, 4};
  for (DType operand : {DType::kF32, DType::kBF16}) {
    for (bool accumulate : {false, true}) {
      EXPECT_EQ(KernelOf(state, operand, {Product::nt, 0, 6, 7, accumulate}, true), "");
      EXPECT_EQ(KernelOf(state, operand, {Product::nt, 5, 0, 7, accumulate}, true), "");
      EXPECT_EQ(KernelOf(state, operand, {Product::nt, 0, 0, 0, accumulate}), "");
    }
    EXPECT_EQ(KernelOf(state, operand, {Product::nt, 5, 6, 0, true}, true), "");
    EXPECT_NE(KernelOf(state, operand, {Product::nt, 5, 6, 0, false}, true), "");
  }
}

// A C of more tiles than a grid has blocks cannot exist; its extents are refused before any launch.
TEST(GemmDispatch, TooManyTilesAreRefused) {
  CudaState state;
  state.facts = {0, 90, 4};
  GemmCall call;
  call.m = int64_t{1} << 40;
  call.n = call.k = 1;
  call.lda = call.ldb = call.ldc = 1;
  simt::reset_counters();
  for (DType operand : {DType::kF32, DType::kBF16}) {
    call.operand = KernelType(operand);
    EXPECT_THROW(lossmith::cuda::multiply_by_kernel(state, call), lossmith::Error);
  }
  EXPECT_EQ(simt::counter("cudaLaunchKernel"), 0u);
}

}  // namespace
}  // namespace lossmith_test
