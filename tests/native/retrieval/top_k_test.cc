// Exact top-k against a whole sort in f64.
#include <gtest/gtest.h>

#include "retrieval/search.h"
#include "support/budget.h"

namespace lossmith_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr DType kTypes[] = {DType::kF32, DType::kF64, DType::kBF16, DType::kF16};

struct Shape {
  int64_t n, l, d, k;
};

Search RandomSearch(DType dtype, const Shape& s, uint64_t seed, Layout layout = {}) {
  Random random(seed);
  const std::vector<double> x = Integers(&random, s.n * s.d, 4);
  return Search(dtype, s.n, s.l, s.d, s.k, x, Integers(&random, s.l * s.d, 4), layout);
}

// Shapes of one tile and of several in each direction, of one label and of fewer labels than k.
std::vector<Shape> Shapes() {
  if (OnSimulatedDevice())
    return {{1, 1, 1, 1}, {3, 700, 5, 1}, {5, 2600, 3, 100}, {140, 300, 2, 7}, {1, 2500, 2, 1500}};
  return {{1, 1, 1, 1},       {3, 700, 5, 1},     {20, 3000, 16, 100}, {300, 1100, 8, 7},
          {70, 17000, 2, 20}, {2, 5000, 3, 1500}, {65, 513, 64, 513}};
}

TEST(TopK, IsTheFrontOfTheWholeSort) {
  const Context context;
  for (DType dtype : kTypes) {
    uint64_t seed = 1;
    for (const Shape& s : Shapes()) {
      SCOPED_TRACE(testing::Message()
                   << Name(dtype) << " " << s.n << " " << s.l << " " << s.d << " " << s.k);
      Search search = RandomSearch(dtype, s, ++seed);
      search.options.temperature = 0.5;
      ASSERT_EQ(search.Run(context), LSM_OK) << lsm_last_error();
      search.ExpectExact();
    }
  }
}

TEST(TopK, AddsTheBiasAndLeavesOutWhatIsExcluded) {
  const Context context;
  for (const Shape& s : Shapes()) {
    for (DType id_type : {DType::kI32, DType::kI64}) {
      SCOPED_TRACE(testing::Message() << s.n << " " << s.l << " " << s.k << " " << Name(id_type));
      Search search = RandomSearch(DType::kF32, s, 11);
      Random random(12);
      search.bias.emplace(id_type == DType::kI32 ? DType::kF32 : DType::kF64,
                          std::vector<int64_t>{s.l}, Integers(&random, s.l, 9));
      search.Exclude(RandomSets(&random, s.n, s.l, 30), id_type);
      ASSERT_EQ(search.Run(context), LSM_OK) << lsm_last_error();
      search.ExpectExact();
    }
  }
}

TEST(TopK, LeavesOutTheBestOfASortedSet) {
  Search search = RandomSearch(DType::kF32, {4, 900, 3, 5}, 13);
  Sets best(4);
  for (int64_t i = 0; i < 4; ++i) {
    search.options.k = 200;
    for (const auto& found : search.Expected(i)) best[i].push_back(found.first);
    std::sort(best[i].begin(), best[i].end());
  }
  search.options.k = 5;
  search.Exclude(best, DType::kI64);
  ASSERT_EQ(search.Run(Context()), LSM_OK) << lsm_last_error();
  search.ExpectExact();
}

TEST(TopK, FillsUpWhereTooFewLabelsAreLeft) {
  const Context context;
  for (DType dtype : kTypes) {
    Search search = RandomSearch(dtype, {3, 40, 3, 64}, 21);
    Sets sets(3);
    for (int64_t j = 0; j < 40; ++j) sets[1].push_back(39 - j);
    for (int64_t j = 3; j < 40; ++j) sets[2].push_back(j);
    search.Exclude(sets, DType::kI32);
    ASSERT_EQ(search.Run(context), LSM_OK) << lsm_last_error();
    search.ExpectExact();
    EXPECT_EQ(search.ids.Get(64), -1);
    EXPECT_EQ(search.scores.Get(64), -kInfinity);
    EXPECT_EQ(search.ids.Get(2 * 64 + 2) >= 0, true);
    EXPECT_EQ(search.ids.Get(2 * 64 + 3), -1);
  }
}

