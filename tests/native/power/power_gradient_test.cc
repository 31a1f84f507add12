// Gradients of power quantization: against the oracle, against finite differences, and that nothing
// but the problem decides their bits.
#include <functional>
#include <limits>

#include "power/power_case.h"

namespace lossmith_test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Sums: against the sum of the magnitudes of what is added.
void ExpectSums(const std::vector<double>& got, const std::vector<double>& expected,
                double relative, double per_group, const std::string& what) {
  ExpectNear(got, expected, relative, std::max(1.0, per_group), what);
}

void ExpectGradients(const PowerTensors& t, const PowerResult& expected) {
  const bool wide = t.parameters == DType::kF64;
  const double error =
      std::max(UnitRoundoff(t.grad_w.dtype()), wide ? 1e-12 : UnitRoundoff(DType::kF32));
  std::vector<double> same = expected.grad_w;
  const std::vector<double> codes = t.codes.Values(), got = t.grad_w.Values();
  for (size_t i = 0; i < same.size(); ++i) {
    if (codes[i] != expected.codes[i]) same[i] = got[i];
  }
  ExpectNear(got, same, 16 * error, 1, "grad_w");
  // A sum knows nothing of one element with another code next to a half.
  if (codes != expected.codes) return;
  const double groups = static_cast<double>(t.p.scale.size());
  const double of_group = std::sqrt(static_cast<double>(t.p.w.size()) / groups);
  const double sum_error = wide ? 1e-11 : 2e-5;
  ExpectSums(t.grad_scale.Values(), expected.grad_scale, sum_error, of_group, "grad_scale");
  ExpectSums(t.grad_exponent.Values(), expected.grad_exponent, sum_error,
             t.p.exponent.size() > 1 ? of_group : of_group * std::sqrt(groups), "grad_exponent");
}

struct Grouping {
  Shape shape;
  int axis;
  int64_t columns;
};
std::vector<Grouping> Groupings() {
  std::vector<Grouping> all = {{{67}, -1, 0},      {{5, 37}, 0, 0},    {{40, 19}, 1, 0},
                               {{20, 6, 3}, 1, 0}, {{2, 3, 40}, 1, 0}, {{4, 50}, -1, 17}};
  if (!OnSimulatedDevice()) {
    const Grouping large[] = {{{70001}, -1, 0},
                              {{2, 5000}, 0, 0},
                              {{4000, 11}, 1, 0},
                              {{2, 3, 5000}, 1, 0},
                              {{7, 5000}, -1, 2500}};
    all.insert(all.end(), std::begin(large), std::end(large));
  }
  return all;
}

TEST(PowerGradient, IsThatOfTheOracle) {
  const Context context;
  uint64_t seed = 1;
  for (const Grouping& g : Groupings()) {
    for (const int bits : {2, 4, 8}) {
      for (const int kind : {0, 1, 2}) {
        for (const DType type : {DType::kF32, DType::kF64, DType::kBF16}) {
          if (type == DType::kBF16 && kind != 0) continue;
          if (CountOf(g.shape) > 40000 && kind != bits % 3) continue;
          lsm_power_options options = PowerOptions(
              bits, kind == 0 ? LSM_POWER_SIGNED : LSM_POWER_UNSIGNED, g.axis, g.columns);
          ++seed;
          options.gradient = seed % 2 == 0 ? LSM_GRADIENT_IDENTITY : LSM_GRADIENT_EXACT;
          const PowerProblem p =
              RandomProblem(options, g.shape, type, seed, kind == 2, seed % 3 == 0);
          SCOPED_TRACE(testing::Message()
                       << Name(type) << " bits " << bits << " kind " << kind << " shape "
                       << g.shape[0] << " axis " << g.axis << " gradient " << options.gradient);
          PowerResult expected = PowerOracle(p);
          const Layout rows =
              g.shape.size() == 2 && kind == 1 ? Layout{3, 1, false, false} : Layout{};
          PowerTensors t(p, type, rows, type);
          ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
          ASSERT_NO_FATAL_FAILURE(ExpectCodes(t.codes.Values(), p, &expected));
          ASSERT_NO_FATAL_FAILURE(ExpectGradients(t, expected));
          EXPECT_TRUE(t.GapsUntouched());
          // The same codes and values as without a gradient.
          const std::vector<unsigned char> out = t.out.Bits(), codes = t.codes.Bits();
          ASSERT_EQ(t.FakeQuantize(context, false), LSM_OK) << lsm_last_error();
          EXPECT_EQ(t.out.Bits(), out);
          EXPECT_EQ(t.codes.Bits(), codes);
        }
      }
    }
  }
}

