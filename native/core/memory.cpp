#include "core/memory.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/status.h"

namespace lossmith {
namespace {

std::atomic<std::int64_t> g_bytes{0};
std::atomic<std::int64_t> g_tensors{0};

}  // namespace

void* allocate_zeroed(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = rounded < bytes ? nullptr : std::aligned_alloc(kAlignment, rounded);
  if (memory == nullptr) {
    throw Error(LSM_OUT_OF_MEMORY, "memory: could not allocate " + std::to_string(bytes) +
                                       " bytes (" + std::to_string(live_bytes()) +
                                       " bytes of tensors are live)");
  }
  std::memset(memory, 0, rounded);
  g_bytes.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  return memory;
}

void release(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  std::free(memory);
  g_bytes.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
}

void count_tensor(std::int64_t tensors) noexcept {
  g_tensors.fetch_add(tensors, std::memory_order_relaxed);
}
std::int64_t live_bytes() noexcept { return g_bytes.load(std::memory_order_relaxed); }
std::int64_t live_tensors() noexcept { return g_tensors.load(std::memory_order_relaxed); }

}  // namespace lossmith
