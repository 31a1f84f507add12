// Every product kernel on ragged sizes, on all layouts of memory, against a product of the same
// operands in wider arithmetic.
#include <gtest/gtest.h>

#include <limits>

#include "cuda/far_rows.h"
#include "cuda/gemm_support.h"
#include "simt/control.h"

namespace lossmith_test {
namespace {

// Around the edges of steps, vectors and tiles.
constexpr int64_t kSizes[] = {1, 31, 32, 33, 64, 127, 129, 200};
constexpr int kSizeCount = 8;

// Tight, padded by whole vectors, and off every alignment in one operand or all.
const GemmLayout kLayouts[] = {
    {},
    {{16, 32, 8}, {8, 16, 4}},
    {{3, 0, 0}, {0, 0, 0}},
    {{0, 5, 0}, {1, 0, 0}},
    {{0, 0, 7}, {0, 3, 1}},
    {{1, 1, 1}, {1, 1, 1}},
    {{-1, -16, -3}, {0, 0, 0}},
};
constexpr int kLayoutCount = 7;

class Gemm : public ::testing::TestWithParam<Kernel> {};

// All pairs of sizes of m and n, of m and k, of n and k, each with one third size.
TEST_P(Gemm, RaggedSizes) {
  int number = 0;
  for (Product product : kProducts) {
    for (int i = 0; i < kSizeCount; ++i) {
      for (int j = 0; j < kSizeCount; ++j, ++number) {
        const GemmProblem p{product, kSizes[i], kSizes[j], kSizes[(i + j) % kSizeCount],
                            number % 2 == 1};
        const GemmInputs in(p, GetParam().operand, GetParam().result(), number);
        const std::vector<double> got =
            RunKernel(GetParam(), p, in, kLayouts[number % kLayoutCount]);
        ASSERT_TRUE(IsProduct(GetParam(), p, in, got));
      }
    }
  }
}

TEST_P(Gemm, SameBitsOnEveryLayout) {
  for (Product product : kProducts) {
    for (bool accumulate : {false, true}) {
      const GemmProblem p{product, 70, 136, 75, accumulate};
      const GemmInputs in(p, GetParam().operand, GetParam().result());
      const std::vector<double> expected = RunKernel(GetParam(), p, in);
      for (const GemmLayout& layout : kLayouts) {
        EXPECT_EQ(RunKernel(GetParam(), p, in, layout), expected) << p.Text();
      }
    }
  }
}

TEST_P(Gemm, SameBitsInEveryOrderOfThreads) {
  for (Product product : kProducts) {
    const GemmProblem p{product, 130, 150, 100};
    const GemmInputs in(p, GetParam().operand, GetParam().result());
    const std::vector<double> expected = RunKernel(GetParam(), p, in);
    for (uint64_t seed : {1, 2, 3}) {
      lossmith::cuda::simt::set_schedule_seed(seed);
      EXPECT_EQ(RunKernel(GetParam(), p, in), expected) << p.Text();
    }
    lossmith::cuda::simt::set_schedule_seed(0);
  }
}

// A row is the same whether others stand beside it, whichever tile it falls into.
TEST_P(Gemm, RowsDoNotDependOnTheirTile) {
  for (Product product : kProducts) {
    const GemmProblem whole{product, 140, 150, 90};
    const GemmInputs in(whole, GetParam().operand, GetParam().result());
    const std::vector<double> expected = RunKernel(GetParam(), whole, in);
    const GemmProblem part{product, 3, 150, 90};
    constexpr int64_t kFirst = 127;
    GemmInputs rows = in;
    rows.a.clear();
    for (int64_t line = 0; line < part.a_rows(); ++line) {
      for (int64_t i = 0; i < part.a_width(); ++i) {
        rows.a.push_back(product == Product::tn ? in.a[line * whole.m + kFirst + i]
                                                : in.a[(kFirst + line) * whole.k + i]);
      }
    }
    const std::vector<double> got = RunKernel(GetParam(), part, rows);
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i], expected[static_cast<size_t>(kFirst * whole.n) + i]) << part.Text();
    }
  }
}

