// The reports of device code that need no knowledge of what it did before.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "executor/block.h"
#include "executor/shared_state.h"
#include "simt/vector.h"

namespace lossmith {
namespace cuda {
namespace simt {

void fail(const std::string& text) {
  Block& block = Block::instance();
  if (!block.runs()) {
    std::fprintf(stderr, "simt: device code outside of a kernel: %s\n", text.c_str());
    std::abort();
  }
  block.fail(block.current(), text);
}

void trap() { fail("__trap"); }

void fail_bounds(std::int64_t offset, std::uint32_t bytes, const Range& range,
                 std::uint32_t element, const char* access) {
  fail("out of bounds: " + std::string(access) + " of " +
       name_of_element(offset, range.array, element) + " (" + std::to_string(bytes) +
       " bytes), of " + std::to_string((range.end - range.begin) / static_cast<int>(element)) +
       " elements");
}

void fail_alignment(std::int64_t offset, std::uint32_t alignment, const Range& range,
                    std::uint32_t element, const char* access) {
  fail("misaligned " + std::string(access) + " of " +
       name_of_element(offset, range.array, element) + ": not at a multiple of " +
       std::to_string(alignment) + " bytes");
}

void fail_global_alignment(const void* p, std::size_t bytes, const char* access) {
  fail("misaligned " + std::string(access) +
       " of global memory: " + std::to_string(reinterpret_cast<std::uintptr_t>(p) % bytes) +
       " bytes beyond a multiple of " + std::to_string(bytes));
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
