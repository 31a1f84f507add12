// One element of power quantization on a CUDA thread: its code, its value and its slopes, from the
// tables of its exponent (cuda/power_kernels.h). Tables are read through the first-level cache: those
// of up to 4 bits are one or two of its lines.
#ifndef LOSSMITH_CUDA_KERNELS_POWER_GRID_CUH_
#define LOSSMITH_CUDA_KERNELS_POWER_GRID_CUH_

#include "cuda/device.h"
#include "cuda/ops.h"
#include "cuda/power_kernels.h"

namespace lossmith {
namespace cuda {

LSM_DEVICE float magnitude(float x) { return ::fabsf(x); }
LSM_DEVICE double magnitude(double x) { return ::fabs(x); }
LSM_DEVICE float log2_of(float x) { return ::log2f(x); }
LSM_DEVICE double log2_of(double x) { return ::log2(x); }
LSM_DEVICE float exp2_of(float x) { return ::exp2f(x); }
LSM_DEVICE double exp2_of(double x) { return ::exp2(x); }

// 1 / x to the last bit or nearly so, for x far from overflow and underflow.
LSM_DEVICE float inverse_of(float x) {
  const float guess = __fdividef(1.0f, x);
  return multiply_add(multiply_add(-guess, x, 1.0f), guess, guess);
}
LSM_DEVICE double inverse_of(double x) { return 1 / x; }

// a / b rounded to nearest, from the inverse of b: one step of Newton's method gives the last bit.
template <class A>
LSM_DEVICE A divided_by(A a, A b, A inverse) {
  const A guess = a * inverse;
  return multiply_add(multiply_add(-guess, b, a), inverse, guess);
}

// a / b to a few roundings.
LSM_DEVICE float ratio_of(float a, float b) { return __fdividef(a, b); }
LSM_DEVICE double ratio_of(double a, double b) { return a / b; }

// Within this of a threshold, relative and absolute, a rounded share does not decide.
template <class A>
struct Doubt;
template <>
struct Doubt<float> {
  static constexpr float kRelative = 4.8e-7f;
  static constexpr float kAbsolute = 3e-45f;
};
template <>
struct Doubt<double> {
  static constexpr double kRelative = 9e-16;
  static constexpr double kAbsolute = 1e-323;
};

// v^a and log2 v of a share v > 0.
template <class A>
struct SharePower {
  A power, log2;

  LSM_DEVICE static SharePower of(A v, A exponent) {
    const A l = log2_of(v);
    return {exponent == A(1) ? v : exp2_of(exponent * l), l};
  }
};

// What the elements of a group share.
template <class A>
struct PowerSet {
  math::PowerGroup<A> group;
  A shift;
  A factor;   // a power of two, so that 1 / s neither overflows nor underflows
  A inverse;  // 1 / (factor scale)
  PowerGrid<A> grid;

  LSM_DEVICE A without_shift(A w) const { return math::minus(w, shift); }
  // Whether an element without the shift can have another code than 0.
  LSM_DEVICE bool alive(A x) const {
    return group.scale > A(0) && !(group.positive && x < A(0)) && !math::is_nan(x);
  }

  // From the scale of the group.
  LSM_DEVICE void start_share() {
    constexpr A k2To64 = A(18446744073709551616.0);
    factor = group.scale < A(1e-20) ? k2To64 : group.scale > A(1e20) ? 1 / k2To64 : A(1);
    inverse = inverse_of(group.scale * factor);
  }

  // min(|x| / s, 1)
  LSM_DEVICE A share(A x) const {
    const A size = magnitude(x);
    if (!(size < group.scale)) return A(1);
    return divided_by(size * factor, group.scale * factor, inverse);
  }

  // Whether |x| reaches the threshold of a code, by its definition. An f32 times the divisor, a whole
  // number below 256, is exact, so that there nothing needs to be divided.
  LSM_DEVICE bool reaches(A size, int code) const {
    const math::PowerFraction fraction = grid.fractions[code];
    const double scale = static_cast<double>(group.scale);
    if constexpr (sizeof(A) == 4) {
      return static_cast<double>(size) * fraction.divisor >= scale * fraction.numerator;
    } else {
      return size >= fraction.times(scale);
    }
  }

