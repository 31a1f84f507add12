// Rows of small integer codes in memory: one byte for each, or packed fields of 2, 3, 4 or 8 bits, the
// first in the lowest bits. A thread takes kVector codes, which are a whole number of bytes.
#ifndef LOSSMITH_CUDA_KERNELS_CODE_ROWS_CUH_
#define LOSSMITH_CUDA_KERNELS_CODE_ROWS_CUH_

#include <cstdint>

#include "core/tensor.h"
#include "cuda/kernels/grouped.cuh"

namespace lossmith {
namespace cuda {

struct CodeRows {
  std::uint8_t* data = nullptr;  // null: not wanted
  std::int64_t ld = 0;           // bytes from line to line
  int field = 8;                 // bits
  bool packed = false;
  bool has_sign = false;
  bool aligned = false;  // kVector codes can be one access

  // field: of packed codes, 0 where they are not packed.
  static CodeRows of(const View& v, const GroupWalk& walk, int field, bool has_sign) {
    CodeRows rows;
    if (!v.present()) return rows;
    rows.data = reinterpret_cast<std::uint8_t*>(v.data);
    rows.packed = field != 0;
    rows.field = rows.packed ? field : 8;
    rows.ld = rows.packed || walk.lines > 1 ? v.strides[0] : walk.width;
    rows.has_sign = has_sign;
    rows.aligned = rows.field != 3 && reinterpret_cast<std::uintptr_t>(v.data) % rows.field == 0 &&
                   (walk.lines <= 1 || rows.ld % rows.field == 0);
    return rows;
  }

  LSM_DEVICE std::uint8_t* at(const Part& part) const {
    return data + part.line * ld + part.column / kVector * field;
  }

  // Packed signed codes have the sign in their highest bit.
  LSM_DEVICE std::uint32_t field_of(int code) const {
    if (!packed || !has_sign) return static_cast<std::uint32_t>(code) & 0xffu;
    const std::uint32_t size = static_cast<std::uint32_t>(code < 0 ? -code : code);
    return code < 0 ? size | 1u << (field - 1) : size;
  }
  // Sizes are held to the largest code.
  LSM_DEVICE int code_of(std::uint32_t bits, int largest) const {
    bool negative = false;
    int size = static_cast<int>(bits);
    if (has_sign) {
      negative = (bits >> (field - 1) & 1u) != 0;
      if (packed) {
        size = static_cast<int>(bits & ((1u << (field - 1)) - 1));
      } else if (negative) {
        size = 256 - size;
      }
    }
    if (size > largest) size = largest;
    return negative ? -size : size;
  }

  // Codes outside of the part are 0. Packed parts begin with their first code.
  template <int N>
  LSM_DEVICE void store(const Part& part, const int (&codes)[N]) const {
    if constexpr (N == 1) {
      data[part.line * ld + part.column] = static_cast<std::uint8_t>(field_of(codes[0]));
    } else {
      std::uint64_t bits = 0;
#pragma unroll
      for (int k = 0; k < N; ++k) {
        bits |= static_cast<std::uint64_t>(field_of(codes[k])) << (k * field);
      }
      std::uint8_t* to = at(part);
      if (aligned && part.last - part.first == N) {
        store_whole(to, bits);
        return;
      }
      const int end = (part.last * field + 7) / 8;
      for (int i = packed ? 0 : part.first; i < end; ++i) {
        to[i] = static_cast<std::uint8_t>(bits >> (8 * i));
      }
    }
  }

  template <int N>
  LSM_DEVICE void load(const Part& part, int largest, int (&codes)[N]) const {
    static_assert(N == kVector, "codes are read in vectors");
    const std::uint8_t* from = at(part);
    std::uint64_t bits = 0;
    if (aligned && part.last - part.first == N) {
      bits = load_whole(from);
    } else {
      const int end = (part.last * field + 7) / 8;
      for (int i = packed ? 0 : part.first; i < end; ++i) {
        bits |= static_cast<std::uint64_t>(from[i]) << (8 * i);
      }
    }
    const std::uint32_t mask = (1u << field) - 1;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      codes[k] = code_of(static_cast<std::uint32_t>(bits >> (k * field)) & mask, largest);
    }
  }

 private:
  LSM_DEVICE void store_whole(std::uint8_t* to, std::uint64_t bits) const {
    if (field == 8) {
      Vec<std::uint32_t, 2> words;
      words[0] = static_cast<std::uint32_t>(bits);
      words[1] = static_cast<std::uint32_t>(bits >> 32);
      store_vec(reinterpret_cast<std::uint32_t*>(to), words);
    } else if (field == 4) {
      *reinterpret_cast<std::uint32_t*>(to) = static_cast<std::uint32_t>(bits);
    } else {
      *reinterpret_cast<std::uint16_t*>(to) = static_cast<std::uint16_t>(bits);
    }
  }
  LSM_DEVICE std::uint64_t load_whole(const std::uint8_t* from) const {
    if (field == 8) {
      const Vec<std::uint32_t, 2> words = load_vec<2>(reinterpret_cast<const std::uint32_t*>(from));
      const std::uint32_t low = words[0];
      const std::uint32_t high = words[1];
      return static_cast<std::uint64_t>(high) << 32 | low;
    }
    if (field == 4) return *reinterpret_cast<const std::uint32_t*>(from);
    return *reinterpret_cast<const std::uint16_t*>(from);
  }
};

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_CODE_ROWS_CUH_
