// A product of more tiles than grid.y and grid.z could count.
#include <gtest/gtest.h>

#include "cuda/cublas.h"
#include "cuda/device_array.h"
#include "cuda/gemm.h"
#include "cuda/state.h"

namespace lossmith_test {
namespace {

using lossmith::Product;
using lossmith::cuda::CudaState;
using lossmith::cuda::GemmCall;

// Tiles are counted along grid.x, which takes 2^31 - 1 blocks: 65536 and more rows of tiles are no
// special case. 64 rows each.
TEST(GemmTiles, MoreThan65535RowsOfTiles) {
  CudaState state;
  state.facts = {0, 90, 1 << 30};
  constexpr int64_t kRows = 65536 * 64 + 3;
  std::vector<uint16_t> a(kRows, 0);
  for (size_t i = 0; i < a.size(); ++i) a[i] = lossmith::to_bfloat16(float(i % 251)).bits;
  const DeviceArray<uint16_t> device_a(a);
  const DeviceArray<uint16_t> device_b(std::vector<uint16_t>{lossmith::to_bfloat16(2).bits});
  const DeviceArray<float> device_c(std::vector<float>(kRows, -1));
  GemmCall call;
  call.operand = lossmith::Type::bf16;
  call.product = Product::nn;
  call.m = kRows;
  call.n = 1;
  call.k = 1;
  call.a = device_a.get();
  call.lda = 1;
  call.b = device_b.get();
  call.ldb = 1;
  call.c = device_c.get();
  call.ldc = 1;
  lossmith::cuda::multiply_by_kernel(state, call);
  const std::vector<float> c = device_c.Values();
  for (size_t i = 0; i < c.size(); ++i) ASSERT_EQ(c[i], 2 * float(i % 251)) << i;
}

}  // namespace
}  // namespace lossmith_test
