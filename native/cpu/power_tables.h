// Tables by code and parameters by group, as the kernels of the power operator take them.
#ifndef LOSSMITH_CPU_POWER_TABLES_H_
#define LOSSMITH_CPU_POWER_TABLES_H_

#include "core/tensor.h"
#include "cpu/kernels/power.h"
#include "engine/power_call.h"

namespace lossmith {

PowerSetup power_setup(const PowerCall& call);

// Signed levels by the byte that holds a code (one a byte, or a field); codes beyond Q are Q.
template <class A>
void levels_by_byte(const PowerCall& call, const PowerTable<A>& table, A* by_byte);

// The bytes that codes of this call can be: 16 for packed codes of up to 4 bits, else 256.
int power_byte_entries(const lsm_power_options& options);

// Parameters of a call by group; A is the type of its scales.
template <class A>
class PowerParameters {
 public:
  explicit PowerParameters(const PowerCall& call) : call_(call) {}

  A scale(std::int64_t group) const { return at(call_.scale, group); }
  A shift(std::int64_t group) const {
    return call_.shift.present() ? at(call_.shift, group) : A{0};
  }
  A exponent(std::int64_t group) const {
    return at(call_.exponent, call_.exponent_per_group() ? group : 0);
  }

 private:
  static A at(const View& v, std::int64_t i) { return reinterpret_cast<const A*>(v.data)[i]; }
  const PowerCall& call_;
};

// Thresholds of a scale, NaN behind the last: `steps` of them, `ld` apart.
template <class A>
void power_thresholds(const PowerSetup& setup, const PowerTable<A>& table, A scale, A* to,
                      std::int64_t ld);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_POWER_TABLES_H_
