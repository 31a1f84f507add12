// Compiled once per instruction set; LSM_ISA names it.
#include "cpu/kernels/elements.h"

#include <cstring>
#include <type_traits>

#include "cpu/kernels/vector.h"

namespace lossmith {
namespace {

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(F()));

#if defined(__F16C__)
// The instructions convert as core/dtype.h does.
std::int64_t convert_vectors(const float16* from, float* to, std::int64_t n) {
  const hn::Rebind<hwy::float16_t, F> half;
  const auto* bits = reinterpret_cast<const hwy::float16_t*>(from);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    hn::StoreU(hn::PromoteTo(F(), hn::LoadU(half, bits + i)), F(), to + i);
  }
  return i;
}
std::int64_t convert_vectors(const float* from, float16* to, std::int64_t n) {
  const hn::Rebind<hwy::float16_t, F> half;
  auto* bits = reinterpret_cast<hwy::float16_t*>(to);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    hn::StoreU(hn::DemoteTo(half, hn::LoadU(F(), from + i)), half, bits + i);
  }
  return i;
}
#endif
// The rest is left to the compiler.
template <class From, class To>
std::int64_t convert_vectors(const From*, To*, std::int64_t) {
  return 0;
}

template <class From, class To>
void convert(const void* from, void* to, std::int64_t n) {
  const From* f = static_cast<const From*>(from);
  To* t = static_cast<To*>(to);
  if constexpr (std::is_same_v<From, To>) {
    std::memcpy(t, f, static_cast<std::size_t>(n) * sizeof(To));
  } else {
    for (std::int64_t i = convert_vectors(f, t, n); i < n; ++i) t[i] = Convert<To>::from(f[i]);
  }
}

#if HWY_TARGET != HWY_SCALAR
using Bytes = hn::CappedTag<std::uint8_t, 16>;
using Pairs = hn::CappedTag<std::uint16_t, 8>;

// 32 fields of 4 bits: a byte is the field of an even place and 16 times the next.
std::int64_t pack_nibbles(const std::uint8_t* fields, std::uint8_t* stream, std::int64_t n) {
  const Pairs pairs;
  const hn::Rebind<std::uint8_t, Pairs> bytes;
  const auto joined = [&](const std::uint8_t* from) {
    const auto v = hn::BitCast(pairs, hn::LoadU(Bytes(), from));
    const auto both = hn::And(hn::Or(v, hn::ShiftRight<4>(v)), hn::Set(pairs, 0xff));
    return hn::DemoteTo(bytes, hn::BitCast(hn::RebindToSigned<Pairs>(), both));
  };
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) hn::StoreU(joined(fields + i), bytes, stream + i / 2);
  return i;
}

std::int64_t unpack_nibbles(const std::uint8_t* stream, std::uint8_t* fields, std::int64_t n) {
  const auto low_mask = hn::Set(Bytes(), 15);
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const auto v = hn::LoadU(Bytes(), stream + i / 2);
    const auto low = hn::And(v, low_mask);
    const auto high =
        hn::And(hn::BitCast(Bytes(), hn::ShiftRight<4>(hn::BitCast(Pairs(), v))), low_mask);
    hn::StoreU(hn::InterleaveLower(Bytes(), low, high), Bytes(), fields + i);
    hn::StoreU(hn::InterleaveUpper(Bytes(), low, high), Bytes(), fields + i + 16);
  }
  return i;
}

#else
std::int64_t pack_nibbles(const std::uint8_t*, std::uint8_t*, std::int64_t) { return 0; }
std::int64_t unpack_nibbles(const std::uint8_t*, std::uint8_t*, std::int64_t) { return 0; }
#endif

// Eight fields in the bytes of a word and side by side in its lowest bits.
std::uint64_t gathered_bits(std::uint64_t fields, int bits) {
#if defined(__BMI2__)
  return _pext_u64(fields, 0x0101010101010101u * ((1u << bits) - 1));
#else
  std::uint64_t stream = 0;
  for (int j = 0; j < 8; ++j) stream |= (fields >> (8 * j) & 0xff) << (bits * j);
  return stream;
#endif
}
std::uint64_t scattered_bits(std::uint64_t stream, int bits) {
#if defined(__BMI2__)
  return _pdep_u64(stream, 0x0101010101010101u * ((1u << bits) - 1));
#else
  std::uint64_t fields = 0;
  for (int j = 0; j < 8; ++j) fields |= (stream >> (bits * j) & ((1u << bits) - 1)) << (8 * j);
  return fields;
#endif
}

