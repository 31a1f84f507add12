// Errors of many exponents in one read of the weights. A warp takes a piece of a group's elements and
// up to 32 exponents: the logarithm of an element is taken once, an exponent costs a power of two that
// says the code to within one, two looks at its table, and the error in f64; lane k keeps the sum of
// exponent k. What bounds it is arithmetic, not memory.
//
// nvcc 13.0, no spills on sm_75 and sm_90; 74 registers on sm_90, 3 blocks on a multiprocessor.
#include "cuda/kernels/power_grid.cuh"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "cuda/power_search_kernels.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kElements = 4;  // of a lane at a time
constexpr int kTile = kWarp;  // exponents

// How a warp finds the elements of a group, and what it needs for each division.
struct Enumeration {
  GroupWalk walk;
  ErrorPlan plan;
  Divider by_pieces;
  std::int64_t ld;

  // Elements of a group. Only the last run of a line, then the only one of its group, may be short.
  LSM_DEVICE std::int64_t size(std::int64_t group) const {
    const std::int64_t repeats = walk.repeats();
    if (repeats != 1) return repeats * walk.run;
    const std::int64_t rest = walk.width - walk.by_per_line.remainder(group) * walk.run;
    return rest < walk.run ? rest : walk.run;
  }
  // Where element e of a group lies.
  LSM_DEVICE std::int64_t offset(std::int64_t group, std::int64_t e) const {
    const std::int64_t repeat = walk.by_run.quotient(e);
    const std::int64_t run = repeat * walk.count + group;
    const std::int64_t line = walk.by_per_line.quotient(run);
    const std::int64_t column = (run - line * walk.per_line) * walk.run + (e - repeat * walk.run);
    return line * ld + column;
  }
};

// One candidate for a group with a scale.
template <class A>
struct Candidate {
  A exponent, scale;
  int largest;
  const PowerCell<A>* cells;
  const math::PowerFraction* fractions;

  LSM_DEVICE bool reaches(A x, int code) const {
    return static_cast<double>(x) >= fractions[code].times(static_cast<double>(scale));
  }
  // w^ of x >= 0, of which v is the share and l = log2 v.
  LSM_DEVICE A value(A x, A v, A l) const {
    const A steps = static_cast<A>(largest) * exp2_of(exponent * l);
    int code = static_cast<int>(steps + A(0.5));
    if (code > largest) code = largest;
    PowerCell<A> cell = cells[code];
    A next = cells[code + 1].threshold;
    while (v >= next) {
      cell = cells[++code];
      next = cells[code + 1].threshold;
    }
    while (v < cell.threshold) {
      next = cell.threshold;
      cell = cells[--code];
    }
    using D = Doubt<A>;
    if (v - cell.threshold <= multiply_add(cell.threshold, D::kRelative, D::kAbsolute) ||
        next - v <= multiply_add(next, D::kRelative, D::kAbsolute)) {
      while (code < largest && reaches(x, code + 1)) ++code;
      while (code > 0 && !reaches(x, code)) --code;
      cell = cells[code];
    }
    return math::times(scale, cell.level);
  }
};

// |d|^p
LSM_DEVICE double power_of_error(double d, double p) {
  const double size = ::fabs(d);
  if (p == 2) return size * size;
  if (p == 1 || !(size > 0)) return size;
  return ::exp(p * ::log(size));
}

