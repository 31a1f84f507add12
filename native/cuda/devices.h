// The CUDA devices of this machine, or why there are none.
#ifndef LOSSMITH_CUDA_DEVICES_H_
#define LOSSMITH_CUDA_DEVICES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace lossmith {
namespace cuda {

// "80 90": what this build holds kernels for.
#if defined(LOSSMITH_CUDA_ARCHITECTURES)
constexpr const char* kArchitectures = LOSSMITH_CUDA_ARCHITECTURES;
#else
constexpr const char* kArchitectures = "simulated";
#endif

struct Device {
  std::string name;
  int capability = 0;  // 10 major + minor
  std::int64_t memory = 0;
  int multiprocessors = 0;
};

struct Devices {
  std::vector<Device> list;
  std::string reason;  // why the list is empty
  int driver = 0;      // newest CUDA version of the driver, 1000 major + 10 minor; 0: no driver
  int runtime = 0;     // version that this build holds
};

// Asks the runtime; a failure is a reason, not an error.
Devices discover_devices();

// The same, asked once. LOSSMITH_CUDA=off hides all devices, and no CUDA function is called then.
const Devices& devices();

// Throws LSM_UNSUPPORTED where there are none, LSM_INVALID_ARGUMENT where the index is not one of
// them.
void expect_device(const Devices& devices, int index);

// What lsm_describe says: the members of the backend's object, and the devices' objects.
std::string describe_backend(const Devices& devices);
std::string describe_list(const Devices& devices);

// A JSON string.
std::string json_text(const std::string& text);

// Devices that this process has queued work on. Waiting ignores errors: those of the work are
// reported by the calls of its context.
void mark_used(int device);
void wait_for_used_devices() noexcept;

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_DEVICES_H_
