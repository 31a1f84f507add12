// Choosing among the candidates of a search: one warp for each group.
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "cuda/power_search_kernels.h"

namespace lossmith {
namespace cuda {
namespace {

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    first_kernel(lsm_power_search_options options, A* exponents, A* ratios) {
  const int i = static_cast<int>(blockIdx.x) * kRowThreads + static_cast<int>(threadIdx.x);
  if (i < options.steps) exponents[i] = static_cast<A>(math::first_exponent(options, i));
  if (i < options.clips) ratios[i] = static_cast<A>(math::clip_ratio(options, i));
}

// Candidates are looked at by ascending exponent, those of one exponent by descending ratio; of equal
// errors the first counts.
template <class A>
__global__ void __launch_bounds__(kRowThreads)
    choose_kernel(ErrorProblem<A> p, const double* errors, bool fresh,
                  math::PowerChoice<A>* choices) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  const std::int64_t steps = p.grids.steps;
  const int count = static_cast<int>(steps * p.ratio_count);
  const int ratios = static_cast<int>(p.ratio_count);
  for (std::int64_t group = warp_row(); group < p.groups; group += warp_rows()) {
    const double* own = errors + group * count;
    double least = INFINITY;
    int best = count;
    for (int i = lane; i < count; i += kRowWarp) {
      const double error = own[i % ratios * steps + i / ratios];
      if (error < least || (fresh && i == 0)) {
        least = error;
        best = i;
      }
    }
    // NaN at the first one is NaN everywhere.
    for (int step = kRowWarp / 2; step > 0; step /= 2) {
      const double other = __shfl_xor_sync(kAllLanes, least, step);
      const int other_best = __shfl_xor_sync(kAllLanes, best, step);
      if (other < least || (!(least < other) && other_best < best)) {
        least = other;
        best = other_best;
      }
    }
    if (lane != 0 || best == count) continue;
    const A* exponents = p.grids.exponents + (p.grids.per_group ? group * steps : 0);
    const A exponent = exponents[best / ratios];
    const A ratio = p.choices != nullptr ? p.choices[group].ratio : p.ratios[best % ratios];
    if (fresh) {
      choices[group] = {exponent, ratio, least};
    } else {
      choices[group].offer(exponent, ratio, least);
    }
  }
}

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    refine_kernel(lsm_power_search_options options, double cell,
                  const math::PowerChoice<A>* choices, std::int64_t groups, A* exponents) {
  const std::int64_t count = groups * math::kFineSteps;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       i < count; i += static_cast<std::int64_t>(gridDim.x) * kRowThreads) {
    const std::int64_t group = i / math::kFineSteps;
    const double best = static_cast<double>(choices[group].exponent);
    exponents[i] = static_cast<A>(
        math::fine_exponent(options, best, cell, static_cast<int>(i - group * math::kFineSteps)));
  }
}

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    store_kernel(ErrorProblem<A> p, const math::PowerChoice<A>* choices, A* exponent, A* best_scale,
                 double* error) {
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       i < p.groups; i += static_cast<std::int64_t>(gridDim.x) * kRowThreads) {
    const std::int64_t group = p.first + i;
    const math::PowerChoice<A> choice = choices[i];
    const A whole = p.scale[group];
    const bool unknown = choice.error != choice.error;
    exponent[group] = unknown ? A(NAN) : whole == A(0) ? A(1) : choice.exponent;
    if (best_scale != nullptr) {
      best_scale[group] = unknown ? whole : math::times(whole, choice.ratio);
    }
    if (error != nullptr) error[group] = choice.error;
  }
}

template <class T>
T* numbers(const View& v) {
  return v.present() ? reinterpret_cast<T*>(v.data) : nullptr;
}

}  // namespace

template <class A>
void first_candidates(cudaStream_t stream, const lsm_power_search_options& options,
                      const ExponentGrids<A>& grids, A* ratios) {
  launch(stream, "power_first_candidates",
         {dim3(blocks_for(std::max(options.steps, options.clips), kRowThreads)), dim3(kRowThreads)},
         first_kernel<A>, options, grids.exponents, ratios);
}

template <class A>
void choose_power(cudaStream_t stream, const ErrorProblem<A>& problem, const double* errors,
                  bool fresh, math::PowerChoice<A>* choices) {
  launch(stream, "choose_power", warp_for_each_row(problem.groups), choose_kernel<A>, problem,
         errors, fresh, choices);
}

template <class A>
void refine_power(cudaStream_t stream, const lsm_power_search_options& options, double cell,
                  const math::PowerChoice<A>* choices, std::int64_t groups,
                  const ExponentGrids<A>& grids) {
  launch(stream, "refine_power",
         {dim3(blocks_for(groups * math::kFineSteps, kRowThreads)), dim3(kRowThreads)},
         refine_kernel<A>, options, cell, choices, groups, grids.exponents);
}

template <class A>
void store_power_choices(cudaStream_t stream, const ErrorProblem<A>& problem,
                         const math::PowerChoice<A>* choices, const PowerSearchCall& call) {
  launch(stream, "store_power_choices",
         {dim3(blocks_for(problem.groups, kRowThreads)), dim3(kRowThreads)}, store_kernel<A>,
         problem, choices, numbers<A>(call.exponent), numbers<A>(call.best_scale),
         numbers<double>(call.error));
}

#define LSM_INSTANTIATE(A)                                                                        \
  template void first_candidates(cudaStream_t, const lsm_power_search_options&,                   \
                                 const ExponentGrids<A>&, A*);                                    \
  template void choose_power(cudaStream_t, const ErrorProblem<A>&, const double*, bool,           \
                             math::PowerChoice<A>*);                                              \
  template void refine_power(cudaStream_t, const lsm_power_search_options&, double,               \
                             const math::PowerChoice<A>*, std::int64_t, const ExponentGrids<A>&); \
  template void store_power_choices(cudaStream_t, const ErrorProblem<A>&,                         \
                                    const math::PowerChoice<A>*, const PowerSearchCall&);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
