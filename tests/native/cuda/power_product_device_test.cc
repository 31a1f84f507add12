// Products with power-quantized weights on a device, against plain sums: every width of field, ragged
// sizes on both sides of slabs and blocks, codes and rows off every alignment, all ways to the
// product.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "lossmith/power_product.h"
#include "simt/control.h"
#include "support/context.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;

const int kDeviceIsSet =
    setenv("LOSSMITH_TEST_DEVICE", "cuda:0", 1) + setenv("LOSSMITH_TEST_SIMULATED", "1", 1);

struct Shape {
  int32_t bits;
  int64_t m, n, k;
  int64_t columns = 0;  // of a group; 0: `axis`
  int32_t axis = -1;
  bool exponents = false;  // one for each group
  DType x = DType::kF32, out = DType::kF32;
  bool bias = false;

  int64_t groups() const {
    if (columns > 0) return n * ((k + columns - 1) / columns);
    return axis == 0 ? n : 1;
  }
  int64_t group_of(int64_t row, int64_t column) const {
    if (columns > 0) return row * ((k + columns - 1) / columns) + column / columns;
    return axis == 0 ? row : 0;
  }
  std::string Text() const {
    return std::to_string(bits) + " bits [" + std::to_string(m) + "," + std::to_string(n) + "," +
           std::to_string(k) + "] columns " + std::to_string(columns) + " axis " +
           std::to_string(axis) + " " + Name(x) + " to " + Name(out);
  }
};

struct Problem {
  Shape shape;
  std::vector<double> x, scale, exponent, bias;
  std::vector<int> codes;
  std::vector<double> packed;

  Problem(const Shape& s, uint64_t seed) : shape(s) {
    Random random(seed);
    const DType real = s.x == DType::kF64 ? DType::kF64 : DType::kF32;
    const int largest = (1 << (s.bits - 1)) - 1, field = s.bits <= 4 ? s.bits : 8;
    const int64_t bytes = lsm_power_packed_bytes(s.bits, s.k);
    x = Rounded(s.x, random.Normals(s.m * s.k));
    scale = Rounded(real, random.Uniforms(s.groups(), 0.5, 2));
    exponent = Rounded(real, random.Uniforms(s.exponents ? s.groups() : 1, 0.3, 1.2));
    if (s.bias) bias = Rounded(real, random.Normals(s.n));
    codes.resize(s.n * s.k);
    std::vector<int> bits(s.n * bytes);
    for (int64_t i = 0; i < s.n * s.k; ++i) {
      codes[i] = static_cast<int>(std::floor(random.Uniform(-largest, largest + 1)));
      const int pattern = std::abs(codes[i]) | (codes[i] < 0 ? 1 << (field - 1) : 0);
      for (int b = 0; b < field; ++b) {
        const int64_t bit = i % s.k * field + b;
        bits[i / s.k * bytes + bit / 8] |= (pattern >> b & 1) << bit % 8;
      }
    }
    packed.assign(bits.begin(), bits.end());
  }

  double Weight(int64_t row, int64_t column) const {
    const int64_t group = shape.group_of(row, column);
    const double largest = (1 << (shape.bits - 1)) - 1;
    const int code = codes[row * shape.k + column];
    const double level =
        std::pow(std::abs(code) / largest, 1 / exponent[shape.exponents ? group : 0]);
    return scale[group] * (code < 0 ? -level : level);
  }
  // The output, and what its rounding is relative to.
  void Expect(const std::vector<double>& got, double unit) const {
    for (int64_t j = 0; j < shape.n; ++j) {
      for (int64_t i = 0; i < shape.m; ++i) {
        double sum = shape.bias ? bias[j] : 0, size = std::abs(sum);
        for (int64_t k = 0; k < shape.k; ++k) {
          const double term = x[i * shape.k + k] * Weight(j, k);
          sum += term;
          size += std::abs(term);
        }
        ASSERT_NEAR(got[i * shape.n + j], sum, unit * size + 1e-30)
            << shape.Text() << " at " << i << "," << j;
      }
    }
  }
};

struct Layouts {
  Layout x, codes, out;
};

// again: a second call, which must neither wait nor allocate.
std::vector<double> ProductOf(const Problem& p, const Layouts& layouts = {}, bool again = false) {
  const Shape& s = p.shape;
  const DType real = s.x == DType::kF64 ? DType::kF64 : DType::kF32;
  lsm_power_options options;
  lsm_power_defaults(&options);
  options.bits = s.bits;
  options.packed = 1;
  options.groups = {s.axis, s.columns};
  std::vector<int64_t> parameters = {s.groups()};
  if (s.columns > 0) parameters = {s.n, s.groups() / s.n};
  HostTensor x(s.x, {s.m, s.k}, p.x, layouts.x);
  HostTensor codes(DType::kU8, {s.n, lsm_power_packed_bytes(s.bits, s.k)}, p.packed, layouts.codes);
  HostTensor scale(real, parameters, p.scale);
  HostTensor exponent(real, s.exponents ? parameters : std::vector<int64_t>{1}, p.exponent);
  HostTensor bias(real, {s.n}, s.bias ? p.bias : std::vector<double>(s.n));
  HostTensor out(s.out, {s.m, s.n}, layouts.out);
  const Context context;
  Mirror device;
  lsm_tensor* views[] = {device.View(&x),        device.View(&codes), device.View(&scale),
                         device.View(&exponent), device.View(&bias),  device.View(&out)};
  const auto run = [&] {
    EXPECT_EQ(lsm_power_product(context, &options, views[0], views[1], views[2], views[3],
                                s.bias ? views[4] : nullptr, views[5]),
              LSM_OK)
        << lsm_last_error();
  };
  run();
  if (again) {
    simt::reset_counters();
    run();
    for (const char* name : {"waits", "cudaMalloc", "cudaFree", "cudaHostAlloc", "cudaMemcpy"}) {
      EXPECT_EQ(simt::counter(name), 0u) << name;
    }
    EXPECT_GT(simt::counter("cudaLaunchKernel"), 0u);
  }
  device.Return(context);
  EXPECT_TRUE(out.GapsUntouched()) << s.Text();
  return out.Values();
}

