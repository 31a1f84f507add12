// The steps of the optimizers, one element at a time, for host and device; formulas as in
// lossmith/update.h. A is the arithmetic: float, or double for f64 weights.
#ifndef LOSSMITH_MATH_UPDATE_H_
#define LOSSMITH_MATH_UPDATE_H_

#include <cmath>

#include "lossmith/update.h"
#include "math/uncontracted.h"

namespace lossmith {
namespace math {

// The options in the type that they are used in.
template <class A>
struct UpdateFactors {
  A rate, momentum, rest, beta2, rest2, epsilon, decay;
  A total, total2;  // 1 - b1^t, 1 - b2^t: what the factors of Adam's averages add up to

  explicit UpdateFactors(const lsm_update_options& o)
      : rate(static_cast<A>(o.learning_rate)),
        momentum(static_cast<A>(o.momentum)),
        rest(static_cast<A>(1 - o.momentum)),
        beta2(static_cast<A>(o.beta2)),
        rest2(static_cast<A>(1 - o.beta2)),
        epsilon(static_cast<A>(o.epsilon)),
        decay(static_cast<A>(o.weight_decay)),
        total(static_cast<A>(weights_up_to(o.momentum, o.step))),
        total2(static_cast<A>(weights_up_to(o.beta2, o.step))) {}

 private:
  static double weights_up_to(double rate, std::uint64_t step) {
    return 1 - std::pow(rate, static_cast<double>(step) + 1);
  }
};

// Adam has two numbers of state for each weight, the other rules one or none.
LSM_HD constexpr int states_of(int rule) {
  return rule == LSM_UPDATE_SGD ? 0 : rule == LSM_UPDATE_ADAM ? 2 : 1;
}

template <class A>
struct Stepped {
  A weight, state, squares;
};

// s: the state; squares: Adam's v.
template <int kRule, class A>
LSM_HD inline Stepped<A> stepped(const UpdateFactors<A>& f, A w, A g, A s, A squares = A{}) {
  if constexpr (kRule == LSM_UPDATE_LION) {
    const A u = plus(times(f.momentum, s), times(f.rest, g));
    const A sign = u > 0 ? A{1} : u < 0 ? A{-1} : u;  // 0 and NaN stay
    const A direction = plus(sign, times(f.decay, w));
    return {minus(w, times(f.rate, direction)), plus(times(f.beta2, s), times(f.rest2, g)), A{}};
  } else {
    const A slope = plus(g, times(f.decay, w));
    if constexpr (kRule == LSM_UPDATE_MOMENTUM) {
      const A velocity = plus(times(f.momentum, s), slope);
      return {minus(w, times(f.rate, velocity)), velocity, A{}};
    } else if constexpr (kRule == LSM_UPDATE_ADAGRAD) {
      const A sum = plus(s, times(slope, slope));
      const A divisor = plus(root(sum), f.epsilon);
      return {minus(w, divided(times(f.rate, slope), divisor)), sum, A{}};
    } else if constexpr (kRule == LSM_UPDATE_ADAM) {
      const A mean = plus(times(f.momentum, s), times(f.rest, slope));
      const A square = plus(times(f.beta2, squares), times(f.rest2, times(slope, slope)));
      const A divisor = plus(root(divided(square, f.total2)), f.epsilon);
      return {minus(w, divided(times(f.rate, divided(mean, f.total)), divisor)), mean, square};
    } else {
      return {minus(w, times(f.rate, slope)), s, A{}};
    }
  }
}

// The L2 norm of a row is summed by column % kNormSums, and those sums as a tree: halves are added
// until one is left. A warp does the same with shuffles.
constexpr int kNormSums = 32;

LSM_HD inline double plus_square(double sum, double x) { return plus(sum, times(x, x)); }

// What a projected row is multiplied by.
LSM_HD inline double projection(double squared_norm) {
  const double norm = root(squared_norm);
  return norm <= 1e-12 ? 1.0 : 1.0 / norm;
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_UPDATE_H_
