// The loop of the tensor-core products, for operands of 16 bits (gemm_mma.cu), f32 as tf32
// (gemm_tf32.cu) and pairs of bytes (power_integer_mma.cu).
//
// A block of 2 x 2 warps computes one kTile x kTile tile of C, a quarter each, in steps of 64 bytes
// along k. The operands of kStages steps lie in dynamic shared memory as a ring: while the warps
// multiply one of them, cp.async fills those of the next kStages - 1. Sums stay in registers, as
// f32 or, of bytes, i32. An operand whose rows are not aligned to 16 bytes takes the same places through registers,
// element by element.
//
// Bank conflicts. A stage holds an operand's lines as 16-byte chunks, chunk c of line l at c ^ s(l).
// Filling: 8 neighbouring lanes write 8 chunks of 128 bytes that belong together, in some order.
// Reading, chunks that a warp asks for together must differ in their place within 128 bytes:
//   lines along k, 4 chunks each, s(l) = l / 2 % 4. ldmatrix reads one chunk c of 8 lines l..l+7 at
//     a time, from place 4 (l % 2) + (c ^ s(l)): all 8. tf32 reads 4 elements of 8 lines, the same
//     8 chunks.
//   lines along the outer axis, 8 chunks or more each. 16 bits: s(l) = l % 8, and ldmatrix reads
//     one chunk of 8 lines, from place (c ^ s(l)) % 8: all 8. tf32: s(l) = 2 (l % 4), and a warp
//     reads 8 elements, two chunks c and c + 1 with c even, of 4 lines: all 8 places again.
#ifndef LOSSMITH_CUDA_KERNELS_GEMM_TENSOR_CUH_
#define LOSSMITH_CUDA_KERNELS_GEMM_TENSOR_CUH_

#include "cuda/kernels/gemm_problem.cuh"

namespace lossmith {
namespace cuda {

constexpr int kTensorThreads = 128;
constexpr int kStages = 3;

// Dynamic shared memory of a block: 48 KiB for tiles of 128, so that two blocks fit into the 100 KiB
// of the smallest multiprocessors.
constexpr unsigned stages_bytes(int tile) { return static_cast<unsigned>(kStages * 2 * tile * 64); }

// One operand of one stage: kTile x kDepth elements.
template <class T, bool kAlongDepth, int kTile>
struct StageOperand {
  static constexpr int kVector = 16 / sizeof(T);
  static constexpr int kDepth = 64 / sizeof(T);
  static constexpr int kElements = kTile * kDepth;
  static constexpr int kLineElements = kAlongDepth ? kDepth : kTile;
  static constexpr int kLineChunks = kLineElements / kVector;

  // Offset of a chunk in elements.
  LSM_DEVICE static int chunk_offset(int line, int chunk) {
    const int swizzle = kAlongDepth ? line / 2 % 4 : sizeof(T) == 2 ? line % 8 : 2 * (line % 4);
    return line * kLineElements + (chunk ^ swizzle) * kVector;
  }
  LSM_DEVICE static int offset(int outer, int depth) {
    const int line = kAlongDepth ? outer : depth;
    const int at = kAlongDepth ? depth : outer;
    return chunk_offset(line, at / kVector) + at % kVector;
  }

  // Starts to fill a stage. Where not `wide` the elements are there on return.
  LSM_DEVICE static void load(Shared<T> stage, const Piece<T>& piece, bool wide) {
    constexpr int kPassLines = kTensorThreads / kLineChunks;
    constexpr int kPasses = kElements / kVector / kTensorThreads;
    const int chunk = static_cast<int>(threadIdx.x) % kLineChunks;
    const int first_line = static_cast<int>(threadIdx.x) / kLineChunks;
    const int left = piece.elements - chunk * kVector;  // inside the matrix, of a line from here
    const int inside = left < 0 ? 0 : left < kVector ? left : kVector;
    const T* from = piece.from + first_line * piece.ld + chunk * kVector;
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass, from += kPassLines * piece.ld) {
      const int line = first_line + pass * kPassLines;
      const int count = line < piece.lines ? inside : 0;
      const Shared<T> to = stage + chunk_offset(line, chunk);
      if (wide) {
        // Where nothing is read the address must be a valid one all the same.
        cp_async16(to, count > 0 ? from : piece.from, count * static_cast<int>(sizeof(T)));
      } else {
        Vec<T, kVector> values;
#pragma unroll
        for (int i = 0; i < kVector; ++i) values[i] = i < count ? from[i] : T{};
        store_vec(to, values);
      }
    }
  }
};

// Fragments of operands of 16 bits, however their bits are multiplied. ldmatrix gives lane 4 g + t
// elements 2t and 2t + 1 of row g of four 8 x 8 matrices: rows of A, columns of B where lines run
// along k. Where they run along the outer axis, the matrices are read as they lie, 8 depths by 8 rows,
// and transposed.
template <class T>
struct PairFragments {
  static constexpr int kDepth = 16;

  template <class Stage>
  LSM_DEVICE static void load(std::uint32_t (&r)[4], Shared<T> stage, int outer, int depth) {
    const int line = static_cast<int>(threadIdx.x) % 8;
    if constexpr (Stage::kLineElements == Stage::kDepth) {
      ldmatrix_x4(r, stage + Stage::chunk_offset(outer + line, depth / 8));
    } else {
      ldmatrix_x4_trans(r, stage + Stage::chunk_offset(depth + line, outer / 8));
    }
  }

