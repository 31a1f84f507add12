// The kernels of the search for power exponents, as host functions that queue them. A: the type of
// the scales.
#ifndef LOSSMITH_CUDA_POWER_SEARCH_KERNELS_H_
#define LOSSMITH_CUDA_POWER_SEARCH_KERNELS_H_

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdint>

#include "core/workspace.h"
#include "cuda/grouped.h"
#include "engine/power_search_call.h"
#include "math/power_level.h"
#include "math/power_search.h"

namespace lossmith {
namespace cuda {

// A code's threshold, of |w| / s, and its level. Entry 0 has no threshold, one behind the last code
// has one that no share reaches.
template <class A>
struct alignas(2 * sizeof(A)) PowerCell {
  A threshold, level;
};

// The exponents of a grid with their tables, in workspace: one list for all groups, or one for each.
template <class A>
struct ExponentGrids {
  A* exponents = nullptr;                    // [lists, steps]
  PowerCell<A>* cells = nullptr;             // [lists, steps, largest + 2]
  math::PowerFraction* fractions = nullptr;  // [lists, steps, largest + 2]
  std::int64_t steps = 0;
  int largest = 0;
  bool per_group = false;

  void carve(Carver& carver, std::int64_t lists) {
    exponents = carver.take<A>(lists * steps);
    cells = carver.take<PowerCell<A>>(lists * steps * (largest + 2));
    fractions = carver.take<math::PowerFraction>(lists * steps * (largest + 2));
  }
};

// The elements of a group in pieces, one for each warp and each tile of candidates.
struct ErrorPlan {
  static constexpr std::int64_t kPiece = 4096;
  static constexpr std::int64_t kMostPieces = 4096;

  std::int64_t piece = kPiece, pieces = 1;

  ErrorPlan() = default;
  explicit ErrorPlan(const GroupWalk& walk) {
    const std::int64_t elements = walk.repeats() * walk.run;
    const std::int64_t least = (elements + kMostPieces - 1) / kMostPieces;
    piece = std::max(kPiece, (least + 255) / 256 * 256);
    pieces = std::max<std::int64_t>(1, (elements + piece - 1) / piece);
  }
};

// Groups [first, first + groups) of a tensor with a grid.
template <class A>
struct ErrorProblem {
  View w;
  GroupWalk walk;
  std::int64_t first = 0, groups = 0;
  const A* scale = nullptr;  // of all groups
  const A* shift = nullptr;  // null: none
  bool positive = false;
  double norm = 2;
  ExponentGrids<A> grids;
  const math::PowerChoice<A>* choices = nullptr;  // [groups]: the ratio of each; or
  const A* ratios = nullptr;                      // [ratio_count]
  std::int64_t ratio_count = 1;

  std::int64_t candidates() const { return ratio_count * grids.steps; }
};

// The first grid and the ratios of a search.
template <class A>
void first_candidates(cudaStream_t stream, const lsm_power_search_options& options,
                      const ExponentGrids<A>& grids, A* ratios);

// Tables of the exponents of so many lists.
template <class A>
void make_grids(cudaStream_t stream, const ExponentGrids<A>& grids, std::int64_t lists);

// errors [groups, ratios, steps]. values: [groups, ratios, steps, pieces], where there are several
// pieces.
template <class A>
void power_errors(cudaStream_t stream, const ErrorProblem<A>& problem, const ErrorPlan& plan,
                  double* values, double* errors);

// The best of the candidates of each group; with `fresh` choices begin with the first one.
template <class A>
void choose_power(cudaStream_t stream, const ErrorProblem<A>& problem, const double* errors,
                  bool fresh, math::PowerChoice<A>* choices);

// The finer grid around each choice.
template <class A>
void refine_power(cudaStream_t stream, const lsm_power_search_options& options, double cell,
                  const math::PowerChoice<A>* choices, std::int64_t groups,
                  const ExponentGrids<A>& grids);

// The results of the problem's groups.
template <class A>
void store_power_choices(cudaStream_t stream, const ErrorProblem<A>& problem,
                         const math::PowerChoice<A>* choices, const PowerSearchCall& call);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_POWER_SEARCH_KERNELS_H_
