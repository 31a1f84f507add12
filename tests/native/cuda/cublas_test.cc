// Products through a library opened at run time: how they are handed over, and what happens where
// there is none or it fails. The library is tests/native/cuda/fake_cublas.cc.
#include "cuda/cublas.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "core/context.h"
#include "cuda/device_array.h"
#include "simt/control.h"
#include "support/context.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

namespace cuda = lossmith::cuda;
namespace simt = lossmith::cuda::simt;
using lossmith::Product;
using lossmith::Type;

const int kDeviceIsSet = setenv("LOSSMITH_TEST_DEVICE", "cuda:0", 1);

class CublasTest : public ::testing::Test {
 protected:
  CublasTest() {
    setenv("LOSSMITH_CUBLAS", FAKE_CUBLAS, 1);
    simt::set_host_access(true);
  }
  ~CublasTest() override {
    unsetenv("LOSSMITH_CUBLAS");
    unsetenv("FAKE_CUBLAS_FAIL");
    simt::set_host_access(false);
  }
};

template <class T>
std::vector<T> RandomElements(std::int64_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<T> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(lossmith::Convert<T>::from(uniform(engine)));
  }
  return values;
}

// C[m,n] (+)= A B with leading dimensions beyond the widths, against the definition.
template <class T, class A>
void Check(cuda::CudaState& state, Type type, Product product, bool accumulate) {
  constexpr std::int64_t m = 7, n = 5, k = 11;
  const std::int64_t a_rows = product == Product::tn ? k : m,
                     a_width = product == Product::tn ? m : k;
  const std::int64_t b_rows = product == Product::nt ? n : k,
                     b_width = product == Product::nt ? k : n;
  cuda::GemmCall call;
  call.operand = type;
  call.product = product;
  call.m = m;
  call.n = n;
  call.k = k;
  call.lda = a_width + 3;
  call.ldb = b_width + 1;
  call.ldc = n + 2;
  call.accumulate = accumulate;
  const std::vector<T> a = RandomElements<T>(a_rows * call.lda, 1);
  const std::vector<T> b = RandomElements<T>(b_rows * call.ldb, 2);
  const std::vector<A> c = RandomElements<A>(m * call.ldc, 3);
  DeviceArray<T> device_a(a), device_b(b);
  DeviceArray<A> device_c(c);
  call.a = device_a.get();
  call.b = device_b.get();
  call.c = device_c.get();
  state.cublas->multiply(call, false);
  const std::vector<A> got = device_c.Values();
  const auto at = [](const auto& values, std::int64_t i) {
    return lossmith::Convert<double>::from(values[static_cast<std::size_t>(i)]);
  };
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < call.ldc; ++j) {
      double expected = at(c, i * call.ldc + j);
      if (j < n) {
        if (!accumulate) expected = 0;
        for (std::int64_t l = 0; l < k; ++l) {
          expected += at(a, product == Product::tn ? l * call.lda + i : i * call.lda + l) *
                      at(b, product == Product::nt ? j * call.ldb + l : l * call.ldb + j);
        }
      }
      EXPECT_NEAR(at(got, i * call.ldc + j), expected, sizeof(A) == 8 ? 1e-14 : 5e-6)
          << "at " << i << ", " << j << " in " << name_of(type);
    }
  }
}

TEST_F(CublasTest, EveryProductOfEveryType) {
  const Context context;
  cuda::CudaState& state = cuda::state_of(*static_cast<lsm_context>(context));
  ASSERT_NE(state.cublas, nullptr) << state.no_cublas;
  for (const Product product : {Product::nt, Product::nn, Product::tn}) {
    for (const bool accumulate : {false, true}) {
      Check<float, float>(state, Type::f32, product, accumulate);
      Check<lossmith::bfloat16, float>(state, Type::bf16, product, accumulate);
      Check<lossmith::float16, float>(state, Type::f16, product, accumulate);
      Check<double, double>(state, Type::f64, product, accumulate);
    }
  }
}

