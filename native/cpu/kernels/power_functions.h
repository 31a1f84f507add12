// Powers, logarithms and hyperbolic tangents of f32 vectors (Highway, static target).
#ifndef LOSSMITH_CPU_KERNELS_POWER_FUNCTIONS_H_
#define LOSSMITH_CPU_KERNELS_POWER_FUNCTIONS_H_

#include "cpu/kernels/vector.h"

namespace lossmith {
namespace {

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using V = hn::Vec<F>;
using VI = hn::Vec<I>;
using M = hn::Mask<F>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(F()));

V set(float x) { return hn::Set(F(), x); }
VI set_int(std::int32_t x) { return hn::Set(I(), x); }
V bits_of(VI v) { return hn::BitCast(F(), v); }
VI bits_of(V v) { return hn::BitCast(I(), v); }
V zero() { return hn::Zero(F()); }

// Functions of several vectors at once: a power is one long chain of operations, and the processor
// looks only so far ahead for others.
constexpr int kAbreast = 4;

// l = log2 v for v in (0, 1], error a few units in the last place of max(1, |log2 v|); finite for
// v = 0. Without kSmall v is above 2^-126, or the result there only has to be below -125.
// v = 2^e m with m in [sqrt(1/2), sqrt(2)); log2 m = t R(t), t = m - 1, R the best polynomial of
// degree 7 (relative error 1.7e-7).
template <bool kSmall>
HWY_INLINE void log2_each(const V* v, V* l) {
  constexpr float kPolynomial[] = {
      0.2340423426525596f,  -0.24887686470252476f, 0.2870987032849723f, -0.3602396401026903f,
      0.48092324218913407f, -0.7213527880534653f,  1.4426949619877145f};
  V t[kAbreast], whole[kAbreast], r[kAbreast];
  for (int k = 0; k < kAbreast; ++k) {
    V x = v[k];
    V lift = zero();
    if constexpr (kSmall) {
      const M small = hn::Lt(x, set(1.17549435e-38f));
      x = hn::IfThenElse(small, x * set(16777216.0f), x);
      lift = hn::IfThenElseZero(small, set(24.0f));
    }
    const VI bits = bits_of(x);
    const VI e = hn::ShiftRight<23>(bits - set_int(0x3f3504f3));
    t[k] = bits_of(bits - hn::ShiftLeft<23>(e)) - set(1.0f);
    whole[k] = hn::ConvertTo(F(), e);
    if constexpr (kSmall) whole[k] = whole[k] - lift;
  }
  for (int k = 0; k < kAbreast; ++k) r[k] = set(-0.14581165350617828f);
  for (const float c : kPolynomial) {
    for (int k = 0; k < kAbreast; ++k) r[k] = hn::MulAdd(r[k], t[k], set(c));
  }
  for (int k = 0; k < kAbreast; ++k) l[k] = hn::MulAdd(r[k], t[k], whole[k]);
}

// The whole part of v in [0, 2^31); Highway's own would look after numbers beyond that.
VI truncated(V v) {
#if HWY_TARGET == HWY_AVX2
  return VI{_mm256_cvttps_epi32(v.raw)};
#elif HWY_TARGET <= HWY_AVX3
  return VI{_mm512_cvttps_epi32(v.raw)};
#else
  return hn::ConvertTo(I(), v);
#endif
}

// y = 2^x for x <= 126, error about a unit in the last place, exact at 0; about 2^-125 below that.
// x = n + f, |f| <= 1/2; 2^f by the best polynomial of degree 6 (relative error 1.9e-9). Beside
// 1.5 2^23 a float has no room for fractions, and its last bits are n.
HWY_INLINE void exp2_each(const V* x, V* y) {
  constexpr float kPolynomial[] = {0.001339993120947414f, 0.009618488956522791f,
                                   0.055503287769976636f, 0.24022646890639573f,
                                   0.6931472057372526f,   1.0f};
  const V magic = set(12582912.0f);
  V f[kAbreast], p[kAbreast], n[kAbreast];
  for (int k = 0; k < kAbreast; ++k) {
    const V bounded = hn::Max(x[k], set(-125.0f));
    n[k] = bounded + magic;
    f[k] = bounded - (n[k] - magic);
    p[k] = set(0.00015345812158740183f);
  }
  for (const float c : kPolynomial) {
    for (int k = 0; k < kAbreast; ++k) p[k] = hn::MulAdd(p[k], f[k], set(c));
  }
  for (int k = 0; k < kAbreast; ++k) {
    y[k] = bits_of(bits_of(p[k]) + hn::ShiftLeft<23>(bits_of(n[k])));
  }
}

// tanh y, odd to the bit, so that stairs meet at whole codes: 1 - 2 / (e^2|y| + 1), and the Taylor
// polynomial of degree 9 where that would cancel.
HWY_INLINE void tanh_each(const V* y, V* t) {
  const V one = set(1.0f);
  V x[kAbreast], large[kAbreast];
  for (int k = 0; k < kAbreast; ++k) {
    x[k] = hn::Min(hn::Abs(y[k]) * set(2.88539008f), set(126.0f));
  }
  exp2_each(x, large);
  for (int k = 0; k < kAbreast; ++k) {
    const V size = hn::Abs(y[k]), square = size * size;
    V p = set(62.0f / 2835.0f);
    p = hn::MulAdd(p, square, set(-17.0f / 315.0f));
    p = hn::MulAdd(p, square, set(2.0f / 15.0f));
    p = hn::MulAdd(p, square, set(-1.0f / 3.0f));
    const V small = hn::MulAdd(size * square, p, size);
    const V rest = one - set(2.0f) / (large[k] + one);
    t[k] = hn::CopySignToAbs(hn::IfThenElse(hn::Lt(size, set(0.25f)), small, rest), y[k]);
  }
}

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_POWER_FUNCTIONS_H_
