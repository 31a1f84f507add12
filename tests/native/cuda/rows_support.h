// What the tests of rows on a device share: random rows, layouts, skipped rows, and calls of the
// kernels that give plain numbers.
#ifndef LOSSMITH_TESTS_CUDA_ROWS_SUPPORT_H_
#define LOSSMITH_TESTS_CUDA_ROWS_SUPPORT_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "cuda/device_matrix.h"
#include "cuda/rows.h"
#include "support/random.h"

namespace lossmith_test {

using lossmith::View;
using lossmith::cuda::Skip;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr DType kFloats[] = {DType::kF32, DType::kF64, DType::kF16, DType::kBF16};
constexpr int64_t kEdges[] = {0, 1, 2, 31, 32, 33, 127, 129, 300};

inline std::vector<double> RandomRows(DType dtype, int64_t rows, int64_t width, uint64_t seed = 1) {
  return Rounded(dtype, Random(seed).Normals(rows * width));
}

// Flags that lie `stride` bytes apart, for rows of which some are left out.
struct Skipped {
  Skipped(int64_t rows, int64_t stride) : flags(rows, 0), bytes(rows * stride, 1) {
    for (int64_t i = 0; i < rows; ++i) {
      flags[i] = i % 3 == 1;
      bytes[i * stride] = flags[i] ? 200 : 0;
    }
    device = std::make_unique<DeviceArray<uint8_t>>(bytes);
    skip = Skip{device->get(), stride, rows};
  }
  bool at(int64_t i) const { return i < static_cast<int64_t>(flags.size()) && flags[i] != 0; }

  std::vector<char> flags;
  std::vector<uint8_t> bytes;
  std::unique_ptr<DeviceArray<uint8_t>> device;
  Skip skip;
};

// Layouts of the same elements; the first is the plain one.
inline std::vector<MatrixLayout> Layouts(int64_t width) {
  return {{width},         {width + 3},    {width + 8, 8}, {width, 1},
          {width + 16, 3}, {-(width + 5)}, {-width - 8}};
}

inline std::vector<double> InverseNorms(const DeviceMatrix& source, const Skip& skip = {}) {
  DeviceArray<double> out(std::vector<double>(source.get().rows, -7));
  lossmith::cuda::inverse_norms(nullptr, source.get(), skip, out.get());
  return out.Values();
}

inline double InverseNorm(const double* row, int64_t width) {
  long double sum = 0;
  for (int64_t k = 0; k < width; ++k) sum += static_cast<long double>(row[k]) * row[k];
  const double norm = static_cast<double>(std::sqrt(sum));
  return norm <= 1e-12 ? 0 : 1 / norm;
}

inline std::vector<double> WeightedSum(const DeviceMatrix& rows, const double* weights,
                                       const std::vector<double>* start) {
  const lossmith::cuda::Matrix m = rows.get();
  const DeviceArray<double> scratch(
      std::vector<double>(lossmith::cuda::row_sum_scratch(m.rows, m.width), kNaN));
  const DeviceArray<double> sum(start != nullptr ? *start : std::vector<double>(m.width, kNaN));
  lossmith::cuda::add_weighted_rows(nullptr, m, weights, start != nullptr, scratch.get(),
                                    sum.get());
  return sum.Values();
}

inline std::vector<double> Dots(const DeviceMatrix& rows, std::vector<double> vector) {
  vector.insert(vector.end(), 16, kNaN);  // what is behind the vector must not count
  const DeviceArray<double> there(vector);
  const DeviceArray<double> out(std::vector<double>(rows.get().rows, kNaN));
  lossmith::cuda::row_dots(nullptr, rows.get(), there.get(), out.get());
  return out.Values();
}

inline View MatrixView(const lossmith::cuda::Matrix& m) {
  View view;
  view.data = static_cast<char*>(m.data);
  view.type = m.type;
  view.ndim = 2;
  view.shape[0] = m.rows;
  view.shape[1] = m.width;
  view.strides[0] = m.ld;
  view.strides[1] = 1;
  view.exists = true;
  return view;
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_CUDA_ROWS_SUPPORT_H_
