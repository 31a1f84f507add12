// What a lsm_context holds: device, threads, workspace, and its backend's own state.
#ifndef LOSSMITH_CORE_CONTEXT_H_
#define LOSSMITH_CORE_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <mutex>

#include "core/workspace.h"
#include "lossmith/context.h"

namespace lossmith {
class Backend;
class BackendState;
}  // namespace lossmith

struct lsm_context_s {
  explicit lsm_context_s(const lsm_context_options& options);
  ~lsm_context_s();
  lsm_context_s(const lsm_context_s&) = delete;
  lsm_context_s& operator=(const lsm_context_s&) = delete;

  const lsm_device device;
  const lossmith::Backend& backend;
  const int threads;
  const std::unique_ptr<lossmith::BackendState> state;
  lossmith::Workspace workspace;  // in memory of the state's
  std::mutex mutex;               // one call at a time
};

namespace lossmith {

// Holds the context for one call; throws for NULL.
class Lease {
 public:
  explicit Lease(lsm_context context);
  lsm_context_s& operator*() const { return *context_; }
  lsm_context_s* operator->() const { return context_; }

 private:
  lsm_context context_;
  std::unique_lock<std::mutex> lock_;
};

}  // namespace lossmith

#endif  // LOSSMITH_CORE_CONTEXT_H_
