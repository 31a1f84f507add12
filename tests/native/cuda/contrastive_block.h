// One block of a contrastive call as plain numbers, for the kernels that work on it, and what they
// have to give, in f64.
#ifndef LOSSMITH_TESTS_CUDA_CONTRASTIVE_BLOCK_H_
#define LOSSMITH_TESTS_CUDA_CONTRASTIVE_BLOCK_H_

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "cuda/contrastive_kernels.h"
#include "cuda/device_array.h"

namespace lossmith_test {

enum class Shape { random, flat, peaked, masked };

// Dots of a matrix whose block starts at (row0, column0); ignored rows and columns and, for
// `masked`, a bias of -infinity on every third candidate.
template <class A>
struct BlockCase {
  BlockCase(std::int64_t a_rows, std::int64_t a_columns, Shape shape, bool ignores)
      : rows(a_rows), columns(a_columns), ld((a_columns + 63) / 64 * 64) {
    std::mt19937_64 engine(static_cast<std::uint64_t>(rows * 1009 + columns));
    std::normal_distribution<double> normal;
    dots.assign(static_cast<std::size_t>(rows * ld), A(NAN));  // what is outside must not count
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        const double dot = shape == Shape::flat     ? 0.25
                           : shape == Shape::peaked ? (i == j ? 6.0 : normal(engine) * 0.01)
                                                    : normal(engine);
        dots[static_cast<std::size_t>(i * ld + j)] = static_cast<A>(dot);
      }
    }
    for (std::int64_t j = 0; j < column0 + columns; ++j) {
      const bool masked = shape == Shape::masked && j % 3 == 1;
      bias.push_back(masked ? -std::numeric_limits<A>::infinity()
                            : static_cast<A>(0.1 * normal(engine)));
    }
    for (std::int64_t i = 0; i < row0 + rows; ++i) {
      flags.push_back(ignores && i % 5 == 2 ? 1 : 0);
    }
    scalars.scale = shape == Shape::peaked ? 14.0 : 3.0;
    scalars.narrow_factor = scalars.narrow_inverse = 1;
  }

  bool Ignored(std::int64_t global) const {
    return global < static_cast<std::int64_t>(flags.size()) &&
           flags[static_cast<std::size_t>(global)] != 0;
  }
  bool Used(std::int64_t i, std::int64_t j) const {
    return !Ignored(row0 + i) && !Ignored(column0 + j);
  }
  double Dot(std::int64_t i, std::int64_t j) const {
    return static_cast<double>(dots[static_cast<std::size_t>(i * ld + j)]);
  }
  double Score(std::int64_t i, std::int64_t j) const {
    if (!Used(i, j)) return -std::numeric_limits<double>::infinity();
    return scalars.scale * Dot(i, j) +
           static_cast<double>(bias[static_cast<std::size_t>(column0 + j)]);
  }
  double RowLse(std::int64_t i) const {
    return Lse(columns, [&](std::int64_t j) { return Score(i, j); });
  }
  double ColumnLse(std::int64_t j) const {
    return Lse(rows, [&](std::int64_t i) { return Score(i, j); });
  }
  // Column of the block that row i pairs with.
  std::int64_t Pair(std::int64_t i) const { return row0 + i + pair_shift - column0; }

  template <class F>
  static double Lse(std::int64_t count, F&& score) {
    double max = -std::numeric_limits<double>::infinity();
    for (std::int64_t k = 0; k < count; ++k) max = std::fmax(max, score(k));
    if (std::isinf(max)) return max;
    double sum = 0;
    for (std::int64_t k = 0; k < count; ++k) sum += std::exp(score(k) - max);
    return max + std::log(sum);
  }

  std::int64_t rows, columns, ld;
  std::int64_t row0 = 7, column0 = 3, pair_shift = -2;
  std::vector<A> dots, bias;
  std::vector<std::uint8_t> flags;
  lossmith::cuda::CallScalars scalars{};
};

// The same on the device.
template <class A>
struct DeviceBlock {
  explicit DeviceBlock(const BlockCase<A>& c)
      : dots(c.dots), bias(c.bias), flags(c.flags), scalars(std::vector{c.scalars}) {
    block.dots = dots.get();
    block.ld = c.ld;
    block.rows = c.rows;
    block.columns = c.columns;
    block.row0 = c.row0;
    block.column0 = c.column0;
    block.pair_shift = c.pair_shift;
    block.bias = bias.get();
    block.skip = {flags.get(), 1, static_cast<std::int64_t>(c.flags.size())};
    block.scalars = scalars.get();
  }
  DeviceArray<A> dots, bias;
  DeviceArray<std::uint8_t> flags;
  DeviceArray<lossmith::cuda::CallScalars> scalars;
  lossmith::cuda::DotBlock<A> block;
};

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_CUDA_CONTRASTIVE_BLOCK_H_
