// Values, codes and gradients of power quantization in one pass over the elements. Forward, an element
// costs a product instead of a division by its scale, up to four looks at thresholds (with more bits a
// logarithm and a power of two) and one at its level; gradients add a logarithm and a power. That is
// 40 to 90 instructions for 5 to 16 bytes, within what memory allows on an H100 or A100.
//
// nvcc 13.0, no spills on sm_75 and sm_90. Registers on sm_90 of f32, bf16 and f16: 72 without
// gradients (3 blocks on a multiprocessor), 69 to 71 with those of elements, 84 to 86 with sums over
// runs and 94 across them (2 blocks).
#include "cuda/kernels/code_rows.cuh"
#include "cuda/kernels/float_rows.cuh"
#include "cuda/kernels/power_grid.cuh"
#include "cuda/power_kernels.h"

namespace lossmith {
namespace cuda {
namespace {

// kSlopes: with upstream gradients.
template <class W, bool kSlopes>
struct Quantize {
  using A = std::conditional_t<std::is_same_v<W, double>, double, float>;
  using Fold = Sums<2>;
  using Set = PowerSet<A>;
  static constexpr int kInFlight = sizeof(A) == 4 && !kSlopes ? 2 : 1;

  PowerParameters<A> parameters;
  RowsOf<const W> w;
  FloatRows<W> upstream, out, grad_w;
  CodeRows codes;

  Quantize(const PowerCall& call, const PowerProblem<A>& problem)
      : parameters(problem.parameters),
        w(rows_of<const W>(call.w, problem.walk)),
        upstream(call.upstream, problem.walk),
        out(call.out, problem.walk),
        grad_w(call.grad_w, problem.walk),
        codes(CodeRows::of(call.codes, problem.walk,
                           call.options.packed != 0 ? power_field_bits(call.options.bits) : 0,
                           call.options.range == LSM_POWER_SIGNED)) {}

  template <int N>
  struct In {
    A w[N];
    A g[N];
  };

  LSM_DEVICE Set set(std::int64_t group) const { return power_set(parameters, group); }

  template <int N>
  LSM_DEVICE In<N> load(const Part& part) const {
    In<N> in;
    load_elements(w, part, in.w);
    if constexpr (kSlopes) upstream.load(part, in.g);
    return in;
  }

  template <int N, class Sets>
  LSM_DEVICE void step(const Part& part, const In<N>& in, Sets& sets, double (&sums)[2]) const {
    A values[N] = {};
    A gradients[N] = {};
    int numbers[N] = {};
    A scale_sum = 0;
    A exponent_sum = 0;
// Powers in f64 are long: once in the text is enough.
#pragma unroll(sizeof(A) == 4 ? N : 1)
    for (int k = 0; k < N; ++k) {
      if (!part.has(k)) continue;
      const Set& set = sets.at(k);
      const A x = set.without_shift(in.w[k]);
      const int size = set.size_of(x);
      numbers[k] = x < A(0) ? -size : size;
      values[k] = set.value(x, size);
      if constexpr (kSlopes) {
        const math::PowerSlopes<A> slopes = set.slopes(x, size);
        gradients[k] = in.g[k] * slopes.input;
        scale_sum = multiply_add(in.g[k], slopes.scale, scale_sum);
        exponent_sum = multiply_add(in.g[k], slopes.exponent, exponent_sum);
      }
    }
    sums[0] += static_cast<double>(scale_sum);
    sums[1] += static_cast<double>(exponent_sum);
    if (out.present()) out.store(part, values);
    if (codes.data != nullptr) codes.store(part, numbers);
    if constexpr (kSlopes) {
      if (grad_w.present()) grad_w.store(part, gradients);
    }
  }
};

template <class W, class A>
void quantize(cudaStream_t stream, const PowerCall& call, const PowerProblem<A>& problem,
              const FoldPlan* plan, double* values) {
  if (!call.upstream.present()) {
    launch_each(stream, "power_quantize", Quantize<W, false>(call, problem), problem.walk);
  } else if (plan == nullptr) {
    launch_each(stream, "power_gradient", Quantize<W, true>(call, problem), problem.walk);
  } else {
    launch_fold(stream, "power_gradients", Quantize<W, true>(call, problem), problem.walk, *plan,
                values);
  }
}

}  // namespace

bool packs_with_sums(const GroupWalk& walk, const FoldPlan& plan) {
  return !plan.across && (walk.per_line == 1 || walk.run % kVector == 0);
}

template <>
void quantize_power(cudaStream_t stream, const PowerCall& call, const PowerProblem<double>& problem,
                    const FoldPlan* plan, double* values) {
  quantize<double>(stream, call, problem, plan, values);
}

template <>
void quantize_power(cudaStream_t stream, const PowerCall& call, const PowerProblem<float>& problem,
                    const FoldPlan* plan, double* values) {
  switch (call.w.type) {
    case Type::bf16:
      return quantize<bfloat16>(stream, call, problem, plan, values);
    case Type::f16:
      return quantize<float16>(stream, call, problem, plan, values);
    default:
      return quantize<float>(stream, call, problem, plan, values);
  }
}

}  // namespace cuda
}  // namespace lossmith
