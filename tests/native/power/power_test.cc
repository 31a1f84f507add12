// Codes and values of power quantization against the golden numbers and the oracle in f64.
#include <limits>
#include <string>

#include "power/power_case.h"

namespace lossmith_test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void ExpectValues(const PowerTensors& t, const PowerResult& expected) {
  PowerResult of_same_codes = expected;
  const std::vector<double> out = t.out.Values();
  const std::vector<double> codes = t.codes.Values();
  for (size_t i = 0; i < out.size(); ++i) {
    if (t.p.options.packed == 0 && codes[i] != expected.codes[i]) of_same_codes.out[i] = out[i];
  }
  const double error = std::max(UnitRoundoff(t.out.dtype()), UnitRoundoff(t.parameters));
  ExpectNear(out, of_same_codes.out, 4 * error, 1, "value");
}

// The layouts and groups that loops are made for: one group, many elements side by side, few, one,
// several parts of a line, ragged groups of columns.
struct Grouping {
  Shape shape;
  int axis;
  int64_t columns;
};
std::vector<Grouping> Groupings() {
  std::vector<Grouping> all = {{{67}, -1, 0},        {{5, 37}, 0, 0},      {{40, 19}, 1, 0},
                               {{20, 6, 3}, 1, 0},   {{3, 4, 5, 7}, 1, 0}, {{2, 3, 40}, 1, 0},
                               {{9, 11}, -1, 0},     {{5, 37}, -1, 8},     {{4, 50}, -1, 17},
                               {{4, 50}, -1, 1},     {{4, 50}, -1, 64},    {{300, 3}, 0, 0},
                               {{2, 5, 1, 11}, 3, 0}};
  return all;
}

// Several parts of lines, tasks, and pieces of a period.
std::vector<Grouping> LargeGroupings() {
  if (OnSimulatedDevice()) return {};
  return {{{70001}, -1, 0},      {{3, 5000}, 0, 0},  {{4000, 11}, 1, 0}, {{2, 3, 5000}, 1, 0},
          {{3, 5000}, -1, 2500}, {{10, 2500}, 1, 0}, {{1500, 9}, 0, 0}};
}

std::string Text(const Grouping& g, const lsm_power_options& o, DType type) {
  return std::string(Name(type)) + " bits " + std::to_string(o.bits) + " range " +
         std::to_string(o.range) + " shape of " + std::to_string(g.shape.size()) + ", first " +
         std::to_string(g.shape[0]) + " axis " + std::to_string(g.axis) + " columns " +
         std::to_string(g.columns);
}

TEST(Power, GoldenCodesAndValues) {
  const Context context;
  for (const DType type : {DType::kF32, DType::kF64}) {
    PowerProblem p;
    p.options = PowerOptions(4);
    p.shape = {6};
    p.w = {0.9, -0.31, 0.12, -0.05, 0.004, -0.62};
    p.scale = {0.9};
    p.exponent = {0.5};
    PowerTensors t(p, type, {}, type);
    ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
    EXPECT_EQ(t.codes.Values(), (std::vector<double>{7, -4, 3, -2, 0, -6}));
    ExpectNear(t.out.Values(), {0.9, -0.2938775510, 0.1653061224, -0.0734693878, 0, -0.6612244898},
               2 * UnitRoundoff(DType::kF32), 0, "value");
    ASSERT_EQ(t.Latents(context), LSM_OK) << lsm_last_error();
    ExpectNear(t.out.Values(),
               {7, -4.1082572677, 2.5560386017, -1.6499158228, 0.4666666667, -5.8099531457}, 2e-7,
               0, "latent");
    p.exponent = {1};
    double error = 0;
    PowerTensors uniform(p, type, {}, type);
    ASSERT_EQ(uniform.FakeQuantize(context), LSM_OK) << lsm_last_error();
    for (int i = 0; i < 6; ++i) error += std::pow(uniform.out.Get(i) - p.w[i], 2);
    EXPECT_NEAR(error, 0.005905795918367352, 1e-8);
  }
}

