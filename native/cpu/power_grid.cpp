#include "cpu/power_grid.h"

#include <cmath>
#include <limits>

namespace lossmith {
namespace {

// Shares of the scale below 2^-16 are looked up as one: few elements are that small, but zeros, which
// reach no threshold.
constexpr int kOctaves = 16;
constexpr int kMantissaBits = 23;

// Leading bits of the mantissa that are looked up: so many that few entries hold two thresholds.
int looked_up_bits(std::int64_t thresholds) {
  int bits = 5;
  while (bits < 12 && (std::int64_t{2} << bits) < thresholds) ++bits;
  return bits;
}

std::int64_t entries(int bits) { return (std::int64_t{kOctaves} << bits) + 2; }

std::int32_t leading_bits(float x, int shift) { return bit_cast<std::int32_t>(x) >> shift; }

}  // namespace

template <class A>
std::int64_t PowerGrid<A>::most_candidates(Use use, int largest) {
  if (use == Use::moments) return kMostThresholds / largest;
  std::int64_t most = kPowerRowUnit;
  while ((most + kPowerRowUnit) * (most + kPowerRowUnit) * largest <= kMostLevels) {
    most += kPowerRowUnit;
  }
  return most;
}

template <class A>
void PowerGrid<A>::carve(Carver& carver, Use use, std::int64_t candidates, int largest) {
  const std::int64_t count = candidates * largest;
  thresholds_ = carver.take<Threshold>(count);
  fractions_ = carver.take<math::PowerFraction>(count + 1);
  begins_ = carver.take<std::uint16_t>(candidates * (largest + 1));
  levels_ = carver.take<A>(candidates * (largest + 1));
  start_ = carver.take<std::uint16_t>(entries(looked_up_bits(count)));
  rows_ = use == Use::rows ? carver.take<A>((count + 1) * stride_of(candidates)) : nullptr;
}

template <class A>
void PowerGrid<A>::build(const A* exponents, std::int64_t candidates, int largest) {
  candidates_ = candidates;
  largest_ = largest;
  Threshold* next = thresholds_;
  for (std::int64_t k = 0; k < candidates; ++k) {
    const double a = static_cast<double>(exponents[k]);
    A* levels = levels_ + k * cells();
    levels[0] = 0;
    for (int code = 1; code <= largest; ++code, ++next) {
      levels[code] = math::power_level<A>(code, largest, a);
      next->fraction = math::PowerFraction::of(code - 0.5, largest, a);
      next->value = next->fraction.times(1);
      next->cell = static_cast<std::int32_t>(k * cells() + code);
    }
  }
  std::sort(thresholds_, next);
  for (std::int64_t k = 0; k < candidates; ++k) begins_[k * cells()] = 0;
  for (std::int64_t i = 0; i < thresholds(); ++i) {
    begins_[thresholds_[i].cell] = static_cast<std::uint16_t>(i + 1);
    fractions_[i] = thresholds_[i].fraction;
  }
  fractions_[thresholds()] = {std::numeric_limits<double>::quiet_NaN(), 1};
  build_start();
  if (rows_ != nullptr) build_rows();
}

// At each threshold one candidate goes on to its next level.
template <class A>
void PowerGrid<A>::build_rows() {
  const std::int64_t stride = stride_of(candidates_);
  std::fill_n(rows_, stride, A{0});
  for (std::int64_t i = 0; i < thresholds(); ++i) {
    A* row = rows_ + i * stride;
    std::copy_n(row, stride, row + stride);
    const std::int32_t cell = thresholds_[i].cell;
    row[stride + cell / cells()] = levels_[cell];
  }
}

// An element whose share of the scale has the leading bits b reaches every threshold with leading
// bits below b, also after the roundings of 1/scale and of the share: thresholds are taken as larger
// by more than that. Index 0 has the elements below all that is looked up: they start from nothing.
template <class A>
void PowerGrid<A>::build_start() {
  constexpr double kRoundings = 1 + 1e-6;
  const int bits = looked_up_bits(thresholds());
  shift_ = kMantissaBits - bits;
  first_ = leading_bits(std::ldexp(1.0f, -kOctaves), shift_) - 1;
  last_ = static_cast<std::int32_t>(entries(bits)) - 1;
  std::int64_t i = 0;
  start_[0] = 0;
  for (std::int32_t index = 1; index <= last_; ++index) {
    while (i < thresholds() &&
           leading_bits(static_cast<float>(thresholds_[i].value * kRoundings), shift_) - first_ <
               index) {
      ++i;
    }
    start_[index] = static_cast<std::uint16_t>(i);
  }
}

template <class A>
PowerIntervals<A> PowerGrid<A>::intervals_of(A scale, A* thresholds) const {
  const std::int64_t count = this->thresholds();
  if (thresholds != nullptr) {
    for (std::int64_t i = 0; i < count; ++i) {
      thresholds[i] = math::power_threshold(fractions_[i], scale);
    }
    thresholds[count] = std::numeric_limits<A>::quiet_NaN();
  }
  PowerIntervals<A> in;
  in.fractions = fractions_;
  in.scale = scale;
  in.thresholds = thresholds;
  in.start = start_;
  in.shift = shift_;
  in.first = first_;
  in.last = last_;
  // Where there is no 1/scale, shares come out smaller, which only takes more comparing; nothing
  // reaches a threshold of a scale that is 0 or not finite.
  in.inverse = scale > 0 ? std::min(A{1} / scale, std::numeric_limits<A>::max()) : A{0};
  return in;
}

template <class A>
void PowerGrid<A>::clear(const PowerIntervals<A>& intervals, A scale, PowerMoments* moments) const {
  moments[0] = {};
  for (std::int64_t i = 1; i < this->intervals(); ++i) {
    moments[i] = {static_cast<double>(intervals.thresholds[i - 1]), 0, 0, 0};
  }
  if (scale > 0) moments[this->intervals() - 1].centre = static_cast<double>(scale);
}

template <class A>
void PowerGrid<A>::bounds(std::int64_t k, const std::int32_t* at, std::int32_t* bounds) const {
  for (int j = 0; j < cells(); ++j) bounds[j] = at[begins_[k * cells() + j]];
  bounds[cells()] = at[intervals()];
}

template <class A>
void PowerGrid<A>::values(std::int64_t k, A scale, double* values) const {
  for (int j = 0; j < cells(); ++j) {
    values[j] = static_cast<double>(math::times(scale, levels_[k * cells() + j]));
  }
}

template class PowerGrid<float>;
template class PowerGrid<double>;

}  // namespace lossmith
