// Zeros, and vectors in and out.
#include <gtest/gtest.h>

#include "cuda/rows_support.h"
#include "support/compare.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

// A column of a matrix as a vector.
View VectorView(const lossmith::cuda::Matrix& m) {
  View view = MatrixView(m);
  view.ndim = 1;
  return view;
}

TEST(FillZero, MatricesOfEveryTypeAndLayout) {
  for (DType dtype : kFloats) {
    for (int64_t width : {1, 8, 37, 300}) {
      for (const MatrixLayout& layout : Layouts(width)) {
        DeviceMatrix matrix(dtype, 10, width, layout);
        lossmith::cuda::fill_zero(nullptr, MatrixView(matrix.get()));
        EXPECT_EQ(matrix.Values(), std::vector<double>(10 * width, 0));
        EXPECT_TRUE(matrix.GapsUntouched());
      }
    }
  }
}

TEST(FillZero, VectorsScalarsAndNothing) {
  for (DType dtype : kFloats) {
    for (int64_t count : {0, 1, 5, 1000}) {
      for (int64_t stride : {1, 3, -2}) {
        DeviceMatrix column(dtype, count, 1, MatrixLayout{stride, 1});
        lossmith::cuda::fill_zero(nullptr, VectorView(column.get()));
        EXPECT_EQ(column.Values(), std::vector<double>(count, 0));
        EXPECT_TRUE(column.GapsUntouched());
      }
    }
    DeviceMatrix scalar(dtype, 1, 1, MatrixLayout{1, 1});
    View view = MatrixView(scalar.get());
    view.ndim = 0;
    lossmith::cuda::fill_zero(nullptr, view);
    EXPECT_EQ(scalar.Values(), std::vector<double>{0});
    EXPECT_TRUE(scalar.GapsUntouched());
    DeviceMatrix empty(dtype, 4, 0);
    lossmith::cuda::fill_zero(nullptr, MatrixView(empty.get()));
  }
}

TEST(Vectors, LoadAndStoreWithAnyStride) {
  for (DType dtype : {DType::kF32, DType::kF64}) {
    for (int64_t count : {0, 1, 2, 255, 257, 1000}) {
      for (int64_t stride : {1, 3, -2}) {
        const std::vector<double> values = RandomRows(dtype, count, 1);
        DeviceMatrix from(dtype, count, 1, MatrixLayout{stride, 1}, values);
        const DeviceArray<double> loaded(std::vector<double>(count, kNaN));
        lossmith::cuda::load_vector(nullptr, VectorView(from.get()), count, loaded.get());
        EXPECT_EQ(loaded.Values(), values);
        DeviceMatrix to(dtype, count, 1, MatrixLayout{stride, 2});
        lossmith::cuda::store_vector(nullptr, loaded.get(), count, VectorView(to.get()));
        EXPECT_EQ(to.Values(), values);
        EXPECT_TRUE(to.GapsUntouched());
      }
    }
  }
}

TEST(Vectors, OneElementRepeats) {
  for (DType dtype : {DType::kF32, DType::kF64}) {
    for (int rank : {0, 1}) {
      DeviceMatrix one(dtype, 1, 1, MatrixLayout{1, 1}, {0.75});
      View view = VectorView(one.get());
      view.ndim = rank;
      const DeviceArray<double> loaded(std::vector<double>(300, kNaN));
      lossmith::cuda::load_vector(nullptr, view, 300, loaded.get());
      EXPECT_EQ(loaded.Values(), std::vector<double>(300, 0.75));
    }
  }
}

TEST(Vectors, StoreRoundsToNearestEven) {
  const std::vector<double> values = {1 + 0x1p-24, 1 + 0x3p-24, 1e300, kNaN, -kInfinity, 1e-46};
  const DeviceArray<double> there(values);
  DeviceMatrix to(DType::kF32, 6, 1);
  lossmith::cuda::store_vector(nullptr, there.get(), 6, VectorView(to.get()));
  EXPECT_EQ(MaxError(to.Values(), Rounded(DType::kF32, values)), 0);
}

}  // namespace
}  // namespace lossmith_test
