// Streams.
#include <memory>
#include <utility>

#include "runtime/state.h"

namespace simt = lossmith::cuda::simt;
using simt::Call;
using simt::Stream;

namespace {

// A poll is answered "not ready" this often while there is work; then the device makes progress.
constexpr int kPolls = 2;

cudaError_t create(Call& call, cudaStream_t* handle, unsigned flags) {
  if (call.failed()) return call.error();
  if (handle == nullptr || (flags & ~unsigned{cudaStreamNonBlocking}) != 0) {
    return call.give(cudaErrorInvalidValue);
  }
  auto stream = std::make_unique<Stream>();
  stream->device = simt::current_device();
  stream->flags = flags;
  *handle = reinterpret_cast<cudaStream_t>(stream.get());
  simt::device_of(stream->device).streams.push_back(std::move(stream));
  return call.give(cudaSuccess);
}

// What the stream's device has run into, which need not be the current one.
cudaError_t outcome(const Stream& stream) { return simt::device_of(stream.device).sticky; }

}  // namespace

cudaError_t cudaStreamCreate(cudaStream_t* handle) {
  Call call("cudaStreamCreate");
  return create(call, handle, cudaStreamDefault);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* handle, unsigned flags) {
  Call call("cudaStreamCreateWithFlags");
  return create(call, handle, flags);
}

// Work that is still queued runs with the device's other work.
cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  Call call("cudaStreamDestroy");
  if (call.failed()) return call.error();
  Stream* stream = simt::stream_of(handle);
  const bool own = stream != nullptr && stream != &simt::device_of(stream->device).legacy;
  if (!own) return call.give(cudaErrorInvalidResourceHandle);
  stream->destroyed = true;
  simt::forget_destroyed_streams(simt::device_of(stream->device));
  return call.give(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  Call call("cudaStreamSynchronize");
  if (call.failed()) return call.error();
  Stream* stream = simt::stream_of(handle);
  if (stream == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (stream->capturing != cudaStreamCaptureStatusNone) {
    return call.give(cudaErrorStreamCaptureUnsupported);
  }
  simt::count_wait();
  simt::finish(*stream);
  return call.give(outcome(*stream));
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  Call call("cudaStreamQuery");
  if (call.failed()) return call.error();
  Stream* stream = simt::stream_of(handle);
  if (stream == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (stream->capturing != cudaStreamCaptureStatusNone) {
    return call.give(cudaErrorStreamCaptureUnsupported);
  }
  if (!stream->queue.empty() && ++stream->queries <= kPolls) return call.give(cudaErrorNotReady);
  stream->queries = 0;
  simt::finish(*stream);
  return call.give(outcome(*stream));
}

cudaError_t cudaStreamGetFlags(cudaStream_t handle, unsigned* flags) {
  Call call("cudaStreamGetFlags");
  if (call.failed()) return call.error();
  const Stream* stream = simt::stream_of(handle);
  if (stream == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (flags == nullptr) return call.give(cudaErrorInvalidValue);
  *flags = stream->flags;
  return call.give(cudaSuccess);
}

cudaError_t cudaStreamGetDevice(cudaStream_t handle, int* device) {
  Call call("cudaStreamGetDevice");
  if (call.failed()) return call.error();
  const Stream* stream = simt::stream_of(handle);
  if (stream == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (device == nullptr) return call.give(cudaErrorInvalidValue);
  *device = stream->device;
  return call.give(cudaSuccess);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  Call call("cudaStreamIsCapturing");
  if (call.failed()) return call.error();
  const Stream* stream = simt::stream_of(handle);
  if (stream == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (status == nullptr) return call.give(cudaErrorInvalidValue);
  *status = stream->capturing;
  return call.give(cudaSuccess);
}

cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* data) {
  Call call("cudaLaunchHostFunc");
  if (call.failed()) return call.error();
  Stream* stream = simt::stream_of(handle);
  if (stream == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (function == nullptr) return call.give(cudaErrorInvalidValue);
  simt::enqueue(*stream, [function, data] {
    // A function of the host must not call CUDA.
    simt::state().in_host_function = true;
    function(data);
    simt::state().in_host_function = false;
    return cudaSuccess;
  });
  return call.give(cudaSuccess);
}
