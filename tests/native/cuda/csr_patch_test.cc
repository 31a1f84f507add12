// Sparse targets on blocks of a matrix, against dense f64 code.
#include "cuda/csr_patch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cuda/device_matrix.h"
#include "simt/control.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr DType kFloats[] = {DType::kF32, DType::kF64, DType::kF16, DType::kBF16};

struct Entry {
  int64_t column;
  double value;
};
using Rows = std::vector<std::vector<Entry>>;

// Random targets: empty rows, rows of one, rows of more than a warp, duplicates of a column (runs of
// them in some rows), columns at both ends.
Rows RandomTargets(int64_t rows, int64_t columns, uint64_t seed) {
  Random random(seed);
  Rows targets(rows);
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t counts[] = {0, 1, 3, 32, 33, 70, 5};
    for (int64_t k = 0; k < counts[i % 7] && columns > 0; ++k) {
      int64_t column = static_cast<int64_t>(random.Uniform(0, static_cast<double>(columns)));
      if (k % 5 == 4) column = 0;
      if (i % 7 == 6) column = columns - 1;
      targets[i].push_back({column, Rounded(DType::kF32, random.Uniform(0.1, 1))});
    }
    std::stable_sort(targets[i].begin(), targets[i].end(),
                     [](const Entry& a, const Entry& b) { return a.column < b.column; });
  }
  return targets;
}

// The same on the device, in one of the forms that kernels take.
class DeviceTargets {
 public:
  enum Values { kNone, kF32, kF64 };
  DeviceTargets(const Rows& rows, bool wide, Values values) {
    std::vector<int64_t> offsets = {0}, columns;
    std::vector<double> numbers;
    for (const auto& row : rows) {
      for (const Entry& entry : row) {
        columns.push_back(entry.column);
        numbers.push_back(entry.value);
      }
      offsets.push_back(static_cast<int64_t>(columns.size()));
    }
    offsets_ = std::make_unique<DeviceArray<int64_t>>(offsets);
    wide_ = std::make_unique<DeviceArray<int64_t>>(columns);
    narrow_ = std::make_unique<DeviceArray<int32_t>>(
        std::vector<int32_t>(columns.begin(), columns.end()));
    double_ = std::make_unique<DeviceArray<double>>(numbers);
    single_ =
        std::make_unique<DeviceArray<float>>(std::vector<float>(numbers.begin(), numbers.end()));
    targets_.offsets = offsets_->get();
    targets_.columns_are_i64 = wide;
    targets_.columns = wide ? static_cast<void*>(wide_->get()) : narrow_->get();
    targets_.values_are_f64 = values == kF64;
    if (values != kNone) {
      targets_.values = values == kF64 ? static_cast<void*>(double_->get()) : single_->get();
    }
  }
  const lossmith::cuda::CsrTargets& get() const { return targets_; }

 private:
  std::unique_ptr<DeviceArray<int64_t>> offsets_, wide_;
  std::unique_ptr<DeviceArray<int32_t>> narrow_;
  std::unique_ptr<DeviceArray<double>> double_;
  std::unique_ptr<DeviceArray<float>> single_;
  lossmith::cuda::CsrTargets targets_;
};

struct Block {
  int64_t row0, column0, rows, columns;
};
// Of a matrix [90, 150].
constexpr int64_t kRows = 90, kColumns = 150;
constexpr Block kBlocks[] = {{0, 0, 90, 150}, {13, 40, 33, 31}, {0, 149, 90, 1}, {89, 0, 1, 150},
                             {7, 64, 64, 64}, {20, 60, 0, 9},   {20, 60, 9, 0},  {50, 0, 40, 1}};

// What `rows` hold at each element of the block, in the order of the entries.
std::vector<double> Dense(const Rows& rows, const Block& block, bool ones = false) {
  std::vector<double> dense(block.rows * block.columns, 0);
  for (int64_t i = 0; i < block.rows; ++i) {
    for (const Entry& entry : rows[block.row0 + i]) {
      const int64_t j = entry.column - block.column0;
      if (j >= 0 && j < block.columns) dense[i * block.columns + j] += ones ? 1 : entry.value;
    }
  }
  return dense;
}

