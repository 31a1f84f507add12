// Events: marks in streams.
#include <memory>
#include <utility>

#include "runtime/state.h"

namespace simt = lossmith::cuda::simt;
using simt::Call;
using simt::Event;
using simt::state;
using simt::Stream;

namespace {

constexpr int kPolls = 2;  // as of streams

Event* event_of(cudaEvent_t handle) {
  const auto found = state().events.find(reinterpret_cast<Event*>(handle));
  return found != state().events.end() ? found->first : nullptr;
}

cudaError_t create(Call& call, cudaEvent_t* handle, unsigned flags) {
  if (call.failed()) return call.error();
  constexpr unsigned kKnown = cudaEventBlockingSync | cudaEventDisableTiming;
  if (handle == nullptr || (flags & ~kKnown) != 0) return call.give(cudaErrorInvalidValue);
  auto event = std::make_unique<Event>();
  event->device = simt::current_device();
  event->flags = flags;
  *handle = reinterpret_cast<cudaEvent_t>(event.get());
  Event* const key = event.get();
  state().events[key] = std::move(event);
  return call.give(cudaSuccess);
}

}  // namespace

cudaError_t cudaEventCreate(cudaEvent_t* handle) {
  Call call("cudaEventCreate");
  return create(call, handle, cudaEventDefault);
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* handle, unsigned flags) {
  Call call("cudaEventCreateWithFlags");
  return create(call, handle, flags);
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  Call call("cudaEventDestroy");
  if (call.failed()) return call.error();
  Event* event = event_of(handle);
  if (event == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  state().events.erase(event);
  return call.give(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  Call call("cudaEventRecord");
  if (call.failed()) return call.error();
  Event* event = event_of(handle);
  Stream* stream = simt::stream_of(stream_handle);
  if (event == nullptr || stream == nullptr || event->device != stream->device) {
    return call.give(cudaErrorInvalidResourceHandle);
  }
  event->recorded = simt::enqueue(*stream, nullptr);
  event->queries = 0;
  return call.give(cudaSuccess);
}

// Waits for what the event marks now; recording it again changes nothing for this wait.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream_handle, cudaEvent_t handle, unsigned flags) {
  Call call("cudaStreamWaitEvent");
  if (call.failed()) return call.error();
  Event* event = event_of(handle);
  Stream* stream = simt::stream_of(stream_handle);
  if (event == nullptr || stream == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (flags != cudaEventWaitDefault) return call.give(cudaErrorInvalidValue);
  if (event->recorded && !event->recorded->done) {
    simt::enqueue(*stream, nullptr, {event->recorded});
  }
  return call.give(cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  Call call("cudaEventSynchronize");
  if (call.failed()) return call.error();
  Event* event = event_of(handle);
  if (event == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  simt::count_wait();
  if (event->recorded) simt::finish(event->recorded);
  return call.give(simt::device_of(event->device).sticky);
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  Call call("cudaEventQuery");
  if (call.failed()) return call.error();
  Event* event = event_of(handle);
  if (event == nullptr) return call.give(cudaErrorInvalidResourceHandle);
  if (event->recorded && !event->recorded->done) {
    if (++event->queries <= kPolls) return call.give(cudaErrorNotReady);
    simt::finish(event->recorded);
  }
  return call.give(simt::device_of(event->device).sticky);
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start_handle, cudaEvent_t end_handle) {
  Call call("cudaEventElapsedTime");
  if (call.failed()) return call.error();
  Event* start = event_of(start_handle);
  Event* end = event_of(end_handle);
  if (ms == nullptr) return call.give(cudaErrorInvalidValue);
  if (start == nullptr || end == nullptr || start->device != end->device || !start->recorded ||
      !end->recorded || ((start->flags | end->flags) & cudaEventDisableTiming) != 0) {
    return call.give(cudaErrorInvalidResourceHandle);
  }
  if (!start->recorded->done || !end->recorded->done) return call.give(cudaErrorNotReady);
  *ms =
      std::chrono::duration<float, std::milli>(end->recorded->time - start->recorded->time).count();
  return call.give(cudaSuccess);
}