TEST(TopK, EqualScoresRankByLabel) {
  Search search(DType::kF32, 2, 3000, 1, 17, {0, 1}, std::vector<double>(3000, 2.5));
  ASSERT_EQ(search.Run(Context()), LSM_OK) << lsm_last_error();
  for (int64_t c = 0; c < 17; ++c) {
    EXPECT_EQ(search.ids.Get(c), c);
    EXPECT_EQ(search.ids.Get(17 + c), c);
  }
}

// Rising scores: every label counts when it is seen.
TEST(TopK, FindsTheLastLabels) {
  std::vector<double> rising(2500);
  std::iota(rising.begin(), rising.end(), 0.0);
  Search search(DType::kF32, 1, 2500, 1, 60, {1}, rising);
  ASSERT_EQ(search.Run(Context()), LSM_OK) << lsm_last_error();
  search.ExpectExact();
}

TEST(TopK, TakesGivenProducts) {
  const Context context;
  for (DType dtype : kTypes) {
    Random random(31);
    const int64_t n = 5, l = 6000;
    std::vector<double> products = Integers(&random, n * l, 120);
    for (int64_t j = 0; j < l; ++j) {
      if (j % 3 == 0) products[j] = kNaN;
      if (j % 7 == 0) products[l + j] = kInfinity;
      products[2 * l + j] = j % 900 == 5 ? -kInfinity : kNaN;  // 7 numbers
      products[3 * l + j] = j % 2 == 0 ? 0.0 : -0.0;
    }
    Search search(dtype, n, l, 50, products);
    search.options.temperature = 2;
    search.bias.emplace(DType::kF64, std::vector<int64_t>{1}, std::vector<double>{-3});
    search.Exclude(RandomSets(&random, n, l, 100), DType::kI64);
    ASSERT_EQ(search.Run(context), LSM_OK) << lsm_last_error();
    search.ExpectExact();
  }
}

TEST(TopK, NaNRanksLast) {
  for (DType dtype : kTypes) {
    Search search = RandomSearch(dtype, {2, 2000, 4, 30}, 41);
    search.x.Set(1, kNaN);
    search.labels->Set(4 * 77 + 2, kNaN);
    search.bias.emplace(DType::kF32, std::vector<int64_t>{2000},
                        std::vector<double>(2000, -kInfinity));
    for (int64_t j = 0; j < 20; ++j) search.bias->Set(90 * j, 1.0);
    ASSERT_EQ(search.Run(Context()), LSM_OK) << lsm_last_error();
    search.ExpectExact();
    for (int64_t c = 0; c < 30; ++c) EXPECT_EQ(search.ids.Get(c), c);
  }
}

TEST(TopK, DividesByTheNorms) {
  for (DType dtype : kTypes) {
    for (int flags = 1; flags < 4; ++flags) {
      Random random(51 + flags);
      const int64_t n = 4, l = 1300, d = 12, k = 40;
      Search search(dtype, n, l, d, k, random.Normals(n * d), random.Normals(l * d));
      for (int64_t c = 0; c < d; ++c) {
        search.x.Set(2 * d + c, 0);  // a row of norm 0 scores 0 everywhere
        search.labels->Set(8 * d + c, 0);
      }
      search.options.normalize_x = flags & 1;
      search.options.normalize_labels = flags >> 1;
      ASSERT_EQ(search.Run(Context()), LSM_OK) << lsm_last_error();
      const double tolerance = 40 * UnitRoundoff(dtype);
      for (int64_t i = 0; i < n; ++i) {
        const auto expected = search.Expected(i);
        std::set<int64_t> found;
        for (int64_t c = 0; c < k; ++c) {
          const auto id = static_cast<int64_t>(search.ids.Get(i * k + c));
          found.insert(id);
          EXPECT_NEAR(search.scores.Get(i * k + c), search.Score(i, id), tolerance);
          EXPECT_NEAR(search.scores.Get(i * k + c), expected[c].second, tolerance);
        }
        EXPECT_EQ(found.size(), static_cast<size_t>(k));
      }
    }
  }
}

