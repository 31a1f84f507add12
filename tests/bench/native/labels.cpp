// The losses over labels with both gradients, called as a C program calls them: n labels, `rows`
// queries, one target or five positives each.
//
// Counters: GFLOP/s of the three products (6 rows n d operations, whatever the plan does), floor =
// time of these products alone over the time of the call, workspace = bytes that the context holds.
#include <benchmark/benchmark.h>
#include <lossmith/labels.h>

#include <random>

#include "support.h"

namespace bench {
namespace {

constexpr int64_t kPositives = 5;

// Positives of every row, in compressed rows.
struct Positives {
  Positives(int64_t rows, int64_t labels)
      : offsets(kI64, rows + 1), ids(kI64, rows * kPositives), targets(kI64, rows) {
    std::mt19937_64 generator(3);
    for (int64_t i = 0; i < rows; ++i) {
      int64_t* row = ids.data<int64_t>() + i * kPositives;
      // Different by construction: each out of a fifth of the labels.
      const int64_t part = labels / kPositives;
      for (int64_t k = 0; k < kPositives; ++k) {
        row[k] = k * part + static_cast<int64_t>(generator() % static_cast<uint64_t>(part));
      }
      offsets.data<int64_t>()[i + 1] = (i + 1) * kPositives;
      targets.data<int64_t>()[i] = row[static_cast<uint64_t>(i) % kPositives];
    }
  }
  Tensor offsets, ids, targets;
};

void labels(benchmark::State& state, int32_t loss) {
  const int64_t l = state.range(0);
  const int64_t d = state.range(1);
  const int64_t n = state.range(2);
  const Context context;
  Tensor x(kF32, n, d);
  Tensor z(kF32, l, d);
  const Tensor grad_x(kF32, n, d);
  const Tensor grad_z(kF32, l, d);
  const Tensor value(kF32, 1, 1);
  x.fill(context, 1);
  z.fill(context, 2);
  const Positives truth(n, l);
  lsm_label_options options;
  lsm_label_defaults(loss, &options);
  options.temperature = 0.07;
  const bool target = loss == LSM_SOFTMAX_CE;
  const auto call = [&] {
    return lsm_label_loss(
        context.get(), &options, x.get(), z.get(), target ? nullptr : truth.offsets.get(),
        target ? nullptr : truth.ids.get(), nullptr, target ? truth.targets.get() : nullptr,
        nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
        value.get(), nullptr, nullptr, grad_x.get(), grad_z.get(), nullptr, nullptr, nullptr,
        nullptr, nullptr);
  };
  check(call());
  const double before = context.floor_seconds(kF32, n, l, d, 3);
  for (auto _ : state) check(call());
  // The clock may have changed meanwhile: the floor is the mean of before and after.
  const double floor = (before + context.floor_seconds(kF32, n, l, d, 3)) / 2;
  const double operations = 6.0 * static_cast<double>(n) * static_cast<double>(l * d);
  state.counters["GFLOP/s"] =
      benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["floor"] =
      benchmark::Counter(floor, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["workspace"] = context.workspace();
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"n", "d", "rows"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  benchmark->Args({1024, 64, 64});
  benchmark->Args({131072, 256, 512});
}

BENCHMARK_CAPTURE(labels, softmax_ce_f32, LSM_SOFTMAX_CE)->Apply(shapes);
BENCHMARK_CAPTURE(labels, decoupled_softmax_f32, LSM_DECOUPLED_SOFTMAX)->Apply(shapes);
BENCHMARK_CAPTURE(labels, soft_top_k_f32, LSM_SOFT_TOP_K)->Apply(shapes);
BENCHMARK_CAPTURE(labels, infonce_f32, LSM_MULTI_LABEL_INFONCE)->Apply(shapes);
BENCHMARK_CAPTURE(labels, bce_f32, LSM_BCE)->Apply(shapes);

}  // namespace
}  // namespace bench
