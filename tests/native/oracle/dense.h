// Sums over dense rows in any arithmetic: what the references of all losses are written with.
#ifndef LOSSMITH_TESTS_ORACLE_DENSE_H_
#define LOSSMITH_TESTS_ORACLE_DENSE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace lossmith_test {

template <typename Real>
using Vector = std::vector<Real>;

template <typename Real>
Real Dot(const Vector<Real>& a, int64_t i, const Vector<Real>& b, int64_t j, int64_t width) {
  Real sum = 0;
  for (int64_t k = 0; k < width; ++k) sum += a[i * width + k] * b[j * width + k];
  return sum;
}

template <typename Real>
Real Norm(const Vector<Real>& rows, int64_t i, int64_t width) {
  return std::sqrt(Dot(rows, i, rows, i, width));
}

template <typename Real>
Vector<Real> Normalized(const Vector<Real>& rows, int64_t count, int64_t width) {
  Vector<Real> result(rows.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    const Real norm = Norm(rows, i, width);
    if (norm <= Real(1e-12)) continue;
    for (int64_t k = 0; k < width; ++k) result[i * width + k] = rows[i * width + k] / norm;
  }
  return result;
}

// Gradient for the rows, given the gradient for the normalised rows.
template <typename Real>
Vector<Real> ThroughNormalization(const Vector<Real>& rows, const Vector<Real>& normalized,
                                  const Vector<Real>& gradient, int64_t count, int64_t width) {
  Vector<Real> result(rows.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    const Real norm = Norm(rows, i, width);
    if (norm <= Real(1e-12)) continue;
    const Real along = Dot(normalized, i, gradient, i, width);
    for (int64_t k = i * width; k < (i + 1) * width; ++k) {
      result[k] = (gradient[k] - along * normalized[k]) / norm;
    }
  }
  return result;
}

template <typename Real>
Real LogSumExp(const Vector<Real>& z) {
  Real largest = -std::numeric_limits<Real>::infinity();
  for (Real value : z) largest = std::max(largest, value);
  if (std::isinf(largest)) return largest;
  Real sum = 0;
  for (Real value : z) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

// What the products see of their operands.
struct ExactOperands {
  template <typename Real>
  Real operator()(Real value) const {
    return value;
  }
};

// The value with the mantissa of f16 and any exponent, as if it were scaled into its range first.
inline float WithHalfMantissa(float value) {
  constexpr int kBits = 11;
  int exponent = 0;
  const float mantissa = std::frexp(value, &exponent);
  if (!std::isfinite(value)) return value;
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, kBits)), exponent - kBits);
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_ORACLE_DENSE_H_
