// What a copy costs depends on what the device can reach. It reaches its own memory and page-locked
// host memory: there every copy is one queued transfer, or one kernel. Pageable host memory it
// reaches through plain transfers only. What such a copy has to convert or to rearrange goes in
// pieces: the host packs or unpacks its side, a kernel the device's, and in between lies one
// contiguous run in the narrower of the two types.
#include "cuda/transfer.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "core/context.h"
#include "core/status.h"
#include "cpu/copy.h"
#include "cuda/copy.h"
#include "cuda/error.h"
#include "cuda/state.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr std::int64_t kMostStaging = std::int64_t{4} << 20;
constexpr std::int64_t kLeastStaging = 4096;

void wait(cudaStream_t stream, const char* what) {
  check_queued(cudaStreamSynchronize(stream), what);
}

// Address at which the device reaches a byte of host memory, null for pageable memory.
char* device_address(const char* host) {
  cudaPointerAttributes attributes{};
  if (cudaPointerGetAttributes(&attributes, host) != cudaSuccess) {
    cudaGetLastError();
    return nullptr;
  }
  return attributes.type == cudaMemoryTypeHost ? static_cast<char*>(attributes.devicePointer)
                                               : nullptr;
}

// First and last byte of a view with elements.
std::pair<char*, char*> ends_of(const View& v) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  for (int i = 0; i < v.ndim; ++i) {
    const std::int64_t reach = (v.shape[i] - 1) * v.strides[i];
    (reach < 0 ? low : high) += reach;
  }
  const std::int64_t size = bytes_of(v.type);
  return {v.data + low * size, v.data + (high + 1) * size - 1};
}

// The view as the device reaches it: as it is on the device, at the mapped address in page-locked
// memory. False for pageable memory.
bool reach(const View& view, View* reached) {
  *reached = view;
  if (!view.on_host()) return true;
  const auto [first, last] = ends_of(view);
  char* const first_mapped = device_address(first);
  if (first_mapped == nullptr) return false;
  char* const last_mapped = first == last ? first_mapped : device_address(last);
  if (last_mapped == nullptr || last_mapped - first_mapped != last - first) return false;
  reached->data = first_mapped + (view.data - first);
  return true;
}

// Copies that the driver does by itself; false if this is none.
bool transfer(cudaStream_t stream, const View& source, const View& target) {
  if (source.type != target.type) return false;
  const std::int64_t size = bytes_of(source.type);
  const CopyShape shape = copy_shape(source, target);
  const auto bytes = [&](std::int64_t elements) {
    return static_cast<std::size_t>(elements * size);
  };
  if (shape.flat()) {
    check(cudaMemcpyAsync(target.data, source.data, bytes(shape.count), cudaMemcpyDefault, stream),
          "cudaMemcpyAsync");
    return true;
  }
  // On the device a kernel does as well.
  if (!shape.rows(size) || (!source.on_host() && !target.on_host())) return false;
  check(cudaMemcpy2DAsync(target.data, bytes(shape.to[0]), source.data, bytes(shape.from[0]),
                          bytes(shape.extent[1]), static_cast<std::size_t>(shape.extent[0]),
                          cudaMemcpyDefault, stream),
        "cudaMemcpy2DAsync");
  return true;
}

// f(source, target) for pieces of both views, of at most `limit` elements each.
template <class F>
void for_pieces(const View& source, const View& target, std::int64_t limit, int axis, F&& f) {
  if (axis == source.ndim) return f(source, target);
  std::int64_t inner = 1;
  for (int i = axis + 1; i < source.ndim; ++i) inner *= source.shape[i];
  const std::int64_t extent = source.shape[axis];
  const std::int64_t step = std::max<std::int64_t>(limit / inner, 1);
  for (std::int64_t begin = 0; begin < extent; begin += step) {
    View from = source;
    View to = target;
    from.shape[axis] = to.shape[axis] = std::min(step, extent - begin);
    from.data += begin * source.strides[axis] * bytes_of(source.type);
    to.data += begin * target.strides[axis] * bytes_of(target.type);
    if (inner <= limit) {
      f(from, to);
    } else {
      for_pieces(from, to, limit, axis + 1, f);
    }
  }
}

