// Power quantization in f64, element by element, from the definition: powers by pow, codes by
// rounding. Shares nothing with the library.
#ifndef LOSSMITH_TESTS_ORACLE_POWER_ORACLE_H_
#define LOSSMITH_TESTS_ORACLE_POWER_ORACLE_H_

#include <cstdint>
#include <vector>

#include "lossmith/power.h"

namespace lossmith_test {

// One tensor and the parameters of its groups.
struct PowerProblem {
  lsm_power_options options{};
  double beta = 0;  // of the staircase
  std::vector<int64_t> shape;
  std::vector<double> w, upstream;
  std::vector<double> scale, exponent, shift;  // shift may be empty
};

int LargestPowerCode(const lsm_power_options& options);

// The shape of the parameters, and the group of element n.
std::vector<int64_t> PowerParameterShape(const lsm_groups& groups,
                                         const std::vector<int64_t>& shape);
int64_t PowerGroup(const lsm_groups& groups, const std::vector<int64_t>& shape, int64_t n);

struct PowerResult {
  std::vector<double> codes, out, grad_w, grad_scale, grad_exponent;
  // Distance of u from the nearest half: how far the codes are from another one.
  std::vector<double> margin;
};

PowerResult PowerOracle(const PowerProblem& problem);
PowerResult StaircaseOracle(const PowerProblem& problem);
std::vector<double> LatentsOracle(const PowerProblem& problem);

// Rows of packed codes.
std::vector<double> PackedCodes(const lsm_power_options& options, const std::vector<double>& codes,
                                int64_t rows);

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_ORACLE_POWER_ORACLE_H_
