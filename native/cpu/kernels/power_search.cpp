// Compiled once per instruction set; LSM_ISA names it. Finding intervals is work for scalars: a table
// look-up and a comparison or two. Sums over intervals and over candidates are work for vectors of
// f64.
#include "cpu/kernels/power_search.h"

#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

// Not self-contained: it wants the vectors' header first.
#include <hwy/contrib/math/math-inl.h>

namespace lossmith {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<double>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
static_assert(kPowerRowUnit % kLanes == 0, "rows are whole vectors");

template <class A>
void magnitudes(A* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = __builtin_fabs(x[i]);
}
template <>
void magnitudes<float>(float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = __builtin_fabsf(x[i]);
}

template <class A>
inline std::int64_t first_interval(const PowerIntervals<A>& in, A x) {
  const float share = static_cast<float>(x * in.inverse);
  std::int32_t bits;
  std::memcpy(&bits, &share, sizeof bits);
  return in.start[std::min(std::max((bits >> in.shift) - in.first, 0), in.last)];
}

template <class A>
inline std::int64_t interval_by_thresholds(const PowerIntervals<A>& in, A x) {
  std::int64_t rank = first_interval(in, x);
  while (x >= in.thresholds[rank]) ++rank;
  return rank;
}

// An element reaches a threshold if it reaches the number that was rounded up to it.
template <class A>
inline std::int64_t interval_by_fractions(const PowerIntervals<A>& in, A x) {
  const double scale = static_cast<double>(in.scale);
  const auto reached = [&](const math::PowerFraction& fraction) {
    const double product = scale * fraction.numerator;
    return static_cast<double>(x) >= (fraction.divisor == 1 ? product : product / fraction.divisor);
  };
  std::int64_t rank = first_interval(in, x);
  while (reached(in.fractions[rank])) ++rank;
  return rank;
}

template <class A>
void add(const PowerIntervals<A>& intervals, const A* x, std::int64_t n, PowerMoments* moments) {
  const PowerIntervals<A> in = intervals;
  for (std::int64_t i = 0; i < n; ++i) {
    PowerMoments& m = moments[interval_by_thresholds(in, x[i])];
    const double d = static_cast<double>(x[i]) - m.centre;
    m.count += 1;
    m.sum += d;
    m.squares += d * d;
  }
}

V load(const double* p) { return hn::LoadU(D(), p); }
// The first n elements, `rest` behind them.
V load_some(const double* p, std::int64_t n, double rest) {
  HWY_ALIGN double room[kLanes];
  for (int i = 0; i < kLanes; ++i) room[i] = i < n ? p[i] : rest;
  return hn::Load(D(), room);
}

double squares(const PowerColumns& c, const std::int32_t* bounds, const double* values, int cells) {
  V sum = hn::Zero(D());
  const auto add_error = [&](V centre, V count, V first, V second, V value) {
    const V d = centre - value;
    const V twice = hn::MulAdd(d, count, first + first);
    sum = sum + hn::MulAdd(d, twice, second);
  };
  for (int j = 0; j < cells; ++j) {
    const V value = hn::Set(D(), values[j]);
    std::int64_t i = bounds[j];
    const std::int64_t end = bounds[j + 1];
    for (; i + kLanes <= end; i += kLanes) {
      add_error(load(c.centre + i), load(c.count + i), load(c.sum + i), load(c.squares + i), value);
    }
    if (i == end) continue;
    const std::int64_t rest = end - i;
    add_error(load_some(c.centre + i, rest, values[j]), load_some(c.count + i, rest, 0),
              load_some(c.sum + i, rest, 0), load_some(c.squares + i, rest, 0), value);
  }
  return hn::GetLane(hn::SumOfLanes(D(), sum));
}

// |d|^p is e^(p ln |d|); zeros stay zero and NaN stays NaN.
struct AnyPower {
  double p;
  V operator()(V sum, V d) const {
    const D f64;
    const V size = hn::Abs(d);
    const V power = hn::Exp(f64, hn::Set(f64, p) * hn::Log(f64, size));
    return sum + hn::IfThenElse(hn::Gt(size, hn::Zero(f64)), power, size);
  }
};
struct FirstPower {
  V operator()(V sum, V d) const { return sum + hn::Abs(d); }
};
struct SecondPower {
  V operator()(V sum, V d) const { return hn::MulAdd(d, d, sum); }
};

V value_of(double scale, const double* levels) { return hn::Set(D(), scale) * load(levels); }
// Rounded to f32, as values are.
V value_of(float scale, const float* levels) {
  const hn::Rebind<float, D> half;
  return hn::PromoteTo(D(), hn::Set(half, scale) * hn::LoadU(half, levels));
}

// Some elements at a time, so that the sums of a candidate are loaded once for all of them.
constexpr int kTogether = 4;

template <int kCount, class A, class Power>
void compare_some(const PowerIntervals<A>& in, const PowerRows<A>& rows, const Power& power,
                  const A* x, double* errors) {
  const A* levels[kCount];
  V elements[kCount];
  for (int i = 0; i < kCount; ++i) {
    levels[i] = rows.levels + interval_by_fractions(in, x[i]) * rows.stride;
    elements[i] = hn::Set(D(), static_cast<double>(x[i]));
  }
  for (std::int64_t c = 0; c < rows.stride; c += kLanes) {
    V sum = hn::LoadU(D(), errors + c);
    for (int i = 0; i < kCount; ++i) {
      sum = power(sum, elements[i] - value_of(in.scale, levels[i] + c));
    }
    hn::StoreU(sum, D(), errors + c);
  }
}

template <class A, class Power>
void compare_all(const PowerIntervals<A>& in, const PowerRows<A>& rows, const Power& power,
                 const A* x, std::int64_t n, double* errors) {
  std::int64_t i = 0;
  for (; i + kTogether <= n; i += kTogether) {
    compare_some<kTogether>(in, rows, power, x + i, errors);
  }
  for (; i < n; ++i) compare_some<1>(in, rows, power, x + i, errors);
}

template <class A>
void compare(const PowerIntervals<A>& intervals, const PowerRows<A>& rows, double p, const A* x,
             std::int64_t n, double* errors) {
  if (p == 2) return compare_all(intervals, rows, SecondPower{}, x, n, errors);
  if (p == 1) return compare_all(intervals, rows, FirstPower{}, x, n, errors);
  return compare_all(intervals, rows, AnyPower{p}, x, n, errors);
}

}  // namespace

namespace LSM_ISA {

extern const PowerSearchKernels power_search_kernels;
const PowerSearchKernels power_search_kernels = {{magnitudes<float>, add<float>, compare<float>},
                                                 {magnitudes<double>, add<double>, compare<double>},
                                                 squares};

}  // namespace LSM_ISA
}  // namespace lossmith
