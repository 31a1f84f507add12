// Compiled once per instruction set; LSM_ISA names it.
#include "cpu/kernels/power_integer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "cpu/kernels/vector.h"

namespace lossmith {
namespace {

void square_signed(const std::int8_t* codes, int largest, std::int64_t n, std::int64_t length,
                   std::int16_t* to) {
  const std::int16_t most = static_cast<std::int16_t>(largest);
  const std::int16_t least = static_cast<std::int16_t>(-largest);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int16_t q = std::min(most, std::max<std::int16_t>(least, codes[i]));
    to[i] = static_cast<std::int16_t>(q < 0 ? -q * q : q * q);
  }
  std::fill(to + n, to + length, std::int16_t{0});
}

void square_unsigned(const std::uint8_t* codes, int largest, std::int64_t n, std::int64_t length,
                     std::int16_t* to) {
  const std::int16_t most = static_cast<std::int16_t>(largest);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int16_t q = std::min<std::int16_t>(most, codes[i]);
    to[i] = static_cast<std::int16_t>(q * q);
  }
  std::fill(to + n, to + length, std::int16_t{0});
}

// The squares of the fields that a piece of a row holds, by the piece: a byte of 2 or 4 bits' fields,
// 6 bits of 3 bits' fields.
template <int kField>
struct Squares {
  static constexpr int kPiece = kField == 3 ? 6 : 8;
  static constexpr int kFields = kPiece / kField;
  std::int16_t of[1 << kPiece][kFields];

  static constexpr Squares make() {
    Squares all{};
    for (int piece = 0; piece < 1 << kPiece; ++piece) {
      for (int i = 0; i < kFields; ++i) {
        const int field = piece >> (i * kField) & ((1 << kField) - 1);
        const int size = field & ((1 << (kField - 1)) - 1);
        const bool negative = field >> (kField - 1) != 0;
        all.of[piece][i] = static_cast<std::int16_t>(negative ? -size * size : size * size);
      }
    }
    return all;
  }
};
template <int kField>
constexpr Squares<kField> kSquares = Squares<kField>::make();

// kIntegerUnit fields from kIntegerUnit kField / 8 bytes.
template <int kField>
void unpack_unit(const std::uint8_t* p, std::int16_t* to) {
  using Table = Squares<kField>;
  const Table& table = kSquares<kField>;
  const auto put = [&](unsigned piece) {
    std::memcpy(to, table.of[piece], sizeof table.of[piece]);
    to += Table::kFields;
  };
  if constexpr (kField == 3) {
    for (int i = 0; i < kIntegerUnit; i += 8, p += 3) {
      const unsigned bits = p[0] | p[1] << 8 | static_cast<unsigned>(p[2]) << 16;
      for (int piece = 0; piece < 4; ++piece) put(bits >> (6 * piece) & 63);
    }
  } else {
    for (int i = 0; i < kIntegerUnit * kField / 8; ++i) put(p[i]);
  }
}

template <int kField>
void unpack_row(const std::uint8_t* codes, std::int64_t bytes, std::int64_t length,
                std::int16_t* to) {
  constexpr std::int64_t kBytes = kIntegerUnit * kField / 8;
  const std::int64_t units = length / kIntegerUnit;
  for (std::int64_t u = 0; u < units; ++u, to += kIntegerUnit) {
    const std::uint8_t* p = codes + u * kBytes;
    const std::int64_t there = std::min(kBytes, bytes - u * kBytes);
    if (there == kBytes) {
      unpack_unit<kField>(p, to);
    } else {
      std::uint8_t copy[kBytes] = {};
      if (there > 0) std::memcpy(copy, p, static_cast<std::size_t>(there));
      unpack_unit<kField>(copy, to);
    }
  }
}

