// What a kind of device offers to the engines and the C ABI. The CPU is one backend; another kind
// of device adds a file that implements this and a line in backend.cpp.
#ifndef LOSSMITH_ENGINE_BACKEND_H_
#define LOSSMITH_ENGINE_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/tensor.h"
#include "engine/contrastive_call.h"
#include "lossmith/context.h"

struct lsm_context_s;

namespace lossmith {

// What a backend keeps per context, for example prepared products.
class BackendState {
 public:
  virtual ~BackendState() = default;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Throws unless the device exists.
  virtual void expect_device(const lsm_device& device) const = 0;
  virtual int default_threads() const = 0;
  virtual std::unique_ptr<BackendState> make_state(int threads) const = 0;
  virtual std::string describe() const = 0;  // a JSON object: name, available, what it uses

  // Zeroed memory on the device; the bytes are given back with the memory.
  virtual void* allocate(const lsm_device& device, std::size_t bytes) const = 0;
  virtual void release(const lsm_device& device, void* memory, std::size_t bytes) const = 0;

  virtual void synchronize(lsm_context_s& context) const = 0;
  virtual void copy(lsm_context_s& context, const View& source, const View& target) const = 0;
  virtual double measure_gemm(lsm_context_s& context, Type type, std::int64_t m, std::int64_t n,
                              std::int64_t k, int repeats) const = 0;
  virtual double measure_copy(lsm_context_s& context, std::int64_t bytes, int repeats) const = 0;

  virtual void run_contrastive(const ContrastiveCall& call, lsm_context_s& context) const = 0;
  virtual lsm_contrastive_plan plan_contrastive(const ContrastiveCall& call,
                                                lsm_context_s& context) const = 0;
};

// {0, 0} is the CPU.
lsm_device resolved(const lsm_device& device);

// The backend of a device that exists; throws, with the reason, where there is none.
const Backend& backend_of(const lsm_device& device);

// JSON array of all backends, absent ones with their reason.
std::string describe_backends();

// The backends that this build holds.
const Backend& cpu_backend();

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_BACKEND_H_
