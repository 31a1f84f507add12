// Compiled once per instruction set; LSM_ISA names it.
#include "cpu/kernels/power_product.h"

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

// Sums of kRows rows side by side, in two vectors each.
template <class Decoder, int kRows, bool kScaled>
class Dots {
 public:
  explicit Dots(const CodedRow* rows) : rows_(rows), table_(Decoder::load(rows[0].values)) {
    for (int r = 0; r < kRows; ++r) even_[r] = odd_[r] = hn::Zero(kFloat);
  }

  HWY_INLINE void add(int r, const std::uint8_t* p, const float* x, std::int64_t block) {
    if constexpr (kScaled) {
      FloatVector even = hn::Zero(kFloat);
      FloatVector odd = hn::Zero(kFloat);
      add_block(p, x, even, odd);
      even_[r] = hn::MulAdd(even + odd, Decoder::scale(rows_[r].scales, block), even_[r]);
    } else {
      add_block(p, x, even_[r], odd_[r]);
    }
  }
  float sum(int r) const { return hn::GetLane(hn::SumOfLanes(kFloat, even_[r] + odd_[r])); }

 private:
  HWY_INLINE void add_block(const std::uint8_t* p, const float* x, FloatVector& even,
                            FloatVector& odd) const {
    Decoder::each(table_, p, [&](int i, FloatVector value) {
      FloatVector& sum = i % 2 == 0 ? even : odd;
      sum = hn::MulAdd(value, hn::LoadU(kFloat, x + i * kFloats), sum);
    });
  }

  const CodedRow* rows_;
  const typename Decoder::Table table_;
  FloatVector even_[kRows], odd_[kRows];
};

template <class Decoder, int kRows, bool kScaled>
void dot_rows(const CodedRow* rows, std::int64_t bytes, const float* x, std::int64_t blocks,
              float* sums) {
  Dots<Decoder, kRows, kScaled> dots(rows);
  const std::int64_t whole = std::min(blocks, Blocks<Decoder>(rows[0].codes, bytes).whole());
  for (std::int64_t b = 0; b < whole; ++b) {
    for (int r = 0; r < kRows; ++r) {
      dots.add(r, rows[r].codes + b * Decoder::kBytes, x + b * Decoder::kCodes, b);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    Blocks<Decoder> own(rows[r].codes, bytes);
    for (std::int64_t b = whole; b < blocks; ++b) {
      dots.add(r, own.copied(b), x + b * Decoder::kCodes, b);
    }
    sums[r] = dots.sum(r);
  }
}

template <class Decoder, bool kScaled>
void dot_all(const CodedRow* rows, int count, std::int64_t bytes, const float* x,
             std::int64_t blocks, float* sums) {
  int r = 0;
  for (; r + 2 <= count; r += 2) {
    dot_rows<Decoder, 2, kScaled>(rows + r, bytes, x, blocks, sums + r);
  }
  if (r < count) dot_rows<Decoder, 1, kScaled>(rows + r, bytes, x, blocks, sums + r);
}

template <class Decoder>
void dot(const CodedRow* rows, int count, std::int64_t bytes, const float* x, std::int64_t blocks,
         float* sums) {
  if (count > 0 && rows[0].scales != nullptr) {
    dot_all<Decoder, true>(rows, count, bytes, x, blocks, sums);
  } else {
    dot_all<Decoder, false>(rows, count, bytes, x, blocks, sums);
  }
}

template <class Decoder>
void decode(const CodedRow& row, std::int64_t bytes, std::int64_t begin, std::int64_t end,
            float* values) {
  const typename Decoder::Table table = Decoder::load(row.values);
  Blocks<Decoder> blocks(row.codes, bytes);
  for (std::int64_t b = begin; b < end; ++b, values += Decoder::kCodes) {
    const std::uint8_t* p = b < blocks.whole() ? blocks.at(b) : blocks.copied(b);
    if (row.scales == nullptr) {
      Decoder::each(table, p, [&](int i, FloatVector value) {
        hn::StoreU(value, kFloat, values + i * kFloats);
      });
    } else {
      const FloatVector scale = Decoder::scale(row.scales, b);
      Decoder::each(table, p, [&](int i, FloatVector value) {
        hn::StoreU(value * scale, kFloat, values + i * kFloats);
      });
    }
  }
}

template <int kField>
constexpr PowerProductKernelsOf kernels_of() {
  using Decoder = typename DecoderOf<kField>::Type;
  static_assert(Decoder::kCodes % kCodeUnit == 0 && Decoder::kCodes <= kMostBlockCodes);
  return {Decoder::kCodes, kPositions<Decoder>.data(), dot<Decoder>, decode<Decoder>};
}

// ---- panels of decoded rows ---------------------------------------------------------------

static_assert(kFloats <= kSumLanes);

template <int kRows>
void panel_rows(const float* w, std::int64_t ldw, const float* x, std::int64_t ldx,
                std::int64_t length, bool first, float* lanes) {
  FloatVector sums[kRows][kPanelRows];
  for (int i = 0; i < kRows; ++i) {
    for (int r = 0; r < kPanelRows; ++r) {
      const float* own = lanes + (i * kPanelRows + r) * kSumLanes;
      sums[i][r] = first ? hn::Zero(kFloat) : hn::LoadU(kFloat, own);
    }
  }
  for (std::int64_t k = 0; k < length; k += kFloats) {
    FloatVector value[kPanelRows];
    for (int r = 0; r < kPanelRows; ++r) value[r] = hn::LoadU(kFloat, w + r * ldw + k);
    for (int i = 0; i < kRows; ++i) {
      const FloatVector own = hn::LoadU(kFloat, x + i * ldx + k);
      for (int r = 0; r < kPanelRows; ++r) sums[i][r] = hn::MulAdd(own, value[r], sums[i][r]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int r = 0; r < kPanelRows; ++r) {
      hn::StoreU(sums[i][r], kFloat, lanes + (i * kPanelRows + r) * kSumLanes);
    }
  }
}

void panel(const float* w, std::int64_t ldw, const float* x, std::int64_t ldx, std::int64_t m,
           std::int64_t length, bool first, float* lanes) {
  constexpr std::int64_t kStep = 4;
  constexpr std::int64_t kStepLanes = kPanelRows * kSumLanes;
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
    const FloatVector own = hn::LoadU(kFloat, lanes + i * kSumLanes);
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
