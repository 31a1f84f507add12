// Compiled once per instruction set; LSM_ISA names it.
#include "cpu/kernels/power_product.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <cstring>

#include "cpu/kernels/power_decode-inl.h"

namespace lossmith {
namespace {

constexpr FloatTag kFloat;

// The blocks of a row: those that can be read where they are, and a copy of the others with zeros
// behind.
template <class Decoder>
class Blocks {
 public:
  Blocks(const std::uint8_t* codes, std::int64_t bytes) : codes_(codes), bytes_(bytes) {
    whole_ = bytes < Decoder::kRead ? 0 : (bytes - Decoder::kRead) / Decoder::kBytes + 1;
  }
  // How many can be read where they are.
  std::int64_t whole() const { return whole_; }
  const std::uint8_t* at(std::int64_t block) const { return codes_ + block * Decoder::kBytes; }
  const std::uint8_t* copied(std::int64_t block) {
    const std::int64_t begin = block * Decoder::kBytes;
    const std::int64_t length = std::min<std::int64_t>(bytes_ - begin, Decoder::kBytes);
    std::memset(copy_, 0, sizeof copy_);
    if (length > 0) std::memcpy(copy_, codes_ + begin, static_cast<std::size_t>(length));
    return copy_;
  }

 private:
  const std::uint8_t* codes_;
  std::int64_t bytes_;
  std::int64_t whole_;
  std::uint8_t copy_[Decoder::kBytes + Decoder::kRead];
};

// The sums of kX rows of x with one row of weights, in two vectors each.
template <int kX>
struct Sums {
  FloatVector even[kX], odd[kX];

