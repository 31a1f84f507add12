// The rules of shared memory in full, for accesses that the inline checks do not decide at once.
#include "simt/shared_check.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "executor/block.h"
#include "executor/shared_state.h"

namespace lossmith {
namespace cuda {
namespace simt {

Cell shared_cells[kSharedBytes / 4];

namespace {

// Of split cells.
Cell byte_cells[kSharedBytes];
// Where several threads read: the lanes, or two threads of different warps, (a, b << 16).
std::uint32_t cell_readers[kSharedBytes / 4];
std::uint32_t byte_readers[kSharedBytes];

struct Access {
  std::uint32_t offset, bytes, array, element;
  bool writes;
};

std::string text_of(const Access& access) {
  return std::string(access.writes ? "write of " : "read of ") +
         name_of_element(access.offset, access.array, access.element) + " (" +
         std::to_string(access.bytes) + " bytes)";
}

[[noreturn]] void fail_race(const Access& access, std::uint32_t other, const char* verb) {
  Block& block = Block::instance();
  fail("race: " + text_of(access) + ", which " + block.name_of_thread(static_cast<int>(other)) +
       " " + verb + " with no barrier in between");
}

[[noreturn]] void fail_never_written(const Access& access, std::uint32_t byte) {
  Block& block = Block::instance();
  for (int id = 0; id < block.threads(); ++id) {
    for (const Arrival& arrival : block.thread(id).arrivals) {
      if (byte + 4 <= arrival.offset || byte >= arrival.offset + 16) continue;
      fail(text_of(access) + ": not there yet, the cp_async16 of " + block.name_of_thread(id) +
           " has had no cp_async_wait");
    }
  }
  fail("uninitialised " + text_of(access) + ": not written in this block");
}

// Whether the access of another thread with this stamp happened before what the running thread
// does now, by a __syncwarp. The stamp is not below running.block_floor.
bool before(std::uint32_t clock, std::uint32_t who) {
  Block& block = Block::instance();
  const auto self = static_cast<std::uint32_t>(block.current());
  if (who / kWarp != self / kWarp) return false;
  return clock < block.thread(block.current()).known[who % kWarp];
}

void check_last_write(const Cell& cell, const Access& access) {
  if (cell.write < running.block_floor || same_thread(cell.write)) return;
  const std::uint32_t who = cell.write & kWho;
  if (!before(cell.write >> kWhoBits, who)) fail_race(access, who, "wrote");
}

// The lanes in readers that have not been seen to read before now, other than the running one.
std::uint32_t unordered_lanes(const Cell& cell, std::uint32_t readers) {
  Block& block = Block::instance();
  const Thread& self = block.thread(block.current());
  std::uint32_t unordered = 0;
  for (int l = 0; l < kWarp; ++l) {
    if ((readers >> l & 1u) == 0 || l == block.current() % kWarp) continue;
    if (cell.reads >> kWhoBits >= self.known[l]) unordered |= 1u << l;
  }
  return unordered;
}

void check_last_reads(const Cell& cell, std::uint32_t readers, const Access& access) {
  if (cell.reads < running.block_floor || same_thread(cell.reads)) return;
  const std::uint32_t who = cell.reads & kWho;
  const std::uint32_t self = running.stamp & kWho;
  if (who == kWarps) {
    const std::uint32_t one = readers & 0xffffu;
    fail_race(access, one / kWarp != self / kWarp ? one : readers >> 16, "read");
  }
  if (who < kLanes) {
    if (!before(cell.reads >> kWhoBits, who)) fail_race(access, who, "read");
    return;
  }
  const std::uint32_t warp = who - kLanes;
  const std::uint32_t lanes = warp == self / kWarp ? unordered_lanes(cell, readers) : readers;
  if (lanes != 0) {
    fail_race(access, warp * kWarp + static_cast<std::uint32_t>(__builtin_ctz(lanes)), "read");
  }
}

// Adds the running thread to those that have read since the last write or barrier. Readers that
// are ordered before it need not be remembered.
void add_reader(Cell& cell, std::uint32_t& readers) {
  const std::uint32_t self = running.stamp & kWho;
  const std::uint32_t clock = running.stamp >> kWhoBits;
  if (cell.reads < running.block_floor || same_thread(cell.reads)) {
    cell.reads = running.stamp;
    return;
  }
  const std::uint32_t who = cell.reads & kWho;
  const std::uint32_t seen = cell.reads >> kWhoBits;
  if (who == kWarps) return;
  const bool several = who >= kLanes;
  const std::uint32_t warp = several ? who - kLanes : who / kWarp;
  if (warp != self / kWarp) {
    const std::uint32_t one =
        several ? warp * kWarp + static_cast<std::uint32_t>(__builtin_ctz(readers)) : who;
    readers = one | self << 16;
    cell.reads = std::max(seen, clock) << kWhoBits | kWarps;
    return;
  }
  const std::uint32_t lanes = several ? readers : 1u << who % kWarp;
  if (unordered_lanes(cell, lanes) == 0) {
    cell.reads = running.stamp;
    return;
  }
  readers = lanes | 1u << self % kWarp;
  cell.reads = std::max(seen, clock) << kWhoBits | (kLanes + warp);
}

void apply(Cell& cell, std::uint32_t& readers, const Access& access, std::uint32_t byte) {
  if (access.writes) {
    check_last_write(cell, access);
    check_last_reads(cell, readers, access);
    cell.write = running.stamp;
    return;
  }
  if (cell.write < running.start_floor) fail_never_written(access, byte);
  check_last_write(cell, access);
  add_reader(cell, readers);
}

// Whether the access would leave the cell as it is: the running thread has made it before.
bool known_already(const Cell& cell, const Access& access) {
  if (access.writes) {
    return cell.write == running.stamp &&
           (cell.reads < running.block_floor || same_thread(cell.reads));
  }
  const bool read = cell.reads == running.stamp ||
                    (cell.reads >= running.block_floor && (cell.reads & kWho) == kWarps);
  return read && cell.write >= running.start_floor && cell.write < running.block_floor;
}

void split(std::uint32_t at) {
  Cell& cell = shared_cells[at];
  if (cell.reads == kSplit) return;
  for (std::uint32_t byte = 4 * at; byte < 4 * at + 4; ++byte) {
    byte_cells[byte] = cell;
    byte_readers[byte] = cell_readers[at];
  }
  cell = {0, kSplit};
}

void unite(std::uint32_t at) {
  const Cell& first = byte_cells[4 * at];
  const bool several = (first.reads & kWho) >= kLanes;
  for (std::uint32_t byte = 4 * at + 1; byte < 4 * at + 4; ++byte) {
    const Cell& cell = byte_cells[byte];
    if (cell.write != first.write || cell.reads != first.reads) return;
    if (several && byte_readers[byte] != byte_readers[4 * at]) return;
  }
  shared_cells[at] = first;
  cell_readers[at] = byte_readers[4 * at];
}

void note(const Access& access) {
  const std::uint32_t end = access.offset + access.bytes;
  for (std::uint32_t at = access.offset / 4; 4 * at < end; ++at) {
    const std::uint32_t from = std::max(access.offset, 4 * at);
    const std::uint32_t to = std::min(end, 4 * at + 4);
    Cell& cell = shared_cells[at];
    if (cell.reads != kSplit) {
      if (to - from == 4) {
        apply(cell, cell_readers[at], access, from);
        continue;
      }
      if (known_already(cell, access)) continue;
    }
    split(at);
    for (std::uint32_t byte = from; byte < to; ++byte) {
      apply(byte_cells[byte], byte_readers[byte], access, byte);
    }
    unite(at);
  }
}

}  // namespace

void note_read(std::uint32_t offset, std::uint32_t bytes, std::uint32_t array,
               std::uint32_t element) {
  note({offset, bytes, array, element, false});
}
void note_write(std::uint32_t offset, std::uint32_t bytes, std::uint32_t array,
                std::uint32_t element) {
  note({offset, bytes, array, element, true});
}

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

void forget_all_accesses() {
  std::memset(static_cast<void*>(shared_cells), 0, sizeof shared_cells);
  std::memset(static_cast<void*>(byte_cells), 0, sizeof byte_cells);
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
