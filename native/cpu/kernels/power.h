// Loops of the power quantization operator over elements that lie side by side, compiled per
// instruction set (f64: reference code, compiled once). Formulas: math/power.h.
#ifndef LOSSMITH_CPU_KERNELS_POWER_H_
#define LOSSMITH_CPU_KERNELS_POWER_H_

#include <cstdint>

#include "math/power.h"

namespace lossmith {

// What all elements of a call have in common.
struct PowerSetup {
  int bits = 4;
  int largest = 7;        // Q
  bool positive = false;  // unsigned codes
  bool exact = false;     // LSM_GRADIENT_EXACT
  bool fields = false;    // codes are written as fields (lossmith/power.h), one a byte
  bool stream = false;    // values go past the caches
  double beta = 0;        // of the staircase

  // Thresholds in use, padded to a number that kernels are made for; 0: the power decides.
  int steps() const {
    if (bits > math::kPowerThresholdBits) return 0;
    return largest > 7 ? math::kMostPowerThresholds : 7;
  }
};

constexpr int kPowerLevels = 256;

// Of one exponent, by code; as many entries as there are codes, the rest 0.
template <class A>
struct alignas(64) PowerTable {
  A levels[kPowerLevels];    // r^(1/a)
  A logs[kPowerLevels];      // ln(r) / a, 0 for the code 0
  A inverses[kPowerLevels];  // 1 / r, 0 for the code 0
  A exact[kPowerLevels];     // r^((1-a)/a), 0 for the code 0
  math::PowerFraction fractions[math::kMostPowerThresholds];
  double exponent = 0;

  void build(const PowerSetup& setup, double exponent);
};

// Codes of more bits than thresholds are counted for, by the leading bits of v = |w| / s: a bucket of
// numbers with the same leading bits holds at most one threshold. An entry is the code of the bucket's
// smallest number in its low 8 bits, and above them the trailing bits of the threshold.
struct PowerBuckets {
  static constexpr int kMost = 8192;
  static constexpr std::int64_t kElements = 8192;  // that are worth making them

  alignas(64) std::int32_t entries[kMost];
  std::int32_t first = 0;  // leading bits of the first bucket, which is all of the code 0
  int shift = 0;           // trailing bits

  // Whether there are such buckets for this exponent.
  bool build(const PowerSetup& setup, double exponent);
};

// One group: its elements are quantized alike.
template <class A>
struct PowerUniform {
  const PowerTable<A>* table = nullptr;
  const PowerBuckets* buckets = nullptr;  // optional
  A scale = 0, shift = 0, exponent = 1;
  alignas(64) A thresholds[math::kMostPowerThresholds + 1];  // NaN behind the last
};

// Elements of which each has its own group: element i that of column i.
template <class A>
struct PowerColumnwise {
  const PowerBuckets* buckets = nullptr;  // optional: of all columns
  const A* scale = nullptr;
  const A* shift = nullptr;  // optional
  const A* exponent = nullptr;
  const A* thresholds = nullptr;  // [steps][ld]
  std::int64_t ld = 0;
  // Tables of all exponents, and where the column's begins in each of them.
  const A* levels = nullptr;
  const A* logs = nullptr;
  const A* exact = nullptr;
  const std::int32_t* base = nullptr;
};

// Elements and what is made of them; pointers that are null are not wanted. out may be x, grad may be
// upstream.
template <class A>
struct PowerElements {
  const A* x = nullptr;
  const A* upstream = nullptr;
  A* out = nullptr;
  A* grad = nullptr;
  std::uint8_t* codes = nullptr;
  std::int64_t n = 0;
};

// Sums over elements of g dw^/ds and g dw^/da.
struct PowerSums {
  double scale = 0, exponent = 0;
};
// The same for every column; added to.
template <class A>
struct PowerColumnSums {
  A* scale = nullptr;
  A* exponent = nullptr;
};

template <class A>
struct PowerKernels {
  // out and codes.
  void (*quantize)(const PowerSetup&, const PowerUniform<A>&, const PowerElements<A>&);
  void (*quantize_columns)(const PowerSetup&, const PowerColumnwise<A>&, const PowerElements<A>&);
  // All of them; upstream is needed.
  PowerSums (*gradients)(const PowerSetup&, const PowerUniform<A>&, const PowerElements<A>&);
  void (*gradients_columns)(const PowerSetup&, const PowerColumnwise<A>&, const PowerElements<A>&,
                            const PowerColumnSums<A>&);
  // x is theta, grad its gradient; without upstream only out and codes.
  PowerSums (*staircase)(const PowerSetup&, const PowerUniform<A>&, const PowerElements<A>&);
  void (*staircase_columns)(const PowerSetup&, const PowerColumnwise<A>&, const PowerElements<A>&,
                            const PowerColumnSums<A>&);
  // out is theta.
  void (*latents)(const PowerSetup&, const PowerUniform<A>&, const PowerElements<A>&);
  void (*latents_columns)(const PowerSetup&, const PowerColumnwise<A>&, const PowerElements<A>&);
  // Values of bytes that hold codes: by_byte has `entries` (16 or 256) signed levels. Columns: their
  // levels are 256 entries by byte for each exponent.
  void (*dequantize)(const PowerUniform<A>&, const A* by_byte, int entries,
                     const std::uint8_t* bytes, A* out, std::int64_t n, bool stream);
  void (*dequantize_columns)(const PowerColumnwise<A>&, const std::uint8_t* bytes, A* out,
                             std::int64_t n, bool stream);
};

extern const PowerKernels<double> power_kernels_f64;

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_H_
