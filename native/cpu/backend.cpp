#include "cpu/backend.h"

#include <omp.h>

#include "core/context.h"
#include "core/memory.h"
#include "core/status.h"
#include "cpu/contrastive.h"
#include "cpu/copy.h"
#include "cpu/isa.h"
#include "cpu/labels.h"
#include "cpu/machine.h"
#include "cpu/multiply.h"
#include "cpu/power.h"
#include "cpu/power_product.h"
#include "cpu/power_search.h"
#include "cpu/soft_top_k.h"
#include "cpu/top_k.h"
#include "cpu/update.h"
#include "math/logsumexp.h"

namespace lossmith {
namespace {

class CpuBackend : public Backend {
 public:
  void expect_device(const lsm_device& device) const override {
    if (device.id != 0) reject("device", "cpu:0", "cpu:" + std::to_string(device.id));
  }
  int device_count() const override { return 1; }
  lsm_device_facts device_facts(const lsm_device&) const override { return {"cpu", 0, 0, 0}; }
  void synchronize_device(const lsm_device&) const override {}
  int default_threads() const override { return omp_get_max_threads(); }
  std::int64_t default_budget() const override { return LSM_DEFAULT_BUDGET; }
  std::unique_ptr<BackendState> make_state(const lsm_device&, const lsm_context_options&,
                                           int threads) const override {
    return std::make_unique<CpuState>(threads);
  }
  std::string describe() const override {
    return std::string("{\"name\":\"cpu\",\"available\":true,\"isa\":\"") + kernels().isa +
           "\",\"bf16_products\":" + (bf16_products() ? "true" : "false") + "}";
  }
  std::string describe_devices() const override { return "{\"type\":\"cpu\",\"index\":0}"; }

  void* allocate(const lsm_device&, std::size_t bytes) const override {
    return allocate_zeroed(bytes);
  }
  void release(const lsm_device&, void* memory, std::size_t bytes) const override {
    lossmith::release(memory, bytes);
  }
  lsm_memory_pool memory_pool(const lsm_device&) const override { return host_memory(); }
  void set_memory_limit(const lsm_device&, std::int64_t bytes) const override {
    set_host_limit(bytes);
  }
  void trim_memory(const lsm_device&) const override {}
  void expect_reachable(const lsm_device&, const void*) const override {}
  // Nothing has to be locked for the CPU.
  void* allocate_pinned(const lsm_device& device, std::size_t bytes) const override {
    return allocate(device, bytes);
  }
  void release_pinned(const lsm_device& device, void* memory, std::size_t bytes) const override {
    release(device, memory, bytes);
  }

  // The CPU has no queue: a call is done when it returns.
  std::int64_t stream(const lsm_context_s&) const override { return 0; }
  void synchronize(lsm_context_s&) const override {}
  void copy(lsm_context_s& context, const View& source, const View& target) const override {
    copy_elements(source, target, context.threads);
  }
  double item(lsm_context_s&, const View& view) const override { return element(view, 0); }
  void merge_logsumexp(lsm_context_s&, const View& parts, const View& merged) const override {
    const std::int64_t row = parts.strides[0] * bytes_of(parts.type);
    for (std::int64_t i = 0; i < parts.shape[1]; ++i) {
      View column = parts;
      column.data += i * parts.strides[1] * bytes_of(parts.type);
      column.ndim = 0;
      const auto part = [&](std::int64_t k) {
        View one = column;
        one.data += k * row;
        return element(one, 0);
      };
      set_element(merged, i, math::merged_logsumexp(parts.shape[0], part));
    }
  }
  void run_update(const UpdateStep& step, lsm_context_s& context) const override {
    lossmith::run_update(step, context);
  }
  void normalize_rows(const NormalizeCall& call, lsm_context_s& context) const override {
    lossmith::normalize_rows(call, context);
  }
  double measure_gemm(lsm_context_s& context, Type type, std::int64_t m, std::int64_t n,
                      std::int64_t k, int repeats) const override {
    return lossmith::measure_gemm(context, type, m, n, k, repeats);
  }
  double measure_copy(lsm_context_s& context, std::int64_t bytes, int repeats) const override {
    return lossmith::measure_copy(context, bytes, repeats);
  }

  void run_contrastive(const ContrastiveCall& call, lsm_context_s& context) const override {
    lossmith::run_contrastive(call, context);
  }
  lsm_contrastive_plan plan_contrastive(const ContrastiveCall& call,
                                        lsm_context_s& context) const override {
    return lossmith::plan_contrastive(call, context);
  }
  void run_labels(const LabelCall& call, lsm_context_s& context) const override {
    lossmith::run_labels(call, context);
  }
  lsm_contrastive_plan plan_labels(const LabelCall& call, lsm_context_s& context) const override {
    return lossmith::plan_labels(call, context);
  }
  void run_soft_top_k(const SoftTopKCall& call, lsm_context_s& context) const override {
    lossmith::run_soft_top_k(call, context);
  }
  void run_top_k(const TopKCall& call, lsm_context_s& context) const override {
    lossmith::run_top_k(call, context);
  }

  void run_power(const PowerCall& call, lsm_context_s& context) const override {
    lossmith::run_power(call, context);
  }
  void run_power_scales(const PowerScalesCall& call, lsm_context_s& context) const override {
    lossmith::run_power_scales(call, context);
  }
  void run_power_errors(const PowerErrorsCall& call, lsm_context_s& context) const override {
    lossmith::run_power_errors(call, context);
  }
  void run_power_search(const PowerSearchCall& call, lsm_context_s& context) const override {
    lossmith::run_power_search(call, context);
  }
  void run_power_product(const PowerProductCall& call, lsm_context_s& context) const override {
    lossmith::run_power_product(call, context);
  }
  void run_power_integer(const PowerIntegerCall& call, lsm_context_s& context) const override {
    lossmith::run_power_integer(call, context);
  }
  void run_multiply(const MultiplyCall& call, lsm_context_s& context) const override {
    lossmith::run_multiply(call, context);
  }
};

}  // namespace

const Backend& cpu_backend() {
  static const CpuBackend backend;
  return backend;
}

Gemm& gemm_of(lsm_context_s& context) { return static_cast<CpuState&>(*context.state).gemm; }

}  // namespace lossmith
