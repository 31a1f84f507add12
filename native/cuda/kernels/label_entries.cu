// The sets of a call as sorted lists, one for each row, made by one warp: ids become columns, a
// stable merge sort puts the ignored ones before positives of the same column, and the first of
// each column stays. The warp reads what its lanes wrote after __syncwarp.
#include "cuda/kernels/label_entries.cuh"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "cuda/label_kernels.h"
#include "cuda/launch.h"
#include "math/label_sampling.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr double kLeastRelevance = 1e-8;

// bad[i] = 1 unless row i has the ids offsets[i] to offsets[i + 1] - 1 and no row before it reaches
// into them. One block of threads: each takes a piece of the rows.
__global__ void __launch_bounds__(kRowThreads)
    check_offsets_kernel(IdVector offsets, std::int64_t n, std::int64_t ids, std::uint8_t* bad) {
  LSM_SHARED(std::int64_t, reached, kRowThreads);
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t piece = (n + kRowThreads - 1) / kRowThreads;
  const std::int64_t begin = thread * piece < n ? thread * piece : n;
  const std::int64_t end = begin + piece < n ? begin + piece : n;
  std::int64_t most = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t offset = offsets.at(i);
    most = offset > most ? offset : most;
  }
  reached[thread] = most;
  __syncthreads();
  most = 0;
  for (int before = 0; before < thread; ++before) {
    const std::int64_t other = reached[before];
    most = other > most ? other : most;
  }
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t first = offsets.at(i);
    const std::int64_t last = offsets.at(i + 1);
    bad[i] = first < most || last < first || last > ids || (i == 0 && first != 0) ? 1 : 0;
    most = first > most ? first : most;
  }
}

// The entries [first, first + count) of one row, as they come.
struct RowSets {
  std::int64_t ignored, ignored_first;  // count, and position of the first id
  std::int64_t positives, positives_first;
  std::int64_t target;  // 1 where the row has a target
};

// Sorts key[from] and order[from] at [begin, begin + count) in runs that double; returns where they
// are then. An element's place is its place in its run and the number of those before it in the
// other run.
LSM_DEVICE int merge_sort(const EntryScratch& scratch, std::int64_t begin, std::int64_t count,
                          int lane) {
  int from = 0;
  for (std::int64_t run = 1; run < count; run *= 2) {
    const std::int64_t* key = scratch.key[from] + begin;
    for (std::int64_t e = lane; e < count; e += kRowWarp) {
      const std::int64_t pair = e / (2 * run) * (2 * run);
      const bool second = e - pair >= run;
      const std::int64_t other = second ? pair : pair + run;
      const std::int64_t other_end = other + run < count ? other + run : count;
      // Equal ones of the first run go before those of the second.
      const std::int64_t bound = second ? key[e] + 1 : key[e];
      const std::int64_t rank =
          other < count ? first_from(key, other, other_end, bound) - other : 0;
      const std::int64_t to = begin + pair + (e - (second ? pair + run : pair)) + rank;
      scratch.key[1 - from][to] = key[e];
      scratch.order[1 - from][to] = scratch.order[from][begin + e];
    }
    __syncwarp();
    from = 1 - from;
  }
  return from;
}

// Columns of the row's ids into key[0], their order into order[0]. Returns, in all lanes, whether
// one of them breaks a demand.
LSM_DEVICE bool load_row(const LabelSets& sets, const EntryScratch& scratch, const RowSets& row,
                         std::int64_t i, std::int64_t begin, int lane) {
  bool bad = false;
  const std::int64_t count = row.ignored + row.positives + row.target;
  for (std::int64_t e = lane; e < count; e += kRowWarp) {
    std::int64_t id = 0;
    double value = 1;
    if (e < row.ignored) {
      id = sets.ignored_ids.at(row.ignored_first + e);
    } else if (e < row.ignored + row.positives) {
      const std::int64_t position = row.positives_first + (e - row.ignored);
      id = sets.positive_ids.at(position);
      if (sets.positive_values.present()) value = sets.positive_values.at(position);
    } else {
      id = sets.target.at(i);
    }
    const bool usable = id >= 0 && id < sets.l && value - value == 0;
    bad = bad || !usable;
    scratch.key[0][begin + e] = usable && value > kLeastRelevance ? column_of(sets, id) : kAbsent;
    scratch.order[0][begin + e] = e;
  }
  return __ballot_sync(kAllLanes, bad) != 0;
}

LSM_DEVICE double value_of(const LabelSets& sets, const RowSets& row, std::int64_t order) {
  if (order < row.ignored) return 0;
  if (!sets.positive_values.present() || order >= row.ignored + row.positives) return 1;
  return sets.positive_values.at(row.positives_first + (order - row.ignored));
}

// The first of each column, from the sorted keys to the entries. Returns how many.
LSM_DEVICE std::int64_t keep_first(const LabelSets& sets, const EntryScratch& scratch, int from,
                                   const RowSets& row, std::int64_t begin,
                                   const LabelEntries& entries, int lane) {
  const std::int64_t count = row.ignored + row.positives + row.target;
  std::int64_t kept = 0;
  for (std::int64_t chunk = 0; chunk < count; chunk += kRowWarp) {
    const std::int64_t e = begin + chunk + lane;
    const bool inside = chunk + lane < count;
    const std::int64_t key = inside ? scratch.key[from][e] : kAbsent;
    const bool keep = key != kAbsent && (chunk + lane == 0 || scratch.key[from][e - 1] != key);
    const unsigned votes = __ballot_sync(kAllLanes, keep);
    if (keep) {
      const std::int64_t to = begin + kept + __popc(votes & ((1u << lane) - 1u));
      const std::int64_t order = scratch.order[from][e];
      entries.column[to] = key;
      entries.relevance[to] = value_of(sets, row, order);
      if (scratch.position != nullptr) scratch.position[to] = order - row.ignored;
    }
    kept += __popc(votes);
  }
  __syncwarp();
  return kept;
}

