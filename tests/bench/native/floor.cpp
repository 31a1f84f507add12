// The machine's own limits, as rows of the suite: a library GEMM and a copy.
#include <benchmark/benchmark.h>

#include "support.h"

namespace bench {
namespace {

void gemm(benchmark::State& state, Type type) {
  const Context context;
  const int64_t n = state.range(0);
  const int64_t d = state.range(1);
  const double operations = 2.0 * static_cast<double>(n * n * d);
  double best = 0;
  for (auto _ : state) {
    const double rate = context.gemm_rate(type, n, d);
    if (rate > best) best = rate;
    state.SetIterationTime(operations / rate);
  }
  state.counters["GFLOP/s"] = best * 1e-9;
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

BENCHMARK_CAPTURE(gemm, f32, kF32)
    ->ArgNames({"n", "d"})
    ->Args({4096, 256})
    ->Args({8192, 512})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(gemm, bf16, kBf16)
    ->ArgNames({"n", "d"})
    ->Args({4096, 256})
    ->Args({8192, 512})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(copy)->ArgName("bytes")->Arg(256 << 20)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bench
