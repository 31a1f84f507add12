#include "simt/control.h"

#include <algorithm>
#include <cstring>

#include "executor/violation.h"
#include "runtime/memory_guard.h"
#include "runtime/state.h"

namespace simt = lossmith::cuda::simt;
using simt::State;
using simt::state;

namespace {

using Lock = std::lock_guard<std::recursive_mutex>;

simt::Device& device_at(int device) {
  return simt::device_of(std::clamp(device, 0, simt::kMaxDevices - 1));
}

void drop_work(simt::Stream& stream) {
  for (const std::shared_ptr<simt::Work>& work : stream.queue) {
    work->run = nullptr;
    work->after.clear();
    work->done = true;
  }
  stream.queue.clear();
  stream.capturing = cudaStreamCaptureStatusNone;
}

}  // namespace

void lossmith_simt_reset() {
  State& s = state();
  const Lock lock(s.mutex);
  for (simt::Device& device : s.devices) {
    drop_work(device.legacy);
    for (const auto& stream : device.streams) drop_work(*stream);
  }
  simt::set_defaults(s);
  simt::apply_host_access();
}

void lossmith_simt_set_device_count(int count, int reason) {
  const Lock lock(state().mutex);
  state().device_count = std::clamp(count, 0, simt::kMaxDevices);
  state().no_device_reason = static_cast<cudaError_t>(reason);
}
void lossmith_simt_set_capability(int device, int major, int minor) {
  const Lock lock(state().mutex);
  device_at(device).major = major;
  device_at(device).minor = minor;
}
void lossmith_simt_set_multiprocessors(int device, int count) {
  const Lock lock(state().mutex);
  device_at(device).multiprocessors = count;
}
void lossmith_simt_set_memory_limit(int device, std::size_t bytes) {
  const Lock lock(state().mutex);
  device_at(device).memory = bytes;
}
std::size_t lossmith_simt_memory_used(int device) {
  const Lock lock(state().mutex);
  return device_at(device).used;
}
void lossmith_simt_set_sticky_error(int device, int error) {
  const Lock lock(state().mutex);
  device_at(device).sticky = static_cast<cudaError_t>(error);
}

void lossmith_simt_set_deferred(int deferred) {
  const Lock lock(state().mutex);
  state().deferred = deferred != 0;
}
void lossmith_simt_set_schedule_seed(std::uint64_t seed) {
  const Lock lock(state().mutex);
  state().seed = seed;
  state().random = simt::Random(seed);
}
void lossmith_simt_set_host_access(int allowed) {
  const Lock lock(state().mutex);
  state().host_access = allowed != 0;
  simt::apply_host_access();
}
void lossmith_simt_set_capturing(cudaStream_t handle, int status) {
  const Lock lock(state().mutex);
  simt::Stream* stream = simt::stream_of(handle);
  if (stream != nullptr) stream->capturing = static_cast<cudaStreamCaptureStatus>(status);
}

void lossmith_simt_fail_call(const char* function, int n, int error, int sticky) {
  const Lock lock(state().mutex);
  state().failures[function] = {n, static_cast<cudaError_t>(error), sticky != 0};
}

std::uint64_t lossmith_simt_counter(const char* name) {
  const Lock lock(state().mutex);
  const auto found = state().counters.find(name);
  return found != state().counters.end() ? found->second : 0;
}
void lossmith_simt_reset_counters() {
  const Lock lock(state().mutex);
  state().counters.clear();
}

int lossmith_simt_take_violation(char* text, std::size_t size) {
  std::string oldest;
  if (!simt::take_violation(&oldest)) return 0;
  if (text != nullptr && size > 0) {
    const std::size_t kept = std::min(oldest.size(), size - 1);
    std::memcpy(text, oldest.data(), kept);
    text[kept] = '\0';
  }
  return 1;
}