TEST(SubtractTargets, OfEveryTypeFormAndBlock) {
  const Rows rows = RandomTargets(kRows, kColumns, 1);
  const double common = 0.75;
  const DeviceArray<double> common_there(std::vector<double>{common});
  for (DType dtype : kFloats) {
    for (bool wide : {false, true}) {
      for (auto values : {DeviceTargets::kNone, DeviceTargets::kF32, DeviceTargets::kF64}) {
        const DeviceTargets targets(rows, wide, values);
        for (const Block& block : kBlocks) {
          const std::vector<double> before =
              Rounded(dtype, Random(2).Normals(block.rows * block.columns));
          const std::vector<double> factor = Random(3).Normals(block.rows);
          const DeviceArray<double> factor_there(factor);
          DeviceMatrix matrix(dtype, block.rows, block.columns, {block.columns + 5, 1}, before);
          lossmith::cuda::subtract_targets(nullptr, targets.get(), block.row0, block.column0,
                                           factor_there.get(), wide ? common_there.get() : nullptr,
                                           matrix.get());
          const std::vector<double> got = matrix.Values();
          const std::vector<double> dense = Dense(rows, block, values == DeviceTargets::kNone);
          for (size_t e = 0; e < got.size(); ++e) {
            const double amount = factor[e / block.columns] * (wide ? common : 1) * dense[e];
            ASSERT_EQ(got[e], dense[e] == 0 ? before[e] : Rounded(dtype, before[e] - amount))
                << Name(dtype) << ", block at " << block.row0 << "," << block.column0;
          }
          EXPECT_TRUE(matrix.GapsUntouched());
        }
      }
    }
  }
}

TEST(SubtractTargets, DuplicatesAreRoundedOnce) {
  // Three thirds of the rounding distance of bf16: one by one they would vanish.
  const Rows rows = {{{1, 0x1p-10}, {1, 0x1p-10}, {1, 0x1p-10}}};
  const DeviceTargets targets(rows, false, DeviceTargets::kF64);
  const DeviceArray<double> factor(std::vector<double>{-1});
  DeviceMatrix matrix(DType::kBF16, 1, 3, {1, 1, 1});
  lossmith::cuda::subtract_targets(nullptr, targets.get(), 0, 0, factor.get(), nullptr,
                                   matrix.get());
  EXPECT_EQ(matrix.Values(), (std::vector<double>{1, Rounded(DType::kBF16, 1 + 0x3p-10), 1}));
}

TEST(SubtractTargets, ColumnsBeyondTwoToThe32) {
  constexpr int64_t kFar = (int64_t{1} << 40) + 3;
  const Rows rows = {{{2, 1}, {kFar + 1, 0.5}, {kFar + 9, 1}}};
  const DeviceTargets targets(rows, true, DeviceTargets::kF32);
  const DeviceArray<double> factor(std::vector<double>{2});
  DeviceMatrix matrix(DType::kF32, 1, 4, {0, 0, 0, 0});
  lossmith::cuda::subtract_targets(nullptr, targets.get(), 0, kFar, factor.get(), nullptr,
                                   matrix.get());
  EXPECT_EQ(matrix.Values(), (std::vector<double>{0, -1, 0, 0}));
}

// Scores in the type of the dots, with a fused multiplication and addition or without one.
template <class A>
void ExpectTargetScores(DType dtype) {
  const Rows rows = RandomTargets(kRows, kColumns, 4);
  const double scale = static_cast<double>(static_cast<A>(7.3));
  const DeviceArray<double> scale_there(std::vector<double>{scale});
  for (bool wide : {false, true}) {
    const DeviceTargets targets(rows, wide, wide ? DeviceTargets::kF64 : DeviceTargets::kF32);
    for (const Block& block : kBlocks) {
      for (bool biased : {false, true}) {
        const std::vector<double> dots =
            Rounded(dtype, Random(5).Normals(block.rows * block.columns));
        const std::vector<double> bias = Rounded(dtype, Random(6).Normals(block.columns));
        const std::vector<double> before = Random(7).Normals(block.rows);
        const DeviceArray<A> bias_there(std::vector<A>(bias.begin(), bias.end()));
        const DeviceArray<double> term(before);
        const DeviceMatrix matrix(dtype, block.rows, block.columns, {block.columns + 3, 1}, dots);
        lossmith::cuda::add_target_scores<A>(nullptr, targets.get(), block.row0, block.column0,
                                             matrix.get(), scale_there.get(),
                                             biased ? bias_there.get() : nullptr, term.get());
        const std::vector<double> got = term.Values();
        const std::vector<double> dense = Dense(rows, block);
        for (int64_t i = 0; i < block.rows; ++i) {
          double sum = before[i], magnitude = std::fabs(before[i]);
          for (int64_t j = 0; j < block.columns; ++j) {
            const int64_t e = i * block.columns + j;
            const double score = scale * dots[e] + (biased ? bias[j] : 0);
            sum += dense[e] * score;
            magnitude += dense[e] * (std::fabs(scale * dots[e]) + std::fabs(bias[j]));
          }
          ASSERT_NEAR(got[i], sum, 8 * UnitRoundoff(dtype) * magnitude) << Name(dtype);
        }
      }
    }
  }
}

