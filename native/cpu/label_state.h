// What one call of a label loss works with on the CPU.
//
// The matrix of scores is cut into tiles of kLabelRows rows and up to 512 columns. Tiles of columns
// form up to 16 ranges ("lanes"): a thread takes a whole lane and goes through its tiles in order,
// with every piece of rows of the group, so that products, sums and gradient products of a tile
// happen while its labels lie in the cache, and nobody waits. What a row needs from all labels is
// kept once per lane and added up in the order of the lanes. Tiles and lanes depend on the shape
// alone: neither threads nor the budget change a bit of the result. What adapts is how many rows go
// side by side (`group_rows`) and whether their products are kept between the sweeps (`stored`).
#ifndef LOSSMITH_CPU_LABEL_STATE_H_
#define LOSSMITH_CPU_LABEL_STATE_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "core/context.h"
#include "cpu/kernels/label_tile.h"
#include "cpu/label_entries.h"
#include "cpu/operands.h"
#include "cpu/products.h"
#include "engine/label_call.h"
#include "engine/similarity_plan.h"
#include "math/top_k_search.h"

namespace lossmith {

// Rows of a tile. 96 rows of 131,072 scores are 48 MiB: what the default budget can store.
constexpr std::int64_t kLabelRows = 96;
constexpr std::int64_t kLabelColumns = 512;
constexpr std::int64_t kMaxLanes = 16;
// Scores near the threshold that a row of soft top-k keeps for each lane.
constexpr std::int64_t kNearLabels = 256;

// Sums of one row over the columns of a lane. Soft top-k keeps its own in them: those of LabelTopK, or
// the first, second and third sum of LabelNear in softplus, uniform and target_sum.
struct RowSums {
  double max, sum;  // of exponentials; soft top-k: -least and sum of y(1-y) e^least
  double min;
  double softplus;    // soft top-k: sum of y - [z > 0]
  double uniform;     // sum of w s; soft top-k: number of z > 0
  double target_sum;  // sum of q s
  double target;      // sum of q
};

template <class A>
struct LabelState {
  LabelState(const LabelCall& a_call, lsm_context_s& a_context)
      : call(a_call), context(a_context), entries(a_call) {}

  const LabelCall& call;
  lsm_context_s& context;
  LabelEntries entries;
  int threads = 1;

  // Shape of the sweep.
  std::int64_t n = 0, columns = 0, d = 0;
  std::int64_t tile_columns = 0, tiles = 0, lanes = 0, tiles_per_lane = 0;
  std::int64_t group_rows = 0;
  bool stored = false;

  // Operands.
  RowSource x_rows, label_rows;
  bool x_direct = false, labels_direct = false, gradient_direct = false;
  const A* x = nullptr;
  std::int64_t ldx = 0;
  A* x_copy = nullptr;
  double* x_inverse = nullptr;      // [n] with normalize_x
  double* label_inverse = nullptr;  // [columns] with normalize_labels
  A* bias = nullptr;                // [columns] or null
  A* class_weight = nullptr;        // [columns] or null
  double class_weight_sum = 0;      // over all columns

  double scale = 1;
  bool clamped = false;
  double rows_that_count = 1;  // N: what MEAN divides by, 1 for SUM and NONE

  // Rows, f64: upstream row weight / N; loss. Soft top-k: k and the search for the threshold.
  double* c = nullptr;
  double* row_loss = nullptr;
  double* k = nullptr;
  math::TopKSearch* search = nullptr;
  LabelLook* look = nullptr;
  // Rows, as the coefficient kernel reads them.
  A *factor = nullptr, *hi = nullptr, *lo = nullptr, *least = nullptr;
  A *uniform = nullptr, *target = nullptr;

  RowSums* sums = nullptr;             // [lanes, group rows]
  A* near_by = nullptr;                // [lanes, group rows, kNearLabels] of soft top-k in f32
  std::int64_t* near_count = nullptr;  // [lanes, group rows]
  double* scale_gradient = nullptr;    // [lanes, pieces of all rows]
  double* bias_gradient = nullptr;     // [columns]

  // Matrices.
  // Tiles of products, then coefficients, [tile rows, tile_ld] each: those of the whole group where
  // they are stored, tiles of columns outside and pieces of rows inside; else one per thread.
  A* products_of = nullptr;
  A* labels_of = nullptr;     // [tile columns, d] per thread: labels as A
  A* gradients_of = nullptr;  // [tile columns, d] per thread: their gradient
  A* stepped_of = nullptr;    // the gradient through the normalisation, per thread
  A* targets_of = nullptr;    // [tile rows, tile columns] per thread: soft targets
  A* columns_of = nullptr;    // [7, tile rows] per thread: results of the kernels
  A* grad_x_lanes = nullptr;  // [lanes, group rows, d]
  A* grad_x_row = nullptr;    // [group rows, d]

  PieceProduct product, x_gradient, label_gradient;
  ThreadScratch scratch;

  bool given() const { return call.given_products(); }
  bool top_k() const { return call.is_loss(LSM_SOFT_TOP_K); }
  bool soft() const { return call.soft_target.present(); }
  std::int64_t tile_ld() const { return tile_columns + kLeadingPad; }
  std::int64_t tile_rows() const { return std::min(kLabelRows, n); }
  std::int64_t group_pieces() const { return (group_rows + kLabelRows - 1) / kLabelRows; }
  LabelDense dense() const {
    return call.is_loss(LSM_BCE) ? LabelDense::sigmoid
           : top_k()             ? LabelDense::top_k
                                 : LabelDense::exponential;
  }
};

// ---- sweeps over the rows [begin, end) of a group (label_sums.cpp, label_gradients.cpp) -------

// Sums of the first look at the products, per lane; scores of the entries.
template <class A>
void sweep_sums(LabelState<A>& s, std::int64_t begin, std::int64_t end);
// What s.look asks for of soft top-k at the thresholds.
template <class A>
void sweep_top_k(LabelState<A>& s, std::int64_t begin, std::int64_t end);
// Sets the sum of y (1-y) of row `begin + i` of the group, where it did not come from a sweep.
template <class A>
void set_slope(LabelState<A>& s, std::int64_t i, double slope);
// Coefficients and everything made of them; on the way, what sweep_sums does with the rows
// [end, next_end) of the next group, so that labels are read once for both.
template <class A>
void sweep_gradients(LabelState<A>& s, std::int64_t begin, std::int64_t end, std::int64_t next_end);
// The step of a batch without rows: its gradient is 0.
template <class A>
void step_without_rows(LabelState<A>& s);
// The sums of row `begin + i` of the group over all lanes.
template <class A>
RowSums merged_sums(const LabelState<A>& s, std::int64_t i);

// ---- thresholds of soft top-k (label_thresholds.cpp) -----------------------------------------

// By as many sweeps as they take.
template <class A>
void find_thresholds(LabelState<A>& s, std::int64_t begin, std::int64_t end);

// ---- losses and constants of the rows (label_rows.cpp) --------------------------------------

// c, k, and what the data must fulfil; throws.
template <class A>
void prepare_rows(LabelState<A>& s);
// Whether the row takes part in the loss.
template <class A>
bool row_counts(const LabelState<A>& s, std::int64_t i);
// From the sums: losses, constants of the coefficient kernel, gradients at the entries.
template <class A>
void finish_rows(LabelState<A>& s, std::int64_t begin, std::int64_t end);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_LABEL_STATE_H_
