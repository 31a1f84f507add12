// Entries of a row inside a block.
#ifndef LOSSMITH_CUDA_KERNELS_LABEL_ENTRIES_CUH_
#define LOSSMITH_CUDA_KERNELS_LABEL_ENTRIES_CUH_

#include <cstdint>

#include "cuda/device.h"
#include "cuda/label_kernels.h"

namespace lossmith {
namespace cuda {

// The first of the sorted columns in [begin, end) that is not below `column`.
LSM_DEVICE std::int64_t first_from(const std::int64_t* columns, std::int64_t begin,
                                   std::int64_t end, std::int64_t column) {
  while (begin < end) {
    const std::int64_t middle = begin + (end - begin) / 2;
    if (columns[middle] < column) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

constexpr std::int64_t kAbsent = 0x7ffffffffffffffe;  // sorts last

// The column of a label id, kAbsent where it takes no part.
LSM_DEVICE std::int64_t column_of(const LabelSets& sets, std::int64_t id) {
  if (sets.candidates == nullptr) return id;
  const std::int64_t found = first_from(sets.candidates, 0, sets.columns, id);
  return found < sets.columns && sets.candidates[found] == id ? found : kAbsent;
}

struct EntryRange {
  std::int64_t begin, end;
};

// Entries of `row` with columns in [first, last).
LSM_DEVICE EntryRange entries_inside(const LabelEntries& entries, std::int64_t row,
                                     std::int64_t first, std::int64_t last) {
  const std::int64_t begin = entries.begin[row];
  const std::int64_t end = begin + entries.count[row];
  const std::int64_t from = first_from(entries.column, begin, end, first);
  return {from, first_from(entries.column, from, end, last)};
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_LABEL_ENTRIES_CUH_
