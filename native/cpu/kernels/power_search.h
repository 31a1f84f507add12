// Loops of the search for power exponents, compiled per instruction set. The thresholds of all
// candidates, sorted, cut the numbers into intervals: what lies in one of them has the same code
// with each candidate.
#ifndef LOSSMITH_CPU_KERNELS_POWER_SEARCH_H_
#define LOSSMITH_CPU_KERNELS_POWER_SEARCH_H_

#include <cstdint>

namespace lossmith {

// What the elements x of an interval add up to: their number, sum (x - c) and sum (x - c)^2.
struct alignas(32) PowerMoments {
  double centre, count, sum, squares;
};

// How an element finds its interval. The leading bits of x times `inverse`, a float, are looked up
// in `start`: a number of thresholds that x reaches for sure; the rest is seen by comparing.
template <class A>
struct PowerIntervals {
  const A* thresholds = nullptr;  // ascending, NaN behind the last
  std::int64_t count = 0;         // of thresholds
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

template <class A>
struct PowerSearchKernelsOf {
  // x becomes |x|.
  void (*magnitudes)(A* x, std::int64_t n);
  // Adds elements to moments[0 .. count].
  void (*add)(const PowerIntervals<A>& intervals, const A* x, std::int64_t n,
              PowerMoments* moments);
  // Sorts elements by interval: those of interval i become sorted[begins[i] .. begins[i+1]).
  // begins has count + 2 entries, ranks room for n.
  void (*sort)(const PowerIntervals<A>& intervals, const A* x, std::int64_t n, std::uint16_t* ranks,
               std::int32_t* begins, A* sorted);
  // Sum of |x - values[j]|^p over sorted[bounds[j] .. bounds[j+1]), j < cells.
  double (*norms)(const A* sorted, const std::int32_t* bounds, const double* values, int cells,
                  double p);
};

struct PowerSearchKernels {
  PowerSearchKernelsOf<float> f32;
  PowerSearchKernelsOf<double> f64;
  // The same for squares, from moments.
  double (*squares)(const PowerColumns& columns, const std::int32_t* bounds, const double* values,
                    int cells);

  const PowerSearchKernelsOf<float>& of(float) const { return f32; }
  const PowerSearchKernelsOf<double>& of(double) const { return f64; }
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_SEARCH_H_
