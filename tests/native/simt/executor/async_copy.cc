#include "simt/async_copy.h"

#include <cstring>
#include <string>

#include "executor/block.h"

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

void arrive(const Arrival& arrival) {
  note_write(arrival.offset, 16, arrival.array, arrival.element);
  std::memcpy(shared_data + arrival.offset, arrival.data.bytes, 16);
}

}  // namespace

// The source is read now, the earliest that hardware may.
void async_copy(std::uint32_t offset, const void* from, int bytes, std::uint32_t array,
                std::uint32_t element) {
  if (bytes < 0 || bytes > 16) {
    fail("cp_async16 of " + std::to_string(bytes) + " bytes, not 0 to 16");
  }
  if (reinterpret_cast<std::uintptr_t>(from) % 16 != 0) {
    fail("misaligned cp_async16: the source is not at a multiple of 16 bytes");
  }
  Thread& thread = Block::instance().thread(Block::instance().current());
  Arrival arrival = {{}, offset, array, element, thread.groups};
  if (bytes > 0) std::memcpy(arrival.data.bytes, from, static_cast<std::size_t>(bytes));
  // From now on the target may change at any time: a write, of bytes that nobody may read.
  note_write(offset, 16, array, element);
  for (std::uint32_t at = offset / 4; at < offset / 4 + 4; ++at) shared_cells[at] = {0, 0, 0};
  thread.arrivals.push_back(arrival);
}

void async_commit() { ++Block::instance().thread(Block::instance().current()).groups; }

void async_wait(int newest) {
  Thread& thread = Block::instance().thread(Block::instance().current());
  std::vector<Arrival> later;
  for (const Arrival& arrival : thread.arrivals) {
    if (arrival.group < thread.groups - newest) {
      arrive(arrival);
    } else {
      later.push_back(arrival);
    }
  }
  thread.arrivals.swap(later);
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
