#include "cpu/copy.h"

#include <cstring>

#include "cpu/parallel.h"

namespace lossmith {
namespace {

// One run of elements along the last dimension.
using RunCopy = void (*)(const char* from, std::int64_t from_stride, char* to,
                         std::int64_t to_stride, std::int64_t count);

template <class From, class To>
void convert_run(const char* from, std::int64_t from_stride, char* to, std::int64_t to_stride,
                 std::int64_t count) {
  const From* f = reinterpret_cast<const From*>(from);
  To* t = reinterpret_cast<To*>(to);
  for (std::int64_t i = 0; i < count; ++i) {
    t[i * to_stride] = Convert<To>::from(f[i * from_stride]);
  }
}

template <int kBytes>
void move_run(const char* from, std::int64_t from_stride, char* to, std::int64_t to_stride,
              std::int64_t count) {
  if (from_stride == 1 && to_stride == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(count) * kBytes);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * to_stride * kBytes, from + i * from_stride * kBytes, kBytes);
  }
}

RunCopy run_copy(Type from, Type to) {
  if (from == to) {
    switch (bytes_of(from)) {
      case 1:
        return move_run<1>;
      case 2:
        return move_run<2>;
      case 4:
        return move_run<4>;
      default:
        return move_run<8>;
    }
  }
  return dispatch_floating(from, [&](auto f) {
    return dispatch_floating(
        to, [&](auto t) -> RunCopy { return convert_run<decltype(f), decltype(t)>; });
  });
}

// Offset, in elements, of run `run` (an index over all dimensions but the last).
std::int64_t run_offset(const View& v, std::int64_t run) {
  std::int64_t offset = 0;
  for (int i = v.ndim - 2; i >= 0; --i) {
    offset += run % v.shape[i] * v.strides[i];
    run /= v.shape[i];
  }
  return offset;
}

// Views whose elements follow each other are one run, whatever their shape.
View flattened(const View& v) {
  View flat = v;
  flat.ndim = 1;
  flat.shape[0] = v.elements();
  flat.strides[0] = 1;
  return flat;
}

constexpr std::int64_t kGrain = 1 << 16;

}  // namespace

void copy_elements(const View& source, const View& target, int threads) {
  if (source.elements() == 0) return;
  const bool flat = source.contiguous() && target.contiguous();
  const View from = flat || source.ndim == 0 ? flattened(source) : source;
  const View to = flat || source.ndim == 0 ? flattened(target) : target;
  const RunCopy copy = run_copy(from.type, to.type);
  const std::int64_t length = from.shape[from.ndim - 1];
  const std::int64_t pieces = (length + kGrain - 1) / kGrain;
  const std::int64_t runs = from.elements() / length;
  const std::int64_t from_stride = from.strides[from.ndim - 1];
  const std::int64_t to_stride = to.strides[to.ndim - 1];
  // Short runs are grouped so that a task is worth a thread's while.
  const std::int64_t group = pieces == 1 ? kGrain / length + 1 : 1;
  parallel_ranges(threads, runs * pieces, group, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t run = unit / pieces;
      const std::int64_t start = unit % pieces * kGrain;
      const std::int64_t count = length - start < kGrain ? length - start : kGrain;
      copy(from.data + (run_offset(from, run) + start * from_stride) * bytes_of(from.type),
           from_stride, to.data + (run_offset(to, run) + start * to_stride) * bytes_of(to.type),
           to_stride, count);
    }
  });
}

}  // namespace lossmith
