// Stretches of a tensor (cpu/grouped.h) in the type that is computed in: the memory itself where it
// has that type, else a converted copy in a room of the caller's.
#ifndef LOSSMITH_CPU_STRETCHES_H_
#define LOSSMITH_CPU_STRETCHES_H_

#include <type_traits>

#include "core/dtype.h"
#include "core/tensor.h"
#include "cpu/grouped.h"
#include "cpu/isa.h"

namespace lossmith {

template <class A>
constexpr Type kTypeOf = std::is_same_v<A, double> ? Type::f64 : Type::f32;

inline char* stretch_address(const View& v, const Groups& groups, const Stretch& s) {
  return v.data + (s.line * line_stride(groups, v) + s.begin) * bytes_of(v.type);
}

template <class A>
const A* load_stretch(const View& v, const Groups& groups, const Stretch& s, A* room) {
  const char* at = stretch_address(v, groups, s);
  if (v.type == kTypeOf<A>) return reinterpret_cast<const A*>(at);
  if constexpr (std::is_same_v<A, float>) {
    kernels().elements->widen[static_cast<int>(v.type)](at, room, s.length);
  } else {
    dispatch_floating(v.type, [&](auto tag) {
      const auto* from = reinterpret_cast<const decltype(tag)*>(at);
      for (std::int64_t i = 0; i < s.length; ++i) room[i] = Convert<A>::from(from[i]);
    });
  }
  return room;
}

// Where the elements of an output go; null for an absent one. store_stretch finishes it.
template <class A>
A* target_stretch(const View& v, const Groups& groups, const Stretch& s, A* room) {
  if (!v.present()) return nullptr;
  return v.type == kTypeOf<A> ? reinterpret_cast<A*>(stretch_address(v, groups, s)) : room;
}

template <class A>
void store_stretch(const View& v, const Groups& groups, const Stretch& s, const A* room) {
  if (!v.present() || v.type == kTypeOf<A>) return;
  char* at = stretch_address(v, groups, s);
  if constexpr (std::is_same_v<A, float>) {
    kernels().elements->narrow[static_cast<int>(v.type)](room, at, s.length);
  } else {
    dispatch_floating(v.type, [&](auto tag) {
      auto* to = reinterpret_cast<decltype(tag)*>(at);
      for (std::int64_t i = 0; i < s.length; ++i) to[i] = Convert<decltype(tag)>::from(room[i]);
    });
  }
}

}  // namespace lossmith

#endif  // LOSSMITH_CPU_STRETCHES_H_
