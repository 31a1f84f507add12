#include "support/problem.h"

#include <cmath>

#include "support/random.h"

namespace lossmith_test {

const char* OutputName(int output) {
  constexpr const char* kNames[] = {"loss",   "row_loss",       "grad_x",
                                    "grad_y", "grad_log_scale", "grad_bias"};
  return kNames[output];
}

Problem RandomInfoNce(int64_t n, int64_t m, int64_t d, uint64_t seed) {
  Random random(seed);
  Problem problem;
  problem.n = n;
  problem.m = m;
  problem.d = d;
  lsm_infonce_defaults(&problem.options);
  problem.options.temperature = 0.1;
  problem.x = random.UnitRows(n, d);
  problem.y = random.UnitRows(m, d);
  return problem;
}

Problem RandomClip(int64_t n, int64_t m, int64_t d, uint64_t seed) {
  Problem problem = RandomInfoNce(n, m, d, seed);
  problem.options.row_coefficient = 0.5;
  problem.options.column_coefficient = 0.5;
  return problem;
}

Problem RandomCwcl(int64_t n, int64_t m, int64_t d, int64_t r, uint64_t seed) {
  Problem problem = RandomInfoNce(n, m, d, seed);
  Random random(seed + 1000);
  problem.cwcl = true;
  problem.r = r;
  lsm_cwcl_defaults(&problem.options);
  problem.options.temperature = 0.1;
  problem.reference = random.UnitRows(n, r);
  if (m > n) problem.reference_y = random.UnitRows(m, r);
  return problem;
}

void AddEveryOption(Problem* problem, uint64_t seed) {
  Random random(seed + 2000);
  const int64_t n = problem->n;
  problem->log_scale = {std::log(7.5)};
  problem->bias = random.Uniforms(problem->m, -1, 1);
  problem->row_weight = random.Uniforms(n, 0, 2);
  problem->upstream = random.Uniforms(problem->options.reduction == LSM_NONE ? n : 1, -1.5, -0.25);
  problem->options.label_smoothing = 0.1;
  problem->ignore.assign(n, 0);
  for (int64_t i = 0; i < n; ++i) problem->ignore[i] = random.Uniform(0, 1) < 0.2 ? 1 : 0;
}

Problem RoundedProblem(Problem problem, DType matrices, DType vectors) {
  for (auto* matrix :
       {&problem.x, &problem.y, &problem.reference, &problem.reference_y, &problem.weights}) {
    *matrix = Rounded(matrices, *matrix);
  }
  for (auto* vector : {&problem.log_scale, &problem.bias, &problem.row_weight, &problem.upstream}) {
    *vector = Rounded(vectors, *vector);
  }
  return problem;
}

}  // namespace lossmith_test
