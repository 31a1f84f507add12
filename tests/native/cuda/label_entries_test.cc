// The sets of a call as sorted entries against maps: duplicates, ignored positives, candidates,
// draws, long rows, and data that break a demand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "cuda/device_array.h"
#include "cuda/label_kernels.h"
#include "math/label_sampling.h"

namespace lossmith_test {
namespace {

namespace cuda = lossmith::cuda;

struct SetsCase {
  std::int64_t n = 0, l = 0;
  std::vector<std::int64_t> candidates;
  std::vector<std::int64_t> positive_offsets, positive_ids, ignored_offsets, ignored_ids, target;
  std::vector<double> values;
  std::int64_t sample = 0;
  std::uint64_t seed = 7;
};

using Row = std::vector<std::pair<std::int64_t, double>>;  // column, relevance; 0: ignored

struct Built {
  std::vector<Row> rows;
  std::vector<double> positives, relevance_sum;
};

cuda::IdVector Ids(const DeviceArray<std::int64_t>& ids, std::size_t count) {
  return {ids.get(), true, 1, static_cast<std::int64_t>(count)};
}

Built Build(const SetsCase& c) {
  const std::size_t n = static_cast<std::size_t>(c.n);
  const DeviceArray<std::int64_t> candidates(c.candidates), positive_offsets(c.positive_offsets);
  const DeviceArray<std::int64_t> positive_ids(c.positive_ids), ignored_offsets(c.ignored_offsets);
  const DeviceArray<std::int64_t> ignored_ids(c.ignored_ids), target(c.target);
  const DeviceArray<double> values(c.values);
  cuda::LabelSets sets;
  sets.n = c.n;
  sets.l = c.l;
  sets.columns = c.candidates.empty() ? c.l : static_cast<std::int64_t>(c.candidates.size());
  if (!c.candidates.empty()) sets.candidates = candidates.get();
  if (!c.positive_offsets.empty()) {
    sets.positive_offsets = Ids(positive_offsets, n + 1);
    sets.positive_ids = Ids(positive_ids, c.positive_ids.size());
  }
  if (!c.ignored_offsets.empty()) {
    sets.ignored_offsets = Ids(ignored_offsets, n + 1);
    sets.ignored_ids = Ids(ignored_ids, c.ignored_ids.size());
  }
  if (!c.target.empty()) sets.target = Ids(target, n);
  if (!c.values.empty()) sets.positive_values = {values.get(), true, 1};
  sets.ignore_index = -100;
  sets.sample = c.sample;
  sets.seed = c.seed;

  const std::int64_t capacity =
      static_cast<std::int64_t>(c.positive_ids.size() + c.ignored_ids.size() + c.target.size());
  const DeviceArray<std::int64_t> begin(c.n), count(c.n), column(capacity);
  const DeviceArray<double> positives(c.n), relevance_sum(c.n), relevance(capacity);
  const DeviceArray<std::uint8_t> bad_positives(c.n), bad_ignored(c.n);
  const DeviceArray<std::int64_t> key0(capacity), key1(capacity), order0(capacity),
      order1(capacity), position(capacity);
  const DeviceArray<double> draw(capacity);
  cuda::EntryScratch scratch;
  scratch.bad_positives = bad_positives.get();
  scratch.bad_ignored = bad_ignored.get();
  scratch.key[0] = key0.get();
  scratch.key[1] = key1.get();
  scratch.order[0] = order0.get();
  scratch.order[1] = order1.get();
  if (c.sample > 0) {
    scratch.position = position.get();
    scratch.draw = draw.get();
  }
  cuda::build_entries(nullptr, sets, scratch,
                      {begin.get(), count.get(), positives.get(), relevance_sum.get(), column.get(),
                       relevance.get()});
  Built built{{}, positives.Values(), relevance_sum.Values()};
  const std::vector<std::int64_t> begins = begin.Values(), counts = count.Values(),
                                  columns = column.Values();
  const std::vector<double> relevances = relevance.Values();
  for (std::size_t i = 0; i < n; ++i) {
    Row row;
    for (std::int64_t e = begins[i]; e < begins[i] + counts[i]; ++e) {
      row.emplace_back(columns[static_cast<std::size_t>(e)],
                       relevances[static_cast<std::size_t>(e)]);
    }
    built.rows.push_back(row);
  }
  return built;
}

// The same by a map from column to relevance and position.
Row Expected(const SetsCase& c, std::size_t i) {
  struct Entry {
    double relevance;
    std::int64_t position;
  };
  std::map<std::int64_t, Entry> entries;
  const auto add = [&](std::int64_t id, double relevance, std::int64_t position) {
    std::int64_t column = id;
    if (!c.candidates.empty()) {
      const auto found = std::lower_bound(c.candidates.begin(), c.candidates.end(), id);
      if (found == c.candidates.end() || *found != id) return;
      column = found - c.candidates.begin();
    }
    entries.emplace(column, Entry{relevance, position});  // the first one stays
  };
  for (std::int64_t e = c.ignored_offsets.empty() ? 0 : c.ignored_offsets[i];
       !c.ignored_offsets.empty() && e < c.ignored_offsets[i + 1]; ++e) {
    add(c.ignored_ids[static_cast<std::size_t>(e)], 0, 0);
  }
  for (std::int64_t e = c.positive_offsets[i]; e < c.positive_offsets[i + 1]; ++e) {
    const double value = c.values.empty() ? 1 : c.values[static_cast<std::size_t>(e)];
    if (value > 1e-8) {
      add(c.positive_ids[static_cast<std::size_t>(e)], value, e - c.positive_offsets[i]);
    }
  }
  std::vector<double> keys;
  const auto key = [&](const Entry& e) {
    return lossmith::math::sampling_key(c.seed, static_cast<std::int64_t>(i), e.position,
                                        e.relevance);
  };
  for (const auto& [column, entry] : entries) {
    if (entry.relevance > 0) keys.push_back(key(entry));
  }
  std::sort(keys.begin(), keys.end());
  Row row;
  for (const auto& [column, entry] : entries) {
    const bool drawn =
        c.sample == 0 || static_cast<std::int64_t>(keys.size()) <= c.sample ||
        (entry.relevance > 0 && key(entry) <= keys[static_cast<std::size_t>(c.sample - 1)]);
    row.emplace_back(column, drawn ? entry.relevance : 0.0);
  }
  return row;
}

// Rows of 0 to `longest` ids in no order, with duplicates; relevances of 0 among the values.
SetsCase RandomSets(std::int64_t n, std::int64_t l, std::int64_t longest, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  const auto below = [&](std::int64_t count) {
    return static_cast<std::int64_t>(engine() % static_cast<std::uint64_t>(count));
  };
  SetsCase c;
  c.n = n;
  c.l = l;
  c.positive_offsets = c.ignored_offsets = {0};
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t e = below(longest + 1); e > 0; --e) {
      c.positive_ids.push_back(below(l));
      c.values.push_back(0.25 * static_cast<double>(below(5)));
    }
    for (std::int64_t e = below(longest + 1); e > 0; --e) c.ignored_ids.push_back(below(l));
    c.positive_offsets.push_back(static_cast<std::int64_t>(c.positive_ids.size()));
    c.ignored_offsets.push_back(static_cast<std::int64_t>(c.ignored_ids.size()));
  }
  return c;
}

