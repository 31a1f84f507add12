// The soft staircase over codes, and the latents that it begins with.
//
// nvcc 13.0, no spills on sm_75 and sm_90. Registers of f32 on sm_90: 70, with sums over runs 81, across
// them 96.
#include "cuda/kernels/code_rows.cuh"
#include "cuda/kernels/float_rows.cuh"
#include "cuda/kernels/power_grid.cuh"
#include "cuda/power_kernels.h"

namespace lossmith {
namespace cuda {
namespace {

LSM_DEVICE float tanh_of(float x) { return ::tanhf(x); }
LSM_DEVICE double tanh_of(double x) { return ::tanh(x); }
LSM_DEVICE float floor_of(float x) { return ::floorf(x); }
LSM_DEVICE double floor_of(double x) { return ::floor(x); }

// math::power_stair without divisions of a thread's own.
template <class A>
struct StairSteps {
  A beta;           // 0: hard rounding
  A inverse_steps;  // 1 / Q
  // tanh(beta / 2) by the same function as that of elements, so that the staircase meets its corners;
  // and its inverse.
  A end = 0, inverse_end = 0;

  LSM_DEVICE void start() {
    if (!(beta > A(0))) return;
    end = tanh_of(A(0.5) * beta);
    inverse_end = inverse_of(end);
  }

  LSM_DEVICE math::PowerStair<A> at(const math::PowerGroup<A>& g, A theta) const {
    if (math::is_nan(theta)) return {0, theta, {theta, theta, theta}};
    constexpr A kLn2 = A(0.6931471805599453);
    const A top = g.steps();
    const A bottom = g.positive ? A(0) : -top;
    const A c = theta < bottom ? bottom : theta > top ? top : theta;
    const int hard = static_cast<int>(magnitude(c) + A(0.5));
    math::PowerStair<A> stair;
    stair.code = c < A(0) ? -hard : hard;
    A soft = static_cast<A>(stair.code);
    A slope = A(1);
    if (beta > A(0)) {
      const A below = floor_of(c);
      const A t = tanh_of(beta * (c - below - A(0.5)));
      soft = below + A(0.5) * (A(1) + divided_by(t, end, inverse_end));
      slope = A(0.5) * beta * multiply_add(-t, t, A(1)) * inverse_end;
    }
    const A a = g.exponent;
    const A inverse_a = inverse_of(a);
    const A r = divided_by(magnitude(soft), top, inverse_steps);
    const A l = log2_of(r);
    A level = r > A(0) ? exp2_of(l * inverse_a) : A(0);
    if (a == A(1)) level = r;
    const A signed_level = soft < A(0) ? -level : level;
    stair.value = g.scale * signed_level;
    // The floor under r keeps the slope finite for a > 1.
    const A least = a > A(1) ? A(0.5) * inverse_steps : A(0);
    const A held = r < least ? least : r;
    A rise = exp2_of(log2_of(held) * (inverse_a - A(1)));
    if (a == A(1)) rise = A(1);
    const bool clipped = theta < bottom || theta > top;
    stair.slopes.input = clipped ? A(0) : g.scale * rise * inverse_a * inverse_steps * slope;
    stair.slopes.scale = g.scale > A(0) ? signed_level : A(0);
    stair.slopes.exponent = r > A(0) ? -stair.value * (kLn2 * l) * (inverse_a * inverse_a) : A(0);
    return stair;
  }
};

template <class A>
struct Stairs {
  using Fold = Sums<2>;
  struct Set {
    PowerSet<A> power;
    StairSteps<A> steps;
  };
  static constexpr int kInFlight = 1;

  PowerParameters<A> parameters;
  StairSteps<A> steps;
  RowsOf<const A> theta;
  FloatRows<A> upstream, out, gradient;
  CodeRows codes;

  template <int N>
  struct In {
    A theta[N];
    A g[N];
  };

  LSM_DEVICE Set set(std::int64_t group) const {
    Set set{power_set(parameters, group), steps};
    set.steps.start();
    return set;
  }

  template <int N>
  LSM_DEVICE In<N> load(const Part& part) const {
    In<N> in;
    load_elements(theta, part, in.theta);
    if (upstream.present()) {
      upstream.load(part, in.g);
    } else {
#pragma unroll
      for (int k = 0; k < N; ++k) in.g[k] = A(0);
    }
    return in;
  }

