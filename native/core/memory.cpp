#include "core/memory.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "core/status.h"

namespace lossmith {
namespace {

std::atomic<std::int64_t> g_bytes{0};
std::atomic<std::int64_t> g_tensors{0};
std::mutex g_host_mutex;
lsm_memory_pool g_host{};

}  // namespace

void count_host(std::size_t bytes) {
  const std::int64_t more = static_cast<std::int64_t>(bytes);
  {
    const std::lock_guard<std::mutex> lock(g_host_mutex);
    if (g_host.limit_bytes > 0 && more > g_host.limit_bytes - g_host.live_bytes) {
      throw Error(LSM_OUT_OF_MEMORY, "memory: could not allocate " + std::to_string(bytes) +
                                         " bytes on cpu:0 (" + std::to_string(g_host.live_bytes) +
                                         " bytes of tensors are live, the limit is " +
                                         std::to_string(g_host.limit_bytes) + " bytes)");
    }
    g_host.live_bytes += more;
    if (g_host.live_bytes > g_host.peak_bytes) g_host.peak_bytes = g_host.live_bytes;
  }
  count_bytes(more);
}

void uncount_host(std::size_t bytes) noexcept {
  {
    const std::lock_guard<std::mutex> lock(g_host_mutex);
    g_host.live_bytes -= static_cast<std::int64_t>(bytes);
  }
  count_bytes(-static_cast<std::int64_t>(bytes));
}

lsm_memory_pool host_memory() {
  const std::lock_guard<std::mutex> lock(g_host_mutex);
  return g_host;
}

void set_host_limit(std::int64_t bytes) {
  const std::lock_guard<std::mutex> lock(g_host_mutex);
  g_host.limit_bytes = bytes;
}

void* allocate_zeroed(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = rounded < bytes ? nullptr : std::aligned_alloc(kAlignment, rounded);
  if (memory == nullptr) {
    throw Error(LSM_OUT_OF_MEMORY, "memory: could not allocate " + std::to_string(bytes) +
                                       " bytes (" + std::to_string(live_bytes()) +
                                       " bytes of tensors are live)");
  }
  try {
    count_host(bytes);
  } catch (...) {
    std::free(memory);
    throw;
  }
  std::memset(memory, 0, rounded);
  return memory;
}

void release(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  std::free(memory);
  uncount_host(bytes);
}

void count_bytes(std::int64_t bytes) noexcept {
  g_bytes.fetch_add(bytes, std::memory_order_relaxed);
}
void count_tensor(std::int64_t tensors) noexcept {
  g_tensors.fetch_add(tensors, std::memory_order_relaxed);
}
std::int64_t live_bytes() noexcept { return g_bytes.load(std::memory_order_relaxed); }
std::int64_t live_tensors() noexcept { return g_tensors.load(std::memory_order_relaxed); }

}  // namespace lossmith
