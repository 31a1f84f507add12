// 32 neighbouring packed codes in registers: with fields of kField bits (2, 3, 4 or 8) they are kField
// words of 32 bits.
#ifndef LOSSMITH_CUDA_KERNELS_POWER_FIELDS_CUH_
#define LOSSMITH_CUDA_KERNELS_POWER_FIELDS_CUH_

#include <cstdint>

#include "cuda/device.h"

namespace lossmith {
namespace cuda {

// Bytes of one access to the codes of 32 neighbours: fields of 3 bits come as three words.
LSM_HD constexpr int access_bytes(int field) { return field == 3 ? 4 : field == 2 ? 8 : 16; }

// The codes of 32 neighbours, of which `left` bytes exist.
template <int kField>
LSM_DEVICE void load_codes(std::uint32_t (&words)[kField], const std::uint8_t* from,
                           std::int64_t left, bool wide) {
  constexpr int kBytes = access_bytes(kField);
  if (wide && left >= kField * 4) {
#pragma unroll
    for (int i = 0; i < kField * 4 / kBytes; ++i) {
      const auto vector = load_vec<kBytes / 4>(
          reinterpret_cast<const std::uint32_t*>(from + static_cast<std::int64_t>(i) * kBytes));
#pragma unroll
      for (int j = 0; j < kBytes / 4; ++j) words[i * (kBytes / 4) + j] = vector[j];
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < kField; ++i) {
    words[i] = 0;
#pragma unroll
    for (int byte = 0; byte < 4; ++byte) {
      if (i * 4 + byte < left) {
        words[i] |= static_cast<std::uint32_t>(from[i * 4 + byte]) << 8 * byte;
      }
    }
  }
}

// Field j; with j known to the compiler one or two shifts.
template <int kField>
LSM_DEVICE unsigned field_of(const std::uint32_t (&words)[kField], int j) {
  const int word = j * kField / 32, bit = j * kField % 32;
  std::uint32_t bits = words[word] >> bit;
  if (bit + kField > 32) bits |= words[word + 1] << (32 - bit);
  return bits & ((1u << kField) - 1);
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_POWER_FIELDS_CUH_
