// Errors inside the library are exceptions; the C ABI turns them into a status and a message.
#ifndef LOSSMITH_CORE_STATUS_H_
#define LOSSMITH_CORE_STATUS_H_

#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "lossmith/base.h"

namespace lossmith {

class Error : public std::runtime_error {
 public:
  Error(lsm_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  lsm_status status() const { return status_; }

 private:
  lsm_status status_;
};

// "argument: expected ..., got ...": the one shape of an argument error.
template <class Expected, class Got>
[[noreturn]] void reject(const char* argument, const Expected& expected, const Got& got) {
  std::ostringstream text;
  text.precision(10);
  text << argument << ": expected " << expected << ", got " << got;
  throw Error(LSM_INVALID_ARGUMENT, text.str());
}

// Remembers the message for lsm_last_error of this thread.
void set_last_error(const std::string& message) noexcept;

// Runs the body of a C entry point. No exception may cross the C ABI.
template <class Body>
lsm_status guard(Body&& body) noexcept {
  try {
    std::forward<Body>(body)();
    return LSM_OK;
  } catch (const Error& e) {
    set_last_error(e.what());
    return e.status();
  } catch (const std::bad_alloc&) {
    set_last_error("memory: allocation failed");
    return LSM_OUT_OF_MEMORY;
  } catch (const std::exception& e) {
    set_last_error(std::string("internal error: ") + e.what());
    return LSM_INTERNAL;
  } catch (...) {
    set_last_error("internal error: unknown exception");
    return LSM_INTERNAL;
  }
}

}  // namespace lossmith

#endif  // LOSSMITH_CORE_STATUS_H_
