// f32 vectors of the instruction set that this file is compiled for (Highway, static target),
// as an arithmetic policy for the formulas.
#ifndef LOSSMITH_CPU_KERNELS_VECTOR_H_
#define LOSSMITH_CPU_KERNELS_VECTOR_H_

#include <hwy/highway.h>

#include <cstdint>

namespace lossmith {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
struct VectorOps {
  using Scalar = float;
  using V = hn::Vec<D>;
  using Int = hn::RebindToSigned<D>;
  static constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

  static V load(const float* p) { return hn::LoadU(D(), p); }
  static void store(V v, float* p) { hn::StoreU(v, D(), p); }
  static V set(float x) { return hn::Set(D(), x); }
  static V mul_add(V a, V b, V c) { return hn::MulAdd(a, b, c); }
  static V max(V a, V b) { return hn::Max(a, b); }
  static V min(V a, V b) { return hn::Min(a, b); }
  static V abs(V a) { return hn::Abs(a); }
  static V if_less(V a, V b, V x, V y) { return hn::IfThenElse(hn::Lt(a, b), x, y); }
  static V if_equal(V a, V b, V x, V y) { return hn::IfThenElse(hn::Eq(a, b), x, y); }
  static V zero_if_equal(V v, V x) { return hn::IfThenZeroElse(hn::Eq(v, x), v); }
  // Bit l: whether a < b in lane l.
  static unsigned bits_less(V a, V b) {
    std::uint8_t bits[8] = {};
    hn::StoreMaskBits(D(), hn::Lt(a, b), bits);
    return bits[0] | static_cast<unsigned>(bits[1]) << 8;
  }
  static float sum(V v) { return hn::GetLane(hn::SumOfLanes(D(), v)); }
  static float largest(V v) { return hn::GetLane(hn::MaxOfLanes(D(), v)); }
  static float smallest(V v) { return hn::GetLane(hn::MinOfLanes(D(), v)); }

  // e^x, relative error below 2 units in the last place; results under 2^-126 are 0, above the
  // largest float infinity, NaN stays NaN. x = n ln2 + f with |f| <= ln2/2, ln2 in two parts;
  // e^f by the Taylor polynomial of degree 7 (truncation below 5e-9 at |f| = 0.3466).
  static V exp(V x) {
    const D d;
    const V low = set(-87.336544f);
    const V high = set(88.722839f);
    const V clamped = hn::Min(hn::Max(x, low), high);
    const V n = hn::Round(clamped * set(1.44269504f));
    V f = hn::NegMulAdd(n, set(0.693359375f), clamped);
    f = hn::NegMulAdd(n, set(-2.12194440e-4f), f);
    V p = set(1.0f / 5040.0f);
    p = hn::MulAdd(p, f, set(1.0f / 720.0f));
    p = hn::MulAdd(p, f, set(1.0f / 120.0f));
    p = hn::MulAdd(p, f, set(1.0f / 24.0f));
    p = hn::MulAdd(p, f, set(1.0f / 6.0f));
    p = hn::MulAdd(p, f, set(0.5f));
    p = hn::MulAdd(p, f, set(1.0f));
    p = hn::MulAdd(p, f, set(1.0f));
    // n reaches 128 at the upper end: two factors keep both exponents in range.
    const Int di;
    const auto whole = hn::ConvertTo(di, n);
    const auto half = hn::ShiftRight<1>(whole);
    const auto bias = hn::Set(di, 127);
    const V two_half = hn::BitCast(d, hn::ShiftLeft<23>(half + bias));
    const V two_rest = hn::BitCast(d, hn::ShiftLeft<23>((whole - half) + bias));
    V r = (p * two_half) * two_rest;
    r = hn::IfThenElse(hn::Lt(x, low), set(0.0f), r);
    r = hn::IfThenElse(hn::Gt(x, high), set(__builtin_inff()), r);
    return hn::IfThenElse(hn::Eq(x, x), r, x);
  }
};

using WideF32 = VectorOps<hn::ScalableTag<float>>;
using TailF32 = VectorOps<hn::CappedTag<float, 1>>;

}  // namespace
}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_VECTOR_H_