TEST(AddTargetScores, OfBothTypesAndEveryBlock) {
  ExpectTargetScores<float>(DType::kF32);
  ExpectTargetScores<double>(DType::kF64);
}

TEST(AddTargetScores, AMaskedColumnCountsOnlyWithAValue) {
  const DeviceTargets targets({{{0, 0}, {1, 0.5}}, {{0, 1}, {1, 0.5}}}, false, DeviceTargets::kF32);
  const DeviceMatrix dots(DType::kF32, 2, 2, {1, 2, 3, 4});
  const DeviceArray<float> bias(std::vector<float>{-std::numeric_limits<float>::infinity(), 0});
  const DeviceArray<double> scale(std::vector<double>{2}), term(std::vector<double>{1, 1});
  lossmith::cuda::add_target_scores<float>(nullptr, targets.get(), 0, 0, dots.get(), scale.get(),
                                           bias.get(), term.get());
  EXPECT_EQ(term.Values(), (std::vector<double>{3, -kInfinity}));
}

TEST(SubtractDiagonal, OfEveryTypeAndBlock) {
  for (DType dtype : kFloats) {
    for (const Block& block : kBlocks) {
      for (int64_t shift : {0, 5, -60, 1000}) {
        const std::vector<double> before =
            Rounded(dtype, Random(8).Normals(block.rows * block.columns));
        const std::vector<double> factor = Random(9).Normals(block.rows);
        const DeviceArray<double> factor_there(factor), common(std::vector<double>{0.5});
        DeviceMatrix matrix(dtype, block.rows, block.columns, {block.columns + 1, 3}, before);
        lossmith::cuda::subtract_diagonal(nullptr, shift, block.row0, block.column0,
                                          factor_there.get(), common.get(), matrix.get());
        const std::vector<double> got = matrix.Values();
        for (int64_t i = 0; i < block.rows; ++i) {
          for (int64_t j = 0; j < block.columns; ++j) {
            const double x = before[i * block.columns + j];
            const bool on = block.column0 + j == block.row0 + i + shift;
            ASSERT_EQ(got[i * block.columns + j], on ? Rounded(dtype, x - factor[i] * 0.5) : x);
          }
        }
        EXPECT_TRUE(matrix.GapsUntouched());
      }
    }
  }
}

TEST(CsrPatch, TheOrderOfThreadsDoesNotChangeABit) {
  const Rows rows = RandomTargets(kRows, kColumns, 10);
  const DeviceTargets targets(rows, false, DeviceTargets::kF32);
  const std::vector<double> numbers = Rounded(DType::kF32, Random(11).Normals(kRows * kColumns));
  const DeviceArray<double> factor(Random(12).Normals(kRows)), scale(std::vector<double>{3});
  std::vector<double> first;
  for (uint64_t seed : {0, 1, 2, 3}) {
    lossmith::cuda::simt::set_schedule_seed(seed);
    DeviceMatrix matrix(DType::kF32, kRows, kColumns, numbers);
    const DeviceArray<double> term(std::vector<double>(kRows, 0));
    lossmith::cuda::add_target_scores<float>(nullptr, targets.get(), 0, 0, matrix.get(),
                                             scale.get(), nullptr, term.get());
    lossmith::cuda::subtract_targets(nullptr, targets.get(), 0, 0, factor.get(), nullptr,
                                     matrix.get());
    std::vector<double> results = term.Values();
    const std::vector<double> coefficients = matrix.Values();
    results.insert(results.end(), coefficients.begin(), coefficients.end());
    if (first.empty()) first = results;
    EXPECT_EQ(results, first) << "seed " << seed;
  }
  lossmith::cuda::simt::set_schedule_seed(0);
}

}  // namespace
}  // namespace lossmith_test