TEST(TopK, NothingToSearch) {
  const Context context;
  Search no_rows = RandomSearch(DType::kF32, {0, 5, 2, 3}, 61);
  EXPECT_EQ(no_rows.Run(context), LSM_OK) << lsm_last_error();
  Search no_labels = RandomSearch(DType::kF32, {2, 0, 2, 3}, 62);
  EXPECT_EQ(no_labels.Run(context), LSM_OK) << lsm_last_error();
  no_labels.ExpectExact();
  Search no_products(DType::kF64, 2, 0, 3, std::vector<double>{});
  EXPECT_EQ(no_products.Run(context), LSM_OK) << lsm_last_error();
  no_products.ExpectExact();
}

TEST(TopK, TakesAnyLayoutAndWritesNothingElse) {
  for (const Layout& layout : {Layout{3, 1, true, false}, Layout{1, 3, false, false}}) {
    Search search = RandomSearch(DType::kF32, {7, 600, 5, 9}, 71, layout);
    ASSERT_EQ(search.Run(Context()), LSM_OK) << lsm_last_error();
    search.ExpectExact();
    EXPECT_TRUE(search.scores.GapsUntouched());
    EXPECT_TRUE(search.ids.GapsUntouched());
    search.wants_scores = false;
    ASSERT_EQ(search.Run(Context()), LSM_OK) << lsm_last_error();
    search.ExpectExact();
  }
}

TEST(TopK, TakesRowsThatRunBackwards) {
  Search forward = RandomSearch(DType::kF32, {6, 500, 4, 8}, 72);
  HostTensor ids(DType::kI64, {6, 8});
  lsm_tensor x = *forward.x.view();
  lsm_tensor z = *forward.labels->view();
  int64_t strides[2] = {-4, 1};
  x.strides = z.strides = strides;
  x.byte_offset += 5 * 4 * sizeof(float);
  z.byte_offset += 499 * 4 * sizeof(float);
  const Context context;
  Mirror device;
  ASSERT_EQ(lsm_top_k(context, &forward.options,
                      device.View(x, forward.x.memory(), forward.x.memory_bytes()),
                      device.View(z, forward.labels->memory(), forward.labels->memory_bytes()),
                      nullptr, nullptr, nullptr, nullptr, device.View(&ids)),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  // Label j of the view is label 499 - j: equal scores rank the other way round.
  for (int64_t i = 0; i < 6; ++i) {
    std::vector<std::pair<double, int64_t>> all;
    for (int64_t j = 0; j < 500; ++j) all.emplace_back(-forward.Score(5 - i, 499 - j), j);
    std::sort(all.begin(), all.end());
    for (int64_t c = 0; c < 8; ++c) EXPECT_EQ(ids.Get(i * 8 + c), all[c].second);
  }
}

TEST(TopK, SameBitsForAnyThreadsAndBudget) {
  for (DType dtype : kTypes) {
    Random random(81);
    const int64_t n = Size(270, 5), l = Size(17000, 1500), d = 7, k = 33;
    const std::vector<double> x = random.Normals(n * d), z = random.Normals(l * d);
    Search first(dtype, n, l, d, k, x, z);
    first.Exclude(RandomSets(&random, n, l, 5), DType::kI32);
    ASSERT_EQ(first.Run(Context(1)), LSM_OK) << lsm_last_error();
    Search again = first;
    EXPECT_EQ(again.Run(Context(4, 1)), LSM_BUDGET_TOO_SMALL);
    const int64_t least = LargestNumberIn(lsm_last_error());
    for (int32_t threads : {2, 3, 16}) {
      for (int64_t budget : {int64_t{0}, least}) {
        Search other = first;
        ASSERT_EQ(other.Run(Context(threads, budget)), LSM_OK) << lsm_last_error();
        EXPECT_EQ(other.scores.Bits(), first.scores.Bits()) << threads << " " << budget;
        EXPECT_EQ(other.ids.Bits(), first.ids.Bits()) << threads << " " << budget;
      }
    }
  }
}

}  // namespace
}  // namespace lossmith_test
