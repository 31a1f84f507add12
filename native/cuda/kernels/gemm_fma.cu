// Products by fused multiply-add, for every operand type and every device.
//
// A block of 16 x 16 threads computes one kTile x kTile tile of C in steps of kDepth along k. Both
// operands' pieces lie in shared memory as [kDepth][kTile], already in the type of the sums, twice:
// while one pair is multiplied, the next is on its way from global memory through registers into
// the other. Each thread keeps (kTile / 16)^2 sums in registers, in blocks of W x W with W = 16
// bytes of elements, 16 W rows and columns apart, so that it reads both operands as vectors.
//
// Bank conflicts. Reading is at one depth at a time: the 8 vectors of B and the 4 of A that a warp
// asks for are neighbours, in 8 and 4 different groups of banks. A piece whose lines run along the
// depth arrives as vectors along it, V elements each, and is stored element by element. In one such
// store a warp (f64: each half of it) holds Q = kDepth / V depths, V apart, and 32 / Q (16 / Q)
// neighbouring columns. Column j of depth d lies at j ^ (d / V % Q) * 32 / Q, which sends each of
// these depths' columns to banks of their own and keeps vectors whole. Pieces whose lines run along
// the outer axis are stored as they come, without conflict, but for 16-bit operands, whose vectors
// become two of f32 each: two-way.
//
// nvcc 13.0, no spills on any of sm_75, 80, 86, 89, 90, 100, 120; two blocks (16 warps) on a
// multiprocessor, 16 KiB of shared memory each. Registers of nt, nn, tn:
//                f32, tile 128      f32, tile 64      f64               bf16, f16
//   sm_80        117, 122, 118      87, 87, 83        121, 119, 116     95, 101, 91
//   sm_90        117, 112, 118      87, 91, 87        122, 124, 120     95, 103, 93
#include "cuda/kernels/gemm_kernels.h"
#include "cuda/kernels/gemm_problem.cuh"
#include "cuda/ops.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 256;

// Length of a step along k: what the registers of 2 blocks on a multiprocessor allow.
template <class T, int kTile>
constexpr int kDepthOf = kTile == 128 || sizeof(T) == 8 ? 8 : 16;

// One operand's pieces on their way from global to shared memory: each thread moves one vector.
template <class T, bool kAlongDepth, int kTile>
class Operand {
 public:
  using S = SumOf<T>;

  LSM_DEVICE static int offset(int depth, int column) {
    if constexpr (kAlongDepth) {
      constexpr int kDepthVectors = kDepth / kVector;
      constexpr int kBanks = 128 / sizeof(S);
      column ^= depth / kVector % kDepthVectors * (kBanks / kDepthVectors);
    }
    return depth * kTile + column;
  }

  LSM_DEVICE Operand(const T* matrix, std::int64_t ld, std::int64_t outer,
                     std::int64_t outer_count) {
    if constexpr (kAlongDepth) {
      next_ = matrix + (outer + line()) * ld + first();
      outer_inside_ = line() < kLines && outer + line() < outer_count ? kVector : 0;
    } else {
      next_ = matrix + line() * ld + outer + first();
      outer_inside_ = line() < kLines ? at_most(outer_count - outer - first(), kVector) : 0;
    }
  }

  // Reads the next piece, of which depth_left depths are inside the matrix.
  LSM_DEVICE void load(std::int64_t ld, int depth_left, bool wide) {
    const int inside =
        kAlongDepth ? (depth_left - first() < outer_inside_ ? depth_left - first() : outer_inside_)
                    : (line() < depth_left ? outer_inside_ : 0);
    if (wide && inside >= kVector) {
      values_ = load_vec<kVector>(next_);
    } else {
#pragma unroll
      for (int j = 0; j < kVector; ++j) values_[j] = j < inside ? next_[j] : T{};
    }
    next_ += kAlongDepth ? kDepth : kDepth * ld;
  }

  LSM_DEVICE void store(Shared<S> tile) const {
    if (kLines * kLineVectors < kThreads && line() >= kLines) return;
    if constexpr (kAlongDepth) {
#pragma unroll
      for (int j = 0; j < kVector; ++j) {
        tile[offset(first() + j, line())] = Convert<S>::from(values_[j]);
      }
    } else {
      constexpr int kSumVector = 16 / sizeof(S);
#pragma unroll
      for (int part = 0; part < kVector; part += kSumVector) {
        Vec<S, kSumVector> sums;
#pragma unroll
        for (int j = 0; j < kSumVector; ++j) sums[j] = Convert<S>::from(values_[part + j]);
        store_vec(tile + offset(line(), first() + part), sums);
      }
    }
  }

 private:
  static constexpr int kDepth = kDepthOf<T, kTile>;
  static constexpr int kVector = 16 / sizeof(T);
  static constexpr int kLines = kAlongDepth ? kTile : kDepth;
  static constexpr int kLineVectors = (kAlongDepth ? kDepth : kTile) / kVector;
  static_assert(kLines * kLineVectors <= kThreads, "one vector for each thread");

