// The soft top-k operator: memberships sum to k, gradients agree with differences of the output.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "lossmith/soft_top_k.h"
#include "support/context.h"
#include "support/device.h"
#include "support/errors.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

struct Rows {
  int64_t n = 0, l = 0;
  std::vector<double> scores, upstream;
  std::vector<double> k_rows;            // empty: option k
  std::vector<double> offsets, ignored;  // empty: nothing is ignored
  lsm_soft_top_k_options options{};
};

struct Outputs {
  std::vector<double> memberships, threshold, gradient;
};

Rows RandomRows(int64_t n, int64_t l, int64_t k, bool plain) {
  Rows rows;
  rows.n = n;
  rows.l = l;
  rows.scores = Random(3).Normals(n * l);
  rows.upstream = Random(4).Normals(n * l);
  lsm_soft_top_k_defaults(&rows.options);
  rows.options.k = k;
  rows.options.plain = plain;
  return rows;
}

lsm_status Evaluate(const Rows& rows, DType dtype, Outputs* out, int32_t threads = 2) {
  Context context(threads);
  Mirror device;
  HostTensor scores(dtype, {rows.n, rows.l}, rows.scores);
  HostTensor upstream(dtype, {rows.n, rows.l}, rows.upstream);
  HostTensor memberships(dtype, {rows.n, rows.l}), gradient(dtype, {rows.n, rows.l});
  HostTensor threshold(DType::kF64, {rows.n});
  std::optional<HostTensor> k_rows, offsets, ids;
  if (!rows.k_rows.empty()) k_rows.emplace(DType::kI64, std::vector<int64_t>{rows.n}, rows.k_rows);
  if (!rows.offsets.empty()) {
    offsets.emplace(DType::kI64, std::vector<int64_t>{rows.n + 1}, rows.offsets);
    ids.emplace(DType::kI32, std::vector<int64_t>{static_cast<int64_t>(rows.ignored.size())},
                rows.ignored);
  }
  const lsm_status status =
      lsm_soft_top_k(context, &rows.options, device.View(&scores), device.View(k_rows),
                     device.View(offsets), device.View(ids), device.View(&upstream),
                     device.View(&memberships), device.View(&threshold), device.View(&gradient));
  if (status != LSM_OK) return status;
  device.Return(context);
  out->memberships = memberships.Values();
  out->threshold = threshold.Values();
  out->gradient = gradient.Values();
  return status;
}

double Member(const Rows& rows, double value) {
  return rows.options.plain != 0 ? value : std::exp(value);
}

TEST(SoftTopKOperator, GoldenThresholds) {
  Rows rows;
  rows.n = 2;
  rows.l = 5;
  rows.scores = {2, 0.5, -1, 1, 0, -0.5, 1.5, 0.3, 2.2, -2};
  rows.upstream.assign(10, 0);
  lsm_soft_top_k_defaults(&rows.options);
  rows.options.k = 2;
  rows.options.plain = 1;
  Outputs got;
  ASSERT_EQ(Evaluate(rows, DType::kF64, &got), LSM_OK) << lsm_last_error();
  EXPECT_NEAR(got.threshold[0], -0.8455395645, 1e-9);
  EXPECT_NEAR(got.threshold[1], -0.8907830511, 1e-9);
  const double first[] = {0.9096131717, 0.3337930587, 0.0243379566, 0.5766218362, 0.1556339769};
  for (int j = 0; j < 5; ++j) EXPECT_NEAR(got.memberships[j], first[j], 1e-9);
}

TEST(SoftTopKOperator, MembershipsSumToKInEveryType) {
  for (DType dtype : {DType::kF64, DType::kF32, DType::kBF16, DType::kF16}) {
    Rows rows = RandomRows(3, Size(1500, 300), 7, true);
    Outputs got;
    ASSERT_EQ(Evaluate(rows, dtype, &got), LSM_OK) << lsm_last_error();
    for (int64_t i = 0; i < rows.n; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < rows.l; ++j) sum += got.memberships[i * rows.l + j];
      EXPECT_NEAR(sum, 7, 7 * (1e-6 + UnitRoundoff(dtype))) << Name(dtype);
    }
  }
}