TEST(Power, GoldenStaircase) {
  const Context context;
  PowerProblem p;
  p.options = PowerOptions(4);
  p.beta = 5;
  p.shape = {4};
  p.w = {-1.3, 0.2, 0.5, 2.8};
  p.upstream = {1, 1, 1, 1};
  p.scale = {7};
  p.exponent = {1};  // the values are then the soft codes themselves
  for (const DType type : {DType::kF32, DType::kF64}) {
    PowerTensors t(p, type, {}, type);
    ASSERT_EQ(t.Staircase(context), LSM_OK) << lsm_last_error();
    const double error = type == DType::kF64 ? 1e-9 : 5e-7;
    ExpectNear(t.out.Values(), {-1.1140365301, 0.0412856598, 0.5, 2.9587143402}, error, 0.1,
               "value");
    ExpectNear(t.grad_w.Values(), {1.0641806591, 0.4578958547, 2.5339182745, 0.4578958547}, error,
               1, "slope");
    EXPECT_EQ(t.codes.Values(), (std::vector<double>{-1, 0, 1, 3}));
  }
}

// kind: 0 signed, 1 unsigned, 2 unsigned with a shift.
void ExpectOracle(lsm_context context, const Grouping& g, int bits, int kind, uint64_t seed) {
  const lsm_power_options options =
      PowerOptions(bits, kind == 0 ? LSM_POWER_SIGNED : LSM_POWER_UNSIGNED, g.axis, g.columns);
  SCOPED_TRACE(Text(g, options, DType::kF32) + (kind == 2 ? " shifted" : ""));
  PowerProblem p = RandomProblem(options, g.shape, DType::kF32, seed, kind == 2, bits % 2 == 0);
  p.upstream.clear();
  PowerResult expected = PowerOracle(p);
  PowerTensors t(p, DType::kF32);
  ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
  ASSERT_NO_FATAL_FAILURE(ExpectCodes(t.codes.Values(), p, &expected));
  ASSERT_NO_FATAL_FAILURE(ExpectValues(t, expected));
  const std::vector<unsigned char> values = t.out.Bits();
  const std::vector<unsigned char> codes = t.codes.Bits();
  ASSERT_EQ(t.Quantize(context), LSM_OK) << lsm_last_error();
  ASSERT_EQ(t.codes.Bits(), codes);
  ASSERT_EQ(t.Dequantize(context), LSM_OK) << lsm_last_error();
  ASSERT_EQ(t.out.Bits(), values) << "values of codes are those of fake quantization";
}

TEST(Power, AllBitsRangesAndGroupsAreThoseOfTheOracle) {
  const Context context;
  uint64_t seed = 1;
  for (const Grouping& g : Groupings()) {
    for (int bits = 2; bits <= 8; ++bits) {
      for (const int kind : {0, 1, 2}) ExpectOracle(context, g, bits, kind, ++seed);
    }
  }
  for (const Grouping& g : LargeGroupings()) {
    ExpectOracle(context, g, 4, 0, ++seed);
    ExpectOracle(context, g, 7, 2, ++seed);
  }
}

TEST(Power, AllTypesAndRowsApart) {
  const Context context;
  uint64_t seed = 100;
  for (const DType type : {DType::kF32, DType::kBF16, DType::kF16, DType::kF64}) {
    for (const Grouping& g : Groupings()) {
      for (const int bits : {4, 6}) {
        const Layout rows = g.shape.size() == 2 ? Layout{3, 1, false, false} : Layout{};
        const lsm_power_options options = PowerOptions(bits, LSM_POWER_SIGNED, g.axis, g.columns);
        SCOPED_TRACE(Text(g, options, type));
        PowerProblem p = RandomProblem(options, g.shape, type, ++seed);
        p.upstream.clear();
        PowerResult expected = PowerOracle(p);
        PowerTensors t(p, type, rows, seed % 2 == 0 ? DType::kF32 : type);
        ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
        ASSERT_NO_FATAL_FAILURE(ExpectCodes(t.codes.Values(), p, &expected));
        ASSERT_NO_FATAL_FAILURE(ExpectValues(t, expected));
        ASSERT_EQ(t.Dequantize(context), LSM_OK) << lsm_last_error();
        ASSERT_NO_FATAL_FAILURE(ExpectValues(t, expected));
        EXPECT_TRUE(t.GapsUntouched());
      }
    }
  }
}

