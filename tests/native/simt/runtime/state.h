// What the simulated CUDA runtime knows: devices, memory, streams, events, and what tests ordered.
// One lock for everything; it is held while work runs, so host threads take turns.
#ifndef LOSSMITH_SIMT_RUNTIME_STATE_H_
#define LOSSMITH_SIMT_RUNTIME_STATE_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda_runtime_api.h"
#include "executor/random.h"

namespace lossmith {
namespace cuda {
namespace simt {

struct Stream;

// One piece of queued work. It runs after all work queued on its stream before, and after `after`.
struct Work {
  Stream* stream = nullptr;
  std::function<cudaError_t()> run;
  std::vector<std::shared_ptr<Work>> after;
  bool done = false;
  std::chrono::steady_clock::time_point time;  // when it was done
};

struct Stream {
  int device = 0;
  unsigned flags = cudaStreamDefault;
  bool destroyed = false;
  cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
  std::deque<std::shared_ptr<Work>> queue;
  int queries = 0;  // without an answer
};

struct Event {
  int device = 0;
  unsigned flags = cudaEventDefault;
  std::shared_ptr<Work> recorded;
  int queries = 0;
};

struct Device {
  int major = 9, minor = 0;
  int multiprocessors = 4;
  std::size_t memory = std::size_t{8} << 30;
  std::size_t used = 0;
  cudaError_t sticky = cudaSuccess;
  Stream legacy;
  std::vector<std::unique_ptr<Stream>> streams;
};

struct Allocation {
  std::size_t bytes;
  int device;
  bool pinned;  // host memory
};

struct OrderedFailure {
  int calls;  // until it happens
  cudaError_t error;
  bool sticky;
};

constexpr int kMaxDevices = 8;

struct State {
  std::recursive_mutex mutex;
  Device devices[kMaxDevices];
  int device_count = 1;
  cudaError_t no_device_reason = cudaErrorNoDevice;
  std::map<std::uintptr_t, Allocation> allocations;
  std::map<Event*, std::unique_ptr<Event>> events;
  bool deferred = true;
  std::uint64_t seed = 0;
  Random random;
  std::uint64_t launches = 0;
  bool host_access = false;
  bool in_host_function = false;
  std::map<std::string, std::uint64_t> counters;
  std::map<std::string, OrderedFailure> failures;
};

State& state();
void set_defaults(State& s);
int current_device();  // of the calling host thread, as is the last error
void set_current_device(int device);
cudaError_t last_error_of_thread();
void set_last_error(cudaError_t error);
Device& device_of(int index);

// The allocation that holds [p, p + bytes), or null.
const Allocation* allocation_at(const void* p, std::size_t bytes);

// queue.cc: the streams of the current device, and the work on them.
Stream* stream_of(cudaStream_t handle);  // null: no such stream
std::shared_ptr<Work> enqueue(Stream& stream, std::function<cudaError_t()> run,
                              std::vector<std::shared_ptr<Work>> after = {});
void finish(const std::shared_ptr<Work>& work);  // runs it and what it waits for
void finish(Stream& stream);
void finish(Device& device);
void forget_destroyed_streams(Device& device);
void count_wait();

// What a function of the API does first: takes the lock, counts the call, and finds out whether it
// must fail. The error it gives back becomes the thread's last error.
class Call {
 public:
  enum Needs { nothing, a_device, a_healthy_device };
  explicit Call(const char* function, Needs needs = a_healthy_device);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool failed() const { return error_ != cudaSuccess; }
  cudaError_t error() const { return error_; }
  // Gives `error`; success becomes the error that the device has run into.
  cudaError_t give(cudaError_t error);

 private:
  std::lock_guard<std::recursive_mutex> lock_;
  Needs needs_;
  cudaError_t error_ = cudaSuccess;
};

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_RUNTIME_STATE_H_
