// The device that the tests of the C ABI run on. The same executables serve the CPU, a GPU and the
// simulated GPU of tests/native/simt; the environment decides:
//   LOSSMITH_TEST_DEVICE     "cpu" (default) or "cuda:N"
//   LOSSMITH_TEST_SIMULATED  "1": that CUDA device is the simulated one
#ifndef LOSSMITH_TESTS_SUPPORT_DEVICE_H_
#define LOSSMITH_TESTS_SUPPORT_DEVICE_H_

#include <cstdint>

#include "lossmith/base.h"

namespace lossmith_test {

lsm_device TestDevice();
// Whether that is a device with memory of its own, real or simulated.
bool OnDevice();
bool OnSimulatedDevice();
inline bool OnRealDevice() { return OnDevice() && !OnSimulatedDevice(); }

// `full` everywhere but on the simulated device, where every CUDA thread is a function call: there
// `small`, which must still reach what the test is about.
inline int64_t Size(int64_t full, int64_t small) { return OnSimulatedDevice() ? small : full; }

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_DEVICE_H_