TEST(Power, PackedCodesAreTheBitStream) {
  const Context context;
  uint64_t seed = 200;
  std::vector<Grouping> all = Groupings();
  if (!OnSimulatedDevice()) all.push_back({{2, 5000}, -1, 2500});
  for (const Grouping& g : all) {
    if (g.shape.size() != 2) continue;
    for (int bits = 2; bits <= 8; ++bits) {
      for (const int range : {LSM_POWER_SIGNED, LSM_POWER_UNSIGNED}) {
        lsm_power_options options = PowerOptions(bits, range, g.axis, g.columns);
        SCOPED_TRACE(Text(g, options, DType::kF32));
        PowerProblem p = RandomProblem(options, g.shape, DType::kF32, ++seed);
        p.upstream.clear();
        PowerTensors plain(p, DType::kF32);
        ASSERT_EQ(plain.FakeQuantize(context, false), LSM_OK) << lsm_last_error();
        p.options.packed = 1;
        // Rows that follow each other share no byte, and rows apart leave what lies between alone.
        for (const Layout& rows : {Layout{}, Layout{5, 3, true, false}}) {
          PowerTensors t(p, DType::kF32, rows);
          ASSERT_EQ(t.Quantize(context), LSM_OK) << lsm_last_error();
          ASSERT_EQ(t.codes.Values(), PackedCodes(options, plain.codes.Values(), g.shape[0]));
          ASSERT_EQ(t.Dequantize(context), LSM_OK) << lsm_last_error();
          ASSERT_EQ(t.out.Values(), plain.out.Values());
          EXPECT_TRUE(t.GapsUntouched());
        }
      }
    }
  }
}

// With the exponent 1 codes and values are those of uniform quantization, halves away from zero.
TEST(Power, AnExponentOfOneIsUniformQuantization) {
  const Context context;
  for (int bits = 2; bits <= 8; ++bits) {
    PowerProblem p = RandomProblem(PowerOptions(bits), {Size(3000, 300)}, DType::kF32, 300 + bits);
    p.upstream.clear();
    const int top = LargestPowerCode(p.options);
    p.scale = {static_cast<double>(top)};  // steps of 1: halves are numbers of the type
    p.exponent = {1};
    for (size_t i = 0; i < p.w.size(); ++i) {
      p.w[i] = Rounded(DType::kF32, p.w[i] * top / 2);
      if (i % 3 == 0) p.w[i] = std::floor(p.w[i]) + 0.5;
    }
    PowerTensors t(p, DType::kF32);
    ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
    for (size_t i = 0; i < p.w.size(); ++i) {
      const double size = std::min<double>(std::floor(std::fabs(p.w[i]) + 0.5), top);
      ASSERT_EQ(t.codes.Get(i), std::copysign(size, p.w[i])) << bits << " bits, w " << p.w[i];
      const float level = static_cast<float>(size / top);
      ASSERT_EQ(t.out.Get(i), std::copysign(level, static_cast<float>(p.w[i])) * top);
    }
  }
}

// s (n / d)^(1/a); exact for a = 1 and 1/2 where a long double holds it.
long double Threshold(long double s, long double n, long double d, long double a) {
  if (a == 1) return s * n / d;
  if (a == 0.5) return s * (n * n) / (d * d);
  return s * std::pow(n / d, 1 / a);
}

// The thresholds themselves have the upper code, and the numbers below them the lower.
TEST(Power, CodesChangeAtTheThresholds) {
  const Context context;
  Random random(7);
  for (const double exponent : {0.5, 1.0, 0.64, 2.0}) {
    for (const int range : {LSM_POWER_SIGNED, LSM_POWER_UNSIGNED}) {
      PowerProblem p;
      p.options = PowerOptions(4, range);
      const int top = LargestPowerCode(p.options);
      p.scale = {Rounded(DType::kF32, random.Uniform(0.5, 2))};
      p.exponent = {Rounded(DType::kF32, exponent)};
      std::vector<double> codes;
      for (int j = 1; j <= top; ++j) {
        const long double exact = Threshold(p.scale[0], 2 * j - 1, 2 * top, p.exponent[0]);
        auto above = static_cast<float>(exact);
        if (above < exact) above = std::nextafter(above, 10.0f);
        p.w.push_back(above);
        codes.push_back(j);
        p.w.push_back(std::nextafter(above, 0.0f));
        codes.push_back(j - 1);
      }
      p.shape = {static_cast<int64_t>(p.w.size())};
      PowerTensors t(p, DType::kF32);
      ASSERT_EQ(t.Quantize(context), LSM_OK) << lsm_last_error();
      EXPECT_EQ(t.codes.Values(), codes) << exponent;
    }
  }
}

