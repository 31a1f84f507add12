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

Cell byte_cells[kSharedBytes];  // of split cells

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

void check_last_write(const Cell& cell, const Access& access) {
  if (cell.write < running.block_floor || same_thread(cell.write)) return;
  if (!before_by_syncwarp(cell.write)) fail_race(access, cell.write & kWho, "wrote");
}

// The lanes of its warp other than the running one whose reads are not seen to be before now.
std::uint32_t unordered_lanes(std::uint32_t lanes, std::uint32_t clock) {
  Block& block = Block::instance();
  lanes &= ~running.lane_bit;
  // Without a __syncwarp since the last __syncthreads nothing is ordered.
  if (running.stamp >> kWhoBits == running.block_floor >> kWhoBits) return lanes;
  const Thread& self = block.thread(block.current());
  for (int l = 0; l < kWarp; ++l) {
    if (clock < self.known[l]) lanes &= ~(1u << l);
  }
  return lanes;
}

void check_last_reads(const Cell& cell, const Access& access) {
  if (cell.reads < running.block_floor || same_thread(cell.reads)) return;
  const std::uint32_t who = cell.reads & kWho;
  const std::uint32_t self = running.stamp & kWho;
  if (who == kWarps) {
    const std::uint32_t one = cell.readers & 0xffffu;
    fail_race(access, one / kWarp != self / kWarp ? one : cell.readers >> 16, "read");
  }
  if (who < kLanes) {
    if (!before_by_syncwarp(cell.reads)) fail_race(access, who, "read");
    return;
  }
  const std::uint32_t warp = who - kLanes;
  const std::uint32_t lanes =
      warp == self / kWarp ? unordered_lanes(cell.readers, cell.reads >> kWhoBits) : cell.readers;
  if (lanes != 0) {
    fail_race(access, warp * kWarp + static_cast<std::uint32_t>(__builtin_ctz(lanes)), "read");
  }
}

// Adds the running thread to those that have read since the last write or barrier. Readers that
// are ordered before it need not be remembered.
void add_reader(Cell& cell) {
  if (cell.reads < running.block_floor || same_thread(cell.reads)) {
    cell.reads = running.stamp;
    return;
  }
  const std::uint32_t self = running.stamp & kWho;
  const std::uint32_t clock = running.stamp >> kWhoBits;
  const std::uint32_t who = cell.reads & kWho;
  const std::uint32_t seen = cell.reads >> kWhoBits;
  if (who == kWarps) return;
  const bool several = who >= kLanes;
  const std::uint32_t warp = several ? who - kLanes : who / kWarp;
  if (warp != self / kWarp) {
    const std::uint32_t one =
        several ? warp * kWarp + static_cast<std::uint32_t>(__builtin_ctz(cell.readers)) : who;
    cell.readers = one | self << 16;
    cell.reads = std::max(seen, clock) << kWhoBits | kWarps;
    return;
  }
  const std::uint32_t lanes = several ? cell.readers : 1u << who % kWarp;
  if (unordered_lanes(lanes, seen) == 0) {
    cell.reads = running.stamp;
    return;
  }
  cell.readers = lanes | running.lane_bit;
  cell.reads = std::max(seen, clock) << kWhoBits | (kLanes + warp);
}

void apply(Cell& cell, const Access& access, std::uint32_t byte) {
  if (access.writes) {
    check_last_write(cell, access);
    check_last_reads(cell, access);
    cell.write = running.stamp;
    return;
  }
  if (cell.write < running.start_floor) fail_never_written(access, byte);
  check_last_write(cell, access);
  add_reader(cell);
}

// Whether the access would leave the cell as it is: the running thread has made it before.
bool known_already(const Cell& cell, const Access& access) {
  if (access.writes) {
    return cell.write == running.stamp &&
           (cell.reads < running.block_floor || same_thread(cell.reads));
  }
  const bool read = cell.reads == running.stamp ||
                    (cell.reads == running.lanes_stamp && (cell.readers & running.lane_bit) != 0) ||
                    (cell.reads >= running.block_floor && (cell.reads & kWho) == kWarps);
  return read && cell.write >= running.start_floor && cell.write < running.block_floor;
}

void split(std::uint32_t at) {
  Cell& cell = shared_cells[at];
  if (cell.reads == kSplit) return;
  for (std::uint32_t byte = 4 * at; byte < 4 * at + 4; ++byte) {
    byte_cells[byte] = cell;
  }
  cell = {0, kSplit, 0};
}

// Accesses before the last barrier no longer differ.
Cell simplified(const Cell& cell) {
  Cell simple = cell;
  if (cell.write < running.block_floor) {
    simple.write = cell.write < running.start_floor ? 0 : running.start_floor;
  }
  if (cell.reads < running.block_floor) simple.reads = 0;
  if ((simple.reads & kWho) < kLanes) simple.readers = 0;
  return simple;
}

void unite(std::uint32_t at) {
  const Cell first = simplified(byte_cells[4 * at]);
  for (std::uint32_t byte = 4 * at + 1; byte < 4 * at + 4; ++byte) {
    const Cell cell = simplified(byte_cells[byte]);
    if (cell.write != first.write || cell.reads != first.reads || cell.readers != first.readers) {
      return;
    }
  }
  shared_cells[at] = first;
}

void note(const Access& access) {
  const std::uint32_t end = access.offset + access.bytes;
  for (std::uint32_t at = access.offset / 4; 4 * at < end; ++at) {
    const std::uint32_t from = std::max(access.offset, 4 * at);
    const std::uint32_t to = std::min(end, 4 * at + 4);
    Cell& cell = shared_cells[at];
    if (cell.reads != kSplit) {
      if (to - from == 4) {
        apply(cell, access, from);
        continue;
      }
      if (known_already(cell, access)) continue;
    }
    split(at);
    for (std::uint32_t byte = from; byte < to; ++byte) {
      apply(byte_cells[byte], access, byte);
    }
    unite(at);
  }
}

}  // namespace

bool before_by_syncwarp(std::uint32_t stamp) {
  const std::uint32_t who = stamp & kWho;
  const std::uint32_t self = running.stamp & kWho;
  if (who / kWarp != self / kWarp) return false;
  const Thread& thread = Block::instance().thread(static_cast<int>(self));
  return stamp >> kWhoBits < thread.known[who % kWarp];
}

void note_read(std::uint32_t offset, std::uint32_t bytes, std::uint32_t array,
               std::uint32_t element) {
  note({offset, bytes, array, element, false});
}
void note_write(std::uint32_t offset, std::uint32_t bytes, std::uint32_t array,
                std::uint32_t element) {
  note({offset, bytes, array, element, true});
}

void forget_all_accesses() {
  std::memset(static_cast<void*>(shared_cells), 0, sizeof shared_cells);
  std::memset(static_cast<void*>(byte_cells), 0, sizeof byte_cells);
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
