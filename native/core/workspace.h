// The extra memory of a context: one block that grows to what the largest call needed. It lies
// where the context's device wants it.
#ifndef LOSSMITH_CORE_WORKSPACE_H_
#define LOSSMITH_CORE_WORKSPACE_H_

#include <cstddef>
#include <cstdint>

#include "core/memory.h"

namespace lossmith {

// Hands out aligned pieces of a block. A carver over a null block only adds sizes up, so that
// the same code first measures a call's memory and then lays it out.
class Carver {
 public:
  explicit Carver(char* block) : block_(block) {}

  template <class T>
  T* take(std::int64_t count) {
    char* piece = block_ == nullptr ? nullptr : block_ + used_;
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return reinterpret_cast<T*>(piece);
  }
  std::size_t used() const { return used_; }
  bool measures() const { return block_ == nullptr; }

 private:
  char* block_;
  std::size_t used_ = 0;
};

// Where the block of a workspace comes from: host memory, unless a backend knows better.
class WorkspaceMemory {
 public:
  virtual ~WorkspaceMemory() = default;
  // At least kAlignment-aligned, contents undefined; throws Error(LSM_OUT_OF_MEMORY).
  virtual char* allocate_block(std::size_t bytes);
  // Queued work may still use the block.
  virtual void release_block(char* block, std::size_t bytes) noexcept;
};

class Workspace {
 public:
  // The memory must outlive the workspace.
  Workspace(WorkspaceMemory& memory, std::int64_t budget) : memory_(memory), budget_(budget) {}
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  std::int64_t budget() const { return budget_; }
  void set_budget(std::int64_t budget);
  std::int64_t bytes() const { return static_cast<std::int64_t>(bytes_); }

  // A block of at least `bytes`; its contents are undefined. Allocates only if the block that
  // is held is smaller. The caller has checked the budget.
  char* block(std::size_t bytes);

 private:
  void free_block() noexcept;

  WorkspaceMemory& memory_;
  std::int64_t budget_;
  char* block_ = nullptr;
  std::size_t bytes_ = 0;
};

// Throws LSM_BUDGET_TOO_SMALL with both numbers.
void expect_budget(const Workspace& workspace, std::size_t needed);

// Lays out a call for at most `threads` threads, which it halves as long as the budget asks for it:
// carve(carver) takes what threads needs, first to measure, at last from the workspace. Throws where
// one thread does not fit.
template <class Carve>
void carve_for_threads(Workspace& workspace, int& threads, const Carve& carve) {
  const auto measure = [&] {
    Carver carver(nullptr);
    carve(carver);
    return carver.used();
  };
  const auto budget = static_cast<std::size_t>(workspace.budget());
  std::size_t bytes = measure();
  while (threads > 1 && bytes > budget) {
    threads /= 2;
    bytes = measure();
  }
  expect_budget(workspace, bytes);
  Carver carver(workspace.block(bytes));
  carve(carver);
}

}  // namespace lossmith

#endif  // LOSSMITH_CORE_WORKSPACE_H_