  // Matrices: rows 0-7 and 8-15 at depths 0-7, then both at depths 8-15.
  template <class Stage>
  LSM_DEVICE static void rows(std::uint32_t (&r)[4], Shared<T> stage, int row, int depth) {
    const int matrix = static_cast<int>(threadIdx.x) % 32 / 8;
    load<Stage>(r, stage, row + matrix % 2 * 8, depth + matrix / 2 * 8);
  }
  // Matrices: depths 0-7 and 8-15 of columns 0-7, then of columns 8-15.
  template <class Stage>
  LSM_DEVICE static void columns(std::uint32_t (&first)[2], std::uint32_t (&second)[2],
                                 Shared<T> stage, int column, int depth) {
    const int matrix = static_cast<int>(threadIdx.x) % 32 / 8;
    std::uint32_t r[4];
    load<Stage>(r, stage, column + matrix / 2 * 8, depth + matrix % 2 * 8);
    first[0] = r[0];
    first[1] = r[1];
    second[0] = r[2];
    second[1] = r[3];
  }
};

// Fragments gives, for operands of type T and layouts A and B of their stages:
//   Sum                              the type of the sums
//   kDepth                           length of one tensor-core product along k
//   rows<A>(r, stage, row, depth)    the fragment of A of 16 rows
//   columns<B>(r, stage, column, depth)   the fragments of B of 16 columns, two of 8
//   multiply(d, a, b)                d += a b, 16 x 8
// store(row, column, pair) takes the sums of a row in two neighbouring columns, of which the first is
// inside.
template <class Fragments, class T, Product kProduct, int kTile, class Store>
LSM_DEVICE void gemm_tensor_tile(const GemmProblem<T>& p, const Store& store) {
  using Sum = typename Fragments::Sum;
  using L = Layout<kProduct>;
  using A = StageOperand<T, L::kADepth, kTile>;
  using B = StageOperand<T, L::kBDepth, kTile>;
  constexpr int kDepth = A::kDepth;
  constexpr int kWarp = kTile / 2;     // rows and columns of a warp's quarter
  constexpr int kRows = kWarp / 16;    // fragments along m
  constexpr int kColumns = kWarp / 8;  // fragments along n

  const Shared<T> stages = dynamic_shared<T>();
  const auto a_stage = [&](int stage) { return stages + stage * (A::kElements + B::kElements); };
  const auto b_stage = [&](int stage) { return a_stage(stage) + A::kElements; };

  const TileOrigin origin = tile_origin(p, kTile);
  const std::int64_t steps = (p.k + kDepth - 1) / kDepth;
  const auto load = [&](std::int64_t step, int stage) {
    const std::int64_t depth = step * kDepth;
    A::load(a_stage(stage),
            piece_of<L::kADepth, kTile, kDepth>(p.a, p.lda, origin.row, p.m, depth, p.k), p.wide_a);
    B::load(b_stage(stage),
            piece_of<L::kBDepth, kTile, kDepth>(p.b, p.ldb, origin.column, p.n, depth, p.k),
            p.wide_b);
  };

  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int my_row = warp / 2 * kWarp, my_column = warp % 2 * kWarp;
  Sum sums[kRows][kColumns][4] = {};

#pragma unroll
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage < steps) load(stage, stage);
    cp_async_commit();
  }
  int stage = 0;
#pragma unroll 1
  for (std::int64_t step = 0; step < steps; ++step) {
    // This step's stage is there, for all threads, and all are done with the stage of the step
    // before, which is filled next. One group is committed in every step, be it empty.
    cp_async_wait<kStages - 2>();
    __syncthreads();
    if (step + kStages - 1 < steps) {
      load(step + kStages - 1, stage == 0 ? kStages - 1 : stage - 1);
    }
    cp_async_commit();
#pragma unroll
    for (int depth = 0; depth < kDepth; depth += Fragments::kDepth) {
      std::uint32_t a[kRows][4], b[kColumns][2];
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        Fragments::template rows<A>(a[i], a_stage(stage), my_row + i * 16, depth);
      }
#pragma unroll
      for (int j = 0; j < kColumns; j += 2) {
        Fragments::template columns<B>(b[j], b[j + 1], b_stage(stage), my_column + j * 8, depth);
      }
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
#pragma unroll
        for (int j = 0; j < kColumns; ++j) Fragments::multiply(sums[i][j], a[i], b[j]);
      }
    }
    stage = stage + 1 == kStages ? 0 : stage + 1;
  }

  // Lane 4 g + t holds columns 2t and 2t + 1 of rows g and g + 8 of every 16 x 8 product.
#pragma unroll
  for (int i = 0; i < kRows * 2; ++i) {
    const std::int64_t row = origin.row + my_row + i * 8 + lane / 4;
    if (row >= p.m) continue;
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      const std::int64_t column = origin.column + my_column + j * 8 + lane % 4 * 2;
      const Sum pair[2] = {sums[i / 2][j][i % 2 * 2], sums[i / 2][j][i % 2 * 2 + 1]};
      if (column < p.n) store(row, column, pair);
    }
  }
}

// The same with the sums as C.
template <class Fragments, class T, Product kProduct, int kTile>
LSM_DEVICE void gemm_tensor_tile(const GemmProblem<T>& p) {
  gemm_tensor_tile<Fragments, T, kProduct, kTile>(
      p, [&p](std::int64_t row, std::int64_t column, const float(&pair)[2]) {
        store_sums(p.c + row * p.ldc + column, pair, p.n - column, p.wide_c, p.accumulate);
      });
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_GEMM_TENSOR_CUH_