  HWY_INLINE Sums() {
    for (int i = 0; i < kX; ++i) even[i] = odd[i] = hn::Zero(kFloat);
  }
  HWY_INLINE void add(const Sums& other, FloatVector scale) {
    for (int i = 0; i < kX; ++i) {
      even[i] = hn::MulAdd(other.even[i], scale, even[i]);
      odd[i] = hn::MulAdd(other.odd[i], scale, odd[i]);
    }
  }
  HWY_INLINE void store(float* sums) const {
    for (int i = 0; i < kX; ++i) {
      sums[i] = hn::GetLane(hn::SumOfLanes(kFloat, even[i] + odd[i]));
    }
  }
};

template <class Decoder, int kX>
HWY_INLINE void add_products(const typename Decoder::Table& table, const std::uint8_t* p,
                             const float* x, std::int64_t ldx, Sums<kX>& sums) {
  Decoder::each(table, p, [&](int v, FloatVector value) {
    for (int i = 0; i < kX; ++i) {
      FloatVector& sum = v % 2 == 0 ? sums.even[i] : sums.odd[i];
      sum = hn::MulAdd(value, hn::LoadU(kFloat, x + i * ldx + v * kFloats), sum);
    }
  });
}

// f(begin, end, scale) for the blocks of [begin, end), as many at a time as share a scale.
template <class Decoder, class F>
HWY_INLINE void for_scales(const CodedRow& row, std::int64_t begin, std::int64_t end, const F& f) {
  if (row.group == 0) {
    for (std::int64_t b = begin; b < end; ++b) f(b, b + 1, Decoder::scale(row.scales, b));
    return;
  }
  for (std::int64_t stop = begin; begin < end; begin = stop) {
    const std::int64_t group = begin / row.group;
    stop = std::min(end, (group + 1) * row.group);
    f(begin, stop, hn::Set(kFloat, row.scales[group]));
  }
}

// The products of blocks [begin, end), which lie at at(block).
template <class Decoder, int kX, bool kScaled, class At>
HWY_INLINE void add_blocks(const typename Decoder::Table& table, const CodedRow& row,
                           const float* x, std::int64_t ldx, std::int64_t begin, std::int64_t end,
                           Sums<kX>& sums, const At& at) {
  const auto add = [&](std::int64_t from, std::int64_t to, Sums<kX>& own) {
    for (std::int64_t b = from; b < to; ++b) {
      add_products<Decoder, kX>(table, at(b), x + b * Decoder::kCodes, ldx, own);
    }
  };
  if constexpr (kScaled) {
    for_scales<Decoder>(row, begin, end,
                        [&](std::int64_t from, std::int64_t to, FloatVector scale) {
                          Sums<kX> own;
                          add(from, to, own);
                          sums.add(own, scale);
                        });
  } else {
    add(begin, end, sums);
  }
}

// Adds the products of the blocks from `begin` on, which reach behind the bytes of the row.
template <class Decoder, int kX, bool kScaled>
void dot_end(const CodedRow& row, std::int64_t bytes, const float* x, std::int64_t ldx,
             std::int64_t begin, std::int64_t end, float* to) {
  if (begin >= end) return;
  const typename Decoder::Table table = Decoder::load(row.values);
  Blocks<Decoder> blocks(row.codes, bytes);
  Sums<kX> sums;
  add_blocks<Decoder, kX, kScaled>(table, row, x, ldx, begin, end, sums,
                                   [&](std::int64_t b) { return blocks.copied(b); });
  float own[kX];
  sums.store(own);
  for (int i = 0; i < kX; ++i) to[i] += own[i];
}

// Where the next row lies if rows follow each other: the processor by itself finds each row anew.
HWY_INLINE void prefetch_next_row(const std::uint8_t* p, std::int64_t bytes) {
  hwy::Prefetch(p + bytes);
}

// One row of weights.
template <class Decoder, int kX, bool kScaled>
void dot_row(const CodedRow& coded, std::int64_t bytes, const float* x, std::int64_t ldx,
             std::int64_t blocks, float* to) {
  const CodedRow row = coded;
  const typename Decoder::Table table = Decoder::load(row.values);
  const std::int64_t whole = std::min(blocks, Blocks<Decoder>(row.codes, bytes).whole());
  Sums<kX> sums;
  add_blocks<Decoder, kX, kScaled>(table, row, x, ldx, 0, whole, sums, [&](std::int64_t b) {
    const std::uint8_t* p = row.codes + b * Decoder::kBytes;
    prefetch_next_row(p, bytes);
    return p;
  });
  sums.store(to);
  dot_end<Decoder, kX, kScaled>(row, bytes, x, ldx, whole, blocks, to);
}

// Two rows of weights without scales, one row of x: four sums hide how long an addition takes.
template <class Decoder>
void dot_two_rows(const CodedRow* rows, std::int64_t bytes, const float* x, std::int64_t blocks,
                  float* to) {
  const CodedRow first = rows[0];
  const CodedRow second = rows[1];
  const typename Decoder::Table table = Decoder::load(first.values);
  const std::int64_t whole = std::min(blocks, Blocks<Decoder>(first.codes, bytes).whole());
  Sums<1> sums0, sums1;
  for (std::int64_t b = 0; b < whole; ++b) {
    const float* own = x + b * Decoder::kCodes;
    const std::int64_t at = b * Decoder::kBytes;
    prefetch_next_row(second.codes + at, bytes);
    prefetch_next_row(second.codes + at + bytes, bytes);
    add_products<Decoder, 1>(table, first.codes + at, own, 0, sums0);
    add_products<Decoder, 1>(table, second.codes + at, own, 0, sums1);
  }
  sums0.store(to);
  sums1.store(to + 1);
  dot_end<Decoder, 1, false>(first, bytes, x, 0, whole, blocks, to);
  dot_end<Decoder, 1, false>(second, bytes, x, 0, whole, blocks, to + 1);
}

template <class Decoder, bool kScaled>
void dot_all(const CodedRow* rows, int count, std::int64_t bytes, const float* x, std::int64_t ldx,
             std::int64_t m, std::int64_t blocks, float* sums) {
  if (!kScaled && m == 1 && count == 2) {
    dot_two_rows<Decoder>(rows, bytes, x, blocks, sums);
    return;
  }
  for (int r = 0; r < count; ++r, sums += m) {
    if (m == 1) dot_row<Decoder, 1, kScaled>(rows[r], bytes, x, ldx, blocks, sums);
    if (m == 2) dot_row<Decoder, 2, kScaled>(rows[r], bytes, x, ldx, blocks, sums);
    if (m == 3) dot_row<Decoder, 3, kScaled>(rows[r], bytes, x, ldx, blocks, sums);
  }
}

template <class Decoder>
void dot(const CodedRow* rows, int count, std::int64_t bytes, const float* x, std::int64_t ldx,
         std::int64_t m, std::int64_t blocks, float* sums) {
  if (count > 0 && rows[0].scales != nullptr) {
    dot_all<Decoder, true>(rows, count, bytes, x, ldx, m, blocks, sums);
  } else {
    dot_all<Decoder, false>(rows, count, bytes, x, ldx, m, blocks, sums);
  }
}

template <class Decoder>
void decode(const CodedRow& row, std::int64_t bytes, std::int64_t begin, std::int64_t end,
            float* values) {
  const typename Decoder::Table table = Decoder::load(row.values);
  Blocks<Decoder> blocks(row.codes, bytes);
  const auto at = [&](std::int64_t b) {
    return b < blocks.whole() ? blocks.at(b) : blocks.copied(b);
  };
  if (row.scales == nullptr) {
    for (std::int64_t b = begin; b < end; ++b, values += Decoder::kCodes) {
      Decoder::each(table, at(b), [&](int i, FloatVector value) {
        hn::StoreU(value, kFloat, values + i * kFloats);
      });
    }
    return;
  }
  for_scales<Decoder>(row, begin, end, [&](std::int64_t from, std::int64_t to, FloatVector scale) {
    for (std::int64_t b = from; b < to; ++b, values += Decoder::kCodes) {
      Decoder::each(table, at(b), [&](int i, FloatVector value) {
        hn::StoreU(value * scale, kFloat, values + i * kFloats);
      });
    }
  });
}

template <int kField>
constexpr PowerProductKernelsOf kernels_of() {
  using Decoder = typename DecoderOf<kField>::Type;
  static_assert(Decoder::kCodes % kCodeUnit == 0 && Decoder::kCodes <= kMostBlockCodes);
  return {Decoder::kCodes, kPositions<Decoder>.data(), dot<Decoder>, decode<Decoder>};
}

// ---- panels of decoded rows ---------------------------------------------------------------

static_assert(kFloats <= kSumLanes);

// A block of kRows rows of x and kBlockColumns rows of w, in registers.
constexpr int kBlockColumns = 3;
static_assert(kPanelRows % kBlockColumns == 0);

template <int kRows>
void panel_block(const float* w, std::int64_t ldw, const float* x, std::int64_t ldx,
                 std::int64_t length, bool first, float* lanes) {
  FloatVector sums[kRows][kBlockColumns];
  for (int i = 0; i < kRows; ++i) {
    for (int r = 0; r < kBlockColumns; ++r) {
      const float* own = lanes + (i * kPanelRows + r) * kFloats;
      sums[i][r] = first ? hn::Zero(kFloat) : hn::LoadU(kFloat, own);
    }
  }
  for (std::int64_t k = 0; k < length; k += kFloats) {
    FloatVector value[kBlockColumns];
    for (int r = 0; r < kBlockColumns; ++r) value[r] = hn::LoadU(kFloat, w + r * ldw + k);
    for (int i = 0; i < kRows; ++i) {
      const FloatVector own = hn::LoadU(kFloat, x + i * ldx + k);
      for (int r = 0; r < kBlockColumns; ++r) sums[i][r] = hn::MulAdd(own, value[r], sums[i][r]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int r = 0; r < kBlockColumns; ++r) {
      hn::StoreU(sums[i][r], kFloat, lanes + (i * kPanelRows + r) * kFloats);
    }
  }
}

// Few rows of x stay in the cache of the first level while all rows of the panel pass.
template <int kRows>
void panel_rows(const float* w, std::int64_t ldw, const float* x, std::int64_t ldx,
                std::int64_t length, bool first, float* lanes) {
  for (int r = 0; r < kPanelRows; r += kBlockColumns) {
    panel_block<kRows>(w + r * ldw, ldw, x, ldx, length, first, lanes + r * kFloats);
  }
}

void panel(const float* w, std::int64_t ldw, const float* x, std::int64_t ldx, std::int64_t m,
           std::int64_t length, bool first, float* lanes) {
  constexpr std::int64_t kStep = 4;
  constexpr std::int64_t kStepLanes = kPanelRows * kFloats;
  std::int64_t i = 0;
  for (; i + kStep <= m; i += kStep) {
    panel_rows<4>(w, ldw, x + i * ldx, ldx, length, first, lanes + i * kStepLanes);
  }
  if (m - i == 3) panel_rows<3>(w, ldw, x + i * ldx, ldx, length, first, lanes + i * kStepLanes);
  if (m - i == 2) panel_rows<2>(w, ldw, x + i * ldx, ldx, length, first, lanes + i * kStepLanes);
  if (m - i == 1) panel_rows<1>(w, ldw, x + i * ldx, ldx, length, first, lanes + i * kStepLanes);
}

void finish(const float* lanes, std::int64_t count, float* sums) {
  for (std::int64_t i = 0; i < count; ++i) {
    const FloatVector own = hn::LoadU(kFloat, lanes + i * kFloats);
    sums[i] = hn::GetLane(hn::SumOfLanes(kFloat, own));
  }
}

}  // namespace

namespace LSM_ISA {

extern const PowerProductKernels power_product_kernels;
const PowerProductKernels power_product_kernels = {
    {kernels_of<2>(), kernels_of<3>(), kernels_of<4>(), kernels_of<8>()}, panel, finish};

}  // namespace LSM_ISA
}  // namespace lossmith
