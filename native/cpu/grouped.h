// Loops over a tensor whose elements share parameters in groups (engine/groups.h), and sums over
// groups. A tensor is cut by its shape alone, and what the pieces give is added up in a fixed order:
// results do not depend on which thread takes which piece.
//
// Two ways of cutting:
//
//     RunsOfGroups       parts of lines; a part is a sequence of runs of one group each. For groups
//                        whose elements lie side by side in some number.
//     PeriodsOfGroups    rows of one period (the elements from a channel's first to the same channel
//                        of the next outer index), where every column has parameters of its own. For
//                        channels on the last axis, or with few elements behind theirs.
#ifndef LOSSMITH_CPU_GROUPED_H_
#define LOSSMITH_CPU_GROUPED_H_

#include <algorithm>
#include <cstdint>

#include "engine/groups.h"

namespace lossmith {

// Elements that lie side by side in one line: `begin` is the column of the first.
struct Stretch {
  std::int64_t line, begin, length;
};

// Elements of one group in a stretch. What they give is kept under `slot`.
struct GroupRun {
  std::int64_t group, offset, length, slot;
};

class RunsOfGroups {
 public:
  static constexpr std::int64_t kPart = 2048;  // elements at most
  static constexpr std::int64_t kTask = 1 << 16;

  explicit RunsOfGroups(const Groups& groups)
      : g_(groups), parts_per_line_((groups.width + kPart - 1) / kPart) {
    const std::int64_t length = std::max<std::int64_t>(1, std::min(kPart, g_.width));
    parts_of_task_ = std::max<std::int64_t>(1, kTask / length);
  }

  std::int64_t parts() const { return g_.lines * parts_per_line_; }
  std::int64_t tasks() const { return (parts() + parts_of_task_ - 1) / parts_of_task_; }

  // body(stretch, part) for the parts of a task.
  template <class Body>
  void for_parts(std::int64_t task, Body&& body) const {
    const std::int64_t end = std::min(parts(), (task + 1) * parts_of_task_);
    for (std::int64_t part = task * parts_of_task_; part < end; ++part) {
      const std::int64_t begin = part % parts_per_line_ * kPart;
      body(Stretch{part / parts_per_line_, begin, std::min(kPart, g_.width - begin)}, part);
    }
  }

  // body(run) for the runs of a part.
  template <class Body>
  void for_runs(const Stretch& stretch, std::int64_t part, Body&& body) const {
    const std::int64_t end = stretch.begin + stretch.length;
    std::int64_t column = stretch.begin;
    while (column < end) {
      const std::int64_t run = run_of(stretch.line, column);
      const std::int64_t stop = std::min(end, end_of(run, stretch.line));
      body(GroupRun{group_of_run(run), column - stretch.begin, stop - column, run + part});
      column = stop;
    }
  }

  // A run that parts cut has a slot in each of them: run + part grows with either, so no two pieces
  // have the same.
  std::int64_t slots() const { return runs() + parts(); }

  // body(slot) for the slots of a group, in the order of its elements.
  template <class Body>
  void for_slots(std::int64_t group, Body&& body) const {
    if (g_.elements() == 0) return;
    const std::int64_t step = g_.columns > 0 ? runs() : g_.channels;
    for (std::int64_t run = group; run < runs(); run += step) {
      const std::int64_t last = last_part(run);
      for (std::int64_t part = first_part(run); part <= last; ++part) body(run + part);
    }
  }