TEST_F(CublasTest, OnlyF32IsRoundedToTf32AndOnlyOnDemand) {
  const Context context;
  cuda::CudaState& state = cuda::state_of(*static_cast<lsm_context>(context));
  ASSERT_NE(state.cublas, nullptr) << state.no_cublas;
  void* library = dlopen(FAKE_CUBLAS, RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto last_compute = reinterpret_cast<int (*)()>(dlsym(library, "fake_cublas_last_compute"));
  ASSERT_NE(last_compute, nullptr);
  const DeviceArray<double> memory(std::vector<double>(3));
  const auto compute_of = [&](Type type) {
    cuda::GemmCall call;
    call.operand = type;
    call.m = call.n = call.k = call.lda = call.ldb = call.ldc = 1;
    call.a = memory.get();
    call.b = memory.get() + 1;
    call.c = memory.get() + 2;
    cuda::multiply(state, call);
    ExpectSuccess(cudaDeviceSynchronize());
    return last_compute();
  };
  constexpr int k32F = 68, k64F = 70, k32FFastTf32 = 77;
  for (const bool tf32 : {false, true}) {
    state.tf32 = tf32;
    EXPECT_EQ(compute_of(Type::f32), tf32 ? k32FFastTf32 : k32F);
    EXPECT_EQ(compute_of(Type::bf16), k32F);
    EXPECT_EQ(compute_of(Type::f16), k32F);
    EXPECT_EQ(compute_of(Type::f64), k64F);
  }
  dlclose(library);
}

TEST_F(CublasTest, ExtentsBeyond32BitsAreForOurKernels) {
  cuda::GemmCall call;
  call.m = call.n = call.k = call.lda = call.ldb = call.ldc = 100;
  EXPECT_TRUE(cuda::Cublas::takes(call));
  call.ldb = std::int64_t{1} << 31;
  EXPECT_FALSE(cuda::Cublas::takes(call));
}

// The library refuses leading dimensions below the width. A single row may come with any: it means
// nothing there.
TEST_F(CublasTest, RowsThatOverlapAreForOurKernels) {
  for (const Product product : {Product::nt, Product::nn, Product::tn}) {
    cuda::GemmCall call;
    call.product = product;
    call.m = 10;
    call.n = 20;
    call.k = 30;
    call.lda = product == Product::tn ? 10 : 30;
    call.ldb = product == Product::nt ? 30 : 20;
    call.ldc = 20;
    EXPECT_TRUE(cuda::Cublas::takes(call));
    for (std::int64_t* ld : {&call.lda, &call.ldb, &call.ldc}) {
      const std::int64_t width = *ld;
      for (const std::int64_t below : {width - 1, std::int64_t{0}, -width}) {
        *ld = below;
        EXPECT_FALSE(cuda::Cublas::takes(call));
      }
      *ld = width;
    }
  }

  const Context context;
  cuda::CudaState& state = cuda::state_of(*static_cast<lsm_context>(context));
  ASSERT_NE(state.cublas, nullptr) << state.no_cublas;
  const DeviceArray<float> a(std::vector<float>{1, 2, 3}), b(std::vector<float>{4, 5, 6});
  const DeviceArray<float> c(std::vector<float>{-1});
  cuda::GemmCall dot;
  dot.m = dot.n = 1;
  dot.k = 3;
  dot.a = a.get();
  dot.b = b.get();
  dot.c = c.get();
  simt::reset_counters();
  cuda::multiply(state, dot);
  EXPECT_EQ(c.Values(), std::vector<float>{32});
  EXPECT_EQ(simt::counter("kernel gemm_fma"), 1u);
}

TEST_F(CublasTest, AProductThatFailsIsNamed) {
  const Context context;
  double rate = 0;
  setenv("FAKE_CUBLAS_FAIL", "cublasGemmEx", 1);
  const lsm_status status = lsm_measure_gemm(context, LSM_BFLOAT, 16, 12, 20, 8, 1, &rate);
  EXPECT_TRUE(Fails(status, LSM_DEVICE_ERROR,
                    {"cublasGemmEx", "bf16", "[12,8]", "[8,20]", "not supported", "15"}));
  unsetenv("FAKE_CUBLAS_FAIL");
  EXPECT_EQ(lsm_measure_gemm(context, LSM_BFLOAT, 16, 12, 20, 8, 1, &rate), LSM_OK)
      << lsm_last_error();
}

TEST_F(CublasTest, AHandleThatCannotBeMadeLeavesOurKernels) {
  setenv("FAKE_CUBLAS_FAIL", "cublasCreate", 1);
  const Context context;
  cuda::CudaState& state = cuda::state_of(*static_cast<lsm_context>(context));
  EXPECT_EQ(state.cublas, nullptr);
  EXPECT_NE(state.no_cublas.find("cublasCreate"), std::string::npos) << state.no_cublas;
  double rate = 0;
  EXPECT_EQ(lsm_measure_gemm(context, LSM_FLOAT, 32, 12, 20, 8, 1, &rate), LSM_OK);
  EXPECT_GT(rate, 0);
}

TEST_F(CublasTest, ItsWorkspaceIsGivenBack) {
  const std::size_t before = simt::memory_used(0);
  {
    const Context context;
    EXPECT_GE(simt::memory_used(0), before + (std::size_t{32} << 20));
  }
  EXPECT_EQ(simt::memory_used(0), before);
}

// The library is looked for once it is missing and kept once found: each of these needs a process
// of its own.
std::string ReasonWith(const char* setting) {
  setenv("LOSSMITH_CUBLAS", setting, 1);
  std::string reason;
  const auto handle = cuda::open_cublas({0, 90, 4}, nullptr, &reason);
  return handle == nullptr ? reason : "found";
}

void ExitWith(const std::string& reason) {
  std::fprintf(stderr, "reason: %s\n", reason.c_str());
  std::exit(0);
}

TEST(CublasDeathTest, ReasonsWhyThereIsNone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(ExitWith(ReasonWith("off")), ::testing::ExitedWithCode(0), "LOSSMITH_CUBLAS=off");
  EXPECT_EXIT(ExitWith(ReasonWith("/no/such/libcublas.so")), ::testing::ExitedWithCode(0),
              "LOSSMITH_CUBLAS: .*/no/such/libcublas.so");
  EXPECT_EXIT(ExitWith(ReasonWith("libm.so.6")), ::testing::ExitedWithCode(0),
              "lacks cublasCreate_v2");
}

TEST(CublasDeathTest, TheDescriptionHasTheVersion) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  setenv("LOSSMITH_CUBLAS", FAKE_CUBLAS, 1);
  EXPECT_EXIT(ExitWith(cuda::describe_cublas()), ::testing::ExitedWithCode(0),
              "\"found\":true,\"version\":\"13.4.2\"");
  unsetenv("LOSSMITH_CUBLAS");
}

}  // namespace
}  // namespace lossmith_test
