// Thresholds of soft top-k: t_i with sum_j y_ij = k_i, y_ij = sigm(alpha (s_ij + t_i)).
//
// A look at the scores of a row evaluates sum y at eight thresholds: the next one of Newton's method
// on ln sum y, and seven that cut the bracket into equal parts. Newton's method alone fails where
// ln sum y has a plateau (some labels are members for certain, all others are far away); the
// bracket becomes at least eight times shorter with each look whatever the scores are. sum y is kept
// as the number of z > 0 and the rest, whose terms e^-|z|/(1+e^-|z|) keep their digits where
// memberships saturate.
//
// A row whose products are all kept and fit is read once, into shared memory. Otherwise a look is a
// sweep over the blocks, of a fixed number, since nobody may wait for the device; rows that are
// done return at once. Both evaluate the same sums in the same order.
#include "cuda/kernels/label_score.cuh"
#include "cuda/label_kernels.h"
#include "cuda/launch.h"
#include "math/labels.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr std::int64_t kSharedBytes = 48 * 1024;
// Rounding of the sums that the bracket is made of, in units of 1/alpha.
constexpr double kSlack = 1e-4;

// Newton steps, in units of 1/alpha, that the sums cannot resolve any more.
template <class A>
constexpr double kResolution = sizeof(A) == 8 ? 1e-12 : 2e-7;

// The oracle's exponentials are long: once in the text is enough.
template <class A>
constexpr int kProbeUnroll = sizeof(A) == 8 ? 1 : kTopKProbes;

struct Bracket {
  double newton, low, high;

  LSM_DEVICE double probe(int p) const {
    return p == 0 ? newton : low + (high - low) * (static_cast<double>(p) / kTopKProbes);
  }
};

struct ProbeSums {
  double surplus[kTopKProbes] = {};
  double above[kTopKProbes] = {};
  Exponentials slope = {kLowestScore, 0};
};

// Adds the scores that visit_row hands to its argument, in the lanes of a warp.
template <class A, class VisitRow>
LSM_DEVICE void add_probes(const Bracket& bracket, A alpha, const VisitRow& visit_row,
                           ProbeSums& sums) {
  A hi[kTopKProbes], lo[kTopKProbes];
  A surplus[kTopKProbes] = {};
  int above[kTopKProbes] = {};
  RunningExponential<A> slope;
#pragma unroll(kProbeUnroll <A>)
  for (int p = 0; p < kTopKProbes; ++p) {
    const double t = bracket.probe(p);
    hi[p] = static_cast<A>(t);
    lo[p] = static_cast<A>(t - static_cast<double>(hi[p]));
  }
  visit_row([&](A s) {
#pragma unroll(kProbeUnroll <A>)
    for (int p = 0; p < kTopKProbes; ++p) {
      const A z = math::top_k_argument<ThreadOps<A>>(s, alpha, hi[p], lo[p]);
      const A size = magnitude(z);
      const A e = exp_of(-size);
      const A r = A(1) / (A(1) + e);
      const bool member = z > A(0);
      above[p] += member ? 1 : 0;
      surplus[p] = multiply_add(e, member ? -r : r, surplus[p]);
      if (p == 0) slope.add(-size, r * r);
    }
  });
#pragma unroll(kProbeUnroll <A>)
  for (int p = 0; p < kTopKProbes; ++p) {
    sums.surplus[p] += warp_sum(static_cast<double>(surplus[p]));
    sums.above[p] += static_cast<double>(warp_sum(above[p]));
  }
  slope = slope.over_warp();
  sums.slope = merged(sums.slope,
                      Exponentials{static_cast<double>(slope.max), static_cast<double>(slope.sum)});
}

// The next bracket; false where the threshold is found, nothing can be compared, or this was the
// last look. The threshold that stays is one whose sums are known.
template <class A>
LSM_DEVICE bool advance(const ProbeSums& sums, double k, double alpha, bool last,
                        Bracket& bracket) {
  const Bracket before = bracket;
  for (int p = 0; p < kTopKProbes; ++p) {
    const double t = before.probe(p);
    if (sums.surplus[p] + (sums.above[p] - k) < 0) {
      bracket.low = t > bracket.low ? t : bracket.low;
    } else {
      bracket.high = t < bracket.high ? t : bracket.high;
    }
  }
  const double error = sums.surplus[0] + (sums.above[0] - k);
  if (error != error) {
    bracket.newton = NAN;
    return false;
  }
  const double slope = alpha * sums.slope.sum * ::exp(sums.slope.max);
  const double step = ::log1p(error / k) * (k + error) / slope;
  if (last || error == 0 || ::fabs(alpha * step) <= kResolution<A>) return false;
  const double next = before.newton - step;
  const bool inside = next > bracket.low && next < bracket.high;
  const double chosen = inside ? next : 0.5 * (bracket.low + bracket.high);
  if (!(chosen > bracket.low && chosen < bracket.high)) return false;  // no number lies between
  bracket.newton = chosen;
  return true;
}