TEST(Power, SmallExponentsLoseLessOfNormalAndLaplaceTensors) {
  const Context context;
  Random random(8);
  const int64_t n = 100000;
  const auto error = [&](const std::vector<double>& w, double exponent) {
    PowerProblem p;
    p.options = PowerOptions(4);
    p.shape = {n};
    p.w = Rounded(DType::kF32, w);
    p.scale = {0};
    for (const double x : p.w) p.scale[0] = std::max(p.scale[0], std::fabs(x));
    p.exponent = {exponent};
    PowerTensors t(p, DType::kF32);
    EXPECT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += std::pow(t.out.Get(i) - p.w[i], 2);
    return sum;
  };
  const std::vector<double> normal = random.Normals(n);
  std::vector<double> laplace = random.Uniforms(n, -1, 1);
  for (double& x : laplace) x = std::copysign(-std::log(1 - std::fabs(x)), x);
  EXPECT_GT(error(normal, 1) / error(normal, 0.64), 1.35);
  EXPECT_GT(error(laplace, 1) / error(laplace, 0.48), 2.2);
}

TEST(Power, NumbersThatAreNone) {
  const Context context;
  for (const DType type : {DType::kF32, DType::kF64}) {
    for (const int bits : {3, 4, 8}) {
      for (const int range : {LSM_POWER_SIGNED, LSM_POWER_UNSIGNED}) {
        PowerProblem p;
        p.options = PowerOptions(bits, range, 0);
        const std::vector<double> row = {kNaN, kInfinity, -kInfinity, 0.0, -0.0, 1e-40, -3, 1e38};
        p.shape = {2, 8};
        p.w = row;
        p.w.insert(p.w.end(), row.begin(), row.end());
        p.w = Rounded(type, p.w);
        p.scale = {1.5, 0};
        p.exponent = {0.75};
        PowerTensors t(p, type, {}, type);
        ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
        const double top = LargestPowerCode(p.options);
        const double low = range == LSM_POWER_SIGNED ? -top : 0;
        const double least = range == LSM_POWER_SIGNED ? -1.5 : 0;
        EXPECT_EQ(t.codes.Values(),
                  (std::vector<double>{0, top, low, 0, 0, 0, low, top, 0, 0, 0, 0, 0, 0, 0, 0}));
        ExpectNear(t.out.Values(),
                   {kNaN, 1.5, least, 0, 0, 0, least, 1.5, kNaN, 0, 0, 0, 0, 0, 0, 0}, 0, 1,
                   "value");
      }
    }
  }
}

TEST(Power, TensorsWithoutElements) {
  const Context context;
  for (const Shape& shape : {Shape{0}, Shape{0, 5}, Shape{5, 0}}) {
    for (const int axis : {-1, 0}) {
      PowerProblem p;
      p.options = PowerOptions(4, LSM_POWER_SIGNED, axis);
      p.shape = shape;
      p.scale.assign(CountOf(PowerParameterShape(p.options.groups, shape)), 1);
      p.exponent = {1};
      PowerTensors t(p, DType::kF32);
      t.upstream.emplace(DType::kF32, shape);
      ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
      EXPECT_EQ(t.grad_scale.Values(), std::vector<double>(p.scale.size(), 0));
      EXPECT_EQ(t.grad_exponent.Values(), std::vector<double>{0});
      ASSERT_EQ(t.Quantize(context), LSM_OK) << lsm_last_error();
      ASSERT_EQ(t.Dequantize(context), LSM_OK) << lsm_last_error();
    }
  }
}

// Bytes that quantizing never writes.
TEST(Power, CodesBeyondTheLargestAreTheLargest) {
  const Context context;
  PowerProblem p;
  p.options = PowerOptions(3);
  p.shape = {4};
  p.w.assign(4, 0);
  p.scale = {2};
  p.exponent = {0.5};
  PowerTensors t(p, DType::kF32);
  const double codes[] = {-128, 127, -4, 3};
  for (int i = 0; i < 4; ++i) t.codes.Set(i, codes[i]);
  ASSERT_EQ(t.Dequantize(context), LSM_OK) << lsm_last_error();
  EXPECT_EQ(t.out.Values(), (std::vector<double>{-2, 2, -2, 2}));
}

