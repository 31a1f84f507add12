// What is known about every byte of shared memory: who wrote it last and who has read it since, and
// when. Times are barriers passed: a thread's clock moves only at barriers, so "before the last
// __syncthreads" is one comparison, and reads and writes of ordered threads cost little more.
//
// Of several lanes that read only the latest clock is kept. Where masks of __syncwarp overlap without
// one holding the other, an early reader may therefore count as a late one: such a report would be
// wrong, and none is ever missing.
//
// A cell stands for 4 bytes. Where accesses distinguish the bytes, the cell is split: its state
// lies in four cells of one byte each, until they are equal again.
#ifndef LOSSMITH_SIMT_SHARED_CHECK_H_
#define LOSSMITH_SIMT_SHARED_CHECK_H_

#include <cstdint>

#include "simt/thread.h"

// The checks themselves need no sanitizer, and are twice as fast without.
#if defined(__SANITIZE_ADDRESS__)
#define LOSSMITH_SIMT_PLAIN __attribute__((no_sanitize("address"), no_sanitize("undefined")))
#else
#define LOSSMITH_SIMT_PLAIN
#endif

namespace lossmith {
namespace cuda {
namespace simt {

constexpr std::uint32_t kStaticBytes = 48 * 1024;
constexpr std::uint32_t kDynamicBytes = 227 * 1024;
// Static arrays lie below the dynamic memory, with gaps between them.
constexpr std::uint32_t kStaticRoom = 64 * 1024;
constexpr std::uint32_t kSharedBytes = kStaticRoom + kDynamicBytes;

// A stamp is clock << kWhoBits | who. `who` is a thread, or in reads one of:
constexpr std::uint32_t kWhoBits = 11;
constexpr std::uint32_t kWho = (1u << kWhoBits) - 1;
constexpr std::uint32_t kLanes = kMaxThreads;  // + warp: several lanes of that warp
constexpr std::uint32_t kWarps = kLanes + kMaxThreads / kWarp;  // threads of several warps
constexpr std::uint32_t kSplit = 0xffffffffu;  // the whole stamp: see the four bytes

struct Cell {
  std::uint32_t write;    // stamp of the last write; 0: none
  std::uint32_t reads;    // stamp of the last read, of the latest of several, or kSplit
  std::uint32_t readers;  // several: the lanes, or two threads of different warps (a, b << 16)
};

extern unsigned char shared_data[kSharedBytes];
extern Cell shared_cells[kSharedBytes / 4];

// An array in shared memory, in bytes.
struct Range {
  std::int32_t begin = 0, end = 0;
  std::uint32_t array = 0;  // which one, for messages
};
constexpr std::uint32_t kDynamicArray = 0;

// Checks and notes an access of `bytes` bytes at `offset`, in full.
void note_read(std::uint32_t offset, std::uint32_t bytes, std::uint32_t array,
               std::uint32_t element);
void note_write(std::uint32_t offset, std::uint32_t bytes, std::uint32_t array,
                std::uint32_t element);
[[noreturn]] void fail_bounds(std::int64_t offset, std::uint32_t bytes, const Range& range,
                              std::uint32_t element, const char* access);
[[noreturn]] void fail_alignment(std::int64_t offset, std::uint32_t bytes, const Range& range,
                                 std::uint32_t element, const char* access);

// Whether an access with this stamp, not below running.block_floor, happened before the running
// thread's next by a __syncwarp of its warp.
bool before_by_syncwarp(std::uint32_t stamp);

LOSSMITH_SIMT_PLAIN inline bool same_thread(std::uint32_t stamp) {
  return ((stamp ^ running.stamp) & kWho) == 0;
}

// Whether a read of the whole cell by the running thread breaks no rule and is noted.
LOSSMITH_SIMT_PLAIN inline bool read_at_once(Cell& cell) {
  const std::uint32_t write = cell.write;
  const bool ordered =
      write - running.start_floor < running.block_floor - running.start_floor ||
      (write >= running.start_floor && (same_thread(write) || before_by_syncwarp(write)));
  if (!ordered) return false;
  const std::uint32_t reads = cell.reads;
  if (reads == running.stamp) return true;
  if (reads < running.block_floor) {
    cell.reads = running.stamp;
    return true;
  }
  if (reads == running.lanes_stamp) {
    cell.readers |= running.lane_bit;
    return true;
  }
  return (reads & kWho) == kWarps;
}

LOSSMITH_SIMT_PLAIN inline bool write_at_once(Cell& cell) {
  if ((cell.write < running.block_floor || same_thread(cell.write)) &&
      (cell.reads < running.block_floor || same_thread(cell.reads))) {
    cell.write = running.stamp;
    return true;
  }
  return false;
}

template <std::uint32_t kBytes>
LOSSMITH_SIMT_PLAIN inline void check_read(std::uint32_t offset, std::uint32_t array,
                                           std::uint32_t element) {
  if (kBytes % 4 == 0 && offset % 4 == 0) {
    Cell* cells = shared_cells + offset / 4;
    bool done = true;
    for (std::uint32_t i = 0; i < kBytes / 4; ++i) done &= read_at_once(cells[i]);
    if (__builtin_expect(done, 1)) return;
  }
  note_read(offset, kBytes, array, element);
}

template <std::uint32_t kBytes>
LOSSMITH_SIMT_PLAIN inline void check_write(std::uint32_t offset, std::uint32_t array,
                                            std::uint32_t element) {
  if (kBytes % 4 == 0 && offset % 4 == 0) {
    Cell* cells = shared_cells + offset / 4;
    bool done = true;
    for (std::uint32_t i = 0; i < kBytes / 4; ++i) done &= write_at_once(cells[i]);
    if (__builtin_expect(done, 1)) return;
  }
  note_write(offset, kBytes, array, element);
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_SHARED_CHECK_H_