TEST(PowerGradient, GoldenPerElement) {
  const Context context;
  const std::vector<double> w = {0.9, -0.31, 0.12, -0.05, 0.004, -0.62};
  const std::vector<double> by_w = {1, 0.9736488587, 1.1736911947, 1.2121830535, 0, 1.0327105657};
  const std::vector<double> by_a = {0, -0.0144372361, -0.0073156486, -0.0177929469,
                                    0, 0.0695206553};
  const std::vector<double> by_s = {0, 0.008837328, 0.0271813101, -0.0142891501, 0, -0.0232710434};
  for (size_t i = 0; i < w.size(); ++i) {
    PowerProblem p;
    p.options = PowerOptions(4);
    p.options.gradient = LSM_GRADIENT_EXACT;
    p.shape = {1};
    p.w = {w[i]};
    p.upstream = {1};
    p.scale = {0.9};
    p.exponent = {0.5};
    PowerTensors t(p, DType::kF64, {}, DType::kF64);
    ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
    EXPECT_NEAR(t.grad_w.Get(0), by_w[i], 1e-9);
    EXPECT_NEAR(t.grad_exponent.Get(0), by_a[i], 1e-9);
    EXPECT_NEAR(t.grad_scale.Get(0), by_s[i], 1e-9);
  }
  PowerProblem clipped;
  clipped.options = PowerOptions(4);
  clipped.shape = {1};
  clipped.w = {0.9};
  clipped.upstream = {1};
  clipped.scale = {0.5};
  clipped.exponent = {0.5};
  PowerTensors t(clipped, DType::kF32);
  ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
  EXPECT_EQ(t.codes.Get(0), 7);
  EXPECT_EQ(t.out.Get(0), 0.5);
  EXPECT_EQ(t.grad_w.Get(0), 0);
  EXPECT_EQ(t.grad_exponent.Get(0), 0);
  EXPECT_EQ(t.grad_scale.Get(0), 1);
}

// w^ where the residual q - u of the rounding is held at what it is at the point itself.
double Frozen(double w, double s, double a, double residual, double top) {
  const double v = std::fabs(w) / s;
  return std::copysign(s * std::pow((top * std::pow(v, a) + residual) / top, 1 / a), w);
}

TEST(PowerGradient, IsTheDifferenceQuotientWithTheResidualFrozen) {
  const Context context;
  for (const int bits : {3, 4, 6}) {
    lsm_power_options options = PowerOptions(bits);
    options.gradient = LSM_GRADIENT_EXACT;
    PowerProblem p = RandomProblem(options, {40}, DType::kF64, 40 + bits);
    for (double& w : p.w) w = std::fmod(w, p.scale[0] * 0.9);
    p.upstream.assign(40, 1);
    const double top = LargestPowerCode(options), s = p.scale[0], a = p.exponent[0], h = 1e-6;
    PowerTensors t(p, DType::kF64, {}, DType::kF64);
    ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
    double by_s = 0, by_a = 0;
    for (int i = 0; i < 40; ++i) {
      const double code = std::fabs(t.codes.Get(i));
      if (code == 0) continue;
      const double w = p.w[i];
      const double residual = code - top * std::pow(std::fabs(w) / s, a);
      const auto quotient = [&](double dw, double ds, double da) {
        return (Frozen(w + dw, s + ds, a + da, residual, top) -
                Frozen(w - dw, s - ds, a - da, residual, top)) /
               (2 * h);
      };
      EXPECT_NEAR(t.grad_w.Get(i), quotient(h, 0, 0), 1e-6);
      by_s += quotient(0, h, 0);
      by_a += quotient(0, 0, h);
    }
    EXPECT_NEAR(t.grad_scale.Get(0), by_s, 1e-6);
    EXPECT_NEAR(t.grad_exponent.Get(0), by_a, 1e-6);
  }
}

