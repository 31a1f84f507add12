// Streams as queues of work, and who waits for whom.
#include <algorithm>
#include <utility>

#include "runtime/memory_guard.h"
#include "runtime/state.h"

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

void run_first(Stream& stream) {
  const std::shared_ptr<Work> work = stream.queue.front();
  for (const std::shared_ptr<Work>& other : work->after) finish(other);
  // Nothing runs on a device that has failed, and nobody waits for it for ever.
  Device& device = device_of(stream.device);
  if (work->run && device.sticky == cudaSuccess) {
    const cudaError_t error = work->run();
    if (error != cudaSuccess && device.sticky == cudaSuccess) device.sticky = error;
  }
  work->run = nullptr;
  work->after.clear();
  work->done = true;
  work->time = std::chrono::steady_clock::now();
  stream.queue.pop_front();
}

void add_last(const Stream& stream, std::vector<std::shared_ptr<Work>>& to) {
  if (!stream.queue.empty()) to.push_back(stream.queue.back());
}

bool is_blocking(const Stream& stream) { return (stream.flags & cudaStreamNonBlocking) == 0; }

}  // namespace

Stream* stream_of(cudaStream_t handle) {
  Device& device = device_of(current_device());
  if (handle == nullptr || handle == cudaStreamLegacy) return &device.legacy;
  for (int i = 0; i < state().device_count; ++i) {
    for (const std::unique_ptr<Stream>& stream : device_of(i).streams) {
      if (reinterpret_cast<cudaStream_t>(stream.get()) == handle && !stream->destroyed) {
        return stream.get();
      }
    }
  }
  return nullptr;
}

// The legacy default stream waits for all blocking streams of its device, and they for it.
std::shared_ptr<Work> enqueue(Stream& stream, std::function<cudaError_t()> run,
                              std::vector<std::shared_ptr<Work>> after) {
  Device& device = device_of(stream.device);
  if (&stream == &device.legacy) {
    for (const std::unique_ptr<Stream>& other : device.streams) {
      if (is_blocking(*other)) add_last(*other, after);
    }
  } else if (is_blocking(stream)) {
    add_last(device.legacy, after);
  }
  auto work = std::make_shared<Work>();
  work->stream = &stream;
  work->run = std::move(run);
  work->after = std::move(after);
  stream.queue.push_back(work);
  if (!state().deferred) finish(work);
  return work;
}

void finish(const std::shared_ptr<Work>& work) {
  const MemoryOpening opening;
  while (!work->done) run_first(*work->stream);
}

void finish(Stream& stream) {
  const MemoryOpening opening;
  while (!stream.queue.empty()) run_first(stream);
}

// The order of independent streams is the seed's.
void finish(Device& device) {
  State& s = state();
  const MemoryOpening opening;
  std::vector<Stream*> busy;
  const auto consider = [&](Stream& stream) {
    if (!stream.queue.empty()) busy.push_back(&stream);
  };
  for (;;) {
    busy.clear();
    consider(device.legacy);
    for (const std::unique_ptr<Stream>& stream : device.streams) consider(*stream);
    if (busy.empty()) break;
    const std::uint64_t which = s.seed == 0 ? 0 : s.random.below(busy.size());
    run_first(*busy[which]);
  }
  forget_destroyed_streams(device);
}

void forget_destroyed_streams(Device& device) {
  const auto gone = [](const std::unique_ptr<Stream>& stream) {
    return stream->destroyed && stream->queue.empty();
  };
  device.streams.erase(std::remove_if(device.streams.begin(), device.streams.end(), gone),
                       device.streams.end());
}

void count_wait() { ++state().counters["waits"]; }

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