constexpr double kUnit = 3e-6;  // of f32 sums; the terms of a wrong code are far larger

// Few rows of x: fields of every width, 1 to 8 rows, slabs that are split or not.
TEST(PowerProductDevice, FewRows) {
  uint64_t seed = 1;
  for (const int32_t bits : {2, 3, 4, 5, 8}) {
    for (const int64_t m : {1, 2, 3, 8, 9}) {
      const int64_t n = m % 2 == 1 ? 17 : 5, k = m == 9 ? 1061 : m == 2 ? 2048 : 70;
      const Problem p({bits, m, n, k, 0, seed % 2 == 0 ? 0 : -1, seed % 4 == 0}, seed);
      p.Expect(ProductOf(p), kUnit);
      ++seed;
    }
  }
}

TEST(PowerProductDevice, FewRowsOffEveryAlignment) {
  for (const int32_t bits : {2, 3, 4, 8}) {
    for (const int64_t k : {1, 31, 33, 96, 1024}) {
      const Problem p({bits, 2, 9, k}, static_cast<uint64_t>(k));
      const std::vector<double> plain = ProductOf(p);
      p.Expect(plain, kUnit);
      EXPECT_EQ(ProductOf(p, {{3, 1}, {5, 3}, {1, 1}}), plain) << p.shape.Text();
      EXPECT_EQ(ProductOf(p, {{4, 4}, {16, 16}, {}}), plain) << p.shape.Text();
    }
  }
}

TEST(PowerProductDevice, GroupsOfColumns) {
  // In registers; decoded since groups are too short; since exponents change along a row.
  for (const Shape& s : {Shape{4, 3, 7, 200, 64}, Shape{3, 1, 7, 200, 32}, Shape{4, 3, 7, 100, 20},
                         Shape{4, 2, 7, 200, 64, -1, true}, Shape{8, 1, 5, 64, 64, -1, true},
                         Shape{2, 70, 9, 65, 16, -1, true}}) {
    const Problem p(s, 7);
    p.Expect(ProductOf(p), kUnit);
  }
}

// Many rows: blocks of decoded weights, products beside the output or in it.
TEST(PowerProductDevice, ManyRows) {
  uint64_t seed = 30;
  for (const int32_t bits : {2, 3, 4, 7}) {
    for (const DType x : {DType::kF32, DType::kBF16, DType::kF16, DType::kF64}) {
      const double unit = Bytes(x) == 2 ? 3 * UnitRoundoff(x) : kUnit;
      for (const DType out : {DType::kF32, x}) {
        Shape s{bits, Bytes(x) == 2 ? 17 : 66, 150, 67, 0, 0, seed % 2 == 0, x, out, seed % 3 == 0};
        if (seed % 5 == 0) s.columns = 24, s.axis = -1;
        const Problem p(s, seed++);
        p.Expect(ProductOf(p), unit);
      }
    }
  }
}

TEST(PowerProductDevice, MoreRowsThanABlockHolds) {
  const Problem p({4, 130, 300, 40, 0, 0, false, DType::kBF16, DType::kBF16, true}, 5);
  p.Expect(ProductOf(p, {{}, {3, 1}, {7, 1}}), 3 * UnitRoundoff(DType::kBF16));
}

TEST(PowerProductDevice, OneRowOf16Bits) {
  for (const DType x : {DType::kBF16, DType::kF16}) {
    const Problem p({4, 1, 33, 1500, 0, 0, false, x, x, true}, 6);
    const double unit = 2 * UnitRoundoff(x);
    p.Expect(ProductOf(p), unit);
    p.Expect(ProductOf(p, {{1, 1}, {}, {}}), unit);
  }
}

TEST(PowerProductDevice, NothingToAdd) {
  for (const DType x : {DType::kF32, DType::kF64}) {
    for (const int64_t m : {1, 70}) {
      const Problem p({4, m, 3, 0, 0, -1, false, x, DType::kF32, true}, 8);
      p.Expect(ProductOf(p), 1e-7);
    }
  }
  ProductOf(Problem({4, 0, 3, 5}, 1));
  ProductOf(Problem({4, 2, 0, 5}, 1));
}

TEST(PowerProductDevice, AWarmCallNeitherWaitsNorAllocates) {
  for (const Shape& s : {Shape{4, 3, 20, 2500}, Shape{3, 66, 40, 70, 0, 0, false, DType::kBF16}}) {
    const Problem p(s, 10);
    EXPECT_EQ(ProductOf(p, {}, true), ProductOf(p));
  }
}

TEST(PowerProductDevice, NoScheduleChangesABit) {
  for (const Shape& s : {Shape{4, 3, 20, 2500}, Shape{3, 66, 40, 70}}) {
    const Problem p(s, 9);
    const std::vector<double> expected = ProductOf(p);
    for (const uint64_t seed : {1, 2}) {
      simt::set_schedule_seed(seed);
      EXPECT_EQ(ProductOf(p), expected);
    }
    simt::set_schedule_seed(0);
  }
}

}  // namespace
}  // namespace lossmith_test
