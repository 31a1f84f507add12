// Values of codes.
#include "cuda/kernels/code_rows.cuh"
#include "cuda/kernels/float_rows.cuh"
#include "cuda/kernels/power_grid.cuh"
#include "cuda/power_kernels.h"

namespace lossmith {
namespace cuda {
namespace {

template <class A, class T>
struct Decode {
  using Fold = Sums<1>;
  using Set = PowerSet<A>;
  static constexpr int kInFlight = 2;

  PowerParameters<A> parameters;
  CodeRows codes;
  RowsOf<T> out;

  template <int N>
  struct In {
    int codes[N];
  };

  LSM_DEVICE Set set(std::int64_t group) const { return power_set(parameters, group); }
  template <int N>
  LSM_DEVICE In<N> load(const Part& part) const {
    In<N> in;
    codes.load(part, parameters.largest, in.codes);
    return in;
  }
  template <int N, class Sets>
  LSM_DEVICE void step(const Part& part, const In<N>& in, Sets& sets, double (&)[1]) const {
    A values[N] = {};
#pragma unroll
    for (int k = 0; k < N; ++k) {
      if (!part.has(k)) continue;
      const int code = in.codes[k];
      values[k] = sets.at(k).value(code < 0 ? A(-1) : A(1), code < 0 ? -code : code);
    }
    store_elements(out, part, values);
  }
};

}  // namespace

template <class A>
void decode_power(cudaStream_t stream, const PowerCall& call, const PowerProblem<A>& problem) {
  const CodeRows codes = CodeRows::of(
      call.codes, problem.walk, call.options.packed != 0 ? power_field_bits(call.options.bits) : 0,
      call.options.range == LSM_POWER_SIGNED);
  dispatch_floating(call.out.type, [&](auto tag) {
    using T = decltype(tag);
    const Decode<A, T> body{problem.parameters, codes, rows_of<T>(call.out, problem.walk)};
    launch_each(stream, "power_decode", body, problem.walk);
  });
}

template void decode_power(cudaStream_t, const PowerCall&, const PowerProblem<float>&);
template void decode_power(cudaStream_t, const PowerCall&, const PowerProblem<double>&);

}  // namespace cuda
}  // namespace lossmith
