// The product of few rows of x with power-quantized weights, bound by the bytes of the codes.
//
// A block of 4 warps makes 16 columns of the output (8 with fields of 8 bits), a warp 4 (2) of them,
// for up to 8 rows of x. k is walked in slabs of 1024 columns: a lane takes 32 neighbours of them, so
// that their codes are f words of 32 bits, read as vectors where rows are aligned, for the next slab
// while this one is multiplied. The block's rows of x lie in shared memory as f32.
//
// A code's level is looked up in shared memory with its field, sign and all: tables of 2 to 4 bits
// have a bank for each entry, so that no two lanes are in each other's way (8 bits: 256 entries, 3 to
// 4 lanes wait for each other on average). Order of a sum: 32 neighbours in a lane, slabs of a lane,
// lanes of a warp as a tree, pieces of k one after the other.
//
// Bank conflicts of x: vector v (of 8) of lane l lies at v * 32 + (l ^ v). Reading, lanes ask for one
// v, 32 places in some order. Filling, 8 neighbouring threads hold the 8 vectors of one lane, whose
// places differ in the lowest three bits.
//
// Floor: the bytes of the codes. An element costs a shift with mask, a look-up and one multiply-add
// for each row of x. For [1,4096] x [4096,4096]^T and 4 bits on an H100 each multiprocessor has 127,000
// elements: 4,000 cycles of look-ups by 32 lanes and 1,000 for x, 2.8 us, beside 2.7 us for 8.4 MB at
// 3.1 TB/s; with 8 rows the multiply-adds take over, 6 us. This is arithmetic, not measured.
//
// nvcc 13.0, no spills on sm_75, 80, 90. Registers on sm_90 for 1, 2, 4, 8 rows of x, and blocks of 4
// warps on a multiprocessor, 4 (8 rows: 3):
//   2 to 4 bits   128, 128, 128, 168
//   8 bits         90, 124, 124, 160
#include <algorithm>

#include "cuda/kernels/power_fields.cuh"
#include "cuda/kernels/power_product_end.cuh"
#include "cuda/kernels/reduce.cuh"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarp;
constexpr int kLaneColumns = 32;
constexpr int kSlab = kWarp * kLaneColumns;
constexpr int kMostRows = 8;
constexpr std::int64_t kWantedBlocks = 264;  // two for each multiprocessor of large GPUs

// Rows of the weights of a warp.
template <int kField>
constexpr int kWarpRows = kField == 8 ? 2 : 4;
template <int kField>
constexpr int kBlockRows = kWarps* kWarpRows<kField>;
constexpr int block_rows(int field) { return field == 8 ? kBlockRows<8> : kBlockRows<4>; }

struct FewRows {
  Matrix x;
  bool wide_x;  // four neighbours of x can be one access
  PackedWeights w;
  Divider by_columns;  // of a group of scales
  bool wide_codes;     // the codes of a lane can be read as vectors
  std::int64_t slabs, split_slabs;
  float* parts;  // null: the sums are whole
  ProductEnd<float> end;
};

template <class T>
LSM_DEVICE Vec<float, 4> four_of(const void* data, std::int64_t at, std::int64_t left, bool wide) {
  const T* from = static_cast<const T*>(data) + at;
  Vec<float, 4> values;
  if (wide && left >= 4) {
    const Vec<T, 4> four = load_vec<4>(from);
#pragma unroll
    for (int i = 0; i < 4; ++i) values[i] = Convert<float>::from(four[i]);
    return values;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) values[i] = i < left ? Convert<float>::from(from[i]) : 0.0f;
  return values;
}

LSM_DEVICE int place_of(int lane, int vector) { return (vector * kWarp + (lane ^ vector)) * 4; }

// kRows rows of x from row0 on, columns of the slab, to shared memory; zeros outside of x.
template <int kRows>
LSM_DEVICE void load_x(const FewRows& p, std::int64_t row0, std::int64_t column0,
                       Shared<float> to) {
#pragma unroll
  for (int pass = 0; pass < kSlab / 4 / kThreads; ++pass) {
    const int unit = pass * kThreads + static_cast<int>(threadIdx.x);
    const std::int64_t column = column0 + unit * 4;
#pragma unroll
    for (int q = 0; q < kRows; ++q) {
      Vec<float, 4> values = {};
      if (row0 + q < p.x.rows && column < p.x.width) {
        const std::int64_t at = (row0 + q) * p.x.ld + column, left = p.x.width - column;
        values = p.x.type == Type::bf16  ? four_of<bfloat16>(p.x.data, at, left, p.wide_x)
                 : p.x.type == Type::f16 ? four_of<float16>(p.x.data, at, left, p.wide_x)
                                         : four_of<float>(p.x.data, at, left, p.wide_x);
      }
      store_vec(to + (q * kSlab + place_of(unit / 8, unit % 8)), values);
    }
  }
}

