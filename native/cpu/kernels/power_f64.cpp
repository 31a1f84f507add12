// The power operator in f64, element by element with math/power.h: reference code, compiled once.
#include "cpu/kernels/power.h"

namespace lossmith {
namespace {

using Group = math::PowerGroup<double>;
using Slopes = math::PowerSlopes<double>;

Group group_of(const PowerSetup& setup, double scale, double exponent) {
  return {scale, exponent, setup.largest, setup.positive, setup.exact};
}

// Parameters of element i.
struct Uniform {
  const PowerSetup& setup;
  const PowerUniform<double>& u;

  Group group(std::int64_t) const { return group_of(setup, u.scale, u.exponent); }
  double shift(std::int64_t) const { return u.shift; }
  void thresholds(std::int64_t, double* to) const {
    for (int j = 0; j < setup.largest; ++j) to[j] = u.thresholds[j];
  }
  double level(int magnitude, std::int64_t) const { return u.table->levels[magnitude]; }
};
struct Columns {
  const PowerSetup& setup;
  const PowerColumnwise<double>& c;

  Group group(std::int64_t i) const { return group_of(setup, c.scale[i], c.exponent[i]); }
  double shift(std::int64_t i) const { return c.shift != nullptr ? c.shift[i] : 0; }
  void thresholds(std::int64_t i, double* to) const {
    for (int j = 0; j < setup.largest; ++j) to[j] = c.thresholds[j * c.ld + i];
  }
  double level(int magnitude, std::int64_t i) const { return c.levels[c.base[i] + magnitude]; }
};

void store_code(const PowerSetup& setup, int code, std::uint8_t* to) {
  const int field = setup.bits <= math::kPowerThresholdBits ? setup.bits : 8;
  const int sign = setup.fields && code < 0 ? 1 << (field - 1) : 0;
  *to = static_cast<std::uint8_t>(setup.fields ? sign | (code < 0 ? -code : code) : code);
}

// body(i, group, x without the shift, code, level of the code).
template <class P, class Body>
void for_elements(const PowerSetup& setup, const P& p, const PowerElements<double>& e,
                  const Body& body) {
  for (std::int64_t i = 0; i < e.n; ++i) {
    const Group group = p.group(i);
    const double x = e.x[i] - p.shift(i);
    int code = 0;
    if (setup.steps() > 0) {
      double thresholds[math::kMostPowerThresholds];
      p.thresholds(i, thresholds);
      code = math::power_code(group, x, thresholds);
    } else {
      code = math::power_code(group, x);
    }
    const double level = p.level(code < 0 ? -code : code, i);
    if (e.codes != nullptr) store_code(setup, code, e.codes + i);
    // Read before it is written: out may be x.
    if (e.out != nullptr) {
      e.out[i] = math::is_nan(x) ? x : math::power_value(group, code, level) + p.shift(i);
    }
    body(i, group, x, code, level);
  }
}

template <class P, class Add>
void gradients_by(const PowerSetup& setup, const P& p, const PowerElements<double>& e,
                  const Add& add) {
  for_elements(setup, p, e,
               [&](std::int64_t i, const Group& group, double x, int code, double level) {
                 const Slopes slopes = math::power_slopes(group, x, code, level);
                 const double g = e.upstream[i];
                 add(i, g * slopes.scale, g * slopes.exponent);
                 if (e.grad != nullptr) e.grad[i] = g * slopes.input;
               });
}

template <class P, class Add>
void staircase_by(const PowerSetup& setup, const P& p, const PowerElements<double>& e,
                  const Add& add) {
  for (std::int64_t i = 0; i < e.n; ++i) {
    const math::PowerStair<double> stair = math::power_stair(p.group(i), setup.beta, e.x[i]);
    if (e.codes != nullptr) store_code(setup, stair.code, e.codes + i);
    if (e.out != nullptr) e.out[i] = stair.value;
    if (e.upstream == nullptr) continue;
    const double g = e.upstream[i];
    add(i, g * stair.slopes.scale, g * stair.slopes.exponent);
    if (e.grad != nullptr) e.grad[i] = g * stair.slopes.input;
  }
}

struct AddTo {
  PowerSums& sums;
  void operator()(std::int64_t, double scale, double exponent) const {
    sums.scale += scale;
    sums.exponent += exponent;
  }
};
struct AddToColumns {
  const PowerColumnSums<double>& sums;
  void operator()(std::int64_t i, double scale, double exponent) const {
    sums.scale[i] += scale;
    sums.exponent[i] += exponent;
  }
};

template <class P>
void latents_by(const P& p, const PowerElements<double>& e) {
  for (std::int64_t i = 0; i < e.n; ++i) e.out[i] = math::power_latent(p.group(i), e.x[i]);
}

constexpr auto kNothing = [](std::int64_t, const Group&, double, int, double) {};

void quantize(const PowerSetup& setup, const PowerUniform<double>& u,
              const PowerElements<double>& e) {
  for_elements(setup, Uniform{setup, u}, e, kNothing);
}
void quantize_columns(const PowerSetup& setup, const PowerColumnwise<double>& c,
                      const PowerElements<double>& e) {
  for_elements(setup, Columns{setup, c}, e, kNothing);
}
PowerSums gradients(const PowerSetup& setup, const PowerUniform<double>& u,
                    const PowerElements<double>& e) {
  PowerSums sums;
  gradients_by(setup, Uniform{setup, u}, e, AddTo{sums});
  return sums;
}
void gradients_columns(const PowerSetup& setup, const PowerColumnwise<double>& c,
                       const PowerElements<double>& e, const PowerColumnSums<double>& sums) {
  gradients_by(setup, Columns{setup, c}, e, AddToColumns{sums});
}
PowerSums staircase(const PowerSetup& setup, const PowerUniform<double>& u,
                    const PowerElements<double>& e) {
  PowerSums sums;
  staircase_by(setup, Uniform{setup, u}, e, AddTo{sums});
  return sums;
}
void staircase_columns(const PowerSetup& setup, const PowerColumnwise<double>& c,
                       const PowerElements<double>& e, const PowerColumnSums<double>& sums) {
  staircase_by(setup, Columns{setup, c}, e, AddToColumns{sums});
}
void latents(const PowerSetup& setup, const PowerUniform<double>& u,
             const PowerElements<double>& e) {
  latents_by(Uniform{setup, u}, e);
}
void latents_columns(const PowerSetup& setup, const PowerColumnwise<double>& c,
                     const PowerElements<double>& e) {
  latents_by(Columns{setup, c}, e);
}

void dequantize(const PowerUniform<double>& u, const double* by_byte, int,
                const std::uint8_t* bytes, double* out, std::int64_t n, bool) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = u.scale * by_byte[bytes[i]] + u.shift;
}
void dequantize_columns(const PowerColumnwise<double>& c, const std::uint8_t* bytes, double* out,
                        std::int64_t n, bool) {
  for (std::int64_t i = 0; i < n; ++i) {
    const double shift = c.shift != nullptr ? c.shift[i] : 0;
    out[i] = c.scale[i] * c.levels[c.base[i] + bytes[i]] + shift;
  }
}

}  // namespace

const PowerKernels<double> power_kernels_f64 = {
    quantize,          quantize_columns, gradients,       gradients_columns, staircase,
    staircase_columns, latents,          latents_columns, dequantize,        dequantize_columns};

}  // namespace lossmith