TEST(SoftTopKOperator, GradientsAgreeWithDifferences) {
  for (bool plain : {false, true}) {
    Rows rows = RandomRows(2, 40, 3, plain);
    rows.offsets = {0, 2, 2};
    rows.ignored = {5, 11};
    Outputs got;
    ASSERT_EQ(Evaluate(rows, DType::kF64, &got), LSM_OK) << lsm_last_error();
    EXPECT_EQ(got.gradient[5], 0);
    EXPECT_EQ(Member(rows, got.memberships[11]), 0);
    for (int64_t at : {0, 7, 39, 40, 66}) {
      const double h = 1e-5;
      double value[2];
      for (int side = 0; side < 2; ++side) {
        Rows moved = rows;
        moved.scores[at] += side == 0 ? h : -h;
        Outputs out;
        ASSERT_EQ(Evaluate(moved, DType::kF64, &out), LSM_OK);
        value[side] = 0;
        for (int64_t m = at / 40 * 40; m < at / 40 * 40 + 40; ++m) {
          if (std::isfinite(out.memberships[m]))
            value[side] += rows.upstream[m] * out.memberships[m];
        }
      }
      EXPECT_NEAR(got.gradient[at], (value[0] - value[1]) / (2 * h), 1e-7) << "plain " << plain;
    }
  }
}

TEST(SoftTopKOperator, SaturatedRowsStayFinite) {
  Rows rows = RandomRows(2, 300, 4, false);
  for (int64_t j = 0; j < 300; ++j) rows.scores[j] = j < 4 ? 90 : -90;        // members for certain
  for (int64_t j = 0; j < 300; ++j) rows.scores[300 + j] = j < 5 ? 80 : -80;  // four of five
  Outputs got;
  for (DType dtype : {DType::kF64, DType::kF32}) {
    ASSERT_EQ(Evaluate(rows, dtype, &got), LSM_OK) << lsm_last_error();
    double sums[2] = {0, 0}, gradients[2] = {0, 0};
    for (int64_t j = 0; j < 600; ++j) {
      ASSERT_TRUE(std::isfinite(got.memberships[j]) && std::isfinite(got.gradient[j])) << j;
      sums[j / 300] += std::exp(got.memberships[j]);
      gradients[j / 300] += got.gradient[j];
    }
    for (int row : {0, 1}) {
      EXPECT_NEAR(sums[row], 4, 1e-5);
      EXPECT_NEAR(gradients[row], 0, dtype == DType::kF64 ? 1e-9 : 1e-3);
    }
    for (int64_t j = 0; j < 5; ++j) EXPECT_NEAR(std::exp(got.memberships[300 + j]), 0.8, 1e-5);
  }
}

TEST(SoftTopKOperator, EveryRowHasItsOwnK) {
  Rows rows = RandomRows(3, 60, 0, true);
  rows.k_rows = {1, 30, 59};
  Outputs got;
  ASSERT_EQ(Evaluate(rows, DType::kF32, &got), LSM_OK) << lsm_last_error();
  for (int64_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < 60; ++j) sum += got.memberships[i * 60 + j];
    EXPECT_NEAR(sum, rows.k_rows[i], 2e-6 * rows.k_rows[i]);
  }
}

TEST(SoftTopKOperator, ThreadsDoNotChangeABit) {
  const Rows rows = RandomRows(9, 130, 5, false);
  Outputs one, five;
  ASSERT_EQ(Evaluate(rows, DType::kF32, &one, 1), LSM_OK);
  ASSERT_EQ(Evaluate(rows, DType::kF32, &five, 5), LSM_OK);
  EXPECT_EQ(one.gradient, five.gradient);
  EXPECT_EQ(one.memberships, five.memberships);
}

TEST(SoftTopKOperator, RefusesWhatHasNoThreshold) {
  if (OnDevice()) GTEST_SKIP() << "values are not looked at on a device";
  Outputs out;
  EXPECT_TRUE(Rejects(Evaluate(RandomRows(2, 6, 6, true), DType::kF32, &out), "k", "6 in row 0"));
  Rows rows = RandomRows(2, 6, 0, true);
  rows.k_rows = {1, 0};
  EXPECT_TRUE(Rejects(Evaluate(rows, DType::kF32, &out), "k_rows", "0 in row 1"));
}

TEST(SoftTopKOperator, RefusesBadArguments) {
  Outputs out;
  Rows rows = RandomRows(2, 6, 2, true);
  rows.options.alpha = 0;
  EXPECT_TRUE(Rejects(Evaluate(rows, DType::kF32, &out), "alpha", "0"));
  rows = RandomRows(2, 6, -1, true);
  EXPECT_TRUE(Rejects(Evaluate(rows, DType::kF32, &out), "k", "-1"));
  rows = RandomRows(2, 6, 2, true);
  rows.k_rows = {1, 1};
  EXPECT_TRUE(Rejects(Evaluate(rows, DType::kF32, &out), "k_rows", "a tensor"));
  rows = RandomRows(2, 6, 0, true);
  EXPECT_TRUE(Rejects(Evaluate(rows, DType::kF32, &out), "k_rows", "NULL"));
}

TEST(SoftTopKOperator, NoRows) {
  Outputs out;
  EXPECT_EQ(Evaluate(RandomRows(0, 6, 2, true), DType::kF32, &out), LSM_OK) << lsm_last_error();
}

}  // namespace
}  // namespace lossmith_test
