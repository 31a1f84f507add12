// Products with packed power codes, compiled per instruction set: codes become values in registers,
// by one look into a table of values for each.
#ifndef LOSSMITH_CPU_KERNELS_POWER_PRODUCT_H_
#define LOSSMITH_CPU_KERNELS_POWER_PRODUCT_H_

#include <cstdint>

namespace lossmith {

// Columns that share a scale in the kernels; a block of codes is a number of these.
constexpr std::int64_t kCodeUnit = 32;
constexpr std::int64_t kMostBlockCodes = 256;
constexpr std::int64_t kScalesBehind = 3;
// Rows of x that are multiplied with values in registers.
constexpr std::int64_t kMostDotRows = 3;

// A packed row and what its fields stand for.
struct CodedRow {
  const std::uint8_t* codes;
  // By field (lossmith/power.h): 2^f values.
  const float* values;
  // Null: the caller multiplies the sums. Else with `group` > 0 a factor for each group of so many
  // blocks; with 0 one for each unit of columns, and kScalesBehind numbers behind, which do not matter.
  const float* scales;
  std::int64_t group;
};

// The kernels of one width of field. They take whole blocks of codes: behind the `bytes` of a row
// fields count as 0. Within a block values come in an order of the kernel's, and x is brought into it:
// code c of a block is value position[c].
struct PowerProductKernelsOf {
  std::int64_t block;  // codes
  const std::uint16_t* position;

  // sums[r * m + i] = sum_k value_rk x_ik for `count` rows of weights and m <= kMostDotRows rows of x,
  // ldx elements apart. Rows 1 and further of the weights have the values of row 0, and all have
  // scales or none has.
  void (*dot)(const CodedRow* rows, int count, std::int64_t bytes, const float* x, std::int64_t ldx,
              std::int64_t m, std::int64_t blocks, float* sums);
  // The values (times their scales) of blocks [begin, end) of a row.
  void (*decode)(const CodedRow& row, std::int64_t bytes, std::int64_t begin, std::int64_t end,
                 float* values);
};

// Rows of weights of a panel, and the floats that hold one sum of it while it is being made.
constexpr int kPanelRows = 12;
constexpr int kSumLanes = 16;

struct PowerProductKernels {
  // Fields of 2, 3, 4 and 8 bits.
  PowerProductKernelsOf of[4];

  const PowerProductKernelsOf& field(int bits) const { return of[bits == 8 ? 3 : bits - 2]; }

  // sums[i][r] += x_i w_r for m rows of x and kPanelRows rows of w, `length` (a multiple of kCodeUnit)
  // elements of each; the first of several calls for the same sums overwrites. Each sum is spread over
  // lanes: `lanes` has room for m kPanelRows kSumLanes floats.
  void (*panel)(const float* w, std::int64_t ldw, const float* x, std::int64_t ldx, std::int64_t m,
                std::int64_t length, bool first, float* lanes);
  // The sums themselves.
  void (*finish)(const float* lanes, std::int64_t count, float* sums);
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_PRODUCT_H_
