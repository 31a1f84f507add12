#include "runtime/memory_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "runtime/state.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

int openings = 0;

#if defined(__SANITIZE_ADDRESS__)

void set_access(void* p, std::size_t bytes, bool open) {
  if (open) {
    __asan_unpoison_memory_region(p, bytes);
  } else {
    __asan_poison_memory_region(p, bytes);
  }
}

#else

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}
std::size_t whole_pages(std::size_t bytes) {
  return (bytes + page_size() - 1) / page_size() * page_size();
}
// Allocations end at the end of a page, up to their alignment.
char* pages_of(void* p) {
  return reinterpret_cast<char*>(reinterpret_cast<std::uintptr_t>(p) / page_size() * page_size());
}
void set_access(void* p, std::size_t bytes, bool open) {
  ::mprotect(pages_of(p), whole_pages(bytes), open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

#endif

void set_access_to_all(bool open) {
  for (const auto& entry : state().allocations) {
    const Allocation& allocation = entry.second;
    if (!allocation.pinned) {
      set_access(reinterpret_cast<void*>(entry.first), allocation.bytes, open);
    }
  }
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)

void* new_device_memory(std::size_t bytes) {
  void* p = nullptr;
  return ::posix_memalign(&p, 256, bytes) == 0 ? p : nullptr;
}
void delete_device_memory(void* p, std::size_t bytes) {
  set_access(p, bytes, true);
  std::free(p);
}

#else

void* new_device_memory(std::size_t bytes) {
  const std::size_t pages = whole_pages(bytes);
  void* memory = ::mmap(nullptr, pages + page_size(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(memory);
  ::mprotect(begin + pages, page_size(), PROT_NONE);
  return begin + (pages - (bytes + 255) / 256 * 256);
}
void delete_device_memory(void* p, std::size_t bytes) {
  ::munmap(pages_of(p), whole_pages(bytes) + page_size());
}

#endif

MemoryOpening::MemoryOpening() {
  if (openings++ == 0 && !state().host_access) set_access_to_all(true);
}
MemoryOpening::~MemoryOpening() {
  if (--openings == 0 && !state().host_access) set_access_to_all(false);
}

void apply_host_access() { set_access_to_all(state().host_access || openings > 0); }
void apply_host_access(void* p, std::size_t bytes) {
  set_access(p, bytes, state().host_access || openings > 0);
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