void pack(int bits, const std::uint8_t* fields, std::uint8_t* stream, std::int64_t n) {
  std::int64_t i = bits == 4 ? pack_nibbles(fields, stream, n) : 0;
  std::uint8_t* to = stream + i / 8 * bits;
  for (; i < n; i += 8) {
    const std::int64_t count = n - i < 8 ? n - i : 8;
    std::uint64_t word = 0;
    std::memcpy(&word, fields + i, static_cast<std::size_t>(count));
    word = gathered_bits(word, bits);
    const std::int64_t bytes = (count * bits + 7) / 8;
    std::memcpy(to, &word, static_cast<std::size_t>(bytes));
    to += bytes;
  }
}

void unpack(int bits, const std::uint8_t* stream, std::uint8_t* fields, std::int64_t n) {
  std::int64_t i = bits == 4 ? unpack_nibbles(stream, fields, n) : 0;
  const std::uint8_t* from = stream + i / 8 * bits;
  for (; i < n; i += 8) {
    const std::int64_t count = n - i < 8 ? n - i : 8;
    const std::int64_t bytes = (count * bits + 7) / 8;
    std::uint64_t word = 0;
    std::memcpy(&word, from, static_cast<std::size_t>(bytes));
    word = scattered_bits(word, bits);
    std::memcpy(fields + i, &word, static_cast<std::size_t>(count));
    from += bytes;
  }
}

// Of a NaN no comparison holds, not even that it differs from itself.
hn::Mask<F> is_nan(V x) { return hn::Not(hn::Eq(x, x)); }
V smaller(V x, V low) { return hn::IfThenElse(hn::Or(hn::Lt(x, low), is_nan(x)), x, low); }
V larger(V x, V high) { return hn::IfThenElse(hn::Or(hn::Gt(x, high), is_nan(x)), x, high); }
float smaller(float x, float low) { return x < low || x != x ? x : low; }
float larger(float x, float high) { return x > high || x != x ? x : high; }

void extremes(const float* x, std::int64_t n, float* low, float* high) {
  constexpr int kChains = 4;
  V lows[kChains], highs[kChains];
  for (int k = 0; k < kChains; ++k) {
    lows[k] = hn::Set(F(), *low);
    highs[k] = hn::Set(F(), *high);
  }
  std::int64_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
    for (int k = 0; k < kChains; ++k) {
      const V v = hn::LoadU(F(), x + i + k * kLanes);
      lows[k] = smaller(v, lows[k]);
      highs[k] = larger(v, highs[k]);
    }
  }
  for (int k = 1; k < kChains; ++k) {
    lows[0] = smaller(lows[k], lows[0]);
    highs[0] = larger(highs[k], highs[0]);
  }
  HWY_ALIGN float room[2][kLanes];
  hn::Store(lows[0], F(), room[0]);
  hn::Store(highs[0], F(), room[1]);
  for (int k = 0; k < kLanes; ++k) {
    *low = smaller(room[0][k], *low);
    *high = larger(room[1][k], *high);
  }
  for (; i < n; ++i) {
    *low = smaller(x[i], *low);
    *high = larger(x[i], *high);
  }
}

void column_extremes(const float* x, std::int64_t n, float* low, float* high) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const V v = hn::LoadU(F(), x + i);
    hn::StoreU(smaller(v, hn::LoadU(F(), low + i)), F(), low + i);
    hn::StoreU(larger(v, hn::LoadU(F(), high + i)), F(), high + i);
  }
  for (; i < n; ++i) {
    low[i] = smaller(x[i], low[i]);
    high[i] = larger(x[i], high[i]);
  }
}

}  // namespace

namespace LSM_ISA {

extern const ElementKernels element_kernels;
const ElementKernels element_kernels = {{convert<float, float>, convert<double, float>,
                                         convert<float16, float>, convert<bfloat16, float>},
                                        {convert<float, float>, convert<float, double>,
                                         convert<float, float16>, convert<float, bfloat16>},
                                        pack,
                                        unpack,
                                        extremes,
                                        column_extremes};

}  // namespace LSM_ISA
}  // namespace lossmith
