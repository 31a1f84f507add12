#include "oracle/power_oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lossmith_test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Point {
  double code, value, input, scale, exponent;
};

Point PointOf(const lsm_power_options& o, double x, double s, double a) {
  if (std::isnan(x)) return {0, kNaN, kNaN, kNaN, kNaN};
  if (s == 0 || (o.range == LSM_POWER_UNSIGNED && x < 0)) return {0, 0, 0, 0, 0};
  const double top = LargestPowerCode(o);
  const double v = std::min(std::fabs(x) / s, 1.0);
  const double size = std::floor(top * std::pow(v, a) + 0.5);
  const double sign = x < 0 ? -1 : 1;
  const double r = size / top;
  const double value = sign * s * std::pow(r, 1 / a);
  const bool exact = o.gradient == LSM_GRADIENT_EXACT;
  if (std::fabs(x) > s) return {sign * size, value, 0, sign, 0};
  if (size == 0) return {0, 0, exact ? 0.0 : 1.0, 0, 0};
  const double input = exact ? std::pow(std::fabs(value / x), 1 - a) : 1;
  const double by_scale = sign * std::pow(r, 1 / a - 1) * (r - std::pow(v, a));
  const double by_exponent =
      value * (std::pow(v, a) * std::log(v) / (a * r) - std::log(r) / (a * a));
  return {sign * size, value, input, by_scale, by_exponent};
}

Point StairOf(const lsm_power_options& o, double beta, double theta, double s, double a) {
  if (std::isnan(theta)) return {0, kNaN, kNaN, kNaN, kNaN};
  const double top = LargestPowerCode(o);
  const double low = o.range == LSM_POWER_UNSIGNED ? 0 : -top;
  const double c = std::clamp(theta, low, top);
  const double hard = std::copysign(std::floor(std::fabs(c) + 0.5), c);
  double q = hard, slope = 1;
  if (beta > 0) {
    const double place = c - std::floor(c) - 0.5;
    q = std::floor(c) + 0.5 * (1 + std::tanh(beta * place) / std::tanh(beta / 2));
    slope = beta / 2 * (1 - std::pow(std::tanh(beta * place), 2)) / std::tanh(beta / 2);
  }
  if (s == 0) return {hard, 0, 0, 0, 0};
  const double r = std::fabs(q) / top;
  const double value = std::copysign(s * std::pow(r, 1 / a), q);
  const double base = a > 1 ? std::max(r, 1 / (2 * top)) : r;
  const double input =
      theta < low || theta > top ? 0 : s * std::pow(base, 1 / a - 1) / (a * top) * slope;
  return {hard, value, input, value / s, q == 0 ? 0 : -value * std::log(r) / (a * a)};
}

template <typename PointAt>
PowerResult Collect(const PowerProblem& p, const PointAt& point_at) {
  PowerResult result;
  result.grad_scale.assign(p.scale.size(), 0);
  result.grad_exponent.assign(p.exponent.size(), 0);
  for (size_t n = 0; n < p.w.size(); ++n) {
    const int64_t group = PowerGroup(p.options.groups, p.shape, static_cast<int64_t>(n));
    const int64_t of_exponent = p.exponent.size() > 1 ? group : 0;
    const double shift = p.shift.empty() ? 0 : p.shift[group];
    const Point point = point_at(p.w[n] - shift, p.scale[group], p.exponent[of_exponent]);
    result.codes.push_back(point.code);
    result.out.push_back(point.value + shift);
    const double u = LargestPowerCode(p.options) *
                     std::pow(std::fabs(p.w[n] - shift) / p.scale[group], p.exponent[of_exponent]);
    result.margin.push_back(std::fabs(u - std::floor(u) - 0.5));
    if (p.upstream.empty()) continue;
    result.grad_w.push_back(p.upstream[n] * point.input);
    result.grad_scale[group] += p.upstream[n] * point.scale;
    result.grad_exponent[of_exponent] += p.upstream[n] * point.exponent;
  }
  return result;
}

}  // namespace

int LargestPowerCode(const lsm_power_options& options) {
  return options.range == LSM_POWER_SIGNED ? (1 << (options.bits - 1)) - 1
                                           : (1 << options.bits) - 1;
}

std::vector<int64_t> PowerParameterShape(const lsm_groups& groups,
                                         const std::vector<int64_t>& shape) {
  if (groups.columns > 0) return {shape[0], (shape[1] + groups.columns - 1) / groups.columns};
  return {groups.axis < 0 ? 1 : shape[groups.axis]};
}

int64_t PowerGroup(const lsm_groups& groups, const std::vector<int64_t>& shape, int64_t n) {
  if (groups.columns > 0) {
    const int64_t per_row = (shape[1] + groups.columns - 1) / groups.columns;
    return n / shape[1] * per_row + n % shape[1] / groups.columns;
  }
  if (groups.axis < 0) return 0;
  for (int axis = static_cast<int>(shape.size()) - 1; axis > groups.axis; --axis) n /= shape[axis];
  return n % shape[groups.axis];
}

PowerResult PowerOracle(const PowerProblem& p) {
  return Collect(p, [&](double x, double s, double a) { return PointOf(p.options, x, s, a); });
}

PowerResult StaircaseOracle(const PowerProblem& p) {
  return Collect(p,
                 [&](double x, double s, double a) { return StairOf(p.options, p.beta, x, s, a); });
}

std::vector<double> LatentsOracle(const PowerProblem& p) {
  std::vector<double> latents;
  for (size_t n = 0; n < p.w.size(); ++n) {
    const int64_t group = PowerGroup(p.options.groups, p.shape, static_cast<int64_t>(n));
    const double s = p.scale[group], a = p.exponent[p.exponent.size() > 1 ? group : 0];
    const double w = p.options.range == LSM_POWER_UNSIGNED && p.w[n] < 0 ? 0 : p.w[n];
    const double v = s == 0 ? 0 : std::min(std::fabs(w) / s, 1.0);
    latents.push_back(std::isnan(w) ? kNaN
                                    : (w < 0 ? -1 : 1) * LargestPowerCode(p.options) *
                                          (v == 0 ? 0 : std::pow(v, a)));
  }
  return latents;
}

std::vector<double> PackedCodes(const lsm_power_options& options, const std::vector<double>& codes,
                                int64_t rows) {
  const int field = options.bits <= 4 ? options.bits : 8;
  const int64_t columns = static_cast<int64_t>(codes.size()) / rows;
  const int64_t bytes = (columns * field + 7) / 8;
  std::vector<double> packed(rows * bytes, 0);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      const int code = static_cast<int>(codes[i * columns + j]);
      const int bits = std::abs(code) | (code < 0 ? 1 << (field - 1) : 0);
      for (int k = 0; k < field; ++k) {
        const int64_t at = j * field + k;
        if (bits >> k & 1) packed[i * bytes + at / 8] += 1 << (at % 8);
      }
    }
  }
  return packed;
}

}  // namespace lossmith_test
