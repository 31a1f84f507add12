// The contrastive losses with both gradients, called as a C program calls them.
//
// Counters: GFLOP/s of the four products (8 n^2 d operations, whatever the plan does), floor = time
// of these products alone over the time of the call, workspace = bytes that the context holds.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <vector>

#include "support.h"

namespace bench {

void Tensor::fill(const Context& context, uint32_t seed) {
  const int64_t rows = tensor_->shape[0];
  const int64_t width = tensor_->shape[1];
  std::mt19937 generator(seed);
  // Uniform with the variance 1/width: rows have a length close to 1.
  const float bound = std::sqrt(3.0F / static_cast<float>(width));
  std::uniform_real_distribution<float> uniform(-bound, bound);
  std::vector<float> values(static_cast<size_t>(rows * width));
  for (float& value : values) value = uniform(generator);
  lsm_output view = nullptr;
  check(lsm_tensor_wrap(reinterpret_cast<int64_t>(values.data()), LSM_CPU, 0, kF32.code, kF32.bits,
                        2, tensor_->shape, nullptr, &view));
  const lsm_status status = lsm_tensor_copy(context.get(), view, tensor_);
  lsm_tensor_destroy(view);
  check(status);
}

namespace {

enum class Loss { kInfoNce, kCwcl };

void contrastive(benchmark::State& state, Loss loss, Type type) {
  const int64_t n = state.range(0);
  const int64_t d = state.range(1);
  const auto plan = static_cast<int32_t>(state.range(2));
  // Storing needs a budget that holds the scores; the other plans get the default.
  const Context context(plan == LSM_PLAN_STORE ? 4 * n * n + (int64_t{128} << 20)
                                               : int64_t{LSM_DEFAULT_BUDGET});
  Tensor x(type, n, d);
  Tensor y(type, n, d);
  const Tensor grad_x(type, n, d);
  const Tensor grad_y(type, n, d);
  const Tensor value(kF32, 1, 1);
  x.fill(context, 1);
  y.fill(context, 2);
  lsm_contrastive_options options;
  if (loss == Loss::kInfoNce) {
    lsm_infonce_defaults(&options);
    options.row_coefficient = options.column_coefficient = 0.5;
  } else {
    lsm_cwcl_defaults(&options);
  }
  options.plan = plan;
  const auto call = [&] {
    return loss == Loss::kInfoNce
               ? lsm_infonce(context.get(), &options, x.get(), y.get(), nullptr, nullptr, nullptr,
                             nullptr, nullptr, value.get(), nullptr, grad_x.get(), grad_y.get(),
                             nullptr, nullptr)
               : lsm_cwcl(context.get(), &options, x.get(), y.get(), x.get(), nullptr, nullptr,
                          nullptr, nullptr, nullptr, nullptr, nullptr, value.get(), nullptr,
                          grad_x.get(), grad_y.get(), nullptr, nullptr);
  };
  check(call());
  const double before = context.floor_seconds(type, n, n, d, 4);
  for (auto _ : state) check(call());
  // The clock may have changed meanwhile: the floor is the mean of before and after.
  const double floor = (before + context.floor_seconds(type, n, n, d, 4)) / 2;
  const double operations = 8.0 * static_cast<double>(n) * static_cast<double>(n * d);
  state.counters["GFLOP/s"] =
      benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["floor"] =
      benchmark::Counter(floor, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["workspace"] = context.workspace();
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"n", "d", "plan"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  benchmark->Args({64, 64, LSM_PLAN_AUTO});
  benchmark->Args({1024, 128, LSM_PLAN_AUTO});
  for (const int64_t plan : {LSM_PLAN_RECOMPUTE, LSM_PLAN_STORE}) {
    benchmark->Args({4096, 256, plan});
    benchmark->Args({8192, 512, plan});
  }
}

BENCHMARK_CAPTURE(contrastive, infonce_f32, Loss::kInfoNce, kF32)->Apply(shapes);
BENCHMARK_CAPTURE(contrastive, infonce_bf16, Loss::kInfoNce, kBf16)->Apply(shapes);
BENCHMARK_CAPTURE(contrastive, cwcl_f32, Loss::kCwcl, kF32)->Apply(shapes);
BENCHMARK_CAPTURE(contrastive, cwcl_bf16, Loss::kCwcl, kBf16)->Apply(shapes);

}  // namespace
}  // namespace bench