__global__ void __launch_bounds__(kRowThreads)
    entries_kernel(LabelSets sets, EntryScratch scratch, LabelEntries out) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < sets.n; i += warp_rows()) {
    RowSets row = {};
    bool bad = false;
    if (sets.ignored_offsets.present()) {
      bad = scratch.bad_ignored[i] != 0;
      row.ignored_first = bad ? 0 : sets.ignored_offsets.at(i);
      row.ignored = bad ? 0 : sets.ignored_offsets.at(i + 1) - row.ignored_first;
    }
    if (sets.positive_offsets.present()) {
      const bool bad_positives = scratch.bad_positives[i] != 0;
      row.positives_first = bad_positives ? 0 : sets.positive_offsets.at(i);
      row.positives = bad_positives ? 0 : sets.positive_offsets.at(i + 1) - row.positives_first;
      bad = bad || bad_positives;
    }
    if (sets.target.present()) row.target = sets.target.at(i) != sets.ignore_index ? 1 : 0;
    // Rows that nobody reaches into leave a gap for each that came before.
    const std::int64_t begin =
        row.ignored_first + row.positives_first + (sets.target.present() ? i : 0);
    if (bad) row = {};
    bad = load_row(sets, scratch, row, i, begin, lane) || bad;
    __syncwarp();
    const int from = merge_sort(scratch, begin, row.ignored + row.positives + row.target, lane);
    const std::int64_t count = keep_first(sets, scratch, from, row, begin, out, lane);
    double positives = 0;
    for (std::int64_t e = lane; e < count; e += kRowWarp) {
      positives += out.relevance[begin + e] != 0 ? 1 : 0;
    }
    positives = warp_sum(positives);
    // The target is ignored, or no candidate.
    if (row.target != 0 && positives == 0) bad = true;
    if (lane != 0) continue;
    double relevance_sum = 0;  // in the order of the columns, as on the CPU
    for (std::int64_t e = 0; e < count; ++e) relevance_sum += out.relevance[begin + e];
    out.begin[i] = begin;
    out.count[i] = bad ? 0 : count;
    out.positives[i] = bad ? NAN : positives;
    out.relevance_sum[i] = relevance_sum;
  }
}

// Keeps the `sample` positives with the smallest keys, ties by the column; the others are ignored.
__global__ void __launch_bounds__(kRowThreads)
    sample_kernel(LabelSets sets, EntryScratch scratch, LabelEntries entries) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < sets.n; i += warp_rows()) {
    if (!(entries.positives[i] > static_cast<double>(sets.sample))) continue;
    const std::int64_t begin = entries.begin[i];
    const std::int64_t end = begin + entries.count[i];
    for (std::int64_t e = begin + lane; e < end; e += kRowWarp) {
      const double weight = entries.relevance[e];
      scratch.draw[e] =
          weight == 0 ? INFINITY : math::sampling_key(sets.seed, i, scratch.position[e], weight);
    }
    __syncwarp();
    for (std::int64_t e = begin + lane; e < end; e += kRowWarp) {
      const double key = scratch.draw[e];
      std::int64_t before = 0;
      for (std::int64_t other = begin; other < end; ++other) {
        const double other_key = scratch.draw[other];
        before += other_key < key || (other_key == key && other < e) ? 1 : 0;
      }
      if (before >= sets.sample) entries.relevance[e] = 0;
    }
    __syncwarp();
    if (lane != 0) continue;
    double relevance_sum = 0;
    for (std::int64_t e = begin; e < end; ++e) relevance_sum += entries.relevance[e];
    entries.positives[i] = static_cast<double>(sets.sample);
    entries.relevance_sum[i] = relevance_sum;
  }
}

void check_offsets(cudaStream_t stream, const IdVector& offsets, std::int64_t n, std::int64_t ids,
                   std::uint8_t* bad) {
  if (!offsets.present()) return;
  launch(stream, "label_offsets", LaunchShape{dim3(1), dim3(kRowThreads)}, check_offsets_kernel,
         offsets, n, ids, bad);
}

}  // namespace

std::int64_t entry_capacity(const LabelCall& call) {
  std::int64_t count = call.target.present() ? call.n : 0;
  if (call.positives.present()) count += call.positives.ids.shape[0];
  if (call.ignored.present()) count += call.ignored.ids.shape[0];
  return count;
}

void build_entries(cudaStream_t stream, const LabelSets& sets, const EntryScratch& scratch,
                   const LabelEntries& entries) {
  check_offsets(stream, sets.positive_offsets, sets.n, sets.positive_ids.count,
                scratch.bad_positives);
  check_offsets(stream, sets.ignored_offsets, sets.n, sets.ignored_ids.count, scratch.bad_ignored);
  launch(stream, "label_entries", warp_for_each_row(sets.n), entries_kernel, sets, scratch,
         entries);
  if (sets.sample == 0) return;
  launch(stream, "sample_entries", warp_for_each_row(sets.n), sample_kernel, sets, scratch,
         entries);
}

}  // namespace cuda
}  // namespace lossmith
