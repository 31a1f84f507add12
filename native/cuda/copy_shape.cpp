#include <algorithm>
#include <cstdlib>

#include "cuda/copy.h"

namespace lossmith {
namespace cuda {
namespace {

struct Axis {
  std::int64_t extent, from, to;
};

// The largest pitch that every device takes (cudaDevAttrMaxPitch).
constexpr std::int64_t kMostPitch = 0x7fffffff;

}  // namespace

CopyShape copy_shape(const View& source, const View& target) {
  Axis axes[kMaxDimensions];
  int count = 0;
  CopyShape shape;
  shape.count = source.elements();
  for (int i = 0; i < source.ndim; ++i) {
    if (source.shape[i] == 1) continue;
    axes[count++] = {source.shape[i], source.strides[i], target.strides[i]};
  }
  std::stable_sort(axes, axes + count, [](const Axis& a, const Axis& b) {
    return std::llabs(a.to) > std::llabs(b.to);
  });
  for (int i = 0; i < count; ++i) {
    const int last = shape.ndim - 1;
    if (last >= 0 && shape.from[last] == axes[i].extent * axes[i].from &&
        shape.to[last] == axes[i].extent * axes[i].to) {
      shape.extent[last] *= axes[i].extent;
      shape.from[last] = axes[i].from;
      shape.to[last] = axes[i].to;
      continue;
    }
    shape.extent[shape.ndim] = axes[i].extent;
    shape.from[shape.ndim] = axes[i].from;
    shape.to[shape.ndim] = axes[i].to;
    ++shape.ndim;
  }
  return shape;
}

bool CopyShape::rows(std::int64_t element_bytes) const {
  if (ndim != 2 || from[1] != 1 || to[1] != 1) return false;
  const auto pitched = [&](std::int64_t stride) {
    return stride >= extent[1] && stride <= kMostPitch / element_bytes;
  };
  return pitched(from[0]) && pitched(to[0]);
}

}  // namespace cuda
}  // namespace lossmith
