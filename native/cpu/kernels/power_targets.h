// Where the kernels of the power operator read elements and write what they make of them.
#ifndef LOSSMITH_CPU_KERNELS_POWER_TARGETS_H_
#define LOSSMITH_CPU_KERNELS_POWER_TARGETS_H_

#include <cstring>

#include "cpu/kernels/power_vector.h"

namespace lossmith {
namespace {

V load(const float* p, std::int64_t count) {
  if (count == kLanes) return hn::LoadU(F(), p);
  HWY_ALIGN float room[kLanes] = {};
  std::memcpy(room, p, static_cast<std::size_t>(count) * sizeof(float));
  return hn::Load(F(), room);
}

VI promoted(const std::uint8_t* bytes) {
  const hn::Rebind<std::uint8_t, F> d8;
  return hn::PromoteTo(I(), hn::LoadU(d8, bytes));
}

// Where values go: past the caches where the setup asks for it and the address allows it.
class Target {
 public:
  Target(float* to, bool stream, std::int64_t head)
      : to_(to), stream_(stream && to != nullptr && aligned(to + head)) {}

  bool wanted() const { return to_ != nullptr; }
  void store(V v, std::int64_t i, std::int64_t count) const {
    if (count != kLanes) {
      HWY_ALIGN float room[kLanes];
      hn::Store(v, F(), room);
      std::memcpy(to_ + i, room, static_cast<std::size_t>(count) * sizeof(float));
    } else if (stream_) {
      hn::Stream(v, F(), to_ + i);
    } else {
      hn::StoreU(v, F(), to_ + i);
    }
  }

  // Elements before the first aligned address.
  static std::int64_t head(const float* to) {
    if (to == nullptr) return 0;
    const std::uintptr_t past = reinterpret_cast<std::uintptr_t>(to) % (kLanes * sizeof(float));
    return past == 0 ? 0 : static_cast<std::int64_t>(kLanes - past / sizeof(float));
  }

 private:
  static bool aligned(const float* p) {
    return reinterpret_cast<std::uintptr_t>(p) % (kLanes * sizeof(float)) == 0;
  }
  float* to_;
  bool stream_;
};

// Codes of magnitudes q, one a byte.
class CodeTarget {
 public:
  CodeTarget(std::uint8_t* to, const PowerSetup& setup)
      : to_(to), sign_(set_int(setup.fields && !setup.positive ? sign_bit(setup.bits) : 0)) {
    whole_ = !setup.fields && !setup.positive;
  }

  void store(VI q, V x, std::int64_t i, std::int64_t count) const {
    if (to_ == nullptr) return;
    const VI negative = hn::ShiftRight<31>(bits_of(x));
    const hn::Rebind<std::uint8_t, F> d8;
    HWY_ALIGN std::uint8_t room[kLanes];
    std::uint8_t* to = count == kLanes ? to_ + i : room;
    if (whole_) {
      const hn::Rebind<std::int8_t, F> ds8;
      hn::StoreU(hn::BitCast(d8, hn::DemoteTo(ds8, (q ^ negative) - negative)), d8, to);
    } else {
      const VI some = hn::VecFromMask(I(), hn::Gt(q, hn::Zero(I())));
      hn::StoreU(hn::DemoteTo(d8, q | (negative & some & sign_)), d8, to);
    }
    if (to == room) std::memcpy(to_ + i, room, static_cast<std::size_t>(count));
  }

 private:
  static int sign_bit(int bits) {
    return 1 << ((bits <= math::kPowerThresholdBits ? bits : 8) - 1);
  }
  std::uint8_t* to_;
  VI sign_;
  bool whole_;
};

// Where the sums of gradients go: into registers, or to their columns.
class RegisterSums {
 public:
  void add(V scale, V exponent, std::int64_t) {
    scale_ = scale_ + scale;
    exponent_ = exponent_ + exponent;
  }
  PowerSums total() const { return {sum(scale_), sum(exponent_)}; }

 private:
  static double sum(V v) {
    HWY_ALIGN float lanes[kLanes];
    hn::Store(v, F(), lanes);
    double total = 0;
    for (float lane : lanes) total += static_cast<double>(lane);
    return total;
  }
  V scale_ = zero(), exponent_ = zero();
};
class ColumnSums {
 public:
  explicit ColumnSums(const PowerColumnSums<float>& sums) : sums_(sums) {}
  void add(V scale, V exponent, std::int64_t i) {
    hn::StoreU(hn::LoadU(F(), sums_.scale + i) + scale, F(), sums_.scale + i);
    hn::StoreU(hn::LoadU(F(), sums_.exponent + i) + exponent, F(), sums_.exponent + i);
  }

 private:
  const PowerColumnSums<float>& sums_;
};

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_TARGETS_H_
