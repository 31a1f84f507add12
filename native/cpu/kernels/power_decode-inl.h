// How fields of 2, 3, 4 and 8 bits become f32 vectors. A decoder takes blocks of kCodes codes from
// kBytes bytes, of which it reads kRead; each(table, p, f) calls f(i, values) for i = 0, 1, ..,
// kVectors - 1.
#ifndef LOSSMITH_CPU_KERNELS_POWER_DECODE_INL_H_
#define LOSSMITH_CPU_KERNELS_POWER_DECODE_INL_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "cpu/kernels/power_product.h"
#include "cpu/kernels/vector.h"

namespace lossmith {
namespace {

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;
constexpr int kFloats = static_cast<int>(hn::MaxLanes(FloatTag()));

// Plain loads from the table of values: 256 of them do not fit registers, and without AVX2 there are
// no permutations for fewer. Values come in order.
template <int kField>
struct LoadDecoder {
  static constexpr int kCodes = 32;
  static constexpr int kBytes = kCodes * kField / 8;
  static constexpr int kRead = kBytes + (kField == 3 ? 1 : 0);
  static constexpr int kVectors = kCodes / kFloats;
  using Table = const float*;

  static constexpr int position(int code) { return code; }
  static Table load(const float* values) { return values; }

  static std::uint32_t field(const std::uint8_t* p, int code) {
    if constexpr (kField == 8) return p[code];
    const int bit = code * kField;
    std::uint32_t bits = p[bit / 8];
    if (kField == 3) bits |= static_cast<std::uint32_t>(p[bit / 8 + 1]) << 8;
    return bits >> (bit % 8) & ((1u << kField) - 1);
  }

  // Brought together in registers: a wide load of what narrow stores have just written would wait.
  using Lanes [[gnu::vector_size(sizeof(float) * kFloats)]] = float;
  template <int... kLane>
  static FloatVector gathered(Table table, const std::uint8_t* p, int first,
                              std::integer_sequence<int, kLane...>) {
    const Lanes lanes = {table[field(p, first + kLane)]...};
    FloatVector values;
    std::memcpy(&values, &lanes, sizeof values);
    return values;
  }

  template <class F>
  static void each(Table table, const std::uint8_t* p, const F& f) {
    for (int i = 0; i < kVectors; ++i) {
      f(i, gathered(table, p, i * kFloats, std::make_integer_sequence<int, kFloats>()));
    }
  }

  static FloatVector scale(const float* scales, std::int64_t block) {
    return hn::Set(FloatTag(), scales[block]);
  }
};

#if HWY_TARGET <= HWY_AVX2

// 4 bits: the four bytes of a value from four tables of 16 bytes each, 16 codes for every register of
// 128 bits, and interleaved twice. On a machine with two units that shuffle this needs 3 of their
// operations for 8 (AVX2) or 16 (AVX-512) values, signs included; on Zen 3, where the multiply-adds
// take turns with them, 32 values and their products need 8 cycles, two bytes of codes a cycle.
struct PlaneDecoder {
  using Bytes = hn::ScalableTag<std::uint8_t>;
  using Halves = hn::Repartition<std::uint16_t, Bytes>;
  static constexpr int kBytes = static_cast<int>(hn::MaxLanes(Bytes()));
  static constexpr int kRead = kBytes;
  static constexpr int kCodes = 2 * kBytes;
  static constexpr int kVectors = 8;
  struct Table {
    hn::Vec<Bytes> plane[4];
  };

  // Vectors 0 to 3 hold the low halves of the bytes, 4 to 7 the high ones; each has four
  // neighbours out of every 16 bytes.
  static constexpr int position(int code) {
    const int byte = code / 2;
    const int vector = code % 2 * 4 + byte % 16 / 4;
    return vector * kFloats + byte / 16 * 4 + byte % 4;
  }

  static Table load(const float* values) {
    Table table;
    std::uint8_t bytes[4][16];
    for (int q = 0; q < 16; ++q) {
      std::uint32_t bits;
      std::memcpy(&bits, values + q, sizeof bits);
      for (int b = 0; b < 4; ++b) bytes[b][q] = static_cast<std::uint8_t>(bits >> (8 * b));
    }
    for (int b = 0; b < 4; ++b) table.plane[b] = hn::LoadDup128(Bytes(), bytes[b]);
    return table;
  }

