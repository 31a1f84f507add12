// The largest and smallest elements of groups, which make the scales.
#include "cuda/kernels/float_rows.cuh"
#include "cuda/power_kernels.h"

namespace lossmith {
namespace cuda {
namespace {

// Larger of two, NaN where one is NaN.
template <class T>
LSM_DEVICE T largest_or_nan(T a, T b) {
  return a > b || a != a ? a : b;
}

struct Extremes {
  static constexpr int kValues = 2;  // the largest, and minus the smallest
  LSM_DEVICE static double start() { return -INFINITY; }
  LSM_DEVICE static double join(double a, double b) { return largest_or_nan(a, b); }
};

template <class W>
struct FindExtremes {
  using A = std::conditional_t<std::is_same_v<W, double>, double, float>;
  using Fold = Extremes;
  struct Set {};
  static constexpr int kInFlight = sizeof(W) == 8 ? 1 : 4;

  RowsOf<const W> w;

  template <int N>
  struct In {
    A w[N];
  };

  LSM_DEVICE Set set(std::int64_t) const { return {}; }
  template <int N>
  LSM_DEVICE In<N> load(const Part& part) const {
    In<N> in;
    load_elements(w, part, in.w);
    return in;
  }
  template <int N, class Sets>
  LSM_DEVICE void step(const Part& part, const In<N>& in, Sets&, double (&values)[2]) const {
    A most = -A(INFINITY);
    A least = -A(INFINITY);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      if (!part.has(k)) continue;
      most = largest_or_nan(most, in.w[k]);
      least = largest_or_nan(least, -in.w[k]);
    }
    values[0] = Extremes::join(values[0], static_cast<double>(most));
    values[1] = Extremes::join(values[1], static_cast<double>(least));
  }
};

template <class A>
struct ScaleOf : Extremes {
  A* scale;
  A* shift;
  bool positive;

  LSM_DEVICE void finish(std::int64_t group, const double (&values)[2]) const {
    const bool empty = values[0] == -INFINITY && values[1] == -INFINITY;
    const A most = empty ? A(0) : static_cast<A>(values[0]);
    const A least = empty ? A(0) : static_cast<A>(-values[1]);
    if (shift != nullptr) {
      shift[group] = least;
      scale[group] = math::minus(most, least);
    } else {
      scale[group] = largest_or_nan(most, positive ? A(0) : -least);
    }
  }
};

template <class A>
void finish(cudaStream_t stream, const PowerScalesCall& call, const ChunkShape& chunks,
            const double* values) {
  ScaleOf<A> fold;
  fold.scale = reinterpret_cast<A*>(call.scale.data);
  fold.shift = call.shift.present() ? reinterpret_cast<A*>(call.shift.data) : nullptr;
  fold.positive = call.options.range == LSM_POWER_UNSIGNED;
  fold_chunks(stream, "power_scales", values, chunks, fold);
}

}  // namespace

void extremes_power(cudaStream_t stream, const PowerScalesCall& call, const GroupWalk& walk,
                    const FoldPlan& plan, double* values) {
  dispatch_floating(call.w.type, [&](auto tag) {
    using W = decltype(tag);
    launch_fold(stream, "power_extremes", FindExtremes<W>{rows_of<const W>(call.w, walk)}, walk,
                plan, values);
  });
  if (call.scale.type == Type::f64) {
    finish<double>(stream, call, plan.chunks, values);
  } else {
    finish<float>(stream, call, plan.chunks, values);
  }
}

}  // namespace cuda
}  // namespace lossmith
