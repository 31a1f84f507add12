// How copies walk through memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "cuda/copy.h"

namespace lossmith_test {
namespace {

using lossmith::View;
using lossmith::cuda::copy_shape;
using lossmith::cuda::CopyShape;

View Strided(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  View v;
  v.exists = true;
  v.ndim = static_cast<int>(shape.size());
  std::copy(shape.begin(), shape.end(), v.shape);
  std::copy(strides.begin(), strides.end(), v.strides);
  return v;
}

TEST(CopyShape, ContiguousViewsAreOneRun) {
  const View v = Strided({2, 3, 5}, {15, 5, 1});
  const CopyShape shape = copy_shape(v, v);
  EXPECT_EQ(shape.ndim, 1);
  EXPECT_EQ(shape.count, 30);
  EXPECT_TRUE(shape.flat());
  EXPECT_TRUE(copy_shape(Strided({}, {}), Strided({}, {})).flat());
  EXPECT_TRUE(copy_shape(Strided({1, 1}, {9, 7}), Strided({1, 1}, {3, -2})).flat());
}

TEST(CopyShape, AnOrderThatBothShareIsARunToo) {
  const View v = Strided({3, 4}, {1, 3});
  EXPECT_TRUE(copy_shape(v, v).flat());
}

TEST(CopyShape, PaddedRowsArePitched) {
  const View padded = Strided({2, 3, 5}, {24, 8, 1});
  const View dense = Strided({2, 3, 5}, {15, 5, 1});
  const CopyShape shape = copy_shape(padded, dense);
  EXPECT_EQ(shape.ndim, 2);
  EXPECT_FALSE(shape.flat());
  EXPECT_TRUE(shape.rows(4));
  EXPECT_EQ(shape.extent[0], 6);
  EXPECT_EQ(shape.from[0], 8);
  EXPECT_EQ(shape.to[0], 5);
}

TEST(CopyShape, OthersAreNotPitched) {
  const View dense = Strided({4, 5}, {5, 1});
  EXPECT_FALSE(copy_shape(Strided({4, 5}, {-5, 1}), dense).rows(4));  // backwards
  EXPECT_FALSE(copy_shape(Strided({4, 5}, {0, 1}), dense).rows(4));   // one row, repeated
  EXPECT_FALSE(copy_shape(Strided({4, 5}, {3, 1}), dense).rows(4));   // overlapping
  EXPECT_FALSE(copy_shape(Strided({4, 5}, {1, 4}), dense).rows(4));   // transposed
  EXPECT_FALSE(copy_shape(Strided({4, 5}, {10, 2}), dense).rows(4));  // every second element
  // Pitches that a device does not take.
  EXPECT_FALSE(copy_shape(Strided({4, 5}, {int64_t{1} << 29, 1}), dense).rows(4));
  EXPECT_TRUE(copy_shape(Strided({4, 5}, {int64_t{1} << 29, 1}), dense).rows(1));
}

// Walking the shape must visit the same pairs of offsets as walking the views.
TEST(CopyShape, VisitsEveryElementOnce) {
  std::mt19937 engine(7);
  const auto below = [&](int n) {
    return static_cast<int64_t>(engine() % static_cast<unsigned>(n));
  };
  for (int round = 0; round < 300; ++round) {
    const int ndim = static_cast<int>(below(6));
    std::vector<int64_t> extents(ndim), from(ndim), to(ndim);
    for (int64_t& extent : extents) extent = 1 + below(4);
    // Dense strides in two random orders of the axes, some with gaps, some backwards.
    for (std::vector<int64_t>* strides : {&from, &to}) {
      std::vector<int> order(ndim);
      std::iota(order.begin(), order.end(), 0);
      if (below(2) == 0) std::shuffle(order.begin(), order.end(), engine);
      int64_t stride = 1;
      for (int i = ndim - 1; i >= 0; --i) {
        (*strides)[order[i]] = below(4) == 0 ? -stride : stride;
        stride = stride * extents[order[i]] + (below(4) == 0 ? below(3) : 0);
      }
    }
    std::multiset<std::pair<int64_t, int64_t>> expected, visited;
    int64_t count = 1;
    for (int64_t extent : extents) count *= extent;
    for (int64_t i = 0; i < count; ++i) {
      int64_t rest = i, f = 0, t = 0;
      for (int axis = ndim - 1; axis >= 0; --axis) {
        f += rest % extents[axis] * from[axis];
        t += rest % extents[axis] * to[axis];
        rest /= extents[axis];
      }
      expected.insert({f, t});
    }
    const CopyShape shape = copy_shape(Strided(extents, from), Strided(extents, to));
    EXPECT_EQ(shape.count, count);
    EXPECT_LE(shape.ndim, ndim);
    for (int64_t i = 0; i < shape.count; ++i) {
      int64_t rest = i, f = 0, t = 0;
      for (int axis = shape.ndim - 1; axis >= 0; --axis) {
        f += rest % shape.extent[axis] * shape.from[axis];
        t += rest % shape.extent[axis] * shape.to[axis];
        rest /= shape.extent[axis];
      }
      visited.insert({f, t});
    }
    ASSERT_EQ(visited, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace lossmith_test