TEST_P(Gemm, ManyTilesInBands) {
  // More than 8 rows of tiles, the last band ragged.
  const GemmProblem p{Product::nt, 1281, 260, 5};
  const GemmInputs in(p, GetParam().operand, GetParam().result());
  EXPECT_TRUE(IsProduct(GetParam(), p, in, RunKernel(GetParam(), p, in)));
}

TEST_P(Gemm, NothingToAddIsZero) {
  for (Product product : kProducts) {
    const GemmProblem p{product, 33, 65, 0};
    const GemmInputs in(p, GetParam().operand, GetParam().result());
    for (double value : RunKernel(GetParam(), p, in)) ASSERT_EQ(value, 0);
  }
}

// What lies beyond the edges counts as zero, and what is outside of the operands is not read: rows
// of infinities and NaN reach only the sums that they belong to.
TEST_P(Gemm, SpecialValuesStayInTheirRowAndColumn) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  for (Product product : kProducts) {
    const GemmProblem p{product, 67, 70, 37};
    GemmInputs in(p, GetParam().operand, GetParam().result());
    const std::vector<double> before = RunKernel(GetParam(), p, in);
    constexpr int64_t kRow = 66, kColumn = 3;
    in.a[product == Product::tn ? kRow : kRow * p.k] = kInfinity;
    in.b[product == Product::nt ? kColumn * p.k + 36 : 36 * p.n + kColumn] = kNaN;
    const std::vector<double> got = RunKernel(GetParam(), p, in);
    for (int64_t i = 0; i < p.m; ++i) {
      for (int64_t j = 0; j < p.n; ++j) {
        const double value = got[i * p.n + j];
        if (j == kColumn) {
          ASSERT_TRUE(std::isnan(value)) << i << "," << j;
        } else if (i == kRow) {
          ASSERT_TRUE(std::isinf(value)) << i << "," << j;
        } else {
          ASSERT_EQ(value, before[i * p.n + j]) << i << "," << j;
        }
      }
    }
  }
}

// Rows 2^31 elements apart in all three matrices, over several tiles and steps.
TEST_P(Gemm, StridesBeyondTwoToThe31Elements) {
  constexpr int64_t kLd = (int64_t{1} << 31) + 16;
  for (Product product : kProducts) {
    for (int64_t odd : {0, 1}) {  // vectors, single elements
      const GemmProblem p{product, 130, 131, 35, true};
      const GemmInputs in(p, GetParam().operand, GetParam().result());
      const FarRows a(GetParam().operand, p.a_rows(), p.a_width(), kLd + odd, in.a);
      const FarRows b(GetParam().operand, p.b_rows(), p.b_width(), kLd + odd, in.b);
      const FarRows c(GetParam().result(), p.m, p.n, kLd + odd, in.c);
      GetParam().run(nullptr, GetParam().facts(), CallOf(p, a.get(), b.get(), c.get()));
      EXPECT_EQ(c.Values(), RunKernel(GetParam(), p, in)) << p.Text();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Gemm, ::testing::ValuesIn(Kernels()),
                         [](const auto& instance) { return instance.param.Text(); });

// Tiles differ in size, the order of the sums does not.
TEST(GemmTiles, BothSizesGiveTheSameBits) {
  const std::vector<Kernel> kernels = Kernels();
  int pairs = 0;
  for (const Kernel& large : kernels) {
    for (const Kernel& small : kernels) {
      if (!large.large_tiles || small.large_tiles || large.run != small.run ||
          large.operand != small.operand) {
        continue;
      }
      ++pairs;
      for (Product product : kProducts) {
        const GemmProblem p{product, 140, 135, 77};
        const GemmInputs in(p, large.operand, large.result());
        EXPECT_EQ(RunKernel(large, p, in), RunKernel(small, p, in))
            << large.Text() << " " << p.Text();
      }
    }
  }
  EXPECT_EQ(pairs, 4);
}

}  // namespace
}  // namespace lossmith_test
