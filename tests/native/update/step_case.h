// One optimizer step as plain numbers, the library's result for it, and the formulas of
// lossmith/update.h written once more, for any arithmetic.
#ifndef LOSSMITH_TESTS_UPDATE_STEP_CASE_H_
#define LOSSMITH_TESTS_UPDATE_STEP_CASE_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "lossmith/update.h"
#include "support/context.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {

constexpr int32_t kRules[] = {LSM_UPDATE_SGD, LSM_UPDATE_MOMENTUM, LSM_UPDATE_ADAGRAD,
                              LSM_UPDATE_LION, LSM_UPDATE_ADAM};

struct StepCase {
  lsm_update_options options{};
  int64_t rows = 0, width = 0;
  DType weight_type = DType::kF64, gradient_type = DType::kF64;
  std::vector<double> weights, gradient, state;  // no state for SGD, rows twice as wide for Adam
  std::vector<int64_t> row_ids;                  // none: all rows

  int64_t state_width() const { return options.rule == LSM_UPDATE_ADAM ? 2 * width : width; }
  DType state_type() const { return weight_type == DType::kF64 ? DType::kF64 : DType::kF32; }
  int64_t gradient_rows() const { return static_cast<int64_t>(gradient.size()) / width; }
};

// Options in which every term of the formulas counts.
inline lsm_update_options FullOptions(int32_t rule) {
  lsm_update_options options;
  lsm_update_defaults(rule, &options);
  options.learning_rate = 0.03;
  options.weight_decay = 0.2;
  return options;
}

// Random numbers that the types hold; Adagrad's sums and Adam's squares are positive.
inline StepCase RandomCase(int32_t rule, DType weights, DType gradient, int64_t rows, int64_t width,
                           uint64_t seed) {
  StepCase c;
  c.options = FullOptions(rule);
  c.rows = rows;
  c.width = width;
  c.weight_type = weights;
  c.gradient_type = gradient;
  Random random(seed);
  c.weights = Rounded(weights, random.Normals(rows * width));
  c.gradient = Rounded(gradient, random.Normals(rows * width));
  if (rule != LSM_UPDATE_SGD) {
    c.options.step = seed;
    c.state = random.Normals(rows * c.state_width());
    for (size_t i = 0; i < c.state.size(); ++i) {
      const bool second = static_cast<int64_t>(i) % c.state_width() >= width;
      if (rule == LSM_UPDATE_ADAGRAD || second) c.state[i] *= c.state[i];
    }
    c.state = Rounded(c.state_type(), c.state);
  }
  return c;
}

struct StepResult {
  std::vector<double> weights, state;
};
inline bool operator==(const StepResult& a, const StepResult& b) {
  return a.weights == b.weights && a.state == b.state;
}

struct StepLayout {
  Layout matrices;
  bool in_place = false;
  int32_t threads = 2;  // 1, 2 or 5
};

inline StepResult RunStep(const StepCase& c, const StepLayout& layout = {}) {
  HostTensor weights(c.weight_type, {c.rows, c.width}, c.weights, layout.matrices);
  HostTensor fresh(c.weight_type, {c.rows, c.width}, c.weights, layout.matrices);
  HostTensor gradient(c.gradient_type, {c.gradient_rows(), c.width}, c.gradient, layout.matrices);
  std::unique_ptr<HostTensor> state, ids;
  if (!c.state.empty() || c.options.rule != LSM_UPDATE_SGD) {
    state = std::make_unique<HostTensor>(
        c.state_type(), std::vector<int64_t>{c.rows, c.state_width()}, c.state, layout.matrices);
  }
  if (!c.row_ids.empty()) {
    ids = std::make_unique<HostTensor>(DType::kI64,
                                       std::vector<int64_t>{static_cast<int64_t>(c.row_ids.size())},
                                       std::vector<double>(c.row_ids.begin(), c.row_ids.end()));
  }
  HostTensor& updated = layout.in_place ? weights : fresh;
  static const Context one(1), two(2), five(5);
  const Context& context = layout.threads == 1 ? one : layout.threads == 2 ? two : five;
  Mirror device;
  EXPECT_EQ(lsm_update_step(context, &c.options, device.View(&gradient), device.View(ids.get()),
                            device.View(&weights), device.View(state.get()), device.View(&updated)),
            LSM_OK)
      << lsm_last_error();
  device.Return(context);
  EXPECT_TRUE(updated.GapsUntouched());
  EXPECT_TRUE(state == nullptr || state->GapsUntouched());
  EXPECT_TRUE(layout.in_place || weights.Values() == c.weights);
  return {updated.Values(), state != nullptr ? state->Values() : std::vector<double>{}};
}

