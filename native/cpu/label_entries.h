// The entries of the score matrix that are not like the others: positives, targets and ignored
// labels of every row, by columns of the sweep.
#ifndef LOSSMITH_CPU_LABEL_ENTRIES_H_
#define LOSSMITH_CPU_LABEL_ENTRIES_H_

#include <cstdint>

#include "core/workspace.h"
#include "engine/label_call.h"

namespace lossmith {

struct LabelEntry {
  std::int64_t column;
  std::int64_t position;  // in its row of the caller's sets
  double value;           // relevance; of a target 1
  double score;           // s, once the sums have been swept
  double product;         // u of the same entry
  double gradient;        // G
  bool ignored;
};

// One row's entries, sorted by column, each column once.
struct LabelRow {
  LabelEntry* entries;
  std::int64_t count;
  std::int64_t positives;  // |P_i|
  std::int64_t labels;     // l_i
  double relevance;        // sum of the relevances of P_i

  LabelEntry* begin() const { return entries; }
  LabelEntry* end() const { return entries + count; }
  // The first entry at or after a column.
  LabelEntry* from(std::int64_t column) const;
};

class LabelEntries {
 public:
  explicit LabelEntries(const LabelCall& call) : call_(call) {}

  void carve(Carver& carver);
  // Reads the sets; throws on values that are not as the header demands.
  void build();

  const LabelRow& row(std::int64_t i) const { return rows_[i]; }
  // The label of every column where candidates are given, else null.
  const std::int64_t* column_index() const { return column_index_; }

 private:
  std::int64_t capacity() const;
  void read_candidates();
  // The column of a label, -1 where it does not take part.
  std::int64_t column_of(std::int64_t id) const;
  LabelEntry* take_set(const IdSets& sets, bool ignored, std::int64_t i, LabelEntry* out);
  LabelEntry* take_target(std::int64_t i, LabelEntry* out);
  void sample(LabelRow& row, std::int64_t i);
  void finish(LabelRow& row, std::int64_t i);

  const LabelCall& call_;
  std::int64_t* column_index_ = nullptr;
  LabelEntry* entries_ = nullptr;
  LabelRow* rows_ = nullptr;
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_LABEL_ENTRIES_H_
