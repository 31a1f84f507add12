// Entry of the native benchmark suite.
#include <benchmark/benchmark.h>
#include <lossmith/base.h>

int main(int argc, char** argv) {
  benchmark::AddCustomContext("lossmith", lsm_version());
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