void Check(const SetsCase& c) {
  const Built built = Build(c);
  for (std::size_t i = 0; i < static_cast<std::size_t>(c.n); ++i) {
    const Row expected = Expected(c, i);
    EXPECT_EQ(built.rows[i], expected) << "row " << i;
    double positives = 0, sum = 0;
    for (const auto& [column, relevance] : expected) {
      positives += relevance > 0;
      sum += relevance;
    }
    EXPECT_EQ(built.positives[i], positives);
    EXPECT_EQ(built.relevance_sum[i], sum);
  }
}

TEST(LabelEntries, SortedAndUnique) {
  for (const std::int64_t longest : {0, 1, 2, 31, 32, 33, 100}) {
    Check(RandomSets(20, 50, longest, static_cast<std::uint64_t>(longest)));
  }
}

TEST(LabelEntries, LongRows) { Check(RandomSets(3, 5000, 2000, 1)); }

TEST(LabelEntries, OnlyCandidates) {
  SetsCase c = RandomSets(20, 60, 20, 2);
  for (std::int64_t j = 0; j < c.l; j += 1 + j % 3) c.candidates.push_back(j);
  Check(c);
}

TEST(LabelEntries, DrawsAsTheCpuDoes) {
  for (const std::int64_t sample : {1, 3, 40}) {
    SetsCase c = RandomSets(20, 100, 30, 3);
    c.sample = sample;
    Check(c);
  }
}

// A row whose data cannot be used is NaN and has no entries; the others are what they would be.
TEST(LabelEntries, BadRowsAloneAreNaN) {
  SetsCase c = RandomSets(6, 40, 12, 4);
  c.positive_offsets = {0, 4, 4, 8, 12, 16, 20};
  c.positive_ids.resize(20, 3);
  c.values.assign(20, 0.5);
  const Built good = Build(c);
  SetsCase bad = c;
  bad.positive_ids[5] = 40;
  bad.values[9] = NAN;
  bad.positive_offsets[6] = 21;
  const Built built = Build(bad);
  for (const std::size_t i : {2u, 3u, 5u}) {
    EXPECT_TRUE(std::isnan(built.positives[i])) << "row " << i;
    EXPECT_TRUE(built.rows[i].empty());
  }
  for (const std::size_t i : {0u, 1u, 4u}) EXPECT_EQ(built.rows[i], good.rows[i]) << "row " << i;
}

TEST(LabelEntries, FallingOffsetsReachIntoNoOtherRow) {
  SetsCase c = RandomSets(4, 40, 0, 5);
  c.positive_ids = {1, 2, 3, 4, 5, 6, 7, 8};
  c.values.clear();
  c.positive_offsets = {0, 5, 3, 7, 8};
  const Built built = Build(c);
  EXPECT_EQ(built.rows[0].size(), 5u);
  EXPECT_TRUE(std::isnan(built.positives[1]));
  EXPECT_TRUE(std::isnan(built.positives[2]));
  EXPECT_EQ(built.rows[3], (Row{{8, 1.0}}));
}

TEST(LabelEntries, Targets) {
  SetsCase c = RandomSets(4, 10, 0, 6);
  c.positive_offsets.clear();
  c.ignored_offsets = {0, 1, 1, 2, 2};
  c.ignored_ids = {9, 4};
  c.target = {3, -100, 4, 10};
  const Built built = Build(c);
  EXPECT_EQ(built.rows[0], (Row{{3, 1.0}, {9, 0.0}}));
  EXPECT_EQ(built.positives[1], 0);
  EXPECT_TRUE(std::isnan(built.positives[2])) << "an ignored target";
  EXPECT_TRUE(std::isnan(built.positives[3])) << "no such label";
}

}  // namespace
}  // namespace lossmith_test
