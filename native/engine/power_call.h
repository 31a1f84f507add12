// Validated calls of the power quantization operator: what every backend starts from.
#ifndef LOSSMITH_ENGINE_POWER_CALL_H_
#define LOSSMITH_ENGINE_POWER_CALL_H_

#include <cstdint>

#include "core/tensor.h"
#include "engine/groups.h"
#include "lossmith/power.h"

namespace lossmith {

// Q: the largest code of a width and a range.
inline int power_largest(int bits, int range) {
  return range == LSM_POWER_SIGNED ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
}

// What a call does with its tensors.
enum class PowerTask : std::uint8_t { quantize, dequantize, fake_quantize, staircase, latents };

struct PowerCall {
  PowerTask task = PowerTask::quantize;
  lsm_power_options options{};
  double beta = 0;  // of the staircase
  // Of w (dequantize: of out). Packed codes: a line for each row, unless rows of codes follow each
  // other without a gap, down to the bit.
  Groups groups;
  View w;                // [..]; theta of the staircase; absent when dequantizing
  View codes;            // input when dequantizing, else an optional output
  View scale, exponent;  // exponent: one element, or one for each group
  View shift;            // optional
  View upstream;         // optional
  View out;              // w^; theta for latents
  View grad_w;           // grad_theta of the staircase
  View grad_scale, grad_exponent;

  // Whether scale and exponent are f64 and the arithmetic with them.
  bool wide() const { return scale.type == Type::f64; }
  int largest() const { return power_largest(options.bits, options.range); }
  bool exponent_per_group() const { return exponent.elements() > 1; }
};

struct PowerArguments {
  const lsm_power_options* options = nullptr;
  double beta = 0;
  lsm_input w = nullptr, scale = nullptr, exponent = nullptr, shift = nullptr, upstream = nullptr;
  lsm_tensor* codes = nullptr;  // dequantize: an input
  lsm_output out = nullptr, grad_w = nullptr, grad_scale = nullptr, grad_exponent = nullptr;
};

// The names of tensors in errors are those of the task's C function.
PowerCall validate(PowerTask task, const PowerArguments& arguments, const lsm_device& device);

// Of lsm_power_scales.
struct PowerScalesCall {
  lsm_power_options options{};
  Groups groups;
  View w, scale, shift;
};
PowerScalesCall validate_power_scales(const lsm_power_options* options, lsm_input w,
                                      lsm_output scale, lsm_output shift, const lsm_device& device);

// bits, range, flags; throws naming the option. Groups are checked with their tensor.
void expect_power_options(const lsm_power_options& options);

// Of parameters in host memory: throws for a scale that is negative, NaN or infinite and for an
// exponent outside [0.01, 16].
void expect_power_parameters(const View& scale, const View& exponent);

// The width of a packed field: bits for 2 to 4, else 8.
inline int power_field_bits(int bits) { return bits <= 4 ? bits : 8; }

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_POWER_CALL_H_
