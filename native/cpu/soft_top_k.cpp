// The soft top-k operator: a thread takes a row, keeps it, and finds its threshold by itself.
#include "cpu/soft_top_k.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/status.h"
#include "cpu/kernels/label_tile.h"
#include "cpu/label_entries.h"
#include "cpu/parallel.h"
#include "math/labels.h"
#include "math/top_k_search.h"

namespace lossmith {
namespace {

constexpr std::int64_t kChunk = 512;  // elements summed in the working precision

// The sums of one row at its threshold.
struct Memberships {
  double above = 0;    // number of z > 0
  double surplus = 0;  // sum of y - [z > 0]
  double slope = 0;    // sum y (1-y) e^least
  double least = 0;    // min |z| where the whole row saturates, else 0
  double slope_sum() const { return slope * std::exp(-least); }
};

template <class A>
class SoftTopKRun {
 public:
  SoftTopKRun(const SoftTopKCall& call, lsm_context_s& context)
      : call_(call), rows_(call.rows), context_(context), entries_(call.rows) {}

  void run() {
    lay_out();
    entries_.build();
    for (std::int64_t i = 0; i < rows_.n; ++i) expect_k(i);
    // All demands on the data are checked; from here on nothing fails.
    parallel_tasks(threads_, rows_.n, [&](std::int64_t i, int thread) { row(i, thread); });
  }

 private:
  void lay_out() {
    threads_ = context_.threads;
    carve_for_threads(context_.workspace, threads_, [&](Carver& carver) { carve(carver); });
  }
  void carve(Carver& carver) {
    entries_.carve(carver);
    scores_ = carver.take<A>(threads_ * rows_.l);
  }

  double k(std::int64_t i) const {
    return rows_.options.k > 0 ? static_cast<double>(rows_.options.k) : element(rows_.k_rows, i);
  }
  void expect_k(std::int64_t i) const {
    const std::int64_t labels = entries_.row(i).labels;
    if (k(i) > 0 && k(i) < static_cast<double>(labels)) return;
    reject(rows_.k_rows.present() ? "k_rows" : "k",
           "more than 0 and less than the row's " + std::to_string(labels) + " scores",
           std::to_string(static_cast<std::int64_t>(k(i))) + " in row " + std::to_string(i));
  }

  LabelScores<A> chunk(A* scores, std::int64_t begin) const {
    return {scores + begin, rows_.l, 1, std::min(kChunk, rows_.l - begin), A(1), A(0), nullptr};
  }

  A* load(std::int64_t i, int thread) const {
    A* scores = scores_ + thread * rows_.l;
    dispatch_floating(rows_.x.type, [&](auto tag) {
      const auto* from = rows_.x.template row<const decltype(tag)>(i);
      for (std::int64_t j = 0; j < rows_.l; ++j) scores[j] = Convert<A>::from(from[j]);
    });
    for (const LabelEntry& e : entries_.row(i)) scores[e.column] = label_taken_out<A>();
    return scores;
  }

  math::TopKSearch start(std::int64_t i, A* scores) const {
    double max = -3.0e38, sum = 0, min = 3.0e38;
    for (std::int64_t begin = 0; begin < rows_.l; begin += kChunk) {
      A part_max, part_sum, part_min;
      LabelSums<A> sums{};
      sums.scores = chunk(scores, begin);
      sums.alpha = static_cast<A>(rows_.options.alpha);
      sums.max = &part_max;
      sums.sum = &part_sum;
      sums.min = &part_min;
      label_sums(sums);
      const double high = std::max(max, static_cast<double>(part_max));
      sum = sum * std::exp(max - high) + part_sum * std::exp(static_cast<double>(part_max) - high);
      max = high;
      min = std::min(min, static_cast<double>(part_min));
    }
    return math::TopKSearch::start(k(i), rows_.options.alpha,
                                   static_cast<double>(entries_.row(i).labels), max,
                                   max + std::log(sum), min);
  }

