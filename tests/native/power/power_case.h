// A problem of power quantization on host tensors: the library's calls for it, and comparisons with
// the oracle.
#ifndef LOSSMITH_TESTS_POWER_POWER_CASE_H_
#define LOSSMITH_TESTS_POWER_POWER_CASE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "oracle/power_oracle.h"
#include "support/context.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {

using Shape = std::vector<int64_t>;

inline int64_t CountOf(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

// bits, range, groups; everything else as the defaults have it.
inline lsm_power_options PowerOptions(int bits, int range = LSM_POWER_SIGNED, int axis = -1,
                                      int64_t columns = 0) {
  lsm_power_options options;
  lsm_power_defaults(&options);
  options.bits = bits;
  options.range = range;
  options.groups = {axis, columns};
  return options;
}

// Normal elements that the type holds, of which some are clipped and some are 0; scales of their own
// for every group.
inline PowerProblem RandomProblem(const lsm_power_options& options, const Shape& shape, DType type,
                                  uint64_t seed, bool shifted = false,
                                  bool exponent_per_group = false) {
  Random random(seed);
  PowerProblem p;
  p.options = options;
  p.shape = shape;
  p.w = Rounded(type, random.Normals(CountOf(shape)));
  for (size_t i = 0; i < p.w.size(); i += 7) p.w[i] = 0;
  p.upstream = Rounded(type, random.Normals(CountOf(shape)));
  const DType parameters = type == DType::kF64 ? DType::kF64 : DType::kF32;
  const int64_t groups = CountOf(PowerParameterShape(options.groups, shape));
  p.scale = Rounded(parameters, random.Uniforms(groups, 1, 3));
  p.exponent = Rounded(parameters, random.Uniforms(exponent_per_group ? groups : 1, 0.3, 1.4));
  if (shifted) p.shift = Rounded(parameters, random.Uniforms(groups, -1.5, -0.5));
  return p;
}

struct PowerTensors {
  explicit PowerTensors(const PowerProblem& problem, DType type, Layout rows = {},
                        DType results = DType::kF32)
      : p(problem),
        parameters(type == DType::kF64 ? DType::kF64 : DType::kF32),
        code_type(p.options.packed != 0 || p.options.range == LSM_POWER_UNSIGNED ? DType::kU8
                                                                                 : DType::kI8),
        code_shape(CodeShape(p)),
        w(type, p.shape, p.w, rows),
        scale(parameters, PowerParameterShape(p.options.groups, p.shape), p.scale),
        exponent(parameters, p.exponent.size() == 1 ? Shape{1} : scale.shape(), p.exponent),
        codes(code_type, code_shape, rows),
        out(results, p.shape, rows),
        grad_w(results, p.shape, rows),
        grad_scale(parameters, scale.shape()),
        grad_exponent(parameters, exponent.shape()) {
    if (!p.shift.empty()) shift.emplace(parameters, scale.shape(), p.shift);
    if (!p.upstream.empty()) upstream.emplace(type, p.shape, p.upstream, rows);
  }

  static Shape CodeShape(const PowerProblem& p) {
    if (p.options.packed == 0) return p.shape;
    return {p.shape[0], lsm_power_packed_bytes(p.options.bits, p.shape[1])};
  }

  lsm_status Quantize(lsm_context context) {
    return Run(context, [&](Mirror& d) {
      return lsm_power_quantize(context, &p.options, d.View(&w), d.View(&scale), d.View(&exponent),
                                d.View(shift), d.View(&codes));
    });
  }
  lsm_status Dequantize(lsm_context context) {
    return Run(context, [&](Mirror& d) {
      return lsm_power_dequantize(context, &p.options, d.View(&codes), d.View(&scale),
                                  d.View(&exponent), d.View(shift), d.View(&out));
    });
  }
  // With all outputs, or without those of the gradients where there is no upstream or they are not
  // wanted.
  lsm_status FakeQuantize(lsm_context context, bool wanted = true) {
    const bool gradients = wanted && upstream;
    return Run(context, [&](Mirror& d) {
      return lsm_power_fake_quantize(
          context, &p.options, d.View(&w), d.View(&scale), d.View(&exponent), d.View(shift),
          gradients ? d.View(upstream) : nullptr, d.View(&out), d.View(&codes),
          gradients ? d.View(&grad_w) : nullptr, gradients ? d.View(&grad_scale) : nullptr,
          gradients ? d.View(&grad_exponent) : nullptr);
    });
  }
  lsm_status Staircase(lsm_context context) {
    return Run(context, [&](Mirror& d) {
      return lsm_power_staircase(context, &p.options, p.beta, d.View(&w), d.View(&scale),
                                 d.View(&exponent), d.View(upstream), d.View(&out), d.View(&codes),
                                 d.View(&grad_w), d.View(&grad_scale), d.View(&grad_exponent));
    });
  }
  lsm_status Latents(lsm_context context) {
    return Run(context, [&](Mirror& d) {
      return lsm_power_latents(context, &p.options, d.View(&w), d.View(&scale), d.View(&exponent),
                               d.View(&out));
    });
  }

  bool GapsUntouched() const {
    return codes.GapsUntouched() && out.GapsUntouched() && grad_w.GapsUntouched();
  }

  const PowerProblem p;
  const DType parameters, code_type;
  const Shape code_shape;
  HostTensor w, scale, exponent, codes, out, grad_w, grad_scale, grad_exponent;
  std::optional<HostTensor> shift, upstream;

 private:
  template <typename Call>
  static lsm_status Run(lsm_context context, const Call& call) {
    Mirror device;
    const lsm_status status = call(device);
    device.Return(context);
    return status;
  }
};

// Codes are those of the oracle; with more than 4 bits another one next to a half, where the values
// of the oracle are taken over.
inline void ExpectCodes(const std::vector<double>& got, const PowerProblem& p,
                        PowerResult* expected) {
  ASSERT_EQ(got.size(), expected->codes.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (p.options.bits > 4 && expected->margin[i] < 1e-4) {
      ASSERT_LE(std::fabs(got[i] - expected->codes[i]), 1) << "element " << i;
    } else {
      ASSERT_EQ(got[i], expected->codes[i]) << "element " << i << ", w " << p.w[i];
    }
  }
}

// |got - expected| <= relative * max(|expected|, floor); NaN where NaN is expected.
inline void ExpectNear(const std::vector<double>& got, const std::vector<double>& expected,
                       double relative, double floor, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(got[i])) << what << " " << i;
      continue;
    }
    ASSERT_NEAR(got[i], expected[i], relative * std::max(std::fabs(expected[i]), floor))
        << what << " " << i;
  }
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_POWER_POWER_CASE_H_
