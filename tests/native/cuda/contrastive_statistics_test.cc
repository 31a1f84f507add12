// Tile statistics and their merge against log-sum-exps in f64, on ragged blocks.
#include <gtest/gtest.h>

#include "cuda/contrastive_block.h"

namespace lossmith_test {
namespace {

namespace cuda = lossmith::cuda;

template <class A>
struct Output {
  std::vector<double> row_lse, column_lse;
  std::vector<A> pair_score;
};

// Statistics of one block, merged into fresh running sums.
template <class A>
Output<A> Run(const BlockCase<A>& c, bool both) {
  const DeviceBlock<A> device(c);
  const cuda::DotBlock<A>& block = device.block;
  const std::int64_t n = c.row0 + c.rows;
  const std::int64_t m = c.column0 + c.columns;
  DeviceArray<A> row_max(c.rows * block.column_tiles()), row_sum(c.rows * block.column_tiles());
  DeviceArray<A> column_max(block.row_tiles() * c.columns);
  DeviceArray<A> column_sum(block.row_tiles() * c.columns);
  DeviceArray<double> running_row_max(n), running_row_sum(n), row_lse(n);
  DeviceArray<double> running_column_max(m), running_column_sum(m), column_lse(m);
  DeviceArray<A> pair_score(std::vector<A>(static_cast<std::size_t>(n), A(-1)));
  cuda::Statistics<A> s;
  s.row_max = row_max.get();
  s.row_sum = row_sum.get();
  s.running_row_max = running_row_max.get();
  s.running_row_sum = running_row_sum.get();
  if (both) {
    s.column_max = column_max.get();
    s.column_sum = column_sum.get();
    s.running_column_max = running_column_max.get();
    s.running_column_sum = running_column_sum.get();
  }
  cuda::tile_statistics<A>(nullptr, block, s, pair_score.get());
  cuda::merge_statistics<A>(nullptr, block, s, true, true);
  cuda::finish_lse(nullptr, running_row_max.get() + c.row0, running_row_sum.get() + c.row0, c.rows,
                   row_lse.get() + c.row0);
  if (both) {
    cuda::finish_lse(nullptr, running_column_max.get() + c.column0,
                     running_column_sum.get() + c.column0, c.columns, column_lse.get() + c.column0);
  }
  return {row_lse.Values(), both ? column_lse.Values() : std::vector<double>(),
          pair_score.Values()};
}

template <class A>
void ExpectLse(double got, double expected) {
  if (std::isinf(expected)) {
    EXPECT_EQ(got, expected);
    return;
  }
  // A score is rounded once, its exponential to a few units; sums of positive terms keep that.
  const double epsilon = static_cast<double>(std::numeric_limits<A>::epsilon());
  EXPECT_NEAR(got, expected, epsilon * (8 + 2 * std::fabs(expected)));
}

template <class A>
void Check(std::int64_t rows, std::int64_t columns, Shape shape, bool ignores, bool both) {
  SCOPED_TRACE(testing::Message() << rows << " x " << columns << ", shape "
                                  << static_cast<int>(shape) << ", ignores " << ignores);
  const BlockCase<A> c(rows, columns, shape, ignores);
  const Output<A> out = Run(c, both);
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::size_t at = static_cast<std::size_t>(c.row0 + i);
    ExpectLse<A>(out.row_lse[at], c.RowLse(i));
    const std::int64_t pair = c.Pair(i);
    const bool here = pair >= 0 && pair < columns && c.Used(i, pair);
    const double expected = here ? c.Score(i, pair) : -1;
    if (std::isinf(expected)) {
      EXPECT_EQ(static_cast<double>(out.pair_score[at]), expected);
    } else {
      EXPECT_NEAR(
          static_cast<double>(out.pair_score[at]), expected,
          (1 + std::fabs(expected)) * static_cast<double>(std::numeric_limits<A>::epsilon()));
    }
  }
  for (std::int64_t j = 0; both && j < columns; ++j) {
    ExpectLse<A>(out.column_lse[static_cast<std::size_t>(c.column0 + j)], c.ColumnLse(j));
  }
}

constexpr std::int64_t kExtents[] = {1, 31, 32, 33, 63, 64, 65, 127, 128, 129};

TEST(ContrastiveStatistics, RaggedBlocks) {
  for (const std::int64_t rows : kExtents) {
    for (const std::int64_t columns : kExtents)
      Check<float>(rows, columns, Shape::random, true, true);
  }
}

TEST(ContrastiveStatistics, PeakedFlatAndMasked) {
  for (const Shape shape : {Shape::random, Shape::flat, Shape::peaked, Shape::masked}) {
    for (const bool ignores : {false, true}) {
      Check<float>(33, 129, shape, ignores, true);
      Check<float>(129, 257, shape, ignores, false);
      Check<double>(65, 130, shape, ignores, true);
    }
  }
}

TEST(ContrastiveStatistics, MergesIntoWhatRanBefore) {
  const BlockCase<double> c(40, 140, Shape::random, false);
  const DeviceBlock<double> device(c);
  const cuda::DotBlock<double>& block = device.block;
  DeviceArray<double> row_max(c.rows * block.column_tiles()),
      row_sum(c.rows * block.column_tiles());
  const std::size_t n = static_cast<std::size_t>(c.row0 + c.rows);
  DeviceArray<double> running_max(std::vector<double>(n, 2.0));
  DeviceArray<double> running_sum(std::vector<double>(n, 3.0));
  DeviceArray<double> pair_score(static_cast<std::int64_t>(n)), lse(static_cast<std::int64_t>(n));
  cuda::Statistics<double> s;
  s.row_max = row_max.get();
  s.row_sum = row_sum.get();
  s.running_row_max = running_max.get();
  s.running_row_sum = running_sum.get();
  cuda::tile_statistics<double>(nullptr, block, s, pair_score.get());
  cuda::merge_statistics<double>(nullptr, block, s, false, false);
  cuda::finish_lse(nullptr, running_max.get(), running_sum.get(), c.row0 + c.rows, lse.get());
  const std::vector<double> got = lse.Values();
  const double before = 2.0 + std::log(3.0);
  for (std::int64_t i = 0; i < c.row0; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], before);
  for (std::int64_t i = 0; i < c.rows; ++i) {
    const double row = c.RowLse(i);
    const double expected = std::fmax(row, before) + std::log1p(std::exp(-std::fabs(row - before)));
    EXPECT_NEAR(got[static_cast<std::size_t>(c.row0 + i)], expected, 1e-13);
  }
}

}  // namespace
}  // namespace lossmith_test
