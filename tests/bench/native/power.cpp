// Products with power-quantized weights, called as a C program calls them: x [m,n], weights [n,n].
//
// Counters: GFLOP/s, floor = the time of the bytes of the codes at the machine's own copy bandwidth, or
// of an f32 product at oneDNN's own rate, whichever is longer, over the time of the call, workspace =
// bytes that the context holds.
#include <benchmark/benchmark.h>
#include <lossmith/power_product.h>

#include <algorithm>

#include "support.h"

namespace bench {
namespace {

constexpr Type kU8{LSM_UINT, 8, "u8"};
constexpr Type kI8{LSM_INT, 8, "i8"};
constexpr int64_t kCopied = int64_t{64} << 20;

double floor_seconds(const Context& context, int64_t m, int64_t n, int64_t bytes) {
  double copy = 0;
  check(lsm_measure_copy(context.get(), kCopied, 9, &copy));
  double product = 0;
  check(lsm_measure_gemm(context.get(), kF32.code, kF32.bits, 512, 1024, 512, 9, &product));
  const double operations = 2.0 * static_cast<double>(m) * static_cast<double>(n * n);
  return std::max(static_cast<double>(bytes) / copy, operations / product);
}

template <class Call>
void measure(benchmark::State& state, int64_t bytes, const Context& context, const Call& call) {
  const int64_t m = state.range(1);
  const int64_t n = state.range(2);
  check(call());
  const double before = floor_seconds(context, m, n, bytes);
  for (auto _ : state) check(call());
  const double floor = (before + floor_seconds(context, m, n, bytes)) / 2;
  const double operations = 2.0 * static_cast<double>(m) * static_cast<double>(n * n);
  state.counters["GFLOP/s"] =
      benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["floor"] =
      benchmark::Counter(floor, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["workspace"] = context.workspace();
}

// Some codes of every kind.
void fill(const Tensor& codes, int64_t count, uint32_t mask) {
  uint8_t* p = codes.data<uint8_t>();
  for (int64_t i = 0; i < count; ++i) {
    p[i] = static_cast<uint8_t>((static_cast<uint64_t>(i) * 2654435761u >> 7) & mask);
  }
}

void power_product(benchmark::State& state) {
  const int32_t bits = static_cast<int32_t>(state.range(0));
  const int64_t m = state.range(1);
  const int64_t n = state.range(2);
  const Context context;
  Tensor x(kF32, m, n);
  x.fill(context, 1);
  const int64_t row = lsm_power_packed_bytes(bits, n);
  const Tensor codes(kU8, n, row), scale(kF32, n), exponent(kF32, 1), out(kF32, m, n);
  fill(codes, n * row, 255);
  std::fill_n(scale.data<float>(), n, 0.02f);
  *exponent.data<float>() = 0.6f;
  lsm_power_options options;
  lsm_power_defaults(&options);
  options.bits = bits;
  options.groups.axis = 0;
  measure(state, n * row, context, [&] {
    return lsm_power_product(context.get(), &options, x.get(), codes.get(), scale.get(),
                             exponent.get(), nullptr, out.get());
  });
}

void power_integer_product(benchmark::State& state) {
  const int32_t bits = static_cast<int32_t>(state.range(0));
  const int64_t m = state.range(1);
  const int64_t n = state.range(2);
  const Context context;
  const int64_t row = lsm_power_packed_bytes(bits, n);
  const Tensor x(kI8, m, n), w(kU8, n, row), out(kI8, m, n);
  const Tensor one(kF32, 1), w_scale(kF32, n), out_scale(kF32, 1);
  lsm_power_integer_options options;
  lsm_power_integer_defaults(&options);
  options.x_bits = options.w_bits = options.out_bits = bits;
  fill(x, m * n, 3);
  fill(w, n * row, 255);
  *one.data<float>() = 1;
  *out_scale.data<float>() = 3;
  std::fill_n(w_scale.data<float>(), n, 0.1f);
  measure(state, n * row, context, [&] {
    return lsm_power_integer_product(context.get(), &options, x.get(), w.get(), one.get(),
                                     w_scale.get(), out_scale.get(), nullptr, nullptr, out.get());
  });
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"bits", "m", "n"})->UseRealTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK(power_product)
    ->Apply(shapes)
    ->Args({4, 1, 1024})
    ->Args({4, 8, 1024})
    ->ArgsProduct({{4}, {1, 8, 64, 512}, {4096}})
    ->Args({4, 1, 8192})
    ->ArgsProduct({{3, 8}, {1, 64}, {4096}});
BENCHMARK(power_integer_product)
    ->Apply(shapes)
    ->Args({4, 8, 1024})
    ->ArgsProduct({{4}, {1, 64, 512}, {4096}});

}  // namespace
}  // namespace bench
