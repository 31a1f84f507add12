#include "support/device.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace lossmith_test {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

lsm_device Parsed(const std::string& text) {
  const std::string kCuda = "cuda:";
  if (text.empty() || text == "cpu") return {LSM_CPU, 0};
  if (text.compare(0, kCuda.size(), kCuda) == 0) {
    return {LSM_CUDA, std::stoi(text.substr(kCuda.size()))};
  }
  throw std::invalid_argument("LOSSMITH_TEST_DEVICE: expected cpu or cuda:N, got " + text);
}

}  // namespace

lsm_device TestDevice() {
  static const lsm_device device = Parsed(Environment("LOSSMITH_TEST_DEVICE"));
  return device;
}

bool OnDevice() { return TestDevice().type != LSM_CPU; }

bool OnSimulatedDevice() {
  static const bool simulated = OnDevice() && Environment("LOSSMITH_TEST_SIMULATED") == "1";
  return simulated;
}

}  // namespace lossmith_test