TEST(PowerGradient, StaircaseIsThatOfTheOracle) {
  const Context context;
  uint64_t seed = 60;
  for (const Grouping& g : Groupings()) {
    for (const double beta : {0.0, 2.0, 20.0}) {
      for (const DType type : {DType::kF32, DType::kF64}) {
        for (const int range : {LSM_POWER_SIGNED, LSM_POWER_UNSIGNED}) {
          if (CountOf(g.shape) > 5000 && (beta != 2 || range != LSM_POWER_SIGNED)) continue;
          ++seed;
          PowerProblem p = RandomProblem(PowerOptions(4, range, g.axis, g.columns), g.shape, type,
                                         seed, false, seed % 3 == 0);
          p.beta = beta;
          for (double& theta : p.w)
            theta = Rounded(type, theta * LargestPowerCode(p.options) * 0.6);
          SCOPED_TRACE(testing::Message() << Name(type) << " beta " << beta << " range " << range
                                          << " shape " << g.shape[0] << " axis " << g.axis);
          PowerResult expected = StaircaseOracle(p);
          PowerTensors t(p, type, {}, type);
          ASSERT_EQ(t.Staircase(context), LSM_OK) << lsm_last_error();
          ASSERT_EQ(t.codes.Values(), expected.codes);
          const double error = type == DType::kF64 ? 1e-11 : 2e-5;
          ExpectNear(t.out.Values(), expected.out, error, 0.1, "value");
          // Slopes of steep steps take the error of a float's distance from the half.
          ExpectNear(t.grad_w.Values(), expected.grad_w, error, 1, "grad_theta");
          const double of_group =
              std::sqrt(static_cast<double>(p.w.size()) / static_cast<double>(p.scale.size()));
          ExpectSums(t.grad_scale.Values(), expected.grad_scale, 3 * error, of_group, "grad_scale");
          ExpectSums(t.grad_exponent.Values(), expected.grad_exponent, 3 * error,
                     std::sqrt(static_cast<double>(p.w.size())), "grad_exponent");
          // Latents have no beta, and are the theta of their own weights.
          ASSERT_EQ(t.Latents(context), LSM_OK) << lsm_last_error();
          ExpectNear(t.out.Values(), LatentsOracle(p), error, 0.1, "latent");
        }
      }
    }
  }
}

TEST(PowerGradient, StaircaseIsADifferenceQuotient) {
  const Context context;
  PowerProblem p = RandomProblem(PowerOptions(4), {30}, DType::kF64, 90);
  p.beta = 4;
  p.exponent = {0.6};
  p.upstream.assign(30, 1);
  for (double& theta : p.w) theta = std::fmod(theta * 3, 6.9) + 0.013;
  const auto values = [&](const PowerProblem& at) {
    PowerTensors t(at, DType::kF64, {}, DType::kF64);
    EXPECT_EQ(t.Staircase(context), LSM_OK) << lsm_last_error();
    return t.out.Values();
  };
  const auto quotients = [&](const std::function<void(PowerProblem*, double)>& move) {
    const double h = 1e-6;
    PowerProblem up = p, down = p;
    move(&up, h);
    move(&down, -h);
    const std::vector<double> above = values(up), below = values(down);
    std::vector<double> all;
    for (int i = 0; i < 30; ++i) all.push_back((above[i] - below[i]) / (2 * h));
    return all;
  };
  const auto sum = [](const std::vector<double>& all) {
    double total = 0;
    for (const double x : all) total += x;
    return total;
  };
  PowerTensors t(p, DType::kF64, {}, DType::kF64);
  ASSERT_EQ(t.Staircase(context), LSM_OK) << lsm_last_error();
  ExpectNear(t.grad_w.Values(), quotients([](PowerProblem* q, double h) {
               for (double& theta : q->w) theta += h;
             }),
             1e-6, 1, "grad_theta");
  EXPECT_NEAR(t.grad_scale.Get(0),
              sum(quotients([](PowerProblem* q, double h) { q->scale[0] += h; })), 1e-6);
  EXPECT_NEAR(t.grad_exponent.Get(0),
              sum(quotients([](PowerProblem* q, double h) { q->exponent[0] += h; })), 1e-6);
}

