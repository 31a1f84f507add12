#include "core/context.h"

#include <cstdlib>
#include <string>

#include "core/status.h"
#include "engine/backend.h"

namespace lossmith {

char* WorkspaceMemory::allocate_block(std::size_t bytes) {
  char* block = static_cast<char*>(std::aligned_alloc(kAlignment, bytes));
  if (block == nullptr) {
    throw Error(LSM_OUT_OF_MEMORY,
                "workspace: could not allocate " + std::to_string(bytes) + " bytes");
  }
  return block;
}

void WorkspaceMemory::release_block(char* block, std::size_t) noexcept { std::free(block); }

Workspace::~Workspace() { free_block(); }

void Workspace::free_block() noexcept {
  if (block_ != nullptr) memory_.release_block(block_, bytes_);
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
  block_ = memory_.allocate_block(rounded);
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

std::int64_t checked_budget(std::int64_t budget, const Backend& backend) {
  if (budget < 0) reject("budget", "bytes >= 0", budget);
  return budget == 0 ? backend.default_budget() : budget;
}

// Checks that need no device come before the state of the context is made.
const lsm_context_options& checked(const lsm_context_options& options) {
  if (options.own_stream != 0 && options.own_stream != 1) {
    reject("own_stream", "0 or 1", options.own_stream);
  }
  if (options.tf32 != 0 && options.tf32 != 1) reject("tf32", "0 or 1", options.tf32);
  if (options.own_stream == 1 && options.stream != 0) {
    reject("stream", "0 together with own_stream", options.stream);
  }
  return options;
}

}  // namespace
}  // namespace lossmith

lsm_context_s::lsm_context_s(const lsm_context_options& options)
    : device(lossmith::resolved(lossmith::checked(options).device)),
      backend(lossmith::backend_of(device)),
      threads(lossmith::checked_threads(options.threads, backend)),
      state(backend.make_state(device, options, threads)),
      workspace(*state, lossmith::checked_budget(options.budget, backend)) {}

lsm_context_s::~lsm_context_s() = default;