  // Where in a piece this thread's vector begins.
  LSM_DEVICE static int line() { return static_cast<int>(threadIdx.x) / kLineVectors; }
  LSM_DEVICE static int first() { return static_cast<int>(threadIdx.x) % kLineVectors * kVector; }

  const T* next_;     // the vector in the piece that is loaded next
  int outer_inside_;  // how many of its elements are inside the matrix along the outer axis
  Vec<T, kVector> values_;
};

template <class T, Product kProduct, int kTile>
__global__ void __launch_bounds__(kThreads, 2) gemm_fma_kernel(GemmProblem<T> p) {
  using S = SumOf<T>;
  using A = Operand<T, Layout<kProduct>::kADepth, kTile>;
  using B = Operand<T, Layout<kProduct>::kBDepth, kTile>;
  constexpr int kDepth = kDepthOf<T, kTile>;
  constexpr int W = 16 / sizeof(S);
  constexpr int kBlocks = kTile / 16 / W;
  // 64 sums and the operands of several depths do not fit into 128 registers.
  [[maybe_unused]] constexpr int kUnroll = kTile == 128 ? 1 : kDepth;
  LSM_SHARED(S, a_tile, 2 * kDepth * kTile);
  LSM_SHARED(S, b_tile, 2 * kDepth * kTile);

  const TileOrigin origin = tile_origin(p, kTile);
  // A warp is 4 x 8 threads, the block 4 x 2 warps.
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int my_row = (warp / 2 * 4 + lane / 8) * W;
  const int my_column = (warp % 2 * 8 + lane % 8) * W;

  A a(p.a, p.lda, origin.row, p.m);
  B b(p.b, p.ldb, origin.column, p.n);
  // 2^32 steps of 8 are more than one row of A that memory can hold.
  const unsigned steps = static_cast<unsigned>((p.k + kDepth - 1) / kDepth);
  const auto load = [&](unsigned step) {
    const int left = step + 1 < steps ? kDepth : static_cast<int>((p.k - 1) % kDepth) + 1;
    a.load(p.lda, left, p.wide_a);
    b.load(p.ldb, left, p.wide_b);
  };
  S sums[kBlocks][W][kBlocks][W] = {};
  if (steps > 0) {
    load(0);
    a.store(a_tile);
    b.store(b_tile);
  }
  __syncthreads();
  for (unsigned step = 0; step < steps; ++step) {
    const bool more = step + 1 < steps;
    if (more) load(step + 1);
    const int buffer = static_cast<int>(step % 2) * (kDepth * kTile);
    const Shared<S> a_now = a_tile + buffer;
    const Shared<S> b_now = b_tile + buffer;
#pragma unroll kUnroll
    for (int d = 0; d < kDepth; ++d) {
      Vec<S, W> rows[kBlocks], columns[kBlocks];
#pragma unroll
      for (int i = 0; i < kBlocks; ++i) {
        rows[i] = load_vec<W>(a_now + A::offset(d, my_row + i * 16 * W));
        columns[i] = load_vec<W>(b_now + B::offset(d, my_column + i * 16 * W));
      }
#pragma unroll
      for (int i = 0; i < kBlocks * W; ++i) {
#pragma unroll
        for (int j = 0; j < kBlocks * W; ++j) {
          S& sum = sums[i / W][i % W][j / W][j % W];
          sum = multiply_add(rows[i / W][i % W], columns[j / W][j % W], sum);
        }
      }
    }
    if (more) {
      a.store(a_tile + (kDepth * kTile - buffer));
      b.store(b_tile + (kDepth * kTile - buffer));
    }
    __syncthreads();
  }

#pragma unroll
  for (int i = 0; i < kBlocks * W; ++i) {
    const std::int64_t row = origin.row + my_row + i / W * 16 * W + i % W;
    if (row >= p.m) continue;
#pragma unroll
    for (int j = 0; j < kBlocks; ++j) {
      const std::int64_t column = origin.column + my_column + j * 16 * W;
      store_sums(p.c + row * p.ldc + column, sums[i / W][i % W][j], p.n - column, p.wide_c,
                 p.accumulate);
    }
  }
}

template <class T, int kTile>
void launch_tiles(cudaStream_t stream, const GemmCall& call) {
  const GemmProblem<T> p = problem_of<T>(call, kTile);
  dispatch_product(call.product, [&](auto product) {
    launch(stream, "gemm_fma", {dim3(tile_blocks(p)), dim3(kThreads)},
           gemm_fma_kernel<T, decltype(product)::value, kTile>, p);
  });
}

}  // namespace

void gemm_fma(cudaStream_t stream, const DeviceFacts& facts, const GemmCall& call) {
  if (call.operand == Type::f32 && fills_device(call, 128, facts)) {
    return launch_tiles<float, 128>(stream, call);
  }
  dispatch_floating(call.operand,
                    [&](auto zero) { launch_tiles<decltype(zero), 64>(stream, call); });
}

}  // namespace cuda
}  // namespace lossmith
