// The machine's own limits, as rows of the suite: the four products alone, and a copy.
#include <benchmark/benchmark.h>

#include "support.h"

namespace bench {
namespace {

void products(benchmark::State& state, Type type) {
  const Context context;
  const int64_t n = state.range(0);
  const int64_t d = state.range(1);
  for (auto _ : state) state.SetIterationTime(context.floor_seconds(type, n, n, d, 4));
  const double operations = 8.0 * static_cast<double>(n) * static_cast<double>(n * d);
  state.counters["GFLOP/s"] =
      benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void copy(benchmark::State& state) {
  const Context context;
  const int64_t bytes = state.range(0);
  for (auto _ : state) {
    double rate = 0;
    check(lsm_measure_copy(context.get(), bytes, 1, &rate));
    state.SetIterationTime(static_cast<double>(bytes) / rate);
  }
  state.SetBytesProcessed(state.iterations() * bytes);
}

BENCHMARK_CAPTURE(products, f32, kF32)
    ->ArgNames({"n", "d"})
    ->Args({4096, 256})
    ->Args({8192, 512})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(products, bf16, kBf16)
    ->ArgNames({"n", "d"})
    ->Args({4096, 256})
    ->Args({8192, 512})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(copy)->ArgName("bytes")->Arg(256 << 20)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bench