 private:
  std::int64_t runs() const {
    if (g_.elements() == 0) return 0;
    return g_.columns > 0 ? g_.lines * g_.per_line : g_.elements() / g_.inner;
  }
  std::int64_t run_of(std::int64_t line, std::int64_t column) const {
    if (g_.columns > 0) return line * g_.per_line + column / g_.columns;
    return (line * g_.width + column) / g_.inner;
  }
  std::int64_t group_of_run(std::int64_t run) const {
    return g_.columns > 0 ? run : run % g_.channels;
  }
  // The column of this line behind the run's last.
  std::int64_t end_of(std::int64_t run, std::int64_t line) const {
    if (g_.columns > 0) return (run - line * g_.per_line + 1) * g_.columns;
    return (run + 1) * g_.inner - line * g_.width;
  }
  std::int64_t part_of(std::int64_t line, std::int64_t column) const {
    return line * parts_per_line_ + column / kPart;
  }
  std::int64_t first_part(std::int64_t run) const {
    if (g_.columns > 0) return part_of(run / g_.per_line, run % g_.per_line * g_.columns);
    return part_of(run * g_.inner / g_.width, run * g_.inner % g_.width);
  }
  std::int64_t last_part(std::int64_t run) const {
    if (g_.columns > 0) {
      const std::int64_t line = run / g_.per_line;
      return part_of(line, std::min(g_.width, end_of(run, line)) - 1);
    }
    const std::int64_t last = (run + 1) * g_.inner - 1;
    return part_of(last / g_.width, last % g_.width);
  }

  const Groups g_;
  std::int64_t parts_per_line_;
  std::int64_t parts_of_task_ = 1;
};

class PeriodsOfGroups {
 public:
  static constexpr std::int64_t kPart = 1024;  // columns at most
  static constexpr std::int64_t kTask = 1 << 15;
  static constexpr std::int64_t kShortRun = 16;
  static constexpr std::int64_t kFewestRows = 8;
  static constexpr std::int64_t kMostBlocks = 16;

  // Whether a tensor is worth a table of parameters for every column of a period.
  static bool suits(const Groups& g) {
    if (g.columns > 0 || g.channels <= 1 || g.inner >= kShortRun || g.elements() == 0) return false;
    const std::int64_t period = g.channels * g.inner;
    return g.elements() / period >= kFewestRows && (g.lines == 1 || period == g.width);
  }

  explicit PeriodsOfGroups(const Groups& groups)
      : lines_(groups.lines),
        inner_(groups.inner),
        period_(groups.channels * groups.inner),
        rows_(groups.elements() / period_),
        pieces_((period_ + kPart - 1) / kPart) {
    const std::int64_t width = std::min(kPart, period_);
    const std::int64_t enough = std::max<std::int64_t>(1, kTask / width);
    const std::int64_t fair = (rows_ + kMostBlocks - 1) / kMostBlocks;
    rows_of_block_ = std::max(enough, fair);
    blocks_ = (rows_ + rows_of_block_ - 1) / rows_of_block_;
  }

  std::int64_t period() const { return period_; }
  std::int64_t blocks() const { return blocks_; }
  std::int64_t group_of_column(std::int64_t column) const { return column / inner_; }

  // A task is a block of rows in a piece of columns: what it gives is kept under
  // block * period + column.
  std::int64_t tasks() const { return blocks_ * pieces_; }
  std::int64_t block_of(std::int64_t task) const { return task / pieces_; }
  std::int64_t first_column(std::int64_t task) const { return task % pieces_ * kPart; }
  std::int64_t columns(std::int64_t task) const {
    return std::min(kPart, period_ - first_column(task));
  }

  // body(stretch) for the rows of a task.
  template <class Body>
  void for_rows(std::int64_t task, Body&& body) const {
    const std::int64_t end = std::min(rows_, (block_of(task) + 1) * rows_of_block_);
    for (std::int64_t row = block_of(task) * rows_of_block_; row < end; ++row) {
      const std::int64_t column = first_column(task);
      const std::int64_t line = lines_ == 1 ? 0 : row;
      body(Stretch{line, lines_ == 1 ? row * period_ + column : column, columns(task)});
    }
  }

  std::int64_t slots() const { return blocks_ * period_; }

  // body(slot) for the slots of a group, in a fixed order.
  template <class Body>
  void for_slots(std::int64_t group, Body&& body) const {
    for (std::int64_t block = 0; block < blocks_; ++block) {
      for (std::int64_t i = 0; i < inner_; ++i) body(block * period_ + group * inner_ + i);
    }
  }

 private:
  std::int64_t lines_, inner_, period_, rows_, pieces_;
  std::int64_t rows_of_block_ = 1, blocks_ = 1;
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_GROUPED_H_
