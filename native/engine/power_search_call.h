// Validated calls of the search for exponents: what every backend starts from.
#ifndef LOSSMITH_ENGINE_POWER_SEARCH_CALL_H_
#define LOSSMITH_ENGINE_POWER_SEARCH_CALL_H_

#include "core/tensor.h"
#include "engine/groups.h"
#include "lossmith/power_search.h"

namespace lossmith {

struct PowerErrorsCall {
  lsm_power_search_options options{};
  Groups groups;
  View w, scale, shift;    // shift optional
  View exponents, ratios;  // [g]; [c], optional
  View errors;             // f64 [count,c,g]
};
PowerErrorsCall validate_power_errors(const lsm_power_search_options* options, lsm_input w,
                                      lsm_input scale, lsm_input shift, lsm_input exponents,
                                      lsm_input ratios, lsm_output errors,
                                      const lsm_device& device);

struct PowerSearchCall {
  lsm_power_search_options options{};
  Groups groups;
  View w, scale, shift;
  View exponent, best_scale, error;  // the last two optional
};
PowerSearchCall validate_power_search(const lsm_power_search_options* options, lsm_input w,
                                      lsm_input scale, lsm_input shift, lsm_output exponent,
                                      lsm_output best_scale, lsm_output error,
                                      const lsm_device& device);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_POWER_SEARCH_CALL_H_
