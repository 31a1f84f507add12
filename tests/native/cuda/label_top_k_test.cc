// Thresholds of soft top-k on rows that are hard for Newton's method, by sweeps over blocks and from
// shared memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "cuda/device_array.h"
#include "cuda/label_kernels.h"

namespace lossmith_test {
namespace {

namespace cuda = lossmith::cuda;

struct Scores {
  std::string name;
  double k;
  std::vector<double> row;
};

constexpr std::int64_t kColumns = 300;

Scores Filled(const std::string& name, double k, double value) {
  return {name, k, std::vector<double>(kColumns, value)};
}

std::vector<Scores> Rows() {
  std::mt19937_64 engine(1);
  std::normal_distribution<double> normal;
  std::vector<Scores> rows;
  for (const double spread : {1e-3, 1.0, 10.0, 300.0}) {
    Scores random = Filled("spread " + std::to_string(spread), 5, 0);
    for (double& s : random.row) s = spread * normal(engine);
    rows.push_back(random);
  }
  rows.push_back(Filled("flat", 7, 0.25));
  // Three members for certain, two more to be found far below: ln sum y has a plateau at ln 3.
  for (const double depth : {5.0, 60.0, 3000.0, 60000.0}) {
    Scores plateau = Filled("plateau of " + std::to_string(depth), 5, 0);
    for (std::size_t j = 0; j < plateau.row.size(); ++j) {
      plateau.row[j] = j % 100 == 7 ? depth : 0.5 * normal(engine);
    }
    rows.push_back(plateau);
  }
  Scores saturated = Filled("saturated", 3, -8);
  for (std::size_t j : {5u, 130u, 299u}) saturated.row[j] = 8;
  rows.push_back(saturated);
  Scores masked = Filled("masked", 4, -INFINITY);
  for (std::size_t j = 0; j < masked.row.size(); j += 17) masked.row[j] = normal(engine);
  rows.push_back(masked);
  rows.push_back(Filled("nearly all", 298, 1.0));
  for (std::size_t j = 0; j < 40; ++j) rows.back().row[j] = -20.0;
  return rows;
}

struct Result {
  std::vector<double> threshold, least, slope;
};

// The blocks lie one behind the other, as kept products do.
template <class A>
Result Find(const std::vector<Scores>& rows, double alpha, bool resident) {
  const std::int64_t n = static_cast<std::int64_t>(rows.size());
  constexpr std::int64_t kBlock = 128;
  constexpr std::int64_t kBlocks = (kColumns + kBlock - 1) / kBlock;
  std::vector<A> values(static_cast<std::size_t>(kBlocks * n * kBlock), A(NAN));
  std::vector<double> k;
  for (std::int64_t i = 0; i < n; ++i) {
    const Scores& row = rows[static_cast<std::size_t>(i)];
    k.push_back(row.k);
    for (std::int64_t j = 0; j < kColumns; ++j) {
      values[static_cast<std::size_t>((j / kBlock * n + i) * kBlock + j % kBlock)] =
          static_cast<A>(row.row[static_cast<std::size_t>(j)]);
    }
  }
  cuda::CallScalars scalars{};
  scalars.scale = scalars.rows = 1;
  const DeviceArray<A> products(values);
  const DeviceArray<cuda::CallScalars> device_scalars(std::vector{scalars});
  std::vector<std::int64_t> whole;
  for (const double wanted : k) whole.push_back(static_cast<std::int64_t>(wanted));
  const DeviceArray<std::int64_t> k_rows(whole), begin(n);
  const DeviceArray<std::int64_t> count(std::vector<std::int64_t>(static_cast<std::size_t>(n), 1));
  const DeviceArray<double> positives(std::vector<double>(static_cast<std::size_t>(n), 1.0));
  const DeviceArray<double> max(n), sum(n), min(n), finite(n), device_k(n), threshold(n), low(n),
      high(n), active(n), surplus(n * cuda::kTopKProbes), above(n * cuda::kTopKProbes), least(n),
      slope(n);
  const cuda::LabelSums sums = [&] {
    cuda::LabelSums s;
    s.max = max.get();
    s.sum = sum.get();
    s.min = min.get();
    s.finite = finite.get();
    return s;
  }();
  const cuda::TopKRows top_k{device_k.get(), threshold.get(), low.get(),   high.get(), active.get(),
                             surplus.get(),  above.get(),     least.get(), slope.get()};
  cuda::LabelEntries entries;
  entries.begin = begin.get();
  entries.count = count.get();
  entries.positives = positives.get();
  const auto block_at = [&](std::int64_t b) {
    cuda::LabelBlock<A> block;
    block.dots.dots = products.get() + b * n * kBlock;
    block.dots.ld = kBlock;
    block.dots.rows = n;
    block.dots.columns = std::min(kBlock, kColumns - b * kBlock);
    block.dots.column0 = b * kBlock;
    block.dots.scalars = device_scalars.get();
    return block;
  };
  for (std::int64_t b = 0; b < kBlocks; ++b) {
    cuda::label_sums<A>(nullptr, block_at(b), alpha, {}, sums, b == 0);
  }
  cuda::TopKStart start;
  start.alpha = alpha;
  start.k_rows = {k_rows.get(), true, 1, n};
  cuda::start_top_k(nullptr, start, 0, n, entries, sums, top_k);
  if (resident) {
    EXPECT_TRUE(cuda::resident_top_k<A>(nullptr, block_at(0), kColumns, n * kBlock, alpha, top_k));
  }
  for (int pass = 0; !resident && pass < cuda::kTopKPasses; ++pass) {
    for (std::int64_t b = 0; b < kBlocks; ++b) {
      cuda::probe_top_k<A>(nullptr, block_at(b), alpha, top_k, b == 0);
    }
    cuda::advance_top_k<A>(nullptr, 0, n, alpha, pass + 1 == cuda::kTopKPasses, top_k);
  }
  return {threshold.Values(), least.Values(), slope.Values()};
}

template <class A>
void Check(double alpha) {
  const std::vector<Scores> rows = Rows();
  const Result result = Find<A>(rows, alpha, false);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(rows[i].name + ", alpha " + std::to_string(alpha));
    const double t = result.threshold[i];
    double surplus = 0, above = 0, slope = 0, largest = 0;
    for (const double score : rows[i].row) {
      const double z = alpha * (static_cast<double>(static_cast<A>(score)) + t);
      const double e = std::exp(-std::fabs(z));
      above += z > 0;
      surplus += (z > 0 ? -e : e) / (1 + e);
      slope += e / ((1 + e) * (1 + e));
      if (!std::isinf(score)) largest = std::max(largest, std::fabs(score));
    }
    // The sum agrees with k, and where it hardly depends on t, so does t: alpha dt times the slope.
    const double tolerance = sizeof(A) == 8 ? 1e-11 : 1e-6;
    EXPECT_LE(std::fabs(surplus + (above - rows[i].k)), tolerance * (rows[i].k + 1));
    EXPECT_LE(std::fabs(surplus + (above - rows[i].k)),
              4 * tolerance * slope * (1 + alpha * largest));
    EXPECT_NEAR(result.slope[i] * std::exp(result.least[i]) / slope, 1,
                sizeof(A) == 8 ? 1e-9 : 1e-4);
  }
}

TEST(LabelTopK, Float) {
  for (const double alpha : {0.5, 2.0}) Check<float>(alpha);
}
TEST(LabelTopK, Double) { Check<double>(2.0); }

TEST(LabelTopK, FromSharedMemoryTheSameBits) {
  const std::vector<Scores> rows = Rows();
  const Result sweeps = Find<float>(rows, 2.0, false);
  const Result resident = Find<float>(rows, 2.0, true);
  EXPECT_EQ(resident.threshold, sweeps.threshold);
  EXPECT_EQ(resident.least, sweeps.least);
  EXPECT_EQ(resident.slope, sweeps.slope);
}

TEST(LabelTopK, ARowThatIsTooLongIsNotTaken) {
  cuda::LabelBlock<float> block;
  block.dots.rows = 4;
  block.dots.columns = 4096;
  EXPECT_FALSE(cuda::resident_top_k<float>(nullptr, block, 12 * 1024 + 1, 0, 2.0, {}));
}

}  // namespace
}  // namespace lossmith_test