  template <int N, class Sets>
  LSM_DEVICE void step(const Part& part, const In<N>& in, Sets& sets, double (&sums)[2]) const {
    A values[N] = {};
    A gradients[N] = {};
    int numbers[N] = {};
    A scale_sum = 0;
    A exponent_sum = 0;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      if (!part.has(k)) continue;
      const Set& set = sets.at(k);
      const math::PowerStair<A> stair = set.steps.at(set.power.group, in.theta[k]);
      numbers[k] = stair.code;
      values[k] = stair.value;
      gradients[k] = in.g[k] * stair.slopes.input;
      scale_sum = multiply_add(in.g[k], stair.slopes.scale, scale_sum);
      exponent_sum = multiply_add(in.g[k], stair.slopes.exponent, exponent_sum);
    }
    sums[0] += static_cast<double>(scale_sum);
    sums[1] += static_cast<double>(exponent_sum);
    if (out.present()) out.store(part, values);
    if (codes.data != nullptr) codes.store(part, numbers);
    if (gradient.present()) gradient.store(part, gradients);
  }
};

template <class W>
struct Latents {
  using A = std::conditional_t<std::is_same_v<W, double>, double, float>;
  using Fold = Sums<1>;
  using Set = PowerSet<A>;
  static constexpr int kInFlight = sizeof(A) == 4 ? 2 : 1;

  PowerParameters<A> parameters;
  RowsOf<const W> w;
  RowsOf<A> theta;

  template <int N>
  struct In {
    A w[N];
  };

  LSM_DEVICE Set set(std::int64_t group) const { return power_set(parameters, group); }
  template <int N>
  LSM_DEVICE In<N> load(const Part& part) const {
    In<N> in;
    load_elements(w, part, in.w);
    return in;
  }
  template <int N, class Sets>
  LSM_DEVICE void step(const Part& part, const In<N>& in, Sets& sets, double (&)[1]) const {
    A latents[N] = {};
#pragma unroll
    for (int k = 0; k < N; ++k) {
      if (part.has(k)) latents[k] = sets.at(k).latent(in.w[k]);
    }
    store_elements(theta, part, latents);
  }
};

template <class W, class A>
void latents(cudaStream_t stream, const PowerCall& call, const PowerProblem<A>& problem) {
  const Latents<W> body{problem.parameters, rows_of<const W>(call.w, problem.walk),
                        rows_of<A>(call.out, problem.walk)};
  launch_each(stream, "power_latents", body, problem.walk);
}

}  // namespace

template <class A>
void stairs_power(cudaStream_t stream, const PowerCall& call, const PowerProblem<A>& problem,
                  const FoldPlan* plan, double* values) {
  const GroupWalk& walk = problem.walk;
  StairSteps<A> steps;
  steps.beta = static_cast<A>(call.beta);
  steps.inverse_steps = static_cast<A>(1.0 / problem.parameters.largest);
  const Stairs<A> body{problem.parameters,
                       steps,
                       rows_of<const A>(call.w, walk),
                       FloatRows<A>(call.upstream, walk),
                       FloatRows<A>(call.out, walk),
                       FloatRows<A>(call.grad_w, walk),
                       CodeRows::of(call.codes, walk, 0, call.options.range == LSM_POWER_SIGNED)};
  if (plan == nullptr) {
    launch_each(stream, "power_stairs", body, walk);
  } else {
    launch_fold(stream, "power_stairs", body, walk, *plan, values);
  }
}

template void stairs_power(cudaStream_t, const PowerCall&, const PowerProblem<float>&,
                           const FoldPlan*, double*);
template void stairs_power(cudaStream_t, const PowerCall&, const PowerProblem<double>&,
                           const FoldPlan*, double*);

template <>
void latents_power(cudaStream_t stream, const PowerCall& call,
                   const PowerProblem<double>& problem) {
  latents<double>(stream, call, problem);
}
template <>
void latents_power(cudaStream_t stream, const PowerCall& call, const PowerProblem<float>& problem) {
  switch (call.w.type) {
    case Type::bf16:
      return latents<bfloat16>(stream, call, problem);
    case Type::f16:
      return latents<float16>(stream, call, problem);
    default:
      return latents<float>(stream, call, problem);
  }
}

}  // namespace cuda
}  // namespace lossmith