void unpack(const std::uint8_t* codes, int bits, std::int64_t bytes, std::int64_t length,
            std::int16_t* to) {
  if (bits == 2) return unpack_row<2>(codes, bytes, length, to);
  if (bits == 3) return unpack_row<3>(codes, bytes, length, to);
  unpack_row<4>(codes, bytes, length, to);
}

// A block of kRows rows of x and kColumns rows of w, in registers. Without AVX2 the compiler finds the
// instructions by itself.
template <int kRows, int kColumns>
void multiply_block(const std::int16_t* x, std::int64_t ldx, const std::int16_t* w,
                    std::int64_t ldw, std::int64_t length, bool accumulate, std::int32_t* sums,
                    std::int64_t ld) {
#if HWY_TARGET <= HWY_AVX2
  const hn::ScalableTag<std::int32_t> d32;
  const hn::Repartition<std::int16_t, decltype(d32)> d16;
  static_assert(kIntegerUnit % hn::MaxLanes(d16) == 0);
  hn::Vec<decltype(d32)> own[kRows][kColumns];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) own[i][j] = hn::Zero(d32);
  }
  auto unused = hn::Zero(d32);
  for (std::int64_t k = 0; k < length; k += static_cast<std::int64_t>(hn::MaxLanes(d16))) {
    hn::Vec<decltype(d16)> column[kColumns];
    for (int j = 0; j < kColumns; ++j) column[j] = hn::LoadU(d16, w + j * ldw + k);
    for (int i = 0; i < kRows; ++i) {
      auto row = hn::LoadU(d16, x + i * ldx + k);
      // Loaded once: the compiler would load it again for every use.
      asm("" : "+x"(row.raw));
      for (int j = 0; j < kColumns; ++j) {
        own[i][j] = hn::ReorderWidenMulAccumulate(d32, row, column[j], own[i][j], unused);
      }
    }
  }
  const auto total = [&](int i, int j) { return hn::GetLane(hn::SumOfLanes(d32, own[i][j])); };
#else
  std::int32_t own[kRows][kColumns] = {};
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) {
      for (std::int64_t k = 0; k < length; ++k) {
        own[i][j] += std::int32_t{x[i * ldx + k]} * std::int32_t{w[j * ldw + k]};
      }
    }
  }
  const auto total = [&](int i, int j) { return own[i][j]; };
#endif
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) {
      std::int32_t& sum = sums[i * ld + j];
      sum = (accumulate ? sum : 0) + total(i, j);
    }
  }
}

void multiply(const std::int16_t* x, std::int64_t ldx, std::int64_t m, const std::int16_t* w,
              std::int64_t ldw, std::int64_t n, std::int64_t length, bool accumulate,
              std::int32_t* sums, std::int64_t ld) {
  // Rows of x that stay in the cache of the first level while the rows of w pass.
  constexpr std::int64_t kCached = 8;
  for (std::int64_t begin = 0; begin < m; begin += kCached) {
    const std::int64_t end = std::min(m, begin + kCached);
    for (std::int64_t j = 0; j < n; j += 2) {
      for (std::int64_t i = begin; i < end;) {
        const std::int16_t* xi = x + i * ldx;
        const std::int16_t* wj = w + j * ldw;
        std::int32_t* to = sums + i * ld + j;
        if (end - i >= 4 && n - j >= 2) {
          multiply_block<4, 2>(xi, ldx, wj, ldw, length, accumulate, to, ld);
          i += 4;
        } else if (n - j >= 2) {
          multiply_block<1, 2>(xi, ldx, wj, ldw, length, accumulate, to, ld);
          ++i;
        } else {
          multiply_block<1, 1>(xi, ldx, wj, ldw, length, accumulate, to, ld);
          ++i;
        }
      }
    }
  }
}

}  // namespace

namespace LSM_ISA {

extern const PowerIntegerKernels power_integer_kernels;
const PowerIntegerKernels power_integer_kernels = {square_signed, square_unsigned, unpack,
                                                   multiply};

}  // namespace LSM_ISA
}  // namespace lossmith
