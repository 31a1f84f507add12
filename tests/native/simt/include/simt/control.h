// What tests ask of the simulated devices, beyond CUDA: how many there are, what fails, what broke.
// C functions, so that a library that holds the simulation can show them; below them the same in
// C++. All settings apply to the whole process.
#ifndef LOSSMITH_SIMT_CONTROL_H_
#define LOSSMITH_SIMT_CONTROL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cuda_runtime_api.h"

#pragma GCC visibility push(default)
extern "C" {

// Everything as at the start of the process, all devices healthy. Memory that is still allocated
// stays; work that is still queued is dropped. Violations are kept.
void lossmith_simt_reset(void);

// 0 to 8 devices. With none, calls give `reason` (cudaErrorNoDevice, cudaErrorInsufficientDriver,
// ...).
void lossmith_simt_set_device_count(int count, int reason);
void lossmith_simt_set_capability(int device, int major, int minor);  // 9.0
void lossmith_simt_set_multiprocessors(int device, int count);        // 4
void lossmith_simt_set_memory_limit(int device, std::size_t bytes);   // 8 GiB
std::size_t lossmith_simt_memory_used(int device);
// The error that all calls on the device give from now on; cudaSuccess heals it.
void lossmith_simt_set_sticky_error(int device, int error);

// Whether work waits until something waits for it, and the order in which threads, warps, blocks
// and independent streams run (0: ascending).
void lossmith_simt_set_deferred(int deferred);
void lossmith_simt_set_schedule_seed(std::uint64_t seed);
// Whether the host may touch device memory between kernels.
void lossmith_simt_set_host_access(int allowed);
void lossmith_simt_set_capturing(cudaStream_t stream, int status);

// The n-th call from now on (1: the next) of a function of the runtime, "cudaLaunchKernel" for
// launches, gives `error` and does nothing. Sticky: the device gives it from then on.
void lossmith_simt_fail_call(const char* function, int n, int error, int sticky);

// How often a function was called since the last reset_counters. Beyond CUDA's names:
// "kernel NAME" launches of one kernel, "waits" occasions on which a host thread waited for a device.
std::uint64_t lossmith_simt_counter(const char* name);
void lossmith_simt_reset_counters(void);

// Removes the oldest violation and writes it to text, cut to size, with a final zero. Gives 0 if
// there was none. A process that ends with violations left prints them and exits with status 86.
int lossmith_simt_take_violation(char* text, std::size_t size);

}  // extern "C"
#pragma GCC visibility pop

namespace lossmith {
namespace cuda {
namespace simt {

inline void reset() { lossmith_simt_reset(); }
inline void set_device_count(int count, cudaError_t reason = cudaErrorNoDevice) {
  lossmith_simt_set_device_count(count, reason);
}
inline void set_capability(int device, int major, int minor) {
  lossmith_simt_set_capability(device, major, minor);
}
inline void set_multiprocessors(int device, int count) {
  lossmith_simt_set_multiprocessors(device, count);
}
inline void set_memory_limit(int device, std::size_t bytes) {
  lossmith_simt_set_memory_limit(device, bytes);
}
inline std::size_t memory_used(int device) { return lossmith_simt_memory_used(device); }
inline void set_sticky_error(int device, cudaError_t error) {
  lossmith_simt_set_sticky_error(device, error);
}
inline void set_deferred(bool deferred) { lossmith_simt_set_deferred(deferred ? 1 : 0); }
inline void set_schedule_seed(std::uint64_t seed) { lossmith_simt_set_schedule_seed(seed); }
inline void set_host_access(bool allowed) { lossmith_simt_set_host_access(allowed ? 1 : 0); }
inline void set_capturing(cudaStream_t stream, cudaStreamCaptureStatus status) {
  lossmith_simt_set_capturing(stream, status);
}
inline void fail_call(const char* function, int n, cudaError_t error, bool sticky = false) {
  lossmith_simt_fail_call(function, n, error, sticky ? 1 : 0);
}
inline std::uint64_t counter(const char* name) { return lossmith_simt_counter(name); }
inline void reset_counters() { lossmith_simt_reset_counters(); }

inline std::vector<std::string> take_violations() {
  std::vector<std::string> all;
  char text[4096];
  while (lossmith_simt_take_violation(text, sizeof text) != 0) all.emplace_back(text);
  return all;
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_CONTROL_H_