template <int kField, int kRows>
__global__ void __launch_bounds__(kThreads, kRows == kMostRows ? 3 : 4) few_rows_kernel(FewRows p) {
  constexpr int kFields = 1 << kField;
  constexpr int R = kWarpRows<kField>;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t block_row = static_cast<std::int64_t>(blockIdx.x) * kBlockRows<kField>;
  const std::int64_t weight0 = block_row + warp * R;
  const std::int64_t x0 = static_cast<std::int64_t>(blockIdx.y) * kRows;

  // One table for all rows of the weights, or one for each of the block's.
  const int tables = p.w.table_of.row_step == 0 ? 1 : kBlockRows<kField>;
  const Shared<float> levels = dynamic_shared<float>();
  const Shared<float> x = levels + tables * kFields;
  for (int i = static_cast<int>(threadIdx.x); i < tables * kFields; i += kThreads) {
    const std::int64_t row = block_row + i / kFields;
    const int bits = i % kFields, sign = kFields / 2;
    const PowerGrid<float> grid = p.w.tables.at((row < p.w.rows ? row : 0) * p.w.table_of.row_step);
    const float level = grid.levels[min(bits & (sign - 1), p.w.largest)];
    levels[i] = (bits & sign) != 0 ? -level : level;
  }
  const int table_step = tables == 1 ? 0 : kFields;
  const Shared<float> my_levels = levels + warp * R * table_step;

  const std::int64_t first = static_cast<std::int64_t>(blockIdx.z) * p.split_slabs;
  const std::int64_t last =
      min(static_cast<long long>(first + p.split_slabs), static_cast<long long>(p.slabs));
  const auto load = [&](std::uint32_t(&codes)[R][kField], std::int64_t slab) {
    const std::int64_t byte = (slab * kWarp + lane) * (kField * 4);
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const bool inside = slab < last && weight0 + r < p.w.rows;
      load_codes<kField>(codes[r], p.w.codes + (inside ? (weight0 + r) * p.w.ld + byte : 0),
                         inside ? p.w.row_bytes() - byte : 0, p.wide_codes);
    }
  };

  float sums[R][kRows] = {};
  std::uint32_t codes[R][kField], next[R][kField];
  load(codes, first);
  for (std::int64_t slab = first; slab < last; ++slab) {
    __syncthreads();
    load_x<kRows>(p, x0, slab * kSlab, x);
    __syncthreads();
    load(next, slab + 1);
    float part[R][kRows] = {};
#pragma unroll
    for (int v = 0; v < kLaneColumns / 4; ++v) {
      Vec<float, 4> four[kRows];
#pragma unroll
      for (int q = 0; q < kRows; ++q) four[q] = load_vec<4>(x + (q * kSlab + place_of(lane, v)));
#pragma unroll
      for (int r = 0; r < R; ++r) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float level =
              my_levels[r * table_step + static_cast<int>(field_of<kField>(codes[r], v * 4 + i))];
#pragma unroll
          for (int q = 0; q < kRows; ++q) {
            part[r][q] = multiply_add(level, four[q][i], part[r][q]);
          }
        }
      }
    }
    const std::int64_t column = slab * kSlab + lane * kLaneColumns;
    const bool scaled = p.w.scales_inside() && column < p.w.k;
    const std::int64_t group = scaled ? p.by_columns.quotient(column) : 0;
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const float scale = scaled && weight0 + r < p.w.rows
                              ? p.w.scales[(weight0 + r) * p.w.scale_of.row_step + group]
                              : 1.0f;
#pragma unroll
      for (int q = 0; q < kRows; ++q) sums[r][q] = multiply_add(scale, part[r][q], sums[r][q]);
#pragma unroll
      for (int i = 0; i < kField; ++i) codes[r][i] = next[r][i];
    }
  }

  // Lane r kRows + q keeps the sum of row r of the weights with row q of x.
  float mine = 0;