TEST(Power, ScalesAreTheExtremesOfEveryGroup) {
  const Context context;
  uint64_t seed = 400;
  for (const DType type : {DType::kF32, DType::kBF16, DType::kF64}) {
    for (const Grouping& g : Groupings()) {
      for (const int kind : {0, 1, 2}) {
        lsm_power_options options =
            PowerOptions(4, kind == 0 ? LSM_POWER_SIGNED : LSM_POWER_UNSIGNED, g.axis, g.columns);
        SCOPED_TRACE(Text(g, options, type));
        Random random(++seed);
        std::vector<double> w = Rounded(type, random.Normals(CountOf(g.shape)));
        if (kind == 0) w[w.size() / 2] = kNaN;
        const Shape groups = PowerParameterShape(options.groups, g.shape);
        std::vector<double> low(CountOf(groups), kInfinity), high(CountOf(groups), -kInfinity);
        std::vector<bool> nan(CountOf(groups), false);
        for (size_t n = 0; n < w.size(); ++n) {
          const int64_t group = PowerGroup(options.groups, g.shape, static_cast<int64_t>(n));
          if (std::isnan(w[n])) nan[group] = true;
          low[group] = std::min(low[group], w[n]);
          high[group] = std::max(high[group], w[n]);
        }
        const DType parameters = type == DType::kF64 ? DType::kF64 : DType::kF32;
        const Layout rows = g.shape.size() == 2 ? Layout{2, 0, false, false} : Layout{};
        HostTensor tensor(type, g.shape, w, rows), scale(parameters, groups),
            shift(parameters, groups);
        Mirror device;
        ASSERT_EQ(lsm_power_scales(context, &options, device.View(&tensor), device.View(&scale),
                                   kind == 2 ? device.View(&shift) : nullptr),
                  LSM_OK)
            << lsm_last_error();
        device.Return(context);
        for (int64_t i = 0; i < CountOf(groups); ++i) {
          double expected = std::max(high[i], kind == 0 ? -low[i] : 0);
          if (kind == 2) {
            expected = Rounded(parameters, high[i] - low[i]);
            ASSERT_EQ(shift.Get(i), low[i]);
          }
          if (nan[i]) {
            ASSERT_TRUE(std::isnan(scale.Get(i))) << i;
          } else {
            ASSERT_EQ(scale.Get(i), expected) << i;
          }
        }
      }
    }
  }
}

TEST(Power, ScalesOfNothingAreZero) {
  const Context context;
  lsm_power_options options = PowerOptions(4, LSM_POWER_SIGNED, 0);
  HostTensor w(DType::kF32, {3, 0}), scale(DType::kF32, {3});
  Mirror device;
  ASSERT_EQ(lsm_power_scales(context, &options, device.View(&w), device.View(&scale), nullptr),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  EXPECT_EQ(scale.Values(), (std::vector<double>{0, 0, 0}));
}

// Tensors that are written past the caches.
TEST(Power, LargeTensorsAreThoseOfTheirParts) {
  if (OnSimulatedDevice()) GTEST_SKIP() << "no cache is simulated";
  const Context context;
  const int64_t rows = 1100, width = 2001;
  PowerProblem p;
  p.options = PowerOptions(4);
  p.shape = {rows, width};
  p.scale = {0.9};
  p.exponent = {0.7};
  for (int64_t i = 0; i < rows * width; ++i) {
    p.w.push_back(Rounded(DType::kF32, static_cast<double>(i * 7919 % 2003) / 1001.5 - 1));
  }
  PowerTensors whole(p, DType::kF32);
  ASSERT_EQ(whole.FakeQuantize(context), LSM_OK) << lsm_last_error();
  PowerProblem row = p;
  row.shape = {width};
  for (const int64_t i : {int64_t{0}, int64_t{1}, rows / 2, rows - 1}) {
    row.w.assign(p.w.begin() + i * width, p.w.begin() + (i + 1) * width);
    PowerTensors part(row, DType::kF32);
    ASSERT_EQ(part.FakeQuantize(context), LSM_OK) << lsm_last_error();
    for (int64_t k = 0; k < width; ++k) {
      ASSERT_EQ(whole.out.Get(i * width + k), part.out.Get(k)) << i << " " << k;
    }
  }
}

TEST(Power, PackedBytesOfARow) {
  EXPECT_EQ(lsm_power_packed_bytes(2, 5), 2);
  EXPECT_EQ(lsm_power_packed_bytes(3, 8), 3);
  EXPECT_EQ(lsm_power_packed_bytes(3, 9), 4);
  EXPECT_EQ(lsm_power_packed_bytes(4, 7), 4);
  EXPECT_EQ(lsm_power_packed_bytes(5, 7), 7);
  EXPECT_EQ(lsm_power_packed_bytes(8, 0), 0);
  EXPECT_EQ(lsm_power_packed_bytes(3, int64_t{1} << 62), (int64_t{3} << 59));
  EXPECT_EQ(lsm_power_packed_bytes(9, 8), 0);
  EXPECT_EQ(lsm_power_packed_bytes(4, -1), 0);
}

}  // namespace
}  // namespace lossmith_test
