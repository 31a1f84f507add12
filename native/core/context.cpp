#include "core/context.h"

#include <cstdlib>
#include <string>

#include "core/status.h"
#include "engine/backend.h"

namespace lossmith {

Workspace::~Workspace() { free_block(); }

void Workspace::free_block() noexcept {
  std::free(block_);
  block_ = nullptr;
  bytes_ = 0;
}

void Workspace::set_budget(std::int64_t budget) {
  budget_ = budget;
  if (bytes() > budget) free_block();
}

char* Workspace::block(std::size_t bytes) {
  if (bytes <= bytes_) return block_;
  free_block();
  const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  block_ = static_cast<char*>(std::aligned_alloc(kAlignment, rounded));
  if (block_ == nullptr) {
    throw Error(LSM_OUT_OF_MEMORY,
                "workspace: could not allocate " + std::to_string(rounded) + " bytes");
  }
  bytes_ = rounded;
  return block_;
}

void expect_budget(const Workspace& workspace, std::size_t needed) {
  if (static_cast<std::int64_t>(needed) > workspace.budget()) {
    throw Error(LSM_BUDGET_TOO_SMALL, "budget: expected at least " + std::to_string(needed) +
                                          " bytes, got " + std::to_string(workspace.budget()));
  }
}

Lease::Lease(lsm_context context) : context_(context) {
  if (context == nullptr) reject("context", "a context", "NULL");
  lock_ = std::unique_lock<std::mutex>(context->mutex);
}

namespace {

int checked_threads(std::int32_t threads, const Backend& backend) {
  if (threads < 0 || threads > 1024) reject("threads", "0..1024", threads);
  return threads == 0 ? backend.default_threads() : threads;
}

std::int64_t checked_budget(std::int64_t budget) {
  if (budget < 0) reject("budget", "bytes >= 0", budget);
  return budget == 0 ? std::int64_t{LSM_DEFAULT_BUDGET} : budget;
}

}  // namespace
}  // namespace lossmith

lsm_context_s::lsm_context_s(const lsm_context_options& options)
    : device(lossmith::resolved(options.device)),
      backend(lossmith::backend_of(device)),
      threads(lossmith::checked_threads(options.threads, backend)),
      stream(options.stream),
      workspace(lossmith::checked_budget(options.budget)),
      state(backend.make_state(threads)) {}

lsm_context_s::~lsm_context_s() = default;