#pragma unroll
  for (int r = 0; r < R; ++r) {
#pragma unroll
    for (int q = 0; q < kRows; ++q) {
      const float sum = warp_sum(sums[r][q]);
      if (lane == r * kRows + q) mine = sum;
    }
  }
  const std::int64_t column = weight0 + lane / kRows, row = x0 + lane % kRows;
  if (lane >= R * kRows || column >= p.w.rows || row >= p.x.rows) return;
  if (p.parts == nullptr) {
    store_product(p.end, row, column, mine);
  } else {
    const std::int64_t part_row = static_cast<std::int64_t>(blockIdx.z) * p.x.rows + row;
    p.parts[part_row * p.w.rows + column] = mine;
  }
}

template <int kField, int kRows>
void launch_rows(cudaStream_t stream, const FewRows& p, std::int64_t splits) {
  const int tables = p.w.table_of.row_step == 0 ? 1 : kBlockRows<kField>;
  const unsigned shared = static_cast<unsigned>((tables << kField) + kRows * kSlab) * 4;
  launch(stream, "power_few_rows",
         {dim3(blocks_for(p.w.rows, kBlockRows<kField>), blocks_for(p.x.rows, kRows),
               static_cast<unsigned>(splits)),
          dim3(kThreads), shared},
         few_rows_kernel<kField, kRows>, p);
}

template <int kField>
void launch_field(cudaStream_t stream, const FewRows& p, std::int64_t splits) {
  if (p.x.rows == 1) return launch_rows<kField, 1>(stream, p, splits);
  if (p.x.rows == 2) return launch_rows<kField, 2>(stream, p, splits);
  if (p.x.rows <= 4) return launch_rows<kField, 4>(stream, p, splits);
  launch_rows<kField, kMostRows>(stream, p, splits);
}

std::int64_t slabs_of(std::int64_t k) { return (k + kSlab - 1) / kSlab; }

}  // namespace

RowSplit split_of_few_rows(std::int64_t m, std::int64_t n, std::int64_t k, int field) {
  const std::int64_t slabs = std::max<std::int64_t>(1, slabs_of(k));
  const std::int64_t tiles = (n + block_rows(field) - 1) / block_rows(field);
  const std::int64_t blocks = std::max<std::int64_t>(1, tiles * ((m + kMostRows - 1) / kMostRows));
  const std::int64_t wanted = (kWantedBlocks + blocks - 1) / blocks;
  const std::int64_t piece = (slabs + wanted - 1) / wanted;
  return {(slabs + piece - 1) / piece, piece};
}

bool takes_few_rows(const PackedWeights& w) {
  return w.table_of.columns == 0 && w.scale_of.columns % kLaneColumns == 0;
}

void multiply_few_rows(cudaStream_t stream, const Matrix& x, const PackedWeights& w, float* parts,
                       const ProductEnd<float>& end) {
  const RowSplit split = split_of_few_rows(x.rows, w.rows, w.k, w.field);
  FewRows p;
  p.x = x;
  const std::int64_t four = 4 * bytes_of(x.type);
  p.wide_x = reinterpret_cast<std::uintptr_t>(x.data) % static_cast<std::uintptr_t>(four) == 0 &&
             x.ld % 4 == 0;
  p.w = w;
  p.by_columns = Divider(w.scale_of.columns);
  const int access = access_bytes(w.field);
  p.wide_codes =
      reinterpret_cast<std::uintptr_t>(w.codes) % static_cast<std::uintptr_t>(access) == 0 &&
      w.ld % access == 0;
  p.slabs = slabs_of(w.k);
  p.split_slabs = split.slabs;
  p.parts = split.splits > 1 ? parts : nullptr;
  p.end = end;
  switch (w.field) {
    case 2:
      launch_field<2>(stream, p, split.splits);
      break;
    case 3:
      launch_field<3>(stream, p, split.splits);
      break;
    case 4:
      launch_field<4>(stream, p, split.splits);
      break;
    default:
      launch_field<8>(stream, p, split.splits);
  }
  if (split.splits == 1) return;
  finish_product(stream, static_cast<const float*>(parts), split.splits, x.rows * w.rows, w.rows, 0,
                 0, x.rows, w.rows, end);
}

}  // namespace cuda
}  // namespace lossmith