TEST(PowerGradient, OfNumbersThatAreNoneAndOfDeadGroups) {
  const Context context;
  for (const DType type : {DType::kF32, DType::kF64}) {
    for (const int bits : {4, 8}) {
      for (const int gradient : {LSM_GRADIENT_IDENTITY, LSM_GRADIENT_EXACT}) {
        PowerProblem p;
        p.options = PowerOptions(bits, LSM_POWER_SIGNED, 0);
        p.options.gradient = gradient;
        p.shape = {4, 2};
        p.w = {0.5, -2, 0, 0, kNaN, 0.5, 3, -0.5};
        p.upstream = {1, 1, 1, 1, 1, 1, 1, 1};
        p.scale = {1, 1, 1, 0};
        p.exponent = {0.5, 0.5, 0.5, 0.5};
        PowerResult expected = PowerOracle(p);
        PowerTensors t(p, type, {}, type);
        ASSERT_EQ(t.FakeQuantize(context), LSM_OK) << lsm_last_error();
        ExpectNear(t.grad_w.Values(), expected.grad_w, 1e-6, 1, "grad_w");
        ExpectNear(t.grad_scale.Values(), expected.grad_scale, 1e-6, 1, "grad_scale");
        ExpectNear(t.grad_exponent.Values(), expected.grad_exponent, 2e-6, 1, "grad_exponent");
        EXPECT_EQ(t.grad_w.Get(6), 0) << "a group with the scale 0";
      }
    }
  }
}

TEST(PowerGradient, BitsDoNotDependOnThreadsOrOnWhatElseIsWanted) {
  for (const Grouping& g : Groupings()) {
    for (const int bits : {4, 8}) {
      const PowerProblem p = RandomProblem(PowerOptions(bits, LSM_POWER_SIGNED, g.axis, g.columns),
                                           g.shape, DType::kF32, 70);
      PowerTensors first(p, DType::kF32);
      ASSERT_EQ(first.FakeQuantize(Context(1)), LSM_OK) << lsm_last_error();
      for (const int threads : {2, 3, 7}) {
        PowerTensors t(p, DType::kF32);
        ASSERT_EQ(t.FakeQuantize(Context(threads)), LSM_OK) << lsm_last_error();
        EXPECT_EQ(t.grad_w.Bits(), first.grad_w.Bits());
        EXPECT_EQ(t.grad_scale.Bits(), first.grad_scale.Bits());
        EXPECT_EQ(t.grad_exponent.Bits(), first.grad_exponent.Bits());
      }
      const Context context;
      PowerTensors alone(p, DType::kF32);
      Mirror device;
      ASSERT_EQ(lsm_power_fake_quantize(context, &p.options, device.View(&alone.w),
                                        device.View(&alone.scale), device.View(&alone.exponent),
                                        nullptr, device.View(alone.upstream), nullptr, nullptr,
                                        nullptr, nullptr, device.View(&alone.grad_exponent)),
                LSM_OK)
          << lsm_last_error();
      device.Return(context);
      EXPECT_EQ(alone.grad_exponent.Bits(), first.grad_exponent.Bits());
      EXPECT_TRUE(alone.out.Untouched() && alone.grad_w.Untouched());
    }
  }
}

TEST(PowerGradient, InPlaceIsTheSame) {
  const Context context;
  for (const DType type : {DType::kF32, DType::kBF16}) {
    const PowerProblem p = RandomProblem(PowerOptions(4), {9, 300}, type, 80);
    PowerTensors apart(p, type, {}, type);
    ASSERT_EQ(apart.FakeQuantize(context), LSM_OK) << lsm_last_error();
    PowerTensors t(p, type, {}, type);
    Mirror device;
    lsm_tensor* w = device.View(&t.w);
    lsm_tensor* upstream = device.View(t.upstream);
    ASSERT_EQ(
        lsm_power_fake_quantize(context, &p.options, w, device.View(&t.scale),
                                device.View(&t.exponent), nullptr, upstream, w, nullptr, upstream,
                                device.View(&t.grad_scale), device.View(&t.grad_exponent)),
        LSM_OK)
        << lsm_last_error();
    device.Return(context);
    EXPECT_EQ(t.w.Bits(), apart.out.Bits());
    EXPECT_EQ(t.upstream->Bits(), apart.grad_w.Bits());
    EXPECT_EQ(t.grad_scale.Bits(), apart.grad_scale.Bits());
  }
}

}  // namespace
}  // namespace lossmith_test
