// Losses of the rows, and what the coefficients of a row are made of: one warp for each row, which
// visits its positives; f64.
#include "cuda/kernels/label_entries.cuh"
#include "cuda/kernels/label_score.cuh"
#include "cuda/label_kernels.h"
#include "cuda/launch.h"
#include "math/labels.h"

namespace lossmith {
namespace cuda {
namespace {

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    count_kernel(LabelSets sets, const double* positives, const A* class_weight,
                 CallScalars* scalars) {
  LSM_SHARED(double, room, kRowThreads / kWarp);
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < sets.n; i += kRowThreads) {
    if (!(positives[i] > 0)) continue;
    sum += class_weight != nullptr
               ? static_cast<double>(class_weight[column_of(sets, sets.target.at(i))])
               : 1.0;
  }
  sum = block_sum<kRowThreads>(sum, room);
  if (threadIdx.x == 0) scalars->rows = sum > 0 ? sum : 1.0;
}

// What is known of a row before its loss, and what its loss sets.
struct RowValues {
  double labels, positives, average, lse;
  double loss = 0, slope = 0, factor = 0, shift = INFINITY, even = 0;
  double least = 0, uniform = 0, target = 0, bound = 0;
};

// Sums over the positives of a row, in all lanes: visit(score, relevance, column) adds to them.
template <class A, class Visit>
LSM_DEVICE void for_positives(const LabelRowInputs<A>& in, std::int64_t i, int lane,
                              const Visit& visit) {
  const ScoreOf<A> score(in.scalars, in.softcap);
  const std::int64_t begin = in.entries.begin[i];
  const std::int64_t end = begin + in.entries.count[i];
  for (std::int64_t e = begin + lane; e < end; e += kRowWarp) {
    const double relevance = in.entries.relevance[e];
    if (relevance == 0) continue;
    const std::int64_t column = in.entries.column[e];
    const A s = score(in.products[e], in.bias != nullptr ? in.bias[column] : A(0));
    visit(static_cast<double>(s), in.options.weighted != 0 ? relevance : 1.0, column);
  }
}

// c: upstream, row weight, scale and 1/N.
template <class A>
LSM_DEVICE void decoupled_softmax(const LabelRowInputs<A>& in, std::int64_t i, int lane, double c,
                                  RowValues& r) {
  double pull = 0;
  double total = 0;
  for_positives(in, i, lane, [&](double s, double v, std::int64_t) {
    r.loss += v * math::softplus_f64(r.lse - s);
    pull += v * math::sigmoid_f64(r.lse - s);
    total += v;
  });
  r.loss = warp_sum(r.loss) * r.average;
  r.slope = c * r.average;
  r.factor = r.slope * warp_sum(pull);
  r.bound = r.slope * warp_sum(total);
  r.shift = r.lse;
}

template <class A>
LSM_DEVICE void infonce(const LabelRowInputs<A>& in, std::int64_t i, int lane, double c,
                        RowValues& r) {
  double total = 0;
  for_positives(in, i, lane, [&](double s, double v, std::int64_t) {
    r.loss += v * (r.lse - s);
    total += v;
  });
  r.loss = warp_sum(r.loss) * r.average;
  r.slope = c * r.average;
  r.factor = r.bound = r.slope * warp_sum(total);
  r.shift = r.lse;
}

template <class A>
LSM_DEVICE void binary_cross_entropy(const LabelRowInputs<A>& in, std::int64_t i, int lane,
                                     double c, RowValues& r) {
  double pull = 0;
  double total = 0;
  for_positives(in, i, lane, [&](double s, double v, std::int64_t) {
    pull += v * s;
    total += v;
  });
  r.loss = (in.sums.softplus[i] - warp_sum(pull)) / r.labels;
  r.slope = r.factor = c / r.labels;
  r.bound = r.slope * (1 + warp_sum(total));
}

template <class A>
LSM_DEVICE void soft_top_k(const LabelRowInputs<A>& in, std::int64_t i, int lane, double c,
                           RowValues& r) {
  const double alpha = in.options.alpha;
  const double t = in.top_k.threshold[i];
  const bool plain = in.options.plain != 0;
  double pull = 0;
  double total = 0;
  for_positives(in, i, lane, [&](double s, double v, std::int64_t) {
    const double z = alpha * (s + t);
    r.loss += v * math::top_k_term(z, plain);
    pull += v * math::top_k_slope(z, alpha, plain);
    total += v;
  });
  r.loss = warp_sum(r.loss) * r.average;
  r.slope = c * r.average;
  r.factor = -r.slope * warp_sum(pull) / in.top_k.slope[i];
  r.bound = r.slope * warp_sum(total) * alpha;
  r.shift = t;
  r.least = -in.top_k.least[i];
}

template <class A>
LSM_DEVICE void softmax_cross_entropy(const LabelRowInputs<A>& in, std::int64_t i, int lane,
                                      double c, RowValues& r) {
  const double e = in.options.label_smoothing;
  double weight = 0;  // of the target
  double score = 0;
  for_positives(in, i, lane, [&](double s, double, std::int64_t column) {
    weight = in.class_weight != nullptr ? static_cast<double>(in.class_weight[column]) : 1.0;
    score = s;
  });
  r.even = e > 0 ? e / r.labels : 0.0;
  const double weight_sum = e > 0 ? in.sums.weight[i] : 0.0;
  double total = (1 - e) * warp_sum(weight);
  if (in.soft) {
    total = (1 - e) * in.sums.target_weight[i];
    r.loss = total * r.lse - (1 - e) * in.sums.target_score[i];
  } else {
    score = warp_sum(score);
    if (total != 0) r.loss = total * (r.lse - score);
  }
  if (e > 0) {
    r.loss += r.even * (weight_sum * r.lse - in.sums.uniform[i]);
    total += r.even * weight_sum;
  }
  if (in.options.z_weight > 0) r.loss += in.options.z_weight * r.lse * r.lse;
  r.slope = c;
  r.factor = c * total;
  if (in.options.z_weight > 0) r.factor += c * 2 * in.options.z_weight * r.lse;
  r.shift = r.lse;
  r.uniform = c * r.even;
  r.target = c * (1 - e);
  r.bound = ::fabs(r.factor) + ::fabs(c) * total;
}

template <class A>
LSM_DEVICE void store_row(const LabelRows<A>& rows, std::int64_t i, const RowValues& r) {
  rows.loss[i] = r.loss;
  rows.slope[i] = r.slope;
  rows.factor[i] = r.factor;
  rows.shift[i] = r.shift;
  rows.even[i] = r.even;
  rows.factor_a[i] = static_cast<A>(r.factor);
  // Where there is nothing to sum over, probabilities are 0.
  const double shift = r.shift == -INFINITY ? INFINITY : r.shift;
  rows.hi[i] = static_cast<A>(shift);
  const double rest = shift - static_cast<double>(rows.hi[i]);
  rows.lo[i] = rest - rest == 0 ? static_cast<A>(rest) : A(0);
  rows.least[i] = static_cast<A>(r.least);
  rows.uniform[i] = static_cast<A>(r.uniform);
  rows.target[i] = static_cast<A>(r.target);
  rows.bound[i] = static_cast<A>(r.bound);
}

template <class A>
LSM_DEVICE void evaluate(const LabelRowInputs<A>& in, std::int64_t i, int lane, double c,
                         RowValues& r) {
  switch (in.options.loss) {
    case LSM_DECOUPLED_SOFTMAX:
      return decoupled_softmax(in, i, lane, c, r);
    case LSM_SOFT_TOP_K:
      return soft_top_k(in, i, lane, c, r);
    case LSM_MULTI_LABEL_INFONCE:
      return infonce(in, i, lane, c, r);
    case LSM_BCE:
      return binary_cross_entropy(in, i, lane, c, r);
    default:
      return softmax_cross_entropy(in, i, lane, c, r);
  }
}

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    finish_kernel(LabelRowInputs<A> in, LabelRows<A> rows) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < in.n; i += warp_rows()) {
    RowValues r = {};
    r.positives = in.entries.positives[i];
    r.labels = static_cast<double>(in.columns - in.entries.count[i]) + r.positives;
    r.shift = INFINITY;
    const bool excludes = in.options.loss == LSM_DECOUPLED_SOFTMAX;
    const bool counts = in.soft || in.options.loss == LSM_BCE
                            ? r.labels > 0
                            : r.positives > 0 && (!excludes || r.labels > r.positives);
    // Data that break a demand make the row NaN.
    const double poison = in.scalars->poison + (r.positives - r.positives);
    if (counts || poison != poison) {
      double weight = in.row_weight.present() ? in.row_weight.at(i) : 1.0;
      if (!(weight - weight == 0)) weight = NAN;
      double c = weight * in.scalars->scale / in.scalars->rows;
      if (in.upstream.present()) c *= in.upstream.at(i);
      r.average = in.options.average != 0 && r.positives > 0 ? 1 / r.positives : 1.0;
      if (in.sums.sum != nullptr) {
        r.lse = in.sums.sum[i] == 0 ? -INFINITY : in.sums.max[i] + ::log(in.sums.sum[i]);
      }
      evaluate(in, i, lane, c + poison, r);
      r.loss = r.loss * weight + poison;
    }
    if (lane == 0) store_row(rows, i, r);
  }
}

}  // namespace

template <class A>
void count_label_rows(cudaStream_t stream, const LabelSets& sets, const double* positives,
                      const A* class_weight, CallScalars* scalars) {
  launch(stream, "count_label_rows", LaunchShape{dim3(1), dim3(kRowThreads)}, count_kernel<A>, sets,
         positives, class_weight, scalars);
}

template <class A>
void finish_label_rows(cudaStream_t stream, const LabelRowInputs<A>& inputs,
                       const LabelRows<A>& rows) {
  launch(stream, "finish_label_rows", warp_for_each_row(inputs.n), finish_kernel<A>, inputs, rows);
}

#define LSM_INSTANTIATE(A)                                                                \
  template void count_label_rows(cudaStream_t, const LabelSets&, const double*, const A*, \
                                 CallScalars*);                                           \
  template void finish_label_rows(cudaStream_t, const LabelRowInputs<A>&, const LabelRows<A>&);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