  // The number of thresholds that |x| reaches. The share v against thresholds of [0, 1] is off by
  // roundings only, so that the thresholds times s are asked where it is close to one of them.
  LSM_DEVICE int count(A x, A v) const {
    A low = A(-1);
    A high = A(2);
    int code = 0;
#pragma unroll 1
    for (int step = group.largest > 7 ? 8 : 4; step > 0; step /= 2) {
      const A threshold = __ldg(grid.thresholds + code + step);
      const bool reached = v >= threshold;
      code += reached ? step : 0;
      low = reached ? threshold : low;
      high = reached ? high : threshold;
    }
    using D = Doubt<A>;
    if (v - low <= multiply_add(low, D::kRelative, D::kAbsolute) ||
        high - v <= multiply_add(high, D::kRelative, D::kAbsolute)) {
      const A size = magnitude(x);
      while (code < group.largest && reaches(size, code + 1)) ++code;
      while (code > 0 && !reaches(size, code)) --code;
    }
    return code;
  }

  // Q v^a; 0 for an element that is not alive.
  LSM_DEVICE A steps_of(A x) const {
    if (!alive(x)) return A(0);
    const A v = share(x);
    return v > A(0) ? math::times(group.steps(), SharePower<A>::of(v, group.exponent).power) : A(0);
  }
  LSM_DEVICE A latent(A x) const {
    const A u = steps_of(x);
    return math::is_nan(x) ? x : x < A(0) ? -u : u;
  }

  // The size of an element's code, 0 for one that is not alive.
  LSM_DEVICE int size_of(A x) const {
    if (grid.thresholds == nullptr) return static_cast<int>(math::plus(steps_of(x), A(0.5)));
    return alive(x) ? count(x, share(x)) : 0;
  }

  // w^ of an element with a code of that size; NaN stays.
  LSM_DEVICE A value(A x, int size) const {
    const A value = math::times(group.scale, __ldg(grid.levels + size));
    const A with_sign = size == 0 ? A(0) : x < A(0) ? -value : value;
    return math::is_nan(x) ? x : math::plus(with_sign, shift);
  }

  // math::power_slopes, from what is known of the code.
  LSM_DEVICE math::PowerSlopes<A> slopes(A x, int size) const {
    if (math::is_nan(x)) return {x, x, x};
    if (!alive(x)) return {A(0), A(0), A(0)};
    const A sign = x < A(0) ? A(-1) : A(1);
    if (magnitude(x) > group.scale) return {A(0), sign, A(0)};
    if (size == 0) return {group.exact ? A(0) : A(1), A(0), A(0)};
    constexpr A kLn2 = A(0.6931471805599453);
    const A v = share(x);
    const SharePower<A> of_v = SharePower<A>::of(v, group.exponent);
    const math::PowerLevel<A> known = grid.slopes[size];
    const A level = sign * known.level;
    math::PowerSlopes<A> result;
    result.input = group.exact ? known.bend * ratio_of(of_v.power, v) : A(1);
    // 1 / r = a pull
    result.scale = level - level * (group.exponent * known.pull) * of_v.power;
    result.exponent =
        level * group.scale * (of_v.power * (kLn2 * of_v.log2) * known.pull - known.slant);
    return result;
  }
};

template <class A>
LSM_DEVICE PowerSet<A> power_set(const PowerParameters<A>& p, std::int64_t group) {
  const std::int64_t of_exponent = p.exponent_per_group ? group : 0;
  PowerSet<A> set;
  set.group = {p.scale[group], p.exponent[of_exponent], p.largest, p.positive, p.exact};
  set.shift = p.shift == nullptr ? A(0) : p.shift[group];
  set.start_share();
  set.grid = p.tables.at(of_exponent);
  return set;
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_POWER_GRID_CUH_
