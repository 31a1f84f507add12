// The elements of whole groups (engine/groups.h), wherever they lie in the tensor: for what needs a
// group at a time. Element e of a group is its e-th in the order of the tensor.
#ifndef LOSSMITH_CPU_GROUP_ELEMENTS_H_
#define LOSSMITH_CPU_GROUP_ELEMENTS_H_

#include <algorithm>
#include <cstdint>

#include "core/tensor.h"
#include "cpu/isa.h"
#include "engine/groups.h"

namespace lossmith {

class GroupElements {
 public:
  GroupElements(const Groups& groups, const View& view)
      : g_(groups), view_(view), line_(line_stride(groups, view)) {}

  // Elements of a group.
  std::int64_t count(std::int64_t group) const {
    if (g_.columns > 0) {
      return std::min(g_.columns, g_.width - group % g_.per_line * g_.columns);
    }
    return g_.count == 0 ? 0 : g_.elements() / g_.count;
  }
  // Whether elements of neighbouring groups alternate, so that several groups are best read at once.
  bool alternate() const {
    const bool side_by_side = g_.lines == 1 || g_.channels == g_.width;
    return g_.columns == 0 && g_.channels > 1 && g_.inner == 1 && side_by_side;
  }

  // Elements [begin, end) of `groups` groups from `first` on; those of a group side by side, groups
  // `ld` elements apart.
  template <class A>
  void load(std::int64_t first, std::int64_t groups, std::int64_t begin, std::int64_t end, A* out,
            std::int64_t ld) const {
    dispatch_floating(view_.type, [&](auto tag) {
      using S = decltype(tag);
      const S* data = reinterpret_cast<const S*>(view_.data);
      if (alternate()) {
        for (std::int64_t e = begin; e < end; ++e) {
          const S* from = data + address(e * g_.channels + first);
          for (std::int64_t k = 0; k < groups; ++k) {
            out[k * ld + e - begin] = Convert<A>::from(from[k]);
          }
        }
        return;
      }
      for (std::int64_t k = 0; k < groups; ++k)
        load_group(data, first + k, begin, end, out + k * ld);
    });
  }

 private:
  // Where element n of the tensor lies.
  std::int64_t address(std::int64_t n) const {
    return g_.lines == 1 ? n : n / g_.width * line_ + n % g_.width;
  }

  // Runs of elements that lie side by side.
  template <class S, class A>
  void load_group(const S* data, std::int64_t group, std::int64_t begin, std::int64_t end,
                  A* out) const {
    while (begin < end) {
      std::int64_t at = 0;
      std::int64_t length = end - begin;
      if (g_.columns > 0) {
        at = group / g_.per_line * line_ + group % g_.per_line * g_.columns + begin;
      } else {
        const std::int64_t n =
            (begin / g_.inner * g_.channels + group) * g_.inner + begin % g_.inner;
        at = address(n);
        length = std::min({length, g_.inner - begin % g_.inner, g_.width - n % g_.width});
      }
      convert(data + at, length, out);
      out += length;
      begin += length;
    }
  }

  template <class S>
  static void convert(const S* from, std::int64_t n, float* out) {
    kernels().rows->of(S{}).to_f32(from, 1.0, out, n);
  }
  template <class S>
  static void convert(const S* from, std::int64_t n, double* out) {
    kernels().rows->of(S{}).to_f64(from, 1.0, out, n);
  }

  const Groups g_;
  const View view_;
  const std::int64_t line_;
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_GROUP_ELEMENTS_H_