  Memberships sums_at(double t, A* scores) const {
    const A hi = static_cast<A>(t);
    const A lo = static_cast<A>(t - static_cast<double>(hi));
    const LabelLook look = LabelLook::sums;
    Memberships m;
    bool first = true;
    for (std::int64_t begin = 0; begin < rows_.l; begin += kChunk) {
      A above, surplus, slope, least;
      label_top_k(LabelTopK<A>{chunk(scores, begin), static_cast<A>(rows_.options.alpha), &hi, &lo,
                               &look, &above, &surplus, &slope, &least});
      m.above += above;
      m.surplus += surplus;
      // Slopes have the factor e^least of their own chunk: all take that of the smallest.
      const double part = static_cast<double>(least);
      const double shared = first ? part : std::min(m.least, part);
      m.slope = m.slope * std::exp(shared - m.least) + slope * std::exp(shared - part);
      m.least = shared;
      first = false;
    }
    return m;
  }

  void row(std::int64_t i, int thread) const {
    A* scores = load(i, thread);
    math::TopKSearch search = start(i, scores);
    Memberships m;
    while (!search.done) {
      m = sums_at(search.t, scores);
      search.step(m.surplus + (m.above - search.k), m.slope_sum(), math::top_k_resolution<A>());
    }
    if (rows_.threshold.present()) set_element(rows_.threshold, i, search.t);
    if (call_.memberships.present()) store_memberships(i, search.t, scores);
    if (rows_.grad_x.present()) store_gradient(i, search.t, m, scores);
  }

  double argument(double t, A score) const {
    return rows_.options.alpha * (static_cast<double>(score) + t);
  }

  void store_memberships(std::int64_t i, double t, const A* scores) const {
    const bool plain = rows_.options.plain != 0;
    dispatch_floating(call_.memberships.type, [&](auto tag) {
      using G = decltype(tag);
      G* out = call_.memberships.template row<G>(i);
      for (std::int64_t j = 0; j < rows_.l; ++j) {
        const double z = argument(t, scores[j]);
        out[j] = Convert<G>::from(plain ? math::sigmoid_f64(z) : -math::softplus_f64(-z));
      }
    });
  }

  void store_gradient(std::int64_t i, double t, const Memberships& m, const A* scores) const {
    const lsm_label_options& o = rows_.options;
    dispatch_floating(call_.upstream.type, [&](auto upstream_tag) {
      using U = decltype(upstream_tag);
      const U* upstream = call_.upstream.template row<const U>(i);
      const auto own = [&](std::int64_t j) {
        if (scores[j] == label_taken_out<A>()) return 0.0;
        return -Convert<double>::from(upstream[j]) *
               math::top_k_slope(argument(t, scores[j]), o.alpha, o.plain != 0);
      };
      double pull = 0;
      for (std::int64_t j = 0; j < rows_.l; ++j) pull += own(j);
      dispatch_floating(rows_.grad_x.type, [&](auto gradient_tag) {
        using G = decltype(gradient_tag);
        G* out = rows_.grad_x.template row<G>(i);
        for (std::int64_t j = 0; j < rows_.l; ++j) {
          const double size = std::fabs(argument(t, scores[j]));
          const double r = 1.0 / (1.0 + std::exp(-size));
          const double share = std::exp(m.least - size) * r * r / m.slope;
          out[j] = Convert<G>::from(own(j) - pull * share);
        }
      });
    });
  }

  const SoftTopKCall& call_;
  const LabelCall& rows_;
  lsm_context_s& context_;
  LabelEntries entries_;
  int threads_ = 1;
  A* scores_ = nullptr;  // [l] per thread
};

}  // namespace

void run_soft_top_k(const SoftTopKCall& call, lsm_context_s& context) {
  if (call.rows.x.type == Type::f64) {
    SoftTopKRun<double>(call, context).run();
  } else {
    SoftTopKRun<float>(call, context).run();
  }
}

}  // namespace lossmith
