// Compiled once per instruction set; LSM_ISA names it. Finding intervals is work for scalars: a table
// look-up and a comparison or two. Sums over intervals and powers are work for vectors of f64.
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

template <class A>
void magnitudes(A* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = __builtin_fabs(x[i]);
}
template <>
void magnitudes<float>(float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = __builtin_fabsf(x[i]);
}

template <class A>
inline std::int64_t interval_of(const PowerIntervals<A>& in, A x) {
  const float share = static_cast<float>(x * in.inverse);
  std::int32_t bits;
  std::memcpy(&bits, &share, sizeof bits);
  const std::int32_t index = std::min(std::max((bits >> in.shift) - in.first, 0), in.last);
  std::int64_t rank = in.start[index];
  while (x >= in.thresholds[rank]) ++rank;
  return rank;
}

template <class A>
void add(const PowerIntervals<A>& intervals, const A* x, std::int64_t n, PowerMoments* moments) {
  const PowerIntervals<A> in = intervals;
  for (std::int64_t i = 0; i < n; ++i) {
    PowerMoments& m = moments[interval_of(in, x[i])];
    const double d = static_cast<double>(x[i]) - m.centre;
    m.count += 1;
    m.sum += d;
    m.squares += d * d;
  }
}

template <class A>
void sort(const PowerIntervals<A>& intervals, const A* x, std::int64_t n, std::uint16_t* ranks,
          std::int32_t* begins, A* sorted) {
  const PowerIntervals<A> in = intervals;
  std::fill_n(begins, in.count + 2, 0);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t rank = interval_of(in, x[i]);
    ranks[i] = static_cast<std::uint16_t>(rank);
    ++begins[rank + 1];
  }
  for (std::int64_t k = 1; k < in.count + 2; ++k) begins[k] += begins[k - 1];
  // Each begin moves to the end of its interval, which is the begin of the next.
  for (std::int64_t i = 0; i < n; ++i) sorted[begins[ranks[i]]++] = x[i];
  for (std::int64_t k = in.count + 1; k > 0; --k) begins[k] = begins[k - 1];
  begins[0] = 0;
}

V load(const double* p) { return hn::LoadU(D(), p); }
V load(const float* p) {
  const hn::Rebind<float, D> half;
  return hn::PromoteTo(D(), hn::LoadU(half, p));
}
// The first n elements, `rest` behind them.
template <class T>
V load_some(const T* p, std::int64_t n, double rest) {
  HWY_ALIGN double room[kLanes];
  for (int i = 0; i < kLanes; ++i) room[i] = i < n ? static_cast<double>(p[i]) : rest;
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
  V operator()(V d) const {
    const D f64;
    const V power = hn::Exp(f64, hn::Set(f64, p) * hn::Log(f64, d));
    return hn::IfThenElse(hn::Gt(d, hn::Zero(f64)), power, d);
  }
};
struct FirstPower {
  V operator()(V d) const { return d; }
};

template <class A, class Power>
double sum_powers(const A* sorted, const std::int32_t* bounds, const double* values, int cells,
                  const Power& power) {
  V sum = hn::Zero(D());
  for (int j = 0; j < cells; ++j) {
    const V value = hn::Set(D(), values[j]);
    std::int64_t i = bounds[j];
    const std::int64_t end = bounds[j + 1];
    for (; i + kLanes <= end; i += kLanes) sum = sum + power(hn::Abs(load(sorted + i) - value));
    if (i < end) sum = sum + power(hn::Abs(load_some(sorted + i, end - i, values[j]) - value));
  }
  return hn::GetLane(hn::SumOfLanes(D(), sum));
}

template <class A>
double norms(const A* sorted, const std::int32_t* bounds, const double* values, int cells,
             double p) {
  if (p == 1) return sum_powers(sorted, bounds, values, cells, FirstPower{});
  return sum_powers(sorted, bounds, values, cells, AnyPower{p});
}

}  // namespace

namespace LSM_ISA {

extern const PowerSearchKernels power_search_kernels;
const PowerSearchKernels power_search_kernels = {
    {magnitudes<float>, add<float>, sort<float>, norms<float>},
    {magnitudes<double>, add<double>, sort<double>, norms<double>},
    squares};

}  // namespace LSM_ISA
}  // namespace lossmith
