// Reproducible random numbers: the same on every machine and standard library.
#ifndef LOSSMITH_TESTS_SUPPORT_RANDOM_H_
#define LOSSMITH_TESTS_SUPPORT_RANDOM_H_

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace lossmith_test {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed * 0x9E3779B97F4A7C15u + 1) {}

  // Uniform in [low, high).
  double Uniform(double low, double high) {
    return low + (high - low) * std::ldexp(static_cast<double>(engine_() >> 11), -53);
  }

  double Normal() {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform(0, 1)));
    return radius * std::cos(6.283185307179586 * Uniform(0, 1));
  }

  std::vector<double> Uniforms(int64_t count, double low, double high) {
    std::vector<double> values(count);
    for (double& value : values) value = Uniform(low, high);
    return values;
  }

  std::vector<double> Normals(int64_t count) {
    std::vector<double> values(count);
    for (double& value : values) value = Normal();
    return values;
  }

  // Rows of unit length.
  std::vector<double> UnitRows(int64_t rows, int64_t width) {
    std::vector<double> values = Normals(rows * width);
    for (int64_t i = 0; i < rows; ++i) {
      double square = 0;
      for (int64_t k = 0; k < width; ++k) square += values[i * width + k] * values[i * width + k];
      for (int64_t k = 0; k < width; ++k) values[i * width + k] /= std::sqrt(square);
    }
    return values;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_RANDOM_H_
