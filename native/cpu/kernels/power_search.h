// Loops of the search for power exponents, compiled per instruction set. The thresholds of all
// candidates, sorted, cut the numbers into intervals: what lies in one of them has the same code
// with each candidate.
#ifndef LOSSMITH_CPU_KERNELS_POWER_SEARCH_H_
#define LOSSMITH_CPU_KERNELS_POWER_SEARCH_H_

#include <cstdint>

#include "math/power.h"

namespace lossmith {

// What the elements x of an interval add up to: their number, sum (x - c) and sum (x - c)^2.
struct alignas(32) PowerMoments {
  double centre, count, sum, squares;
};

// How an element finds its interval. The leading bits of x times `inverse`, a float, are looked up
// in `start`: a number of thresholds that x reaches for sure; the rest is seen by comparing.
template <class A>
struct PowerIntervals {
  const math::PowerFraction* fractions = nullptr;  // of thresholds, ascending, NaN behind the last
  A scale = 0;
  const A* thresholds = nullptr;  // fractions times the scale; null: they are multiplied as needed
  const std::uint16_t* start = nullptr;
  int shift = 0;
  std::int32_t first = 0, last = 0;  // the bits of start[0], and the last index
  A inverse = 0;
};

// The moments of intervals with elements, in their order.
struct PowerColumns {
  const double* centre;
  const double* count;
  const double* sum;
  const double* squares;
};

// For each interval the levels (shares of the scale) that all candidates have for its elements.
template <class A>
struct PowerRows {
  const A* levels;      // [intervals, stride]
  std::int64_t stride;  // a multiple of kPowerRowUnit
};
constexpr std::int64_t kPowerRowUnit = 8;

template <class A>
struct PowerSearchKernelsOf {
  // x becomes |x|.
  void (*magnitudes)(A* x, std::int64_t n);
  // Adds elements to the moments of their intervals; needs thresholds.
  void (*add)(const PowerIntervals<A>& intervals, const A* x, std::int64_t n,
              PowerMoments* moments);
  // Adds |x - x^|^p of n finite elements to errors[stride], for each candidate in the order of the
  // elements; the scale is > 0 and finite.
  void (*compare)(const PowerIntervals<A>& intervals, const PowerRows<A>& rows, double p,
                  const A* x, std::int64_t n, double* errors);
};

struct PowerSearchKernels {
  PowerSearchKernelsOf<float> f32;
  PowerSearchKernelsOf<double> f64;
  // The sum of (x - values[j])^2 over the elements of the intervals bounds[j] .. bounds[j+1] - 1, for
  // all j < cells.
  double (*squares)(const PowerColumns& columns, const std::int32_t* bounds, const double* values,
                    int cells);

  const PowerSearchKernelsOf<float>& of(float) const { return f32; }
  const PowerSearchKernelsOf<double>& of(double) const { return f64; }
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_SEARCH_H_
