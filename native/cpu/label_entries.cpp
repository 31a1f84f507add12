#include "cpu/label_entries.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/status.h"
#include "math/label_sampling.h"

namespace lossmith {
namespace {

std::string at_row(std::int64_t i) { return " in row " + std::to_string(i); }

void expect_id(std::int64_t id, std::int64_t labels, const char* name, std::int64_t row) {
  if (id < 0 || id >= labels) {
    reject(name, "ids from 0 to " + std::to_string(labels - 1), std::to_string(id) + at_row(row));
  }
}

// Throws unless the offsets start at 0, do not fall and stay inside the ids.
void expect_offsets(const IdSets& sets, std::int64_t n, const char* name) {
  if (!sets.present()) return;
  std::int64_t last = 0;
  for (std::int64_t i = 0; i <= n; ++i) {
    const std::int64_t offset = integer_element(sets.offsets, i);
    if (offset < last || (i == 0 && offset != 0) || offset > sets.ids.shape[0]) {
      reject(name, i == 0 ? "0 first" : "offsets that do not fall, up to the number of ids",
             std::to_string(offset) + " at index " + std::to_string(i));
    }
    last = offset;
  }
}

}  // namespace

LabelEntry* LabelRow::from(std::int64_t column) const {
  return std::lower_bound(begin(), end(), column,
                          [](const LabelEntry& e, std::int64_t c) { return e.column < c; });
}

std::int64_t LabelEntries::capacity() const {
  std::int64_t count = call_.target.present() ? call_.n : 0;
  if (call_.positives.present()) count += call_.positives.ids.shape[0];
  if (call_.ignored.present()) count += call_.ignored.ids.shape[0];
  return count;
}

void LabelEntries::carve(Carver& carver) {
  rows_ = carver.take<LabelRow>(call_.n);
  entries_ = carver.take<LabelEntry>(capacity());
  if (call_.candidates.present()) column_index_ = carver.take<std::int64_t>(call_.columns);
}

void LabelEntries::read_candidates() {
  for (std::int64_t j = 0; column_index_ != nullptr && j < call_.columns; ++j) {
    const std::int64_t id = integer_element(call_.candidates, j);
    if (id < 0 || id >= call_.l || (j > 0 && id <= column_index_[j - 1])) {
      reject("candidates", "strictly increasing ids below " + std::to_string(call_.l),
             std::to_string(id) + " at index " + std::to_string(j));
    }
    column_index_[j] = id;
  }
}

std::int64_t LabelEntries::column_of(std::int64_t id) const {
  if (column_index_ == nullptr) return id;
  const std::int64_t* end = column_index_ + call_.columns;
  const std::int64_t* begin = column_index_;
  const std::int64_t* found = std::lower_bound(begin, end, id);
  return found != end && *found == id ? found - column_index_ : -1;
}

LabelEntry* LabelEntries::take_set(const IdSets& sets, bool ignored, std::int64_t i,
                                   LabelEntry* out) {
  if (!sets.present()) return out;
  const std::int64_t begin = integer_element(sets.offsets, i);
  const std::int64_t end = integer_element(sets.offsets, i + 1);
  for (std::int64_t p = begin; p < end; ++p) {
    const std::int64_t id = integer_element(sets.ids, p);
    expect_id(id, call_.l, ignored ? "ignored_ids" : "positive_ids", i);
    const double value = sets.values.present() ? element(sets.values, p) : 1.0;
    if (!std::isfinite(value)) {
      reject("positive_values", "finite numbers", std::to_string(value) + at_row(i));
    }
    const std::int64_t column = column_of(id);
    if (column < 0 || value <= 1e-8) continue;
    *out++ = {column, p - begin, value, 0, 0, 0, ignored};
  }
  return out;
}

LabelEntry* LabelEntries::take_target(std::int64_t i, LabelEntry* out) {
  if (!call_.target.present()) return out;
  const std::int64_t id = integer_element(call_.target, i);
  if (id == call_.options.ignore_index) return out;
  expect_id(id, call_.l, "target", i);
  const std::int64_t column = column_of(id);
  if (column < 0) {
    reject("target", "one of the candidates", std::to_string(id) + at_row(i));
  }
  *out++ = {column, 0, 1, 0, 0, 0, false};
  return out;
}

// Keeps the `sample` positives with the smallest keys; the others are ignored.
void LabelEntries::sample(LabelRow& row, std::int64_t i) {
  const std::int64_t wanted = call_.options.sample;
  if (wanted == 0 || row.positives <= wanted) return;
  const std::uint64_t seed = call_.options.seed;
  // `gradient` is free until the losses are made: it holds the key, infinity for what is not drawn
  // from.
  for (LabelEntry& e : row) {
    e.gradient = e.ignored ? INFINITY : math::sampling_key(seed, i, e.position, e.value);
  }
  for (LabelEntry& e : row) {
    if (e.ignored) continue;
    std::int64_t before = 0;
    for (const LabelEntry& other : row) {
      before +=
          other.gradient < e.gradient || (other.gradient == e.gradient && other.column < e.column);
    }
    e.product = before < wanted ? 0 : 1;
  }
  for (LabelEntry& e : row) {
    e.ignored = e.ignored || e.product != 0;
    e.product = 0;
  }
  row.positives = wanted;
}

// Sorts, keeps each column once (ignored before positive, then the first), counts.
void LabelEntries::finish(LabelRow& row, std::int64_t i) {
  std::sort(row.begin(), row.end(), [](const LabelEntry& a, const LabelEntry& b) {
    if (a.column != b.column) return a.column < b.column;
    if (a.ignored != b.ignored) return a.ignored;
    return a.position < b.position;
  });
  LabelEntry* end =
      std::unique(row.begin(), row.end(),
                  [](const LabelEntry& a, const LabelEntry& b) { return a.column == b.column; });
  row.count = end - row.entries;
  row.positives = std::count_if(row.begin(), row.end(), [](auto& e) { return !e.ignored; });
  sample(row, i);
  row.labels = call_.columns - (row.count - row.positives);
  row.relevance = 0;
  for (const LabelEntry& e : row) row.relevance += e.ignored ? 0.0 : e.value;
}

void LabelEntries::build() {
  read_candidates();
  expect_offsets(call_.positives, call_.n, "positive_offsets");
  expect_offsets(call_.ignored, call_.n, "ignored_offsets");
  LabelEntry* out = entries_;
  for (std::int64_t i = 0; i < call_.n; ++i) {
    LabelRow& row = rows_[i];
    row.entries = out;
    out = take_set(call_.ignored, true, i, out);
    out = take_set(call_.positives, false, i, out);
    LabelEntry* before_target = out;
    out = take_target(i, out);
    row.count = out - row.entries;
    finish(row, i);
    if (out != before_target && row.positives == 0) {
      reject("target", "a label that is not ignored in its row",
             std::to_string(integer_element(call_.target, i)) + at_row(i));
    }
  }
}

}  // namespace lossmith