  template <class F>
  static void half(const Table& table, hn::Vec<Bytes> fields, int first, const F& f) {
    const Halves d16;
    const FloatTag d32;
    const auto b0 = hn::TableLookupBytes(table.plane[0], fields);
    const auto b1 = hn::TableLookupBytes(table.plane[1], fields);
    const auto b2 = hn::TableLookupBytes(table.plane[2], fields);
    const auto b3 = hn::TableLookupBytes(table.plane[3], fields);
    const auto low0 = hn::BitCast(d16, hn::InterleaveLower(Bytes(), b0, b1));
    const auto high0 = hn::BitCast(d16, hn::InterleaveLower(Bytes(), b2, b3));
    f(first, hn::BitCast(d32, hn::InterleaveLower(d16, low0, high0)));
    f(first + 1, hn::BitCast(d32, hn::InterleaveUpper(d16, low0, high0)));
    const auto low1 = hn::BitCast(d16, hn::InterleaveUpper(Bytes(), b0, b1));
    const auto high1 = hn::BitCast(d16, hn::InterleaveUpper(Bytes(), b2, b3));
    f(first + 2, hn::BitCast(d32, hn::InterleaveLower(d16, low1, high1)));
    f(first + 3, hn::BitCast(d32, hn::InterleaveUpper(d16, low1, high1)));
  }

  template <class F>
  static void each(const Table& table, const std::uint8_t* p, const F& f) {
    const Halves d16;
    const auto codes = hn::LoadU(Bytes(), p);
    const auto mask = hn::Set(Bytes(), std::uint8_t{15});
    half(table, hn::And(codes, mask), 0, f);
    const auto high = hn::BitCast(Bytes(), hn::ShiftRight<4>(hn::BitCast(d16, codes)));
    half(table, hn::And(high, mask), 4, f);
  }

  // Every 128 bits hold codes of one unit.
  static FloatVector scale(const float* scales, std::int64_t block) {
    const FloatTag d;
    const hn::RebindToSigned<FloatTag> di;
    const auto all = hn::LoadDup128(d, scales + block * (kBytes / 16));
    return hn::TableLookupLanes(all, hn::IndicesFromVec(d, hn::ShiftRight<2>(hn::Iota(di, 0))));
  }
};

// 2 and 3 bits: a lane gets the two bytes that hold its field, shifts it to the bottom, and looks
// it up among at most 8 values, signs included. Values come in order.
template <int kField>
struct LaneDecoder {
  static constexpr int kCodes = 32;
  static constexpr int kBytes = kCodes * kField / 8;
  static constexpr int kRead = 16;
  static constexpr int kVectors = kCodes / kFloats;
  using Words = hn::Repartition<std::uint32_t, FloatTag>;
  using Bytes = hn::Repartition<std::uint8_t, FloatTag>;
  using Table = FloatVector;

  static constexpr int position(int code) { return code; }

  static Table load(const float* values) {
    float lanes[kFloats];
    for (int j = 0; j < kFloats; ++j) lanes[j] = values[j % (1 << kField)];
    return hn::LoadU(FloatTag(), lanes);
  }

  struct Pattern {
    std::uint8_t bytes[kVectors][4 * kFloats];
    std::uint32_t shifts[kFloats];
  };
  static constexpr Pattern pattern() {
    Pattern p{};
    for (int code = 0; code < kCodes; ++code) {
      const int byte = code * kField / 8;
      for (int b = 0; b < 4; ++b) {
        const int used = b == 0 ? byte : byte + 1;
        p.bytes[code / kFloats][code % kFloats * 4 + b] = static_cast<std::uint8_t>(used);
      }
    }
    for (int j = 0; j < kFloats; ++j) p.shifts[j] = static_cast<std::uint32_t>(j * kField % 8);
    return p;
  }
  static constexpr Pattern kPattern = pattern();

  template <class F>
  static void each(Table table, const std::uint8_t* p, const F& f) {
    const Words d32;
    const auto codes = hn::LoadDup128(Bytes(), p);
    const auto shifts = hn::LoadU(d32, kPattern.shifts);
    const auto mask = hn::Set(d32, (1u << kField) - 1);
    for (int i = 0; i < kVectors; ++i) {
      const auto own = hn::TableLookupBytes(codes, hn::LoadU(Bytes(), kPattern.bytes[i]));
      const auto fields = hn::And(hn::Shr(hn::BitCast(d32, own), shifts), mask);
      f(i, hn::TableLookupLanes(table, hn::IndicesFromVec(FloatTag(), fields)));
    }
  }

  static FloatVector scale(const float* scales, std::int64_t block) {
    return hn::Set(FloatTag(), scales[block]);
  }
};

#endif

template <int kField>
struct DecoderOf {
  using Type = LoadDecoder<kField>;
};
#if HWY_TARGET <= HWY_AVX2
template <>
struct DecoderOf<2> {
  using Type = LaneDecoder<2>;
};
template <>
struct DecoderOf<3> {
  using Type = LaneDecoder<3>;
};
template <>
struct DecoderOf<4> {
  using Type = PlaneDecoder;
};
#endif

template <class Decoder>
constexpr std::array<std::uint16_t, Decoder::kCodes> positions() {
  std::array<std::uint16_t, Decoder::kCodes> all{};
  for (int c = 0; c < Decoder::kCodes; ++c) {
    all[static_cast<std::size_t>(c)] = static_cast<std::uint16_t>(Decoder::position(c));
  }
  return all;
}
template <class Decoder>
constexpr std::array<std::uint16_t, Decoder::kCodes> kPositions = positions<Decoder>();

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_DECODE_INL_H_
