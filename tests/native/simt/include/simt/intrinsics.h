// CUDA's functions of one thread: bits, reinterpretation, arithmetic with a stated rounding, and
// those of its math library that the host's lacks. What CUDA documents as approximate is exact to
// rounding here.
#ifndef LOSSMITH_SIMT_INTRINSICS_H_
#define LOSSMITH_SIMT_INTRINSICS_H_

#include <math.h>
#include <stdlib.h>

#include <cstdint>
#include <cstring>

namespace lossmith {
namespace cuda {
namespace simt {

template <class To, class From>
inline To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "types of one size");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

template <class T>
inline T __ldg(const T* p) {
  return *p;
}

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __clzll(long long x) {
  return x == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(x));
}
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= ((x >> bit) & 1u) << (31 - bit);
  return reversed;
}
inline unsigned long long __brevll(unsigned long long x) {
  const unsigned long long low = __brev(static_cast<unsigned>(x & 0xffffffffu));
  return (low << 32) | __brev(static_cast<unsigned>(x >> 32));
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<unsigned long long>(a) * b) >> 32);
}
inline int __mulhi(int a, int b) { return static_cast<int>((static_cast<long long>(a) * b) >> 32); }

inline unsigned __float_as_uint(float x) { return lossmith::cuda::simt::same_bits<unsigned>(x); }
inline int __float_as_int(float x) { return lossmith::cuda::simt::same_bits<int>(x); }
inline float __uint_as_float(unsigned x) { return lossmith::cuda::simt::same_bits<float>(x); }
inline float __int_as_float(int x) { return lossmith::cuda::simt::same_bits<float>(x); }
inline long long __double_as_longlong(double x) {
  return lossmith::cuda::simt::same_bits<long long>(x);
}
inline double __longlong_as_double(long long x) {
  return lossmith::cuda::simt::same_bits<double>(x);
}

// The host rounds to nearest even in every operation.
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fsqrt_rn(float a) { return ::sqrtf(a); }
inline float __fmaf_rn(float a, float b, float c) { return ::fmaf(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __drcp_rn(double a) { return 1.0 / a; }
inline double __dsqrt_rn(double a) { return ::sqrt(a); }
inline double __fma_rn(double a, double b, double c) { return ::fma(a, b, c); }

inline int __float2int_rn(float x) { return static_cast<int>(::nearbyintf(x)); }
inline int __float2int_rz(float x) { return static_cast<int>(x); }
inline int __float2int_rd(float x) { return static_cast<int>(::floorf(x)); }
inline int __float2int_ru(float x) { return static_cast<int>(::ceilf(x)); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }
inline int __double2int_rn(double x) { return static_cast<int>(::nearbyint(x)); }

inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float x) { return ::expf(x); }
inline float __logf(float x) { return ::logf(x); }
inline float __log2f(float x) { return ::log2f(x); }
inline float __powf(float x, float y) { return ::powf(x, y); }
inline float __saturatef(float x) { return x > 1.0f ? 1.0f : x > 0.0f ? x : 0.0f; }

inline float rsqrtf(float x) { return 1.0f / ::sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / ::sqrt(x); }

// CUDA has these for pairs of one type each, in the global namespace; a NaN loses.
#define LOSSMITH_SIMT_MIN_MAX(type)                         \
  inline type min(type a, type b) { return b < a ? b : a; } \
  inline type max(type a, type b) { return a < b ? b : a; }
LOSSMITH_SIMT_MIN_MAX(int)
LOSSMITH_SIMT_MIN_MAX(unsigned)
LOSSMITH_SIMT_MIN_MAX(long)
LOSSMITH_SIMT_MIN_MAX(unsigned long)
LOSSMITH_SIMT_MIN_MAX(long long)
LOSSMITH_SIMT_MIN_MAX(unsigned long long)
#undef LOSSMITH_SIMT_MIN_MAX
inline float min(float a, float b) { return ::fminf(a, b); }
inline float max(float a, float b) { return ::fmaxf(a, b); }
inline double min(double a, double b) { return ::fmin(a, b); }
inline double max(double a, double b) { return ::fmax(a, b); }

#endif  // LOSSMITH_SIMT_INTRINSICS_H_
