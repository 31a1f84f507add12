// Copies and fills. Pageable host memory is read when the call is made, as the staging of the
// runtime does, and written before it returns; pinned memory is accessed when the work runs.
#include <cstring>
#include <memory>
#include <vector>

#include "runtime/state.h"

namespace simt = lossmith::cuda::simt;
using simt::Call;
using simt::Stream;

namespace {

// Rows of `width` bytes.
struct Rows {
  unsigned char* data;
  std::size_t pitch;
};

struct Shape {
  std::size_t width, height;
  std::size_t extent(const Rows& rows) const { return (height - 1) * rows.pitch + width; }
};

enum class Where { device, pinned, pageable, nowhere };

Where where(const Rows& rows, const Shape& shape) {
  if (rows.data == nullptr) return Where::nowhere;
  const simt::Allocation* start = simt::allocation_at(rows.data, 1);
  if (start == nullptr) return Where::pageable;
  if (simt::allocation_at(rows.data, shape.extent(rows)) == nullptr) return Where::nowhere;
  return start->pinned ? Where::pinned : Where::device;
}

bool is_device(cudaMemcpyKind kind, bool target) {
  return kind == cudaMemcpyDeviceToDevice ||
         kind == (target ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost);
}

void copy_rows(const Rows& to, const Rows& from, const Shape& shape) {
  for (std::size_t i = 0; i < shape.height; ++i) {
    std::memcpy(to.data + i * to.pitch, from.data + i * from.pitch, shape.width);
  }
}

Rows rows_of(const void* p, std::size_t pitch) {
  return {static_cast<unsigned char*>(const_cast<void*>(p)), pitch};
}

cudaError_t copy(Call& call, const Rows& to, const Rows& from, const Shape& shape,
                 cudaMemcpyKind kind, cudaStream_t handle, bool blocking) {
  if (call.failed()) return call.error();
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) {
    return call.give(cudaErrorInvalidMemcpyDirection);
  }
  Stream* stream = simt::stream_of(handle);
  if (stream == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (shape.width == 0 || shape.height == 0) return call.give(cudaSuccess);
  if (to.pitch < shape.width || from.pitch < shape.width) {
    return call.give(cudaErrorInvalidPitchValue);
  }
  const Where target = where(to, shape), source = where(from, shape);
  if (target == Where::nowhere || source == Where::nowhere) {
    return call.give(cudaErrorInvalidValue);
  }
  if (kind != cudaMemcpyDefault && (is_device(kind, true) != (target == Where::device) ||
                                    is_device(kind, false) != (source == Where::device))) {
    return call.give(cudaErrorInvalidValue);
  }
  std::shared_ptr<simt::Work> work;
  if (source == Where::pageable && target == Where::device) {
    auto staged = std::make_shared<std::vector<unsigned char>>(shape.width * shape.height);
    copy_rows({staged->data(), shape.width}, from, shape);
    work = simt::enqueue(*stream, [to, staged, shape] {
      copy_rows(to, {staged->data(), shape.width}, shape);
      return cudaSuccess;
    });
  } else {
    work = simt::enqueue(*stream, [to, from, shape] {
      copy_rows(to, from, shape);
      return cudaSuccess;
    });
  }
  // Between devices not even the blocking functions wait.
  const bool on_host = target != Where::device || source != Where::device;
  const bool pageable =
      target == Where::pageable || (source == Where::pageable && target != Where::device);
  if (pageable || (blocking && on_host)) {
    simt::count_wait();
    simt::finish(work);
  }
  return call.give(cudaSuccess);
}

cudaError_t fill(Call& call, void* p, int value, std::size_t bytes, cudaStream_t handle) {
  if (call.failed()) return call.error();
  Stream* stream = simt::stream_of(handle);
  if (stream == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return call.give(cudaSuccess);
  const Where target = where(rows_of(p, bytes), {bytes, 1});
  if (target != Where::device && target != Where::pinned) {
    return call.give(cudaErrorInvalidValue);
  }
  simt::enqueue(*stream, [p, value, bytes] {
    std::memset(p, value, bytes);
    return cudaSuccess;
  });
  return call.give(cudaSuccess);
}

}  // namespace

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  Call call("cudaMemcpy");
  return copy(call, rows_of(to, bytes), rows_of(from, bytes), {bytes, 1}, kind, nullptr, true);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  Call call("cudaMemcpyAsync");
  return copy(call, rows_of(to, bytes), rows_of(from, bytes), {bytes, 1}, kind, stream, false);
}
cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  Call call("cudaMemcpy2D");
  return copy(call, rows_of(to, to_pitch), rows_of(from, from_pitch), {width, height}, kind,
              nullptr, true);
}
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  Call call("cudaMemcpy2DAsync");
  return copy(call, rows_of(to, to_pitch), rows_of(from, from_pitch), {width, height}, kind, stream,
              false);
}
cudaError_t cudaMemset(void* p, int value, std::size_t bytes) {
  Call call("cudaMemset");
  return fill(call, p, value, bytes, nullptr);
}
cudaError_t cudaMemsetAsync(void* p, int value, std::size_t bytes, cudaStream_t stream) {
  Call call("cudaMemsetAsync");
  return fill(call, p, value, bytes, stream);
}
