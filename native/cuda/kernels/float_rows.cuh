// Tensors of a call that are f32 or of the type T of its main tensor, as lines of elements.
#ifndef LOSSMITH_CUDA_KERNELS_FLOAT_ROWS_CUH_
#define LOSSMITH_CUDA_KERNELS_FLOAT_ROWS_CUH_

#include <cstdint>
#include <type_traits>

#include "core/tensor.h"
#include "cuda/kernels/grouped.cuh"

namespace lossmith {
namespace cuda {

inline Matrix lines_of(const View& v, const GroupWalk& walk) {
  if (!v.present()) return {};
  return {v.data, v.type, walk.lines, walk.width, walk.lines == 1 ? walk.width : v.strides[0]};
}

template <class T>
RowsOf<T> rows_of(const View& v, const GroupWalk& walk) {
  return RowsOf<T>(lines_of(v, walk), kChunkOf<std::remove_const_t<T>>);
}

template <class T>
struct FloatRows {
  RowsOf<T> own;
  RowsOf<float> f32;
  bool is_f32;

  FloatRows(const View& v, const GroupWalk& walk)
      : own(rows_of<T>(v, walk)), f32(rows_of<float>(v, walk)), is_f32(v.type == Type::f32) {}

  LSM_HD bool present() const { return own.data != nullptr; }

  template <int N, class A>
  LSM_DEVICE void load(const Part& part, A (&to)[N]) const {
    if constexpr (!std::is_same_v<T, float>) {
      if (!is_f32) {
        load_elements(own, part, to);
        return;
      }
    }
    load_elements(f32, part, to);
  }
  template <int N, class A>
  LSM_DEVICE void store(const Part& part, const A (&from)[N]) const {
    if constexpr (!std::is_same_v<T, float>) {
      if (!is_f32) {
        store_elements(own, part, from);
        return;
      }
    }
    store_elements(f32, part, from);
  }
};

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_FLOAT_ROWS_CUH_
