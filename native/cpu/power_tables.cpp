#include "cpu/power_tables.h"

#include <cmath>

namespace lossmith {

template <class A>
void PowerTable<A>::build(const PowerSetup& setup, double a) {
  exponent = a;
  for (int code = 0; code < kPowerLevels; ++code) {
    const bool some = code > 0 && code <= setup.largest;
    const double r = static_cast<double>(code) / setup.largest;
    levels[code] = some ? math::power_level<A>(code, setup.largest, a) : A{0};
    logs[code] = some ? static_cast<A>(std::log(r) / a) : A{0};
    inverses[code] = some ? static_cast<A>(1 / r) : A{0};
    exact[code] = some && setup.exact ? static_cast<A>(std::pow(r, (1 - a) / a)) : A{0};
  }
  if (setup.bits > math::kPowerThresholdBits) return;
  for (int j = 0; j < setup.largest; ++j) {
    fractions[j] = math::PowerFraction::of(j + 0.5, setup.largest, a);
  }
}

template <class A>
void power_thresholds(const PowerSetup& setup, const PowerTable<A>& table, A scale, A* to,
                      std::int64_t ld) {
  for (int j = 0; j < setup.steps(); ++j) {
    to[j * ld] =
        j < setup.largest ? math::power_threshold(table.fractions[j], scale) : static_cast<A>(NAN);
  }
}

bool PowerBuckets::build(const PowerSetup& setup, double exponent) {
  std::int32_t thresholds[kPowerLevels];  // as bits: floats that are not negative keep their order
  const int count = setup.largest;
  for (int j = 0; j < count; ++j) {
    const double exact = math::PowerFraction::of(j + 0.5, count, exponent).times(1);
    thresholds[j] = bit_cast<std::int32_t>(math::at_least<float>(exact));
  }
  const std::int32_t one = bit_cast<std::int32_t>(1.0f);
  const auto alone = [&] {
    for (int j = 1; j < count; ++j) {
      if (thresholds[j] >> shift == thresholds[j - 1] >> shift) return false;
    }
    return true;
  };
  shift = 20;
  while (shift > 8 && !alone()) --shift;
  first = (thresholds[0] >> shift) - 1;
  const std::int32_t buckets = (one >> shift) - first + 1;
  if (!alone() || first < 0 || buckets > kMost) return false;
  int code = 0;
  for (std::int32_t i = 0; i < buckets; ++i) {
    const bool holds = code < count && thresholds[code] >> shift == first + i;
    const std::int32_t from = holds ? thresholds[code] & ((1 << shift) - 1) : 1 << shift;
    entries[i] = from << 8 | code;
    if (holds) ++code;
  }
  return true;
}

PowerSetup power_setup(const PowerCall& call) {
  PowerSetup setup;
  setup.bits = call.options.bits;
  setup.largest = call.largest();
  setup.positive = call.options.range == LSM_POWER_UNSIGNED;
  setup.exact = call.options.gradient == LSM_GRADIENT_EXACT;
  setup.fields = call.options.packed != 0;
  setup.beta = call.beta;
  return setup;
}

int power_byte_entries(const lsm_power_options& options) {
  return options.packed != 0 && options.bits <= math::kPowerThresholdBits ? 16 : 256;
}

template <class A>
void levels_by_byte(const PowerCall& call, const PowerTable<A>& table, A* by_byte) {
  const bool positive = call.options.range == LSM_POWER_UNSIGNED;
  const int field = call.options.packed != 0 ? power_field_bits(call.options.bits) : 8;
  const int top = 1 << (field - 1);
  for (int byte = 0; byte < power_byte_entries(call.options); ++byte) {
    int code = byte & (2 * top - 1);
    if (!positive && code >= top) {
      code = call.options.packed != 0 ? top - code : code - 2 * top;
    }
    const int size = std::min(code < 0 ? -code : code, call.largest());
    by_byte[byte] = code < 0 ? -table.levels[size] : table.levels[size];
  }
}

template void PowerTable<float>::build(const PowerSetup&, double);
template void PowerTable<double>::build(const PowerSetup&, double);
template void power_thresholds<float>(const PowerSetup&, const PowerTable<float>&, float, float*,
                                      std::int64_t);
template void power_thresholds<double>(const PowerSetup&, const PowerTable<double>&, double,
                                       double*, std::int64_t);
template void levels_by_byte<float>(const PowerCall&, const PowerTable<float>&, float*);
template void levels_by_byte<double>(const PowerCall&, const PowerTable<double>&, double*);

}  // namespace lossmith
