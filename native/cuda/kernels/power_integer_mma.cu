// The integer product on tensor cores: 8-bit operands, 32-bit sums, and what is made of them before
// they leave the registers.
//
// The loop is that of gemm_tensor.cuh, whose elements of 16 bits are pairs of bytes here: ldmatrix
// hands the same bits out, and an m16n8k32 product of bytes wants them where m16n8k16 wants its
// halves. So a step of 64 bytes along k is two products deep.
//
// Floor: 2 m n k operations at the device's rate for bytes, twice that of bf16. The epilogue costs a
// product in f64 for each value and a root and two comparisons for each code, once for all of k.
//
// nvcc 13.0, no spills on sm_75, 80, 90. Registers on sm_90: tile 128, 48 KiB of shared memory: 242, 2
// blocks on a multiprocessor; tile 64, 24 KiB: 116, 4 blocks.
#include "cuda/kernels/gemm_tensor.cuh"
#include "cuda/kernels/power_integer_end.cuh"

namespace lossmith {
namespace cuda {
namespace {

struct BytePair {
  std::uint16_t bits;
};

template <bool kUnsigned>
struct ByteFragments : PairFragments<BytePair> {
  using Sum = std::int32_t;

  LSM_DEVICE static void multiply(std::int32_t (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2]) {
    if constexpr (kUnsigned) {
      mma_m16n8k32_u8_s8(d, a, b);
    } else {
      mma_m16n8k32_s8(d, a, b);
    }
  }
};

template <bool kUnsigned, int kTile>
__global__ void __launch_bounds__(kTensorThreads, 2)
    multiply_bytes_kernel(GemmProblem<BytePair> p, IntegerEnd end) {
  gemm_tensor_tile<ByteFragments<kUnsigned>, BytePair, Product::nt, kTile>(
      p, [&](std::int64_t row, std::int64_t column, const std::int32_t(&pair)[2]) {
        store_integer(end, row, column, pair[0]);
        if (column + 1 < p.n) store_integer(end, row, column + 1, pair[1]);
      });
}

template <bool kUnsigned, int kTile>
void launch_tiles(cudaStream_t stream, const GemmCall& call, const IntegerEnd& end) {
  const GemmProblem<BytePair> p = problem_of<BytePair>(call, kTile);
  launch(stream, "power_integer_mma",
         {dim3(tile_blocks(p)), dim3(kTensorThreads), stages_bytes(kTile)},
         multiply_bytes_kernel<kUnsigned, kTile>, p, end);
}

}  // namespace

void multiply_bytes_mma(cudaStream_t stream, const DeviceFacts& facts, const ByteMatrix& x,
                        const ByteMatrix& w, const IntegerEnd& end) {
  GemmCall call;  // in pairs
  call.m = x.rows;
  call.n = w.rows;
  call.k = x.ld / 2;
  call.a = x.data;
  call.lda = x.ld / 2;
  call.b = w.data;
  call.ldb = w.ld / 2;
  const bool large = fills_device(call, 128, facts);
  if (x.is_unsigned) {
    large ? launch_tiles<true, 128>(stream, call, end) : launch_tiles<true, 64>(stream, call, end);
  } else {
    large ? launch_tiles<false, 128>(stream, call, end)
          : launch_tiles<false, 64>(stream, call, end);
  }
}

}  // namespace cuda
}  // namespace lossmith
