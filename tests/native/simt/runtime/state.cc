#include "runtime/state.h"

#include <cstdlib>

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

thread_local int device_of_thread = 0;
thread_local cudaError_t last_error = cudaSuccess;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

State& state() {
  // Never destroyed: other objects of the process may free device memory as late as they like.
  static State* const s = [] {
    State* made = new State;
    set_defaults(*made);
    return made;
  }();
  return *s;
}

void set_defaults(State& s) {
  s.device_count = static_cast<int>(number_from_environment("LOSSMITH_SIMT_DEVICES", 1));
  s.no_device_reason = cudaErrorNoDevice;
  s.deferred = number_from_environment("LOSSMITH_SIMT_DEFERRED", 1) != 0;
  s.seed = number_from_environment("LOSSMITH_SIMT_SEED", 0);
  s.host_access = number_from_environment("LOSSMITH_SIMT_PROTECT", 1) == 0;
  s.random = Random(s.seed);
  s.failures.clear();
  s.counters.clear();
  for (int i = 0; i < kMaxDevices; ++i) {
    Device& device = s.devices[i];
    device.major = 9;
    device.minor = 0;
    device.multiprocessors = 4;
    device.memory = std::size_t{8} << 30;
    device.sticky = cudaSuccess;
    device.legacy.device = i;
  }
}

int current_device() { return device_of_thread; }
void set_current_device(int device) { device_of_thread = device; }
Device& device_of(int index) { return state().devices[index]; }

Call::Call(const char* function, Needs needs) : lock_(state().mutex), needs_(needs) {
  State& s = state();
  ++s.counters[function];
  if (s.in_host_function) {
    error_ = cudaErrorNotPermitted;
  } else if (needs != nothing && s.device_count == 0) {
    error_ = s.no_device_reason;
  } else if (needs == a_healthy_device) {
    error_ = device_of(current_device()).sticky;
  }
  const auto ordered = s.failures.find(function);
  if (ordered != s.failures.end() && --ordered->second.calls == 0) {
    error_ = ordered->second.error;
    if (ordered->second.sticky) device_of(current_device()).sticky = error_;
    s.failures.erase(ordered);
  }
  if (failed()) last_error = error_;
}

Call::~Call() = default;

cudaError_t Call::give(cudaError_t error) {
  if (error == cudaSuccess && needs_ == a_healthy_device) {
    error = device_of(current_device()).sticky;
  }
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t last_error_of_thread() { return last_error; }
void set_last_error(cudaError_t error) { last_error = error; }

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
