// Sums of a row over the labels of a block: one warp reads the row once. Lane l has the groups of
// four columns l, l + 32, ... and adds them in order; a fixed tree adds the lanes, and what comes
// out is merged in f64 into the sums of the blocks before. Elements that were taken out have the
// product -infinity and count nowhere.
#include "cuda/kernels/element_at.cuh"
#include "cuda/kernels/label_score.cuh"
#include "cuda/label_kernels.h"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

// x, or NaN if it breaks the demand on soft targets.
LSM_DEVICE double demanded(double x) { return x >= 0 && x - x == 0 ? x : NAN; }

template <class A>
struct SumsKernel {
  LabelBlock<A> block;
  A alpha;
  LabelTargets<A> targets;
  LabelSums sums;
  bool fresh;
};

LSM_DEVICE void add_to(double* sums, std::int64_t i, double value, bool fresh) {
  if (sums != nullptr) sums[i] = fresh ? value : sums[i] + value;
}

// Exponentials and, for soft top-k, the smallest z.
template <class A>
LSM_DEVICE void exponential_row(const SumsKernel<A>& k, const ScoreOf<A>& score, const A* row,
                                const A* bias, std::int64_t global, int lane) {
  RunningExponential<A> run;
  A lowest = A(kLowestScore);  // the largest -z
  int finite = 0;
  for_row(row, k.block.dots.columns, lane, [&](std::int64_t j, A product) {
    const A z = k.alpha * score(product, bias != nullptr ? bias[j] : A(0));
    run.add(z, A(1));
    if (z != taken_out<A>()) {
      lowest = larger(lowest, -z);
      ++finite;
    }
  });
  run = run.over_warp();
  lowest = warp_max(lowest);
  finite = warp_sum(finite);
  if (lane != 0) return;
  const Exponentials added{static_cast<double>(run.max), static_cast<double>(run.sum)};
  const Exponentials before{k.fresh ? kLowestScore : k.sums.max[global],
                            k.fresh ? 0.0 : k.sums.sum[global]};
  const Exponentials all = merged(before, added);
  k.sums.max[global] = all.max;
  k.sums.sum[global] = all.sum;
  if (k.sums.min == nullptr) return;
  const double low = -static_cast<double>(lowest);
  add_to(k.sums.finite, global, static_cast<double>(finite), k.fresh);
  k.sums.min[global] = k.fresh || low < k.sums.min[global] ? low : k.sums.min[global];
}

template <class A>
LSM_DEVICE void softplus_row(const SumsKernel<A>& k, const ScoreOf<A>& score, const A* row,
                             const A* bias, std::int64_t global, int lane) {
  A sum = 0;
  for_row(row, k.block.dots.columns, lane, [&](std::int64_t j, A product) {
    const A s = score(product, bias != nullptr ? bias[j] : A(0));
    sum += (s > A(0) ? s : A(0)) + log1p_of(exp_of(-magnitude(s)));
  });
  const double total = warp_sum(static_cast<double>(sum));
  if (lane == 0) add_to(k.sums.softplus, global, total, k.fresh);
}

// Sums weighted with w_j or q_ij w_j, whose terms have both signs: f64.
template <class A>
LSM_DEVICE void weighted_row(const SumsKernel<A>& k, const ScoreOf<A>& score, const A* row,
                             const A* bias, std::int64_t global, int lane) {
  const bool soft = k.targets.soft.data != nullptr;
  double weight = 0;
  double uniform = 0;
  double target_weight = 0;
  double target_score = 0;
  for_row(row, k.block.dots.columns, lane, [&](std::int64_t j, A product) {
    const std::int64_t column = k.block.dots.column0 + j;
    const double q =
        soft ? demanded(element_at(k.targets.soft, global,
                                   k.targets.ids != nullptr ? k.targets.ids[column] : column))
             : 0.0;
    if (product == taken_out<A>()) {
      target_weight += q - q;  // NaN where a demand is broken
      return;
    }
    const double w =
        k.targets.weight != nullptr ? static_cast<double>(k.targets.weight[column]) : 1.0;
    const double s = static_cast<double>(score(product, bias != nullptr ? bias[j] : A(0)));
    weight += w;
    // A label that its bias masks may have weight 0, but 0 times -infinity is NaN.
    if (w != 0) uniform += w * s;
    const double qw = q * w;
    target_weight += qw;
    if (qw != 0) target_score += qw * s;
  });
  weight = warp_sum(weight);
  uniform = warp_sum(uniform);
  target_weight = warp_sum(target_weight);
  target_score = warp_sum(target_score);
  if (lane != 0) return;
  add_to(k.sums.weight, global, weight, k.fresh);
  add_to(k.sums.uniform, global, uniform, k.fresh);
  add_to(k.sums.target_weight, global, target_weight, k.fresh);
  add_to(k.sums.target_score, global, target_score, k.fresh);
}

template <class A>
__global__ void __launch_bounds__(kRowThreads) sums_kernel(SumsKernel<A> k) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  const ScoreOf<A> score(k.block);
  const DotBlock<A>& dots = k.block.dots;
  const A* bias = dots.bias != nullptr ? dots.bias + dots.column0 : nullptr;
  for (std::int64_t i = warp_row(); i < dots.rows; i += warp_rows()) {
    const A* row = dots.dots + i * dots.ld;
    const std::int64_t global = dots.row0 + i;
    if (k.sums.max != nullptr) exponential_row(k, score, row, bias, global, lane);
    if (k.sums.softplus != nullptr) softplus_row(k, score, row, bias, global, lane);
    if (k.sums.weight != nullptr) weighted_row(k, score, row, bias, global, lane);
  }
}

}  // namespace

template <class A>
void label_sums(cudaStream_t stream, const LabelBlock<A>& block, double alpha,
                const LabelTargets<A>& targets, const LabelSums& sums, bool fresh) {
  const SumsKernel<A> k{block, static_cast<A>(alpha), targets, sums, fresh};
  launch(stream, "label_sums", warp_for_each_row(block.dots.rows), sums_kernel<A>, k);
}

template void label_sums(cudaStream_t, const LabelBlock<float>&, double, const LabelTargets<float>&,
                         const LabelSums&, bool);
template void label_sums(cudaStream_t, const LabelBlock<double>&, double,
                         const LabelTargets<double>&, const LabelSums&, bool);

}  // namespace cuda
}  // namespace lossmith