template <class W, class A>
__global__ void __launch_bounds__(kRowThreads, 2)
    errors_kernel(const W* w, Enumeration elements, ErrorProblem<A> p, Divider by_tiles,
                  double* values) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t warps = p.groups * elements.plan.pieces;
  const std::int64_t ratio = by_tiles.quotient(blockIdx.y);
  const std::int64_t first_step = (blockIdx.y - ratio * by_tiles.by) * kTile;
  const std::int64_t rest = p.grids.steps - first_step;
  const int tile = rest < kTile ? static_cast<int>(rest) : kTile;
  for (std::int64_t at = warp_row(); at < warps; at += warp_rows()) {
    const std::int64_t local = elements.by_pieces.quotient(at);
    const std::int64_t piece = at - local * elements.plan.pieces;
    const std::int64_t group = p.first + local;
    const std::int64_t begin = piece * elements.plan.piece;
    const std::int64_t size = elements.size(group);
    const std::int64_t end =
        begin + elements.plan.piece < size ? begin + elements.plan.piece : size;
    const std::int64_t list = (p.grids.per_group ? local * p.grids.steps : 0) + first_step;
    const int places = p.grids.largest + 2;
    PowerSet<A> set;
    set.group = {math::times(p.scale[group],
                             p.choices != nullptr ? p.choices[local].ratio : p.ratios[ratio]),
                 A(1), p.grids.largest, p.positive, false};
    set.start_share();
    const A shift = p.shift != nullptr ? p.shift[group] : A(0);
    const bool alive = set.group.scale > A(0);
    double own = 0;
    for (std::int64_t base = begin; base < end; base += kWarp * kElements) {
      A x[kElements];
      A v[kElements];
      A l[kElements];
      double size_of[kElements];
      bool finite = true;
#pragma unroll
      for (int i = 0; i < kElements; ++i) {
        const std::int64_t e = base + i * kWarp + lane;
        x[i] = A(0);
        if (e < end) x[i] = math::minus(Convert<A>::from(w[elements.offset(group, e)]), shift);
        if (!p.positive) x[i] = magnitude(x[i]);
        finite = finite && x[i] - x[i] == A(0);
        size_of[i] = static_cast<double>(x[i]);
        if (!(x[i] > A(0))) x[i] = A(0);
        v[i] = alive ? set.share(x[i]) : A(0);
        l[i] = v[i] > A(0) ? log2_of(v[i]) : A(-1e30);
      }
#pragma unroll 1
      for (int k = 0; k < tile; ++k) {
        const std::int64_t entry = list + k;
        const Candidate<A> candidate{p.grids.exponents[entry], set.group.scale, p.grids.largest,
                                     p.grids.cells + entry * places,
                                     p.grids.fractions + entry * places};
        double sum = finite ? 0.0 : NAN;
// Code of f64 is long: once in the text is enough.
#pragma unroll(sizeof(A) == 4 ? kElements : 1)
        for (int i = 0; i < kElements; ++i) {
          const A value = candidate.value(x[i], v[i], l[i]);
          sum += power_of_error(size_of[i] - static_cast<double>(value), p.norm);
        }
        sum = warp_sum(sum);
        if (lane == k) own += sum;
      }
    }
    // A scale that is no number has no errors; without a scale there is nothing to lose.
    if (!(own - own == 0) || !(set.group.scale - set.group.scale == A(0))) own = NAN;
    if (own == own && !alive) own = 0;
    if (lane < tile) {
      const std::int64_t candidate =
          (local * p.ratio_count + ratio) * p.grids.steps + first_step + lane;
      values[candidate * elements.plan.pieces + piece] = own;
    }
  }
}

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    grids_kernel(ExponentGrids<A> grids, std::int64_t entries) {
  const std::int64_t places = grids.largest + 2;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       i < entries * places; i += static_cast<std::int64_t>(gridDim.x) * kRowThreads) {
    const std::int64_t entry = i / places;
    const int code = static_cast<int>(i - entry * places);
    const double exponent = static_cast<double>(grids.exponents[entry]);
    PowerCell<A> cell{code == 0 ? A(-1) : A(2), A(0)};
    if (code > 0 && code <= grids.largest) {
      const auto fraction = math::PowerFraction::of(code - 0.5, grids.largest, exponent);
      grids.fractions[i] = fraction;
      cell.threshold = math::at_least<A>(fraction.times(1));
      cell.level = math::power_level<A>(code, grids.largest, exponent);
    }
    grids.cells[i] = cell;
  }
}

}  // namespace

template <class A>
void make_grids(cudaStream_t stream, const ExponentGrids<A>& grids, std::int64_t lists) {
  const std::int64_t entries = lists * grids.steps;
  launch(stream, "power_grids",
         {dim3(blocks_for(entries * (grids.largest + 2), kRowThreads)), dim3(kRowThreads)},
         grids_kernel<A>, grids, entries);
}

template <class A>
void power_errors(cudaStream_t stream, const ErrorProblem<A>& problem, const ErrorPlan& plan,
                  double* values, double* errors) {
  const std::int64_t tiles = (problem.grids.steps + kTile - 1) / kTile;
  const std::int64_t ld = problem.walk.lines == 1 ? problem.walk.width : problem.w.strides[0];
  const Enumeration elements{problem.walk, plan, Divider(plan.pieces), ld};
  double* to = plan.pieces == 1 ? errors : values;
  const LaunchShape shape{dim3(blocks_for(problem.groups * plan.pieces, kRowWarps),
                               static_cast<unsigned>(problem.ratio_count * tiles)),
                          dim3(kRowThreads)};
  if constexpr (std::is_same_v<A, double>) {
    launch(stream, "power_errors", shape, errors_kernel<double, double>,
           reinterpret_cast<const double*>(problem.w.data), elements, problem, Divider(tiles), to);
  } else if (problem.w.type == Type::bf16) {
    launch(stream, "power_errors", shape, errors_kernel<bfloat16, float>,
           reinterpret_cast<const bfloat16*>(problem.w.data), elements, problem, Divider(tiles),
           to);
  } else if (problem.w.type == Type::f16) {
    launch(stream, "power_errors", shape, errors_kernel<float16, float>,
           reinterpret_cast<const float16*>(problem.w.data), elements, problem, Divider(tiles), to);
  } else {
    launch(stream, "power_errors", shape, errors_kernel<float, float>,
           reinterpret_cast<const float*>(problem.w.data), elements, problem, Divider(tiles), to);
  }
  if (plan.pieces == 1) return;
  View out;
  out.exists = true;
  out.data = reinterpret_cast<char*>(errors);
  out.type = Type::f64;
  out.ndim = 1;
  out.shape[0] = problem.groups * problem.candidates();
  out.strides[0] = 1;
  const ChunkShape chunks(1, out.shape[0], plan.pieces);
  // Pieces are no more than one sum takes without scratch.
  static_assert(ErrorPlan::kMostPieces <= 4096, "sum_scratch of that many chunks is 0");
  sum_chunks(stream, values, chunks, nullptr, out);
}

#define LSM_INSTANTIATE(A)                                                                    \
  template void make_grids(cudaStream_t, const ExponentGrids<A>&, std::int64_t);              \
  template void power_errors(cudaStream_t, const ErrorProblem<A>&, const ErrorPlan&, double*, \
                             double*);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
