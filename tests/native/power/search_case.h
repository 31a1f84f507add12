// A search for power exponents on host tensors: the library's calls for it, and errors from the
// definition.
#ifndef LOSSMITH_TESTS_POWER_SEARCH_CASE_H_
#define LOSSMITH_TESTS_POWER_SEARCH_CASE_H_

#include "lossmith/power_search.h"
#include "power/power_case.h"

namespace lossmith_test {

struct SearchCase {
  lsm_power_search_options options{};
  Shape shape;
  DType type = DType::kF32;
  std::vector<double> w, scale, shift;    // shift may be empty
  std::vector<double> exponents, ratios;  // ratios may be empty
  Layout rows;

  DType parameters() const { return type == DType::kF64 ? DType::kF64 : DType::kF32; }
  Shape parameter_shape() const { return PowerParameterShape(options.power.groups, shape); }
  int64_t groups() const { return CountOf(parameter_shape()); }
  int64_t clips() const { return ratios.empty() ? 1 : static_cast<int64_t>(ratios.size()); }
  int64_t grid() const { return static_cast<int64_t>(exponents.size()); }
};

// Normal elements; the scale of each group is its largest magnitude.
inline SearchCase RandomSearch(const lsm_power_options& power, const Shape& shape, DType type,
                               uint64_t seed, bool shifted = false) {
  SearchCase c;
  lsm_power_search_defaults(&c.options);
  c.options.power = power;
  c.shape = shape;
  c.type = type;
  Random random(seed);
  c.w = Rounded(type, random.Normals(CountOf(shape)));
  for (size_t i = 0; i < c.w.size(); i += 11) c.w[i] = 0;
  if (shifted) c.shift = Rounded(c.parameters(), random.Uniforms(c.groups(), -1.5, -0.5));
  c.scale.assign(c.groups(), 0);
  for (size_t n = 0; n < c.w.size(); ++n) {
    const int64_t group = PowerGroup(power.groups, shape, static_cast<int64_t>(n));
    const double x = c.w[n] - (shifted ? c.shift[group] : 0);
    double& s = c.scale[group];
    s = std::max(s, power.range == LSM_POWER_SIGNED ? std::fabs(x) : x);
  }
  c.scale = Rounded(c.parameters(), c.scale);
  c.exponents = Rounded(c.parameters(), {0.1, 0.31, 0.5, 0.77, 1, 1.6});
  return c;
}

inline lsm_status RunErrors(const SearchCase& c, std::vector<double>* errors, lsm_context context) {
  HostTensor w(c.type, c.shape, c.w, c.rows), scale(c.parameters(), c.parameter_shape(), c.scale);
  HostTensor exponents(c.parameters(), {c.grid()}, c.exponents);
  HostTensor out(DType::kF64, {c.groups(), c.clips(), c.grid()});
  std::optional<HostTensor> shift, ratios;
  if (!c.shift.empty()) shift.emplace(c.parameters(), c.parameter_shape(), c.shift);
  if (!c.ratios.empty()) ratios.emplace(c.parameters(), Shape{c.clips()}, c.ratios);
  Mirror d;
  const lsm_status status =
      lsm_power_errors(context, &c.options, d.View(&w), d.View(&scale), d.View(shift),
                       d.View(&exponents), d.View(ratios), d.View(&out));
  d.Return(context);
  *errors = out.Values();
  return status;
}

struct Found {
  std::vector<double> exponent, scale, error;
};

inline lsm_status RunSearch(const SearchCase& c, Found* found, lsm_context context) {
  HostTensor w(c.type, c.shape, c.w, c.rows), scale(c.parameters(), c.parameter_shape(), c.scale);
  HostTensor exponent(c.parameters(), c.parameter_shape());
  HostTensor best(c.parameters(), c.parameter_shape());
  HostTensor error(DType::kF64, c.parameter_shape());
  std::optional<HostTensor> shift;
  if (!c.shift.empty()) shift.emplace(c.parameters(), c.parameter_shape(), c.shift);
  Mirror d;
  const lsm_status status =
      lsm_power_search(context, &c.options, d.View(&w), d.View(&scale), d.View(shift),
                       d.View(&exponent), d.View(&best), d.View(&error));
  d.Return(context);
  *found = {exponent.Values(), best.Values(), error.Values()};
  return status;
}

// The sums of the definition in f64; Real is the arithmetic in which levels, scales and values are
// rounded.
template <typename Real>
std::vector<double> ErrorsByDefinition(const SearchCase& c) {
  const double top = LargestPowerCode(c.options.power);
  std::vector<double> errors(c.groups() * c.clips() * c.grid(), 0);
  for (size_t n = 0; n < c.w.size(); ++n) {
    const int64_t group = PowerGroup(c.options.power.groups, c.shape, static_cast<int64_t>(n));
    Real x = static_cast<Real>(c.w[n]);
    if (!c.shift.empty()) x -= static_cast<Real>(c.shift[group]);
    if (c.options.power.range == LSM_POWER_SIGNED) x = std::fabs(x);
    if (c.scale[group] == 0) continue;
    for (int64_t r = 0; r < c.clips(); ++r) {
      const Real s =
          static_cast<Real>(c.scale[group]) * static_cast<Real>(c.ratios.empty() ? 1 : c.ratios[r]);
      for (int64_t a = 0; a < c.grid(); ++a) {
        const double v = std::clamp(static_cast<double>(x) / s, 0.0, 1.0);
        const double code = std::floor(top * std::pow(v, c.exponents[a]) + 0.5);
        const Real level = static_cast<Real>(std::pow(code / top, 1 / c.exponents[a]));
        const Real value = s * level;
        const double error = static_cast<double>(x) - static_cast<double>(value);
        errors[(group * c.clips() + r) * c.grid() + a] +=
            std::pow(std::fabs(error), c.options.norm);
      }
    }
  }
  return errors;
}

inline std::vector<double> ErrorsByDefinition(const SearchCase& c) {
  return c.type == DType::kF64 ? ErrorsByDefinition<double>(c) : ErrorsByDefinition<float>(c);
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_POWER_SEARCH_CASE_H_
