// The kernels of power quantization, as host functions that queue them. A is the arithmetic: float,
// or double for f64.
#ifndef LOSSMITH_CUDA_POWER_KERNELS_H_
#define LOSSMITH_CUDA_POWER_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/workspace.h"
#include "cuda/grouped.h"
#include "engine/power_call.h"
#include "math/power_level.h"

namespace lossmith {
namespace cuda {

// Places for thresholds and their fractions, of which the code's own number is used: 1 to 15.
constexpr int kThresholdPlaces = 16;

// The tables of one exponent.
template <class A>
struct PowerGrid {
  const A* levels = nullptr;                    // [Q+1]
  const math::PowerLevel<A>* slopes = nullptr;  // [Q+1], where gradients are wanted
  const A* thresholds = nullptr;                // of |w|/s; null for more than 4 bits
  const math::PowerFraction* fractions = nullptr;
};

// The tables of all exponents of a call, in workspace.
template <class A>
struct PowerTables {
  A* levels = nullptr;
  math::PowerLevel<A>* slopes = nullptr;
  A* thresholds = nullptr;
  math::PowerFraction* fractions = nullptr;
  std::int64_t places = 0;  // of an exponent's levels

  void carve(Carver& carver, std::int64_t exponents, int largest, bool encodes, bool gradients) {
    places = (largest + kThresholdPlaces) / kThresholdPlaces * kThresholdPlaces;
    levels = carver.take<A>(exponents * places);
    if (gradients) slopes = carver.take<math::PowerLevel<A>>(exponents * places);
    if (!encodes || largest > math::kMostPowerThresholds) return;
    thresholds = carver.take<A>(exponents * kThresholdPlaces);
    fractions = carver.take<math::PowerFraction>(exponents * kThresholdPlaces);
  }
  LSM_HD PowerGrid<A> at(std::int64_t exponent) const {
    PowerGrid<A> grid;
    grid.levels = levels + exponent * places;
    if (slopes != nullptr) grid.slopes = slopes + exponent * places;
    if (thresholds == nullptr) return grid;
    grid.thresholds = thresholds + exponent * kThresholdPlaces;
    grid.fractions = fractions + exponent * kThresholdPlaces;
    return grid;
  }
};

// Fills the tables of `count` exponents on the device.
template <class A>
void make_power_tables(cudaStream_t stream, const A* exponents, std::int64_t count, int largest,
                       const PowerTables<A>& tables);

template <class A>
struct PowerParameters {
  const A* scale = nullptr;
  const A* exponent = nullptr;
  const A* shift = nullptr;  // null: 0
  bool exponent_per_group = false;
  int largest = 0;
  bool positive = false, exact = false;
  PowerTables<A> tables;
};

// Elements with their parameters.
template <class A>
struct PowerProblem {
  GroupWalk walk;
  PowerParameters<A> parameters;
};

// Values of codes.
template <class A>
void decode_power(cudaStream_t stream, const PowerCall& call, const PowerProblem<A>& problem);

// What the call wants of values, codes and the gradient of w. With a plan also values [2, chunks]:
// sums of g dw^/ds and g dw^/da. Packed codes only where the plan allows it.
template <class A>
void quantize_power(cudaStream_t stream, const PowerCall& call, const PowerProblem<A>& problem,
                    const FoldPlan* plan, double* values);
// Whether packed codes can be written together with sums.
bool packs_with_sums(const GroupWalk& walk, const FoldPlan& plan);

// The same of the soft staircase.
template <class A>
void stairs_power(cudaStream_t stream, const PowerCall& call, const PowerProblem<A>& problem,
                  const FoldPlan* plan, double* values);

// theta
template <class A>
void latents_power(cudaStream_t stream, const PowerCall& call, const PowerProblem<A>& problem);

// Scale and shift of each group; values [2, chunks].
void extremes_power(cudaStream_t stream, const PowerScalesCall& call, const GroupWalk& walk,
                    const FoldPlan& plan, double* values);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_POWER_KERNELS_H_
