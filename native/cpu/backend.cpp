#include "cpu/backend.h"

#include <omp.h>

#include "core/context.h"
#include "core/memory.h"
#include "core/status.h"
#include "cpu/contrastive.h"
#include "cpu/copy.h"
#include "cpu/isa.h"
#include "cpu/machine.h"

namespace lossmith {
namespace {

class CpuBackend : public Backend {
 public:
  void expect_device(const lsm_device& device) const override {
    if (device.id != 0) reject("device", "cpu:0", "cpu:" + std::to_string(device.id));
  }
  int default_threads() const override { return omp_get_max_threads(); }
  std::unique_ptr<BackendState> make_state(int threads) const override {
    return std::make_unique<CpuState>(threads);
  }
  std::string describe() const override {
    return std::string("{\"name\":\"cpu\",\"available\":true,\"isa\":\"") + kernels().isa +
           "\",\"bf16_products\":" + (bf16_products() ? "true" : "false") + "}";
  }

  void* allocate(const lsm_device&, std::size_t bytes) const override {
    return allocate_zeroed(bytes);
  }
  void release(const lsm_device&, void* memory, std::size_t bytes) const override {
    lossmith::release(memory, bytes);
  }

  // The CPU has no queue: a call is done when it returns.
  void synchronize(lsm_context_s&) const override {}
  void copy(lsm_context_s& context, const View& source, const View& target) const override {
    copy_elements(source, target, context.threads);
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
};

}  // namespace

const Backend& cpu_backend() {
  static const CpuBackend backend;
  return backend;
}

Gemm& gemm_of(lsm_context_s& context) { return static_cast<CpuState&>(*context.state).gemm; }

}  // namespace lossmith