// The step in arithmetic A, before the weights are rounded to their type.
template <class A>
StepResult PlainStep(const StepCase& c) {
  const lsm_update_options& o = c.options;
  const A rate = static_cast<A>(o.learning_rate), decay = static_cast<A>(o.weight_decay);
  const A b1 = static_cast<A>(o.momentum), b2 = static_cast<A>(o.beta2);
  const A rest1 = static_cast<A>(1 - o.momentum), rest2 = static_cast<A>(1 - o.beta2);
  const A epsilon = static_cast<A>(o.epsilon);
  const double t = static_cast<double>(o.step) + 1;
  const A total1 = static_cast<A>(1 - std::pow(o.momentum, t));
  const A total2 = static_cast<A>(1 - std::pow(o.beta2, t));
  StepResult result{c.weights, c.state};
  for (int64_t i = 0; i < c.gradient_rows(); ++i) {
    const int64_t row = c.row_ids.empty() ? i : c.row_ids[i];
    double square = 0;
    for (int64_t k = 0; k < c.width; ++k) {
      const A w = static_cast<A>(c.weights[row * c.width + k]);
      const A g = static_cast<A>(c.gradient[i * c.width + k]);
      const int64_t at = row * c.state_width() + k;
      A s = c.state.empty() ? A{0} : static_cast<A>(c.state[at]);
      const A slope = g + decay * w;
      A next = w - rate * slope;
      if (o.rule == LSM_UPDATE_MOMENTUM) {
        s = b1 * s + slope;
        next = w - rate * s;
      } else if (o.rule == LSM_UPDATE_ADAGRAD) {
        s = s + slope * slope;
        next = w - rate * slope / (std::sqrt(s) + epsilon);
      } else if (o.rule == LSM_UPDATE_LION) {
        const A u = b1 * s + rest1 * g;
        const A sign = static_cast<A>((u > 0) - (u < 0));
        next = w - rate * (sign + decay * w);
        s = b2 * s + rest2 * g;
      } else if (o.rule == LSM_UPDATE_ADAM) {
        s = b1 * s + rest1 * slope;
        const A v = b2 * static_cast<A>(c.state[at + c.width]) + rest2 * (slope * slope);
        next = w - rate * (s / total1) / (std::sqrt(v / total2) + epsilon);
        result.state[at + c.width] = static_cast<double>(v);
      }
      result.weights[row * c.width + k] = static_cast<double>(next);
      if (!c.state.empty()) result.state[at] = static_cast<double>(s);
      square += static_cast<double>(next) * static_cast<double>(next);
    }
    if (o.project_rows == 0 || std::sqrt(square) <= 1e-12) continue;
    for (int64_t k = 0; k < c.width; ++k) {
      double& w = result.weights[row * c.width + k];
      w = static_cast<double>(static_cast<A>(w / std::sqrt(square)));
    }
  }
  return result;
}

// What the library should give, in the arithmetic that it states.
inline StepResult ExpectedStep(const StepCase& c) {
  StepResult expected = c.weight_type == DType::kF64 ? PlainStep<double>(c) : PlainStep<float>(c);
  expected.weights = Rounded(c.weight_type, expected.weights);
  return expected;
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_UPDATE_STEP_CASE_H_
