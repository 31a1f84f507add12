// The CUDA backend: selects the context's device for each call and hands it to those who do it.
#include "engine/backend.h"

#include "core/context.h"
#include "cuda/contrastive.h"
#include "cuda/devices.h"
#include "cuda/error.h"
#include "cuda/labels.h"
#include "cuda/measure.h"
#include "cuda/memory.h"
#include "cuda/merge_logsumexp.h"
#include "cuda/multiply.h"
#include "cuda/power.h"
#include "cuda/power_product.h"
#include "cuda/soft_top_k.h"
#include "cuda/state.h"
#include "cuda/top_k.h"
#include "cuda/transfer.h"
#include "cuda/update.h"

namespace lossmith {
namespace cuda {
namespace {

class CudaBackend : public Backend {
 public:
  void expect_device(const lsm_device& device) const override {
    cuda::expect_device(devices(), device.id);
  }
  int device_count() const override { return static_cast<int>(devices().list.size()); }
  lsm_device_facts device_facts(const lsm_device& device) const override {
    const Device& found = devices().list[static_cast<std::size_t>(device.id)];
    return {found.name.c_str(), found.memory, found.capability, found.multiprocessors};
  }
  void synchronize_device(const lsm_device& device) const override {
    const DeviceGuard guard(device.id);
    check_queued(cudaDeviceSynchronize(), "synchronize");
  }
  // Of the copies that the host packs or unpacks.
  int default_threads() const override { return cpu_backend().default_threads(); }
  std::int64_t default_budget() const override { return LSM_DEFAULT_CUDA_BUDGET; }
  std::unique_ptr<BackendState> make_state(const lsm_device& device,
                                           const lsm_context_options& options, int) const override {
    return std::make_unique<CudaState>(device.id, options);
  }
  std::string describe() const override { return "{" + describe_backend(devices()) + "}"; }
  std::string describe_devices() const override { return describe_list(devices()); }

  void* allocate(const lsm_device& device, std::size_t bytes) const override {
    return pool_of(device.id).allocate(bytes);
  }
  void release(const lsm_device& device, void* memory, std::size_t bytes) const override {
    pool_of(device.id).release(memory, bytes);
  }
  lsm_memory_pool memory_pool(const lsm_device& device) const override {
    return pool_of(device.id).bytes();
  }
  void set_memory_limit(const lsm_device& device, std::int64_t bytes) const override {
    pool_of(device.id).set_limit(bytes);
  }
  void trim_memory(const lsm_device& device) const override { pool_of(device.id).trim(); }
  void expect_reachable(const lsm_device& device, const void* memory) const override {
    cuda::expect_reachable(device.id, memory);
  }
  void* allocate_pinned(const lsm_device& device, std::size_t bytes) const override {
    return cuda::allocate_pinned(device.id, bytes);
  }
  void release_pinned(const lsm_device& device, void* memory, std::size_t bytes) const override {
    cuda::release_pinned(device.id, memory, bytes);
  }

  std::int64_t stream(const lsm_context_s& context) const override {
    return reinterpret_cast<std::int64_t>(state_of(context).stream);
  }
  void synchronize(lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    check_queued(cudaStreamSynchronize(state_of(context).stream), "synchronize");
  }
  void copy(lsm_context_s& context, const View& source, const View& target) const override {
    const DeviceGuard guard(context.device.id);
    copy_tensor(context, source, target);
  }
  double item(lsm_context_s& context, const View& view) const override {
    const DeviceGuard guard(context.device.id);
    return read_item(context, view);
  }
  void merge_logsumexp(lsm_context_s& context, const View& parts,
                       const View& merged) const override {
    const DeviceGuard guard(context.device.id);
    cuda::merge_logsumexp(state_of(context).stream, parts, merged);
  }
  void run_update(const UpdateStep& step, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    update_rows(state_of(context).stream, step.update, step.rows());
  }
  void normalize_rows(const NormalizeCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::normalize_rows(state_of(context).stream, call);
  }
  double measure_gemm(lsm_context_s& context, Type type, std::int64_t m, std::int64_t n,
                      std::int64_t k, int repeats) const override {
    const DeviceGuard guard(context.device.id);
    return cuda::measure_gemm(context, type, m, n, k, repeats);
  }
  double measure_copy(lsm_context_s& context, std::int64_t bytes, int repeats) const override {
    const DeviceGuard guard(context.device.id);
    return cuda::measure_copy(context, bytes, repeats);
  }

  void run_contrastive(const ContrastiveCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_contrastive(call, context);
  }
  lsm_contrastive_plan plan_contrastive(const ContrastiveCall& call,
                                        lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    return cuda::plan_contrastive(call, context);
  }
  void run_labels(const LabelCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_labels(call, context);
  }
  lsm_contrastive_plan plan_labels(const LabelCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    return cuda::plan_labels(call, context);
  }
  void run_soft_top_k(const SoftTopKCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_soft_top_k(call, context);
  }
  void run_top_k(const TopKCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_top_k(call, context);
  }

  void run_power(const PowerCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_power(call, context);
  }
  void run_power_scales(const PowerScalesCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_power_scales(call, context);
  }
  void run_power_errors(const PowerErrorsCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_power_errors(call, context);
  }
  void run_power_search(const PowerSearchCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_power_search(call, context);
  }
  void run_power_product(const PowerProductCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_power_product(call, context);
  }
  void run_power_integer(const PowerIntegerCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_power_integer(call, context);
  }
  void run_multiply(const MultiplyCall& call, lsm_context_s& context) const override {
    const DeviceGuard guard(context.device.id);
    cuda::run_multiply(call, context);
  }
};

}  // namespace

const Backend& cuda_backend() {
  static const CudaBackend backend;
  return backend;
}

}  // namespace cuda
}  // namespace lossmith
