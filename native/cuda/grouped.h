// How kernels walk over a tensor whose elements share parameters in groups (engine/groups.h), and how
// values of elements become one value for each group: threads fold the elements of a chunk, then a
// second kernel folds the chunks of a group in a fixed order. Chunks depend on shapes alone.
#ifndef LOSSMITH_CUDA_GROUPED_H_
#define LOSSMITH_CUDA_GROUPED_H_

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdint>

#include "core/tensor.h"
#include "cuda/rows.h"
#include "engine/groups.h"

namespace lossmith {
namespace cuda {

// Division by a number that the host knows, for n from 0 to 2^53: a product and a correction, where a
// thread's 64-bit division is a call of many instructions.
struct Divider {
  std::int64_t by = 1;
  double inverse = 1;

  Divider() = default;
  explicit Divider(std::int64_t a_by)
      : by(std::max<std::int64_t>(1, a_by)), inverse(1 / static_cast<double>(by)) {}

  LSM_HD std::int64_t quotient(std::int64_t n) const {
    std::int64_t q = static_cast<std::int64_t>(static_cast<double>(n) * inverse);
    const std::int64_t rest = n - q * by;
    q += rest >= by ? 1 : 0;
    return rest < 0 ? q - 1 : q;
  }
  LSM_HD std::int64_t remainder(std::int64_t n) const { return n - quotient(n) * by; }
};

// A tensor as lines of elements, a line as runs of neighbours of one group: `run` elements, the last
// run of a line perhaps fewer. Runs are numbered through all lines; run r belongs to group r % count.
struct GroupWalk {
  std::int64_t lines = 0, width = 0;
  std::int64_t run = 1;
  std::int64_t per_line = 0;  // runs of a line
  std::int64_t count = 1;     // groups
  Divider by_run, by_per_line, by_count;

  static GroupWalk of(const Groups& g) { return of_rows(g, g.lines, g.width); }
  // The same elements in C order as rows of a matrix, whatever the lines of g are.
  static GroupWalk of_rows(const Groups& g, std::int64_t rows, std::int64_t width) {
    GroupWalk w;
    w.lines = rows;
    w.width = width;
    w.run = std::max<std::int64_t>(1, std::min(g.columns > 0 ? g.columns : g.inner, width));
    w.per_line = (width + w.run - 1) / w.run;
    w.count = g.count;
    w.by_run = Divider(w.run);
    w.by_per_line = Divider(w.per_line);
    w.by_count = Divider(w.count);
    return w;
  }

  LSM_HD std::int64_t elements() const { return lines * width; }
  LSM_HD std::int64_t runs() const { return lines * per_line; }
  // Runs of a group.
  LSM_HD std::int64_t repeats() const { return count == 0 ? 0 : runs() / count; }
  LSM_HD std::int64_t group_of(std::int64_t line, std::int64_t column) const {
    return by_count.remainder(line * per_line + by_run.quotient(column));
  }
};

// Elements that a thread takes at a time.
constexpr int kVector = 8;

// What the kernels that fold leave behind: a value for each chunk, [repeats, count, pieces].
struct ChunkShape {
  std::int64_t repeats = 0, count = 0, pieces = 1;
  Divider by_pieces;

  ChunkShape() = default;
  ChunkShape(std::int64_t a_repeats, std::int64_t a_count, std::int64_t a_pieces)
      : repeats(a_repeats), count(a_count), pieces(a_pieces), by_pieces(a_pieces) {}

  LSM_HD std::int64_t chunks() const { return repeats * count * pieces; }
  LSM_HD std::int64_t of_group() const { return repeats * pieces; }
  // Chunk i of a group.
  LSM_HD std::int64_t chunk(std::int64_t group, std::int64_t i) const {
    const std::int64_t repeat = by_pieces.quotient(i);
    return (repeat * count + group) * pieces + (i - repeat * pieces);
  }
};

// Long runs are cut into pieces, one for each block. A run of up to kWarpRun elements is one piece,
// for a team of up to 32 threads. Where runs are short and there are several of a group (the last
// axis of many), every thread takes one element of a repeat, kChunkRepeats of them, so that
// neighbouring threads read neighbouring elements; then a chunk's place in `pieces` is that of its
// element in the run.
struct FoldPlan {
  bool across = false;     // threads lie across the runs
  std::int64_t piece = 0;  // elements of a piece
  int team = 1;            // threads of a piece: a power of two up to 32, or kRowThreads
  ChunkShape chunks;

  explicit FoldPlan(const GroupWalk& walk);
};

constexpr std::int64_t kWarpRun = 2048;
constexpr std::int64_t kBlockPiece = 8192;
constexpr std::int64_t kMostPieces = 4096;  // of a run
constexpr std::int64_t kShortRun = 32;
constexpr std::int64_t kChunkRepeats = 64;

inline FoldPlan::FoldPlan(const GroupWalk& walk) : piece(walk.run) {
  const std::int64_t repeats = walk.elements() == 0 ? 0 : walk.repeats();
  if (walk.run < kShortRun && repeats >= 8) {
    across = true;
    chunks = ChunkShape((repeats + kChunkRepeats - 1) / kChunkRepeats, walk.count, walk.run);
    return;
  }
  if (walk.run > kWarpRun) {
    team = 256;
    const std::int64_t least = (walk.run + kMostPieces - 1) / kMostPieces;
    piece = std::max(kBlockPiece, (least + kWarpRun - 1) / kWarpRun * kWarpRun);
  } else {
    while (team < 32 && team * kVector < walk.run) team *= 2;
  }
  chunks = ChunkShape(repeats, walk.count, (walk.run + piece - 1) / piece);
}

// The doubles that sum_chunks needs beside the chunks' values.
std::int64_t sum_scratch(const ChunkShape& chunks);

// out[g] = the sum of the values of group g's chunks: a vector of f32 or f64 of `count` elements, or
// one element, which is the sum of all.
void sum_chunks(cudaStream_t stream, const double* values, const ChunkShape& chunks,
                double* scratch, const View& out);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_GROUPED_H_
