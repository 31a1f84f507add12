// What a kind of device offers to the engines and the C ABI. The CPU is one backend; another kind
// of device adds a file that implements this and a line in backend.cpp.
#ifndef LOSSMITH_ENGINE_BACKEND_H_
#define LOSSMITH_ENGINE_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/tensor.h"
#include "core/workspace.h"
#include "engine/contrastive_call.h"
#include "engine/label_call.h"
#include "engine/multiply_call.h"
#include "engine/power_call.h"
#include "engine/power_product_call.h"
#include "engine/power_search_call.h"
#include "engine/soft_top_k_call.h"
#include "engine/top_k_call.h"
#include "engine/update_call.h"
#include "lossmith/device.h"
#include "lossmith/tensor.h"

struct lsm_context_s;

namespace lossmith {

// What a backend keeps per context, for example prepared products, and where it has the context's
// workspace.
class BackendState : public WorkspaceMemory {};

class Backend {
 public:
  virtual ~Backend() = default;

  // Throws unless the device exists.
  virtual void expect_device(const lsm_device& device) const = 0;
  virtual int device_count() const = 0;
  virtual lsm_device_facts device_facts(const lsm_device& device) const = 0;
  // Waits for everything queued on the device.
  virtual void synchronize_device(const lsm_device& device) const = 0;
  virtual int default_threads() const = 0;
  virtual std::int64_t default_budget() const = 0;
  virtual std::unique_ptr<BackendState> make_state(const lsm_device& device,
                                                   const lsm_context_options& options,
                                                   int threads) const = 0;
  virtual std::string describe() const = 0;          // a JSON object: name, available, what it uses
  virtual std::string describe_devices() const = 0;  // JSON objects, a comma between two

  // Zeroed memory on the device, counted as live (core/memory.h); the bytes are given back with the
  // memory.
  virtual void* allocate(const lsm_device& device, std::size_t bytes) const = 0;
  virtual void release(const lsm_device& device, void* memory, std::size_t bytes) const = 0;
  virtual lsm_memory_pool memory_pool(const lsm_device& device) const = 0;
  virtual void set_memory_limit(const lsm_device& device, std::int64_t bytes) const = 0;
  virtual void trim_memory(const lsm_device& device) const = 0;
  // Throws unless the device can reach foreign memory at this address.
  virtual void expect_reachable(const lsm_device& device, const void* memory) const = 0;
  // Host memory that the device copies from and to without help, as allocate and release.
  virtual void* allocate_pinned(const lsm_device& device, std::size_t bytes) const = 0;
  virtual void release_pinned(const lsm_device& device, void* memory, std::size_t bytes) const = 0;

  virtual std::int64_t stream(const lsm_context_s& context) const = 0;
  virtual void synchronize(lsm_context_s& context) const = 0;
  // The views are copyable (core/tensor.h); each lies on the context's device or in host memory.
  virtual void copy(lsm_context_s& context, const View& source, const View& target) const = 0;
  // The element of a view of one element, on the context's device or in host memory.
  virtual double item(lsm_context_s& context, const View& view) const = 0;
  // merged[i] = ln sum_k exp(parts[k,i]), f32 or f64; NaN and +infinity propagate.
  virtual void merge_logsumexp(lsm_context_s& context, const View& parts,
                               const View& merged) const = 0;
  virtual void run_update(const UpdateStep& step, lsm_context_s& context) const = 0;
  virtual void normalize_rows(const NormalizeCall& call, lsm_context_s& context) const = 0;
  virtual double measure_gemm(lsm_context_s& context, Type type, std::int64_t m, std::int64_t n,
                              std::int64_t k, int repeats) const = 0;
  virtual double measure_copy(lsm_context_s& context, std::int64_t bytes, int repeats) const = 0;

  virtual void run_contrastive(const ContrastiveCall& call, lsm_context_s& context) const = 0;
  virtual lsm_contrastive_plan plan_contrastive(const ContrastiveCall& call,
                                                lsm_context_s& context) const = 0;
  virtual void run_labels(const LabelCall& call, lsm_context_s& context) const = 0;
  virtual lsm_contrastive_plan plan_labels(const LabelCall& call, lsm_context_s& context) const = 0;
  virtual void run_soft_top_k(const SoftTopKCall& call, lsm_context_s& context) const = 0;
  virtual void run_top_k(const TopKCall& call, lsm_context_s& context) const = 0;

  virtual void run_power(const PowerCall& call, lsm_context_s& context) const = 0;
  virtual void run_power_scales(const PowerScalesCall& call, lsm_context_s& context) const = 0;
  virtual void run_power_errors(const PowerErrorsCall& call, lsm_context_s& context) const = 0;
  virtual void run_power_search(const PowerSearchCall& call, lsm_context_s& context) const = 0;
  virtual void run_power_product(const PowerProductCall& call, lsm_context_s& context) const = 0;
  virtual void run_power_integer(const PowerIntegerCall& call, lsm_context_s& context) const = 0;
  virtual void run_multiply(const MultiplyCall& call, lsm_context_s& context) const = 0;
};

// {0, 0} is the CPU.
lsm_device resolved(const lsm_device& device);

// The backend of a device that exists; throws, with the reason, where there is none.
const Backend& backend_of(const lsm_device& device);

// The number of devices of a type; 0 where this build or machine has none.
int device_count(int type);

// JSON arrays of all backends, absent ones with their reason, and of all devices.
std::string describe_backends();
std::string describe_devices();

// The backends that this build holds: that of CUDA only where LOSSMITH_HAS_CUDA is defined.
const Backend& cpu_backend();
namespace cuda {
const Backend& cuda_backend();
}

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_BACKEND_H_