// A contiguous view of the same shape.
View packed(const View& like, Type type, char* data, const lsm_device& device) {
  View v = like;
  v.type = type;
  v.data = data;
  v.device = device;
  std::int64_t stride = 1;
  for (int i = v.ndim - 1; i >= 0; --i) {
    v.strides[i] = stride;
    stride *= v.shape[i];
  }
  return v;
}

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};

// Between pageable host memory and the device, in pieces.
void copy_staged(lsm_context_s& context, const View& source, const View& target) {
  const cudaStream_t stream = state_of(context).stream;
  const Type wire = bytes_of(source.type) <= bytes_of(target.type) ? source.type : target.type;
  const std::int64_t size = bytes_of(wire);
  const std::int64_t all = source.elements() * size;
  expect_budget(context.workspace, static_cast<std::size_t>(std::min(all, kLeastStaging)));
  const std::int64_t bytes =
      std::min({all, kMostStaging, context.workspace.budget()}) / size * size;
  const std::size_t rounded =
      (static_cast<std::size_t>(bytes) + kAlignment - 1) / kAlignment * kAlignment;
  const std::unique_ptr<char, Free> host(
      static_cast<char*>(std::aligned_alloc(kAlignment, rounded)));
  if (host == nullptr) throw std::bad_alloc();
  char* const device = context.workspace.block(static_cast<std::size_t>(bytes));
  const lsm_device cpu{LSM_CPU, 0};
  const auto copy_piece = [&](const View& from, const View& to) {
    const View on_host = packed(from, wire, host.get(), cpu);
    const View on_device = packed(from, wire, device, context.device);
    if (from.on_host()) {
      copy_elements(from, on_host, context.threads);
      if (!transfer(stream, on_host, to)) {
        transfer(stream, on_host, on_device);
        copy_by_kernel(stream, on_device, to);
      }
      wait(stream, "copy to the device");
    } else {
      if (!transfer(stream, from, on_host)) {
        copy_by_kernel(stream, from, on_device);
        transfer(stream, on_device, on_host);
      }
      wait(stream, "copy from the device");
      copy_elements(on_host, to, context.threads);
    }
  };
  try {
    for_pieces(source, target, bytes / size, 0, copy_piece);
  } catch (...) {
    // A queued transfer may still use the host's part.
    cudaStreamSynchronize(stream);
    cudaGetLastError();
    throw;
  }
}

}  // namespace

void copy_tensor(lsm_context_s& context, const View& source, const View& target) {
  const cudaStream_t stream = state_of(context).stream;
  View from, to;
  const bool reaches_from = reach(source, &from);
  const bool reaches_to = reach(target, &to);
  if (source.on_host() && target.on_host()) {
    // Page-locked memory may be part of queued copies.
    if (reaches_from || reaches_to) wait(stream, "copy within host memory");
    copy_elements(source, target, context.threads);
    return;
  }
  if (transfer(stream, source, target)) {
    // The driver need not have read or written pageable memory when it returns.
    if (!reaches_from || !reaches_to) {
      wait(stream, source.on_host() ? "copy to the device" : "copy from the device");
    }
    return;
  }
  if (reaches_from && reaches_to) return copy_by_kernel(stream, from, to);
  copy_staged(context, source, target);
}

double read_item(lsm_context_s& context, const View& view) {
  const cudaStream_t stream = state_of(context).stream;
  if (view.on_host()) {
    wait(stream, "reading an element");
    return element(view, 0);
  }
  char bytes[8] = {};
  check(cudaMemcpyAsync(bytes, view.data, static_cast<std::size_t>(bytes_of(view.type)),
                        cudaMemcpyDefault, stream),
        "reading an element");
  wait(stream, "reading an element");
  View host = view;
  host.device = {LSM_CPU, 0};
  host.ndim = 0;
  host.data = bytes;
  return element(host, 0);
}

}  // namespace cuda
}  // namespace lossmith
