// Optimizer steps in place on rows of weights, against the machine's own copy.
//
// Counter: floor = time in which a copy moves as many bytes (the gradient read, weights and state
// read and written) over the time of the call.
#include <benchmark/benchmark.h>
#include <lossmith/update.h>

#include <algorithm>

#include "support.h"

namespace bench {
namespace {

enum class Extra { kNone, kProjected, kStochastic };

void update(benchmark::State& state, int32_t rule, Type type, Extra extra) {
  const int64_t rows = state.range(0);
  const int64_t d = state.range(1);
  const Context context;
  Tensor gradient(kF32, rows, d);
  const Tensor weights(type, rows, d);
  const int64_t states = rule == LSM_UPDATE_SGD ? 0 : rule == LSM_UPDATE_ADAM ? 2 : 1;
  const Tensor moments(kF32, rows, std::max<int64_t>(states, 1) * d);
  gradient.fill(context, 1);
  lsm_update_options options;
  lsm_update_defaults(rule, &options);
  options.weight_decay = 0.01;
  options.project_rows = extra == Extra::kProjected ? 1 : 0;
  options.stochastic_rounding = extra == Extra::kStochastic ? 1 : 0;
  for (auto _ : state) {
    check(lsm_update_step(context.get(), &options, gradient.get(), nullptr, weights.get(),
                          states > 0 ? moments.get() : nullptr, weights.get()));
    ++options.step;
  }
  const int64_t moved = rows * d * (4 + 2 * (type.bits / 8) + states * 8);
  double rate = 0;  // of a copy, which reads and writes
  check(lsm_measure_copy(context.get(), 256 << 20, 5, &rate));
  state.SetBytesProcessed(state.iterations() * moved);
  state.counters["floor"] = benchmark::Counter(static_cast<double>(moved) / 2 / rate,
                                               benchmark::Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"n", "d"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  benchmark->Args({1024, 128});
  benchmark->Args({131072, 256});
}

BENCHMARK_CAPTURE(update, sgd_f32, LSM_UPDATE_SGD, kF32, Extra::kNone)->Apply(shapes);
BENCHMARK_CAPTURE(update, momentum_f32, LSM_UPDATE_MOMENTUM, kF32, Extra::kNone)->Apply(shapes);
BENCHMARK_CAPTURE(update, adagrad_f32, LSM_UPDATE_ADAGRAD, kF32, Extra::kNone)->Apply(shapes);
BENCHMARK_CAPTURE(update, lion_f32, LSM_UPDATE_LION, kF32, Extra::kNone)->Apply(shapes);
BENCHMARK_CAPTURE(update, adam_f32, LSM_UPDATE_ADAM, kF32, Extra::kNone)->Apply(shapes);
BENCHMARK_CAPTURE(update, projected_sgd_f32, LSM_UPDATE_SGD, kF32, Extra::kProjected)
    ->Apply(shapes);
BENCHMARK_CAPTURE(update, sgd_bf16, LSM_UPDATE_SGD, kBf16, Extra::kNone)->Apply(shapes);
BENCHMARK_CAPTURE(update, stochastic_sgd_bf16, LSM_UPDATE_SGD, kBf16, Extra::kStochastic)
    ->Apply(shapes);

}  // namespace
}  // namespace bench
