// Tensor-core operations of a warp, with the fragments that PTX documents. In all of them lane l
// holds group g = l / 4 and position t = l % 4.
#ifndef LOSSMITH_SIMT_TENSOR_CORE_H_
#define LOSSMITH_SIMT_TENSOR_CORE_H_

#include <cstdint>

#include "core/dtype.h"
#include "simt/async_copy.h"
#include "simt/warp.h"

namespace lossmith {
namespace cuda {
namespace simt {

// Lane l takes elements 2t, 2t+1 of row g of matrix i to r[i] (trans: of column g).
void exchange_matrices(std::uint32_t (&r)[4], const Sixteen& row, bool trans, Place place);

// D[16,8] += A[16,K] B[K,8]; rows g and g+8 of A and D, column g of B, columns 2t and 2t+1 of D.
enum class Factor { bf16, f16, tf32 };
void multiply_fragments(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                        Factor factor, Place place);
// Of bytes; unsigned_a: those of A have no sign.
void multiply_fragments(std::int32_t (&d)[4], const std::uint32_t (&a)[4],
                        const std::uint32_t (&b)[2], bool unsigned_a, Place place);

// Byte i of a register as a number.
inline std::int32_t byte_value(std::uint32_t bits, int i, bool is_unsigned) {
  const std::uint32_t byte = bits >> 8 * i & 0xffu;
  return is_unsigned ? static_cast<std::int32_t>(byte) : static_cast<std::int8_t>(byte);
}

}  // namespace simt

template <class T>
inline void ldmatrix_x4(std::uint32_t (&r)[4], Shared<T> row, LOSSMITH_SIMT_PLACE) {
  static_assert(sizeof(T) == 2, "ldmatrix moves 16-bit elements");
  simt::exchange_matrices(r, row.template read<simt::Sixteen>(), false, {file, line});
}
template <class T>
inline void ldmatrix_x4_trans(std::uint32_t (&r)[4], Shared<T> row, LOSSMITH_SIMT_PLACE) {
  static_assert(sizeof(T) == 2, "ldmatrix moves 16-bit elements");
  simt::exchange_matrices(r, row.template read<simt::Sixteen>(), true, {file, line});
}

inline void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                         bfloat16, LOSSMITH_SIMT_PLACE) {
  simt::multiply_fragments(d, a, b, simt::Factor::bf16, {file, line});
}
inline void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                         float16, LOSSMITH_SIMT_PLACE) {
  simt::multiply_fragments(d, a, b, simt::Factor::f16, {file, line});
}
inline void mma_m16n8k8_tf32(float (&d)[4], const std::uint32_t (&a)[4],
                             const std::uint32_t (&b)[2], LOSSMITH_SIMT_PLACE) {
  simt::multiply_fragments(d, a, b, simt::Factor::tf32, {file, line});
}
inline void mma_m16n8k32_s8(std::int32_t (&d)[4], const std::uint32_t (&a)[4],
                            const std::uint32_t (&b)[2], LOSSMITH_SIMT_PLACE) {
  simt::multiply_fragments(d, a, b, false, {file, line});
}
inline void mma_m16n8k32_u8_s8(std::int32_t (&d)[4], const std::uint32_t (&a)[4],
                               const std::uint32_t (&b)[2], LOSSMITH_SIMT_PLACE) {
  simt::multiply_fragments(d, a, b, true, {file, line});
}

// Products of bytes outside the tensor cores, and their sum; it wraps around.
inline std::int32_t dot4(std::uint32_t a, std::uint32_t b, std::int32_t c, bool unsigned_a) {
  std::uint32_t sum = static_cast<std::uint32_t>(c);
  for (int i = 0; i < 4; ++i) {
    sum += static_cast<std::uint32_t>(simt::byte_value(a, i, unsigned_a) *
                                      simt::byte_value(b, i, false));
  }
  return static_cast<std::int32_t>(sum);
}
inline std::int32_t dot4_s8(std::uint32_t a, std::uint32_t b, std::int32_t c) {
  return dot4(a, b, c, false);
}
inline std::int32_t dot4_u8_s8(std::uint32_t a, std::uint32_t b, std::int32_t c) {
  return dot4(a, b, c, true);
}

// Round to nearest, ties away from zero; NaN becomes the canonical one.
inline std::uint32_t to_tf32(float x) {
  const std::uint32_t bits = bit_cast<std::uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fffffffu;
  return (bits + 0x1000u) & ~0x1fffu;
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_TENSOR_CORE_H_
