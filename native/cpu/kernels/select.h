// The first pass of retrieval over a row of scores in cache: which of them may be among the best.
// A is float (vectorised, one version per instruction set) or double.
#ifndef LOSSMITH_CPU_KERNELS_SELECT_H_
#define LOSSMITH_CPU_KERNELS_SELECT_H_

#include <cstdint>

namespace lossmith {

// Scores are looked at in blocks of this many; `room` is at least as much.
constexpr std::int64_t kSelectBlock = 64;

template <class A>
struct SelectRow {
  const A* dots;  // [columns]
  std::int64_t columns;
  A scale;
  const A* bias;       // [columns] or null
  std::int64_t begin;  // first column to look at
  // Scores > threshold pass; every number if the threshold is NaN; everything if `open`.
  A threshold;
  bool open;
  // The scores that pass and their columns, at most `room` of them.
  A* scores;
  std::int32_t* passed;
  std::int64_t room;
  std::int64_t count;  // out: how many passed
};

// These return the first column that they have not looked at: `columns`, or less for want of room.
struct SelectKernels {
  std::int64_t (*run)(SelectRow<float>& row);
};
std::int64_t select_f64(SelectRow<double>& row);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_SELECT_H_
