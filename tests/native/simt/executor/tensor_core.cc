#include "simt/tensor_core.h"

#include <cstring>

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

constexpr unsigned kAll = 0xffffffffu;
constexpr int kRows = 16, kColumns = 8;

// ldmatrix: what a lane brings is its row, what it takes one register of each matrix.
struct RowExchange {
  Sixteen row;
  std::uint32_t r[4];
  bool trans;
};

std::uint32_t pair_of(const RowExchange& first, int at_first, const RowExchange& second,
                      int at_second) {
  std::uint16_t low, high;
  std::memcpy(&low, first.row.bytes + 2 * at_first, 2);
  std::memcpy(&high, second.row.bytes + 2 * at_second, 2);
  return low | static_cast<std::uint32_t>(high) << 16;
}

void exchange_rows(void* const* brought, unsigned) {
  const auto lane = [&](int l) -> RowExchange& { return *static_cast<RowExchange*>(brought[l]); };
  for (int l = 0; l < kWarp; ++l) {
    const int g = l / 4, t = l % 4;
    RowExchange& mine = lane(l);
    for (int i = 0; i < 4; ++i) {
      mine.r[i] = mine.trans ? pair_of(lane(8 * i + 2 * t), g, lane(8 * i + 2 * t + 1), g)
                             : pair_of(lane(8 * i + g), 2 * t, lane(8 * i + g), 2 * t + 1);
    }
  }
}

// mma: the fragments of one lane, and what their bits mean: Factor, or for bytes whether those of A
// have no sign.
template <class D, class Bits>
struct Fragments {
  D* d;
  const std::uint32_t* a;
  const std::uint32_t* b;
  Bits bits;

  Bits bits_of_a() const { return bits; }
  Bits bits_of_b() const { return bits; }
};
template <>
inline bool Fragments<std::int32_t, bool>::bits_of_b() const {
  return false;
}

float value_of(std::uint16_t bits, Factor factor) {
  return factor == Factor::bf16 ? to_float(bfloat16{bits}) : to_float(float16{bits});
}

// The `count` elements of one register, along k.
void unpack(std::uint32_t bits, Factor factor, float* to, int step) {
  if (factor == Factor::tf32) {
    *to = bit_cast<float>(bits & ~0x1fffu);
    return;
  }
  to[0] = value_of(static_cast<std::uint16_t>(bits & 0xffffu), factor);
  to[step] = value_of(static_cast<std::uint16_t>(bits >> 16), factor);
}
void unpack(std::uint32_t bits, bool is_unsigned, std::int32_t* to, int step) {
  for (int i = 0; i < 4; ++i) to[i * step] = byte_value(bits, i, is_unsigned);
}

// Integers wrap around; floats are rounded in every step, in the order of k.
void add_product(float& d, float a, float b) { d += a * b; }
void add_product(std::int32_t& d, std::int32_t a, std::int32_t b) {
  d = static_cast<std::int32_t>(static_cast<std::uint32_t>(d) + static_cast<std::uint32_t>(a * b));
}

// kPacked elements of k in a register, 8 registers along k.
template <class D, class Bits, int kPacked>
void multiply(void* const* brought) {
  constexpr int kDepth = 8 * kPacked;
  using F = Fragments<D, Bits>;
  const auto lane = [&](int l) -> F& { return *static_cast<F*>(brought[l]); };
  D a[kRows][kDepth], b[kDepth][kColumns], d[kRows][kColumns];
  for (int l = 0; l < kWarp; ++l) {
    const F& f = lane(l);
    const int g = l / 4, t = l % 4;
    for (int i = 0; i < 4; ++i) {
      const int row = g + i % 2 * 8, k = (t + i / 2 * 4) * kPacked;
      unpack(f.a[i], f.bits_of_a(), &a[row][k], 1);
      d[g + i / 2 * 8][2 * t + i % 2] = f.d[i];
    }
    for (int i = 0; i < 2; ++i) {
      unpack(f.b[i], f.bits_of_b(), &b[(t + i * 4) * kPacked][g], kColumns);
    }
  }
  for (int row = 0; row < kRows; ++row) {
    for (int k = 0; k < kDepth; ++k) {
      for (int column = 0; column < kColumns; ++column) {
        add_product(d[row][column], a[row][k], b[k][column]);
      }
    }
  }
  for (int l = 0; l < kWarp; ++l) {
    const int g = l / 4, t = l % 4;
    for (int i = 0; i < 4; ++i) lane(l).d[i] = d[g + i / 2 * 8][2 * t + i % 2];
  }
}

}  // namespace

void exchange_matrices(std::uint32_t (&r)[4], const Sixteen& row, bool trans, Place place) {
  RowExchange mine = {row, {0, 0, 0, 0}, trans};
  meet(Operation::ldmatrix, kAll, &mine, &exchange_rows, place);
  for (int i = 0; i < 4; ++i) r[i] = mine.r[i];
}

void multiply_fragments(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                        Factor factor, Place place) {
  Fragments<float, Factor> mine = {d, a, b, factor};
  meet(
      Operation::mma, kAll, &mine,
      [](void* const* brought, unsigned) {
        const auto* first = static_cast<Fragments<float, Factor>*>(brought[0]);
        first->bits == Factor::tf32 ? multiply<float, Factor, 1>(brought)
                                    : multiply<float, Factor, 2>(brought);
      },
      place);
}

void multiply_fragments(std::int32_t (&d)[4], const std::uint32_t (&a)[4],
                        const std::uint32_t (&b)[2], bool unsigned_a, Place place) {
  Fragments<std::int32_t, bool> mine = {d, a, b, unsigned_a};
  meet(
      Operation::mma, kAll, &mine,
      [](void* const* brought, unsigned) { multiply<std::int32_t, bool, 4>(brought); }, place);
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
