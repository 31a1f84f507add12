#include "executor/shared_state.h"

#include <vector>

#include "simt/shared.h"

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

struct Array {
  const char* name;
  std::int32_t begin;
};

// Arrays of the block by their number; the first is the dynamic memory.
std::vector<Array> arrays;
Range dynamic;
std::uint32_t static_end = 0;   // of the last static array
std::uint32_t static_used = 0;  // by all of them, without what lies between

}  // namespace

alignas(1024) unsigned char shared_data[kSharedBytes];

void start_shared(std::uint32_t dynamic_bytes) {
  arrays.assign(1, {"dynamic shared memory", static_cast<std::int32_t>(kStaticRoom)});
  dynamic.begin = static_cast<std::int32_t>(kStaticRoom);
  dynamic.end = static_cast<std::int32_t>(kStaticRoom + dynamic_bytes);
  dynamic.array = kDynamicArray;
  static_end = static_used = 0;
}

// No array starts at more than 16 bytes of alignment by luck: LSM_SHARED promises no more.
void StaticArray::take_place() {
  const std::uint32_t begin = (static_end + 31u) / 32u * 32u + 16u;
  const std::uint32_t dynamic_bytes = static_cast<std::uint32_t>(dynamic.end - dynamic.begin);
  if (bytes_ > kStaticBytes || begin + bytes_ > kStaticRoom) {
    fail(std::string("static shared memory exceeds 48 KiB with array ") + name_);
  }
  static_end = begin + static_cast<std::uint32_t>(bytes_);
  static_used += static_cast<std::uint32_t>((bytes_ + 15) / 16 * 16);
  if (static_used > kStaticBytes) {
    fail(std::string("static shared memory exceeds 48 KiB with array ") + name_);
  }
  if (static_used + dynamic_bytes > kDynamicBytes) {
    fail(std::string("static and dynamic shared memory exceed 227 KiB with array ") + name_);
  }
  range_.begin = static_cast<std::int32_t>(begin);
  range_.end = static_cast<std::int32_t>(begin + bytes_);
  range_.array = static_cast<std::uint32_t>(arrays.size());
  arrays.push_back({name_, range_.begin});
  serial_ = running.serial;
}

Range dynamic_range(unsigned byte_offset, std::size_t alignment) {
  if (byte_offset % alignment != 0) {
    fail("dynamic_shared at byte " + std::to_string(byte_offset) +
         ", which is not a multiple of the " + std::to_string(alignment) +
         " bytes that its type is aligned to");
  }
  return dynamic;
}

std::string name_of_element(std::int64_t offset, std::uint32_t array, std::uint32_t element) {
  const Array& a = arrays[array];
  const std::int64_t bytes = offset - a.begin;
  if (array == kDynamicArray) return std::string(a.name) + ", byte " + std::to_string(bytes);
  std::int64_t index = bytes / element;
  if (bytes < 0 && bytes % element != 0) --index;
  return std::string(a.name) + "[" + std::to_string(index) + "]";
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