LSM_DEVICE Bracket bracket_of(const TopKRows& rows, std::int64_t i) {
  return {rows.threshold[i], rows.low[i], rows.high[i]};
}

struct StartInputs {
  TopKStart start;
  std::int64_t row0, end;
  LabelEntries entries;
  LabelSums sums;
};

// sigm(z) <= e^z gives the first threshold from below, where ln sum y is nearly linear. At the ends
// of the bracket every y is at most, and at least, k/l.
__global__ void __launch_bounds__(kRowThreads) start_kernel(StartInputs in, TopKRows rows) {
  const double alpha = in.start.alpha;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kRowThreads;
  for (std::int64_t i = in.row0 + static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       i < in.end; i += step) {
    const double positives = in.entries.positives[i];
    // A label that its bias masks is one of the row's, but no threshold makes it a member.
    const double labels = positives - positives + in.sums.finite[i];
    double k = static_cast<double>(in.start.k);
    if (in.start.k == 0) {
      k = in.start.k_rows.present() ? static_cast<double>(in.start.k_rows.at(i))
                                    : ::ceil(in.entries.relevance_sum[i]);
    }
    const double edge = ::log(k / (labels - k));
    const double first = ::log(k) - (in.sums.max[i] + ::log(in.sums.sum[i]));
    const double low = larger(first, edge - in.sums.max[i]) - kSlack;
    const double high = edge - in.sums.min[i] + kSlack;
    const bool wanted = positives > 0 || in.start.all_rows;
    const bool possible = k > 0 && k < labels && low - low == 0 && high - high == 0;
    rows.k[i] = k;
    rows.low[i] = low / alpha;
    rows.high[i] = high / alpha;
    rows.threshold[i] = !wanted && positives == 0 ? 0.0
                        : possible                ? larger(first, low) / alpha
                                                  : NAN;
    rows.active[i] = wanted && possible ? 1 : 0;
    rows.least[i] = kLowestScore;
    rows.slope[i] = 0;
  }
}

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    probe_kernel(LabelBlock<A> block, A alpha, TopKRows rows, bool fresh) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  const ScoreOf<A> score(block);
  const DotBlock<A>& dots = block.dots;
  const A* bias = dots.bias != nullptr ? dots.bias + dots.column0 : nullptr;
  for (std::int64_t i = warp_row(); i < dots.rows; i += warp_rows()) {
    const std::int64_t global = dots.row0 + i;
    if (rows.active[global] == 0) continue;
    ProbeSums sums;
    const A* row = dots.dots + i * dots.ld;
    add_probes(
        bracket_of(rows, global), alpha,
        [&](const auto& visit) {
          for_row(row, dots.columns, lane, [&](std::int64_t j, A product) {
            visit(score(product, bias != nullptr ? bias[j] : A(0)));
          });
        },
        sums);
    if (lane != 0) continue;
    double* surplus = rows.surplus + global * kTopKProbes;
    double* above = rows.above + global * kTopKProbes;
#pragma unroll 1
    for (int p = 0; p < kTopKProbes; ++p) {
      surplus[p] = (fresh ? 0.0 : surplus[p]) + sums.surplus[p];
      above[p] = (fresh ? 0.0 : above[p]) + sums.above[p];
    }
    const Exponentials before = {rows.least[global], rows.slope[global]};
    const Exponentials slope = fresh ? sums.slope : merged(before, sums.slope);
    rows.least[global] = slope.max;
    rows.slope[global] = slope.sum;
  }
}

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    advance_kernel(std::int64_t row0, std::int64_t end, double alpha, bool last, TopKRows rows) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kRowThreads;
  for (std::int64_t i = row0 + static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       i < end; i += step) {
    if (rows.active[i] == 0) continue;
    ProbeSums sums;
    for (int p = 0; p < kTopKProbes; ++p) {
      sums.surplus[p] = rows.surplus[i * kTopKProbes + p];
      sums.above[p] = rows.above[i * kTopKProbes + p];
    }
    sums.slope = {rows.least[i], rows.slope[i]};
    Bracket bracket = bracket_of(rows, i);
    if (!advance<A>(sums, rows.k[i], alpha, last, bracket)) rows.active[i] = 0;
    rows.threshold[i] = bracket.newton;
    rows.low[i] = bracket.low;
    rows.high[i] = bracket.high;
  }
}

template <class A>
struct ResidentKernel {
  LabelBlock<A> first;
  std::int64_t columns, block_elements;
  A alpha;
  double alpha_f64;
  TopKRows rows;
};

