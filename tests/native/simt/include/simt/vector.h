// Accesses of several elements at once, at most 16 bytes.
#ifndef LOSSMITH_SIMT_VECTOR_H_
#define LOSSMITH_SIMT_VECTOR_H_

#include <cstring>
#include <type_traits>

#include "simt/shared.h"

namespace lossmith {
namespace cuda {

template <class T, int N>
struct alignas(sizeof(T) * N) Vec {
  static_assert(sizeof(T) * N <= 16, "one access is 16 bytes at most");
  static_assert((sizeof(T) * N & (sizeof(T) * N - 1)) == 0, "one access is a power of two");
  T v[N];
  T& operator[](int i) { return v[i]; }
  const T& operator[](int i) const { return v[i]; }
};

namespace simt {

[[noreturn]] void fail_global_alignment(const void* p, std::size_t bytes, const char* access);

inline void check_global(const void* p, std::size_t bytes, const char* access) {
  if (__builtin_expect(reinterpret_cast<std::uintptr_t>(p) % bytes != 0, 0)) {
    fail_global_alignment(p, bytes, access);
  }
}

}  // namespace simt

template <int N, class T>
inline Vec<T, N> load_vec(const T* p) {
  simt::check_global(p, sizeof(T) * N, "load_vec");
  Vec<T, N> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T, int N>
inline void store_vec(T* p, const Vec<T, N>& v) {
  simt::check_global(p, sizeof(T) * N, "store_vec");
  std::memcpy(p, &v, sizeof v);
}

template <int N, class T>
inline Vec<std::remove_const_t<T>, N> load_vec(Shared<T> p) {
  return p.template read<Vec<std::remove_const_t<T>, N>>();
}
template <class T, int N>
inline void store_vec(Shared<T> p, const Vec<T, N>& v) {
  p.write(v);
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_VECTOR_H_
