#include "core/status.h"

namespace lossmith {
namespace {
thread_local std::string last_error;
}  // namespace

void set_last_error(const std::string& message) noexcept {
  try {
    last_error = message;
  } catch (...) {
    last_error.clear();
  }
}

}  // namespace lossmith

extern "C" const char* lsm_last_error(void) { return lossmith::last_error.c_str(); }
