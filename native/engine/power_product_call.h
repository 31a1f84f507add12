// Validated products with power-quantized weights: what every backend starts from.
#ifndef LOSSMITH_ENGINE_POWER_PRODUCT_CALL_H_
#define LOSSMITH_ENGINE_POWER_PRODUCT_CALL_H_

#include <cstdint>

#include "core/tensor.h"
#include "engine/groups.h"
#include "lossmith/power_product.h"

namespace lossmith {

struct PowerProductCall {
  lsm_power_options options{};
  std::int64_t m = 0, n = 0, k = 0;
  Groups groups;         // of the weights [n,k]
  View x, codes;         // [m,k]; u8 [n,bytes]
  View scale, exponent;  // exponent: one element or one for each group
  View bias;             // optional
  View out;              // [m,n]
};
PowerProductCall validate_power_product(const lsm_power_options* options, lsm_input x,
                                        lsm_input codes, lsm_input scale, lsm_input exponent,
                                        lsm_input bias, lsm_output out, const lsm_device& device);

struct PowerIntegerCall {
  lsm_power_integer_options options{};
  std::int64_t m = 0, n = 0, k = 0;
  View x_codes, w_codes;
  View x_scale, w_scale, out_scale;  // optional
  View sums, out, out_codes;         // optional
};
PowerIntegerCall validate_power_integer(const lsm_power_integer_options* options, lsm_input x_codes,
                                        lsm_input w_codes, lsm_input x_scale, lsm_input w_scale,
                                        lsm_input out_scale, lsm_output sums, lsm_output out,
                                        lsm_output out_codes, const lsm_device& device);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_POWER_PRODUCT_CALL_H_
