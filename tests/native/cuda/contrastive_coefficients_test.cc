// Gradient coefficients of a block against their formula in f64, for every type they are stored in.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/dtype.h"
#include "cuda/contrastive_block.h"

namespace lossmith_test {
namespace {

namespace cuda = lossmith::cuda;
using lossmith::Type;

// One direction's vectors for `count` rows or columns from `first` on.
template <class A>
struct HostDirection {
  std::vector<double> lse;
  std::vector<A> hi, lo, c, uniform, target;

  template <class F>
  void Fill(std::int64_t first, std::int64_t count, F&& lse_of) {
    for (std::int64_t i = 0; i < first + count; ++i) {
      const double exact = i < first ? 0.0 : lse_of(i - first);
      const bool nothing = std::isinf(exact);
      const double factor = nothing ? 0.0 : 0.02 + 0.001 * static_cast<double>(i % 7);
      lse.push_back(exact);
      hi.push_back(nothing ? std::numeric_limits<A>::infinity() : static_cast<A>(exact));
      lo.push_back(nothing ? A(0) : static_cast<A>(exact - static_cast<double>(hi.back())));
      c.push_back(static_cast<A>(factor));
      uniform.push_back(static_cast<A>(factor * 1e-3));
      target.push_back(static_cast<A>(factor * 0.9));
    }
  }
  double Coefficient(std::size_t i, double s, bool pair) const {
    const double p = std::exp(s - static_cast<double>(hi[i]) - static_cast<double>(lo[i]));
    return static_cast<double>(c[i]) * p - static_cast<double>(uniform[i]) -
           (pair ? static_cast<double>(target[i]) : 0.0);
  }
};

template <class A>
struct DeviceDirection {
  explicit DeviceDirection(const HostDirection<A>& h)
      : lse(h.lse), hi(h.hi), lo(h.lo), c(h.c), uniform(h.uniform), target(h.target) {}
  cuda::Direction<A> view() const {
    return {lse.get(), hi.get(), lo.get(), c.get(), uniform.get(), target.get()};
  }
  DeviceArray<double> lse;
  DeviceArray<A> hi, lo, c, uniform, target;
};

template <class T>
std::vector<double> ValuesAs(const std::vector<unsigned char>& bytes) {
  std::vector<double> values;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T element;
    std::memcpy(&element, &bytes[at], sizeof element);
    values.push_back(lossmith::Convert<double>::from(element));
  }
  return values;
}

struct Options {
  Type type = Type::f32;
  bool columns = true, weights = false, ignores = true;
  double factor = 1;
};

template <class A>
void Check(std::int64_t rows, std::int64_t columns, Shape shape, const Options& o) {
  SCOPED_TRACE(testing::Message() << rows << " x " << columns << ", shape "
                                  << static_cast<int>(shape) << ", type " << name_of(o.type));
  BlockCase<A> c(rows, columns, shape, o.ignores);
  c.scalars.narrow_factor = o.factor;
  const DeviceBlock<A> device(c);
  const cuda::DotBlock<A>& block = device.block;
  HostDirection<A> row, column;
  row.Fill(c.row0, rows, [&](std::int64_t i) { return c.RowLse(i); });
  column.Fill(c.column0, columns, [&](std::int64_t j) { return c.ColumnLse(j); });
  const DeviceDirection<A> row_view(row), column_view(column);

  const std::int64_t n = c.row0 + rows;
  const std::int64_t m = c.column0 + columns;
  std::vector<float> weights;
  std::vector<A> weight_factor(static_cast<std::size_t>(n), A(0.003));
  for (std::int64_t i = 0; i < n * m; ++i) weights.push_back(0.125f * static_cast<float>(i % 9));
  DeviceArray<float> device_weights(weights);
  DeviceArray<A> device_factor(weight_factor);
  cuda::WeightBlock weight_block;
  if (o.weights) weight_block.matrix = {device_weights.get(), Type::f32, n, m, m};

  const std::int64_t tiles = block.row_tiles() * block.column_tiles();
  DeviceArray<double> scale_partial(tiles), column_partial(block.row_tiles() * columns);
  DeviceArray<double> bias_gradient(std::vector<double>(static_cast<std::size_t>(m), 0.5));
  DeviceArray<A> pair_score(n);
  const bool in_place = o.type == (sizeof(A) == 8 ? Type::f64 : Type::f32);
  const std::int64_t bytes = rows * c.ld * bytes_of(o.type);
  DeviceArray<unsigned char> narrow(in_place ? 1 : bytes);
  cuda::CoefficientOutputs<A> out;
  out.coefficients = in_place ? static_cast<void*>(device.dots.get()) : narrow.get();
  out.type = o.type;
  out.ld = c.ld;
  out.scale_partial = scale_partial.get();
  out.column_partial = column_partial.get();
  out.pair_score = pair_score.get();
  cuda::tile_coefficients<A>(nullptr, block, row_view.view(),
                             o.columns ? column_view.view() : cuda::Direction<A>{}, weight_block,
                             o.weights ? device_factor.get() : nullptr, out);
  cuda::merge_coefficients<A>(nullptr, block, out, device.scalars.get(), bias_gradient.get());

  std::vector<double> got;
  if (in_place) {
    for (const A g : device.dots.Values()) got.push_back(static_cast<double>(g));
  } else {
    const std::vector<unsigned char> raw = narrow.Values();
    got =
        o.type == Type::bf16 ? ValuesAs<lossmith::bfloat16>(raw) : ValuesAs<lossmith::float16>(raw);
  }
  const double accuracy = o.type == Type::f64    ? 1e-14
                          : o.type == Type::f32  ? 1e-6
                          : o.type == Type::bf16 ? std::ldexp(1, -8)
                                                 : std::ldexp(1, -11);
  double scale_gradient = 0;
  double magnitude = 0;
  std::vector<double> sums(static_cast<std::size_t>(columns), 0.0);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const std::size_t at_row = static_cast<std::size_t>(c.row0 + i);
      const std::size_t at_column = static_cast<std::size_t>(c.column0 + j);
      double g = 0;
      if (c.Used(i, j)) {
        const bool pair = c.Pair(i) == j;
        g = row.Coefficient(at_row, c.Score(i, j), pair);
        if (o.columns) g += column.Coefficient(at_column, c.Score(i, j), pair);
        if (o.weights) {
          g -= 0.003 * static_cast<double>(
                           weights[static_cast<std::size_t>((c.row0 + i) * m + c.column0 + j)]);
        }
        scale_gradient += g * c.Dot(i, j);
        magnitude += std::fabs(g * c.Dot(i, j));
        sums[static_cast<std::size_t>(j)] += g;
      }
      // A score is rounded once, so its exponential is off by a rounding of the score.
      const double s = c.Used(i, j) && std::isfinite(c.Score(i, j)) ? c.Score(i, j) : 0.0;
      const double rounding =
          static_cast<double>(std::numeric_limits<A>::epsilon()) * 0.05 * (2 + std::fabs(s));
      EXPECT_NEAR(got[static_cast<std::size_t>(i * c.ld + j)], g * o.factor,
                  o.factor * (accuracy * std::fabs(g) + rounding))
          << "at " << i << ", " << j;
    }
  }
  const double sum_accuracy = sizeof(A) == 8 ? 1e-13 : 2e-6;
  EXPECT_NEAR(device.scalars.Values()[0].scale_gradient, scale_gradient,
              sum_accuracy * (magnitude + 1));
  const std::vector<double> bias = bias_gradient.Values();
  for (std::int64_t j = 0; j < columns; ++j) {
    EXPECT_NEAR(bias[static_cast<std::size_t>(c.column0 + j)],
                0.5 + sums[static_cast<std::size_t>(j)], sum_accuracy * 2);
  }
  for (std::int64_t j = 0; j < c.column0; ++j) EXPECT_EQ(bias[static_cast<std::size_t>(j)], 0.5);
}

constexpr std::int64_t kExtents[] = {1, 31, 32, 33, 63, 65, 127, 129};

TEST(ContrastiveCoefficients, RaggedBlocks) {
  for (const std::int64_t rows : kExtents) {
    for (const std::int64_t columns : kExtents) Check<float>(rows, columns, Shape::random, {});
  }
}

TEST(ContrastiveCoefficients, EveryTypeAndShape) {
  for (const Shape shape : {Shape::random, Shape::flat, Shape::peaked, Shape::masked}) {
    for (const bool both : {false, true}) {
      for (const bool weights : {false, true}) {
        Options o;
        o.columns = both;
        o.weights = weights;
        Check<float>(65, 131, shape, o);
        o.type = Type::bf16;
        Check<float>(65, 131, shape, o);
        o.type = Type::f16;
        o.factor = 4096;
        Check<float>(65, 131, shape, o);
        o.type = Type::f64;
        o.factor = 1;
        Check<double>(33, 130, shape, o);
      }
    }
  }
}

}  // namespace
}  // namespace lossmith_test