// A warp for each row, its scores in shared memory.
template <class A>
__global__ void __launch_bounds__(kRowThreads) resident_kernel(ResidentKernel<A> k) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  const int warp = static_cast<int>(threadIdx.x) / kRowWarp;
  const std::int64_t warps = blockDim.x / kRowWarp;
  const Shared<A> scores = dynamic_shared<A>() + warp * k.columns;
  const ScoreOf<A> score(k.first);
  const DotBlock<A>& dots = k.first.dots;
  for (std::int64_t i = blockIdx.x * warps + warp; i < dots.rows; i += gridDim.x * warps) {
    const std::int64_t global = dots.row0 + i;
    if (k.rows.active[global] == 0) continue;
    for (std::int64_t begin = 0; begin < k.columns; begin += dots.columns) {
      const A* row = dots.dots + begin / dots.columns * k.block_elements + i * dots.ld;
      const std::int64_t count =
          k.columns - begin < dots.columns ? k.columns - begin : dots.columns;
      // Every lane reads only what it writes here.
      for_row(row, count, lane, [&](std::int64_t j, A product) {
        scores[begin + j] = score(product, dots.bias != nullptr ? dots.bias[begin + j] : A(0));
      });
    }
    Bracket bracket = bracket_of(k.rows, global);
    ProbeSums sums;
    for (int pass = 0; pass < kTopKPasses; ++pass) {
      sums = ProbeSums();
      for (std::int64_t begin = 0; begin < k.columns; begin += dots.columns) {
        const std::int64_t end =
            k.columns - begin < dots.columns ? k.columns : begin + dots.columns;
        add_probes(
            bracket, k.alpha,
            [&](const auto& visit) {
              for (std::int64_t j = begin + lane * 4; j < end; j += 4 * kRowWarp) {
                for (std::int64_t at = j; at < j + 4 && at < end; ++at) {
                  const A s = scores[at];
                  visit(s);
                }
              }
            },
            sums);
      }
      const bool last = pass + 1 == kTopKPasses;
      if (!advance<A>(sums, k.rows.k[global], k.alpha_f64, last, bracket)) break;
    }
    if (lane != 0) continue;
    k.rows.active[global] = 0;
    k.rows.threshold[global] = bracket.newton;
    k.rows.least[global] = sums.slope.max;
    k.rows.slope[global] = sums.slope.sum;
  }
}

LaunchShape threads_for(std::int64_t count) {
  return {dim3(blocks_for(count, kRowThreads)), dim3(kRowThreads)};
}

}  // namespace

void start_top_k(cudaStream_t stream, const TopKStart& start, std::int64_t row0, std::int64_t rows,
                 const LabelEntries& entries, const LabelSums& sums, const TopKRows& top_k) {
  const StartInputs in{start, row0, row0 + rows, entries, sums};
  launch(stream, "start_top_k", threads_for(rows), start_kernel, in, top_k);
}

template <class A>
void probe_top_k(cudaStream_t stream, const LabelBlock<A>& block, double alpha,
                 const TopKRows& rows, bool fresh) {
  launch(stream, "probe_top_k", warp_for_each_row(block.dots.rows), probe_kernel<A>, block,
         static_cast<A>(alpha), rows, fresh);
}

template <class A>
void advance_top_k(cudaStream_t stream, std::int64_t row0, std::int64_t rows, double alpha,
                   bool last, const TopKRows& top_k) {
  launch(stream, "advance_top_k", threads_for(rows), advance_kernel<A>, row0, row0 + rows, alpha,
         last, top_k);
}

template <class A>
bool resident_top_k(cudaStream_t stream, const LabelBlock<A>& first, std::int64_t columns,
                    std::int64_t block_elements, double alpha, const TopKRows& rows) {
  const std::int64_t bytes = columns * static_cast<std::int64_t>(sizeof(A));
  if (bytes > kSharedBytes) return false;
  std::int64_t warps = kRowWarps;
  while (warps * bytes > kSharedBytes) warps /= 2;
  const LaunchShape shape{dim3(blocks_for(first.dots.rows, warps)),
                          dim3(static_cast<unsigned>(warps * kRowWarp)),
                          static_cast<unsigned>(warps * bytes)};
  const ResidentKernel<A> k{first, columns, block_elements, static_cast<A>(alpha), alpha, rows};
  launch(stream, "resident_top_k", shape, resident_kernel<A>, k);
  return true;
}

#define LSM_INSTANTIATE(A)                                                                      \
  template void probe_top_k(cudaStream_t, const LabelBlock<A>&, double, const TopKRows&, bool); \
  template void advance_top_k<A>(cudaStream_t, std::int64_t, std::int64_t, double, bool,        \
                                 const TopKRows&);                                              \
  template bool resident_top_k(cudaStream_t, const LabelBlock<A>&, std::int64_t, std::int64_t,  \
                               double, const TopKRows&);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
