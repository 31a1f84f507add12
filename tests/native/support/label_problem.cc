#include "support/label_problem.h"

#include <algorithm>
#include <cmath>

#include "support/random.h"

namespace lossmith_test::labels {
namespace {

int64_t Index(Random* random, int64_t count) {
  return static_cast<int64_t>(random->Uniform(0, static_cast<double>(count)));
}

// `count` different ids below l, in no order.
std::vector<int64_t> Distinct(Random* random, int64_t count, int64_t l) {
  std::vector<int64_t> ids;
  while (static_cast<int64_t>(ids.size()) < std::min(count, l)) {
    const int64_t id = Index(random, l);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

bool Holds(const std::vector<int64_t>& ids, int64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

void Sets::Add(const std::vector<int64_t>& row, const std::vector<double>& row_values) {
  if (offsets.empty()) offsets.push_back(0);
  ids.insert(ids.end(), row.begin(), row.end());
  values.insert(values.end(), row_values.begin(), row_values.end());
  offsets.push_back(static_cast<int64_t>(ids.size()));
}

const char* OutputName(int output) {
  constexpr const char* kNames[] = {"loss",        "row_loss",       "threshold", "grad_x",
                                    "grad_labels", "grad_log_scale", "grad_bias"};
  return kNames[output];
}

const char* LossName(int32_t loss) {
  constexpr const char* kNames[] = {"decoupled softmax", "soft top-k", "multi-label InfoNCE", "BCE",
                                    "softmax CE"};
  return kNames[loss - 1];
}

Problem RandomProblem(int32_t loss, int64_t n, int64_t l, int64_t d, uint64_t seed) {
  Random random(seed);
  Problem problem;
  problem.n = n;
  problem.l = l;
  problem.d = d;
  lsm_label_defaults(loss, &problem.options);
  problem.options.temperature = 0.1;
  problem.options.k = 0;
  problem.x = random.UnitRows(n, d);
  problem.labels = random.UnitRows(l, d);
  if (loss == LSM_SOFTMAX_CE) {
    for (int64_t i = 0; i < n; ++i) problem.target.push_back(Index(&random, l));
    return problem;
  }
  problem.positives.offsets = {0};
  for (int64_t i = 0; i < n; ++i) {
    problem.positives.Add(Distinct(&random, 1 + Index(&random, 5), l));
  }
  return problem;
}

void AddEveryOption(Problem* problem, uint64_t seed) {
  Random random(seed + 2000);
  const int64_t n = problem->n, l = problem->l;
  lsm_label_options& options = problem->options;
  problem->log_scale = {std::log(7.5)};
  problem->bias = random.Uniforms(l, -1, 1);
  problem->row_weight = random.Uniforms(n, 0, 2);
  problem->upstream = random.Uniforms(options.reduction == LSM_NONE ? n : 1, -1.5, -0.25);
  options.softcap = 9;
  options.weighted = 1;
  problem->positives.values = random.Uniforms(problem->positives.ids.size(), 0.25, 2);
  for (int64_t j = 0; j < l; ++j) {
    const bool kept = random.Uniform(0, 1) < 0.75 || Holds(problem->target, j);
    if (kept) problem->candidates.push_back(j);
  }
  for (int64_t i = 0; i < n; ++i) {
    std::vector<int64_t> ignored = Distinct(&random, Index(&random, 1 + l / 4), l);
    if (!problem->target.empty()) {
      ignored.erase(std::remove(ignored.begin(), ignored.end(), problem->target[i]), ignored.end());
    }
    problem->ignored.Add(ignored);
  }
  if (options.loss == LSM_SOFTMAX_CE) {
    options.label_smoothing = 0.1;
    options.z_weight = 0.01;
    problem->class_weight = random.Uniforms(l, 0, 2);
    for (int64_t& target : problem->target) {
      if (random.Uniform(0, 1) < 0.2) target = options.ignore_index;
    }
  }
}

Problem WithSoftTargets(Problem problem, uint64_t seed) {
  Random random(seed + 3000);
  problem.target.clear();
  problem.soft_target = random.Uniforms(problem.n * problem.l, 0, 1);
  for (double& value : problem.soft_target) value = value < 0.7 ? 0 : value / 16;
  return problem;
}

Problem AsProducts(const Problem& problem) {
  Problem products = problem;
  products.d = 0;
  products.labels.clear();
  products.options.normalize_x = products.options.normalize_labels = 0;
  products.x.assign(problem.n * problem.l, 0);
  for (int64_t i = 0; i < problem.n; ++i) {
    for (int64_t j = 0; j < problem.l; ++j) {
      for (int64_t k = 0; k < problem.d; ++k) {
        products.x[i * problem.l + j] +=
            problem.x[i * problem.d + k] * problem.labels[j * problem.d + k];
      }
    }
  }
  return products;
}

Problem RoundedProblem(Problem problem, DType matrices, DType vectors) {
  for (auto* matrix : {&problem.x, &problem.labels, &problem.soft_target}) {
    *matrix = Rounded(matrices, *matrix);
  }
  for (auto* vector : {&problem.log_scale, &problem.bias, &problem.class_weight,
                       &problem.row_weight, &problem.upstream, &problem.positives.values}) {
    *vector = Rounded(vectors, *vector);
  }
  return problem;
}

}  // namespace lossmith_test::labels
