// Owning handles of the C ABI.
#ifndef LOSSMITH_TESTS_SUPPORT_CONTEXT_H_
#define LOSSMITH_TESTS_SUPPORT_CONTEXT_H_

#include <stdexcept>

#include "lossmith/tensor.h"
#include "support/device.h"

namespace lossmith_test {

// A context on the device of the tests.
class Context {
 public:
  explicit Context(int32_t threads = 2, int64_t budget = 0) {
    lsm_context_options options{};
    options.device = TestDevice();
    options.threads = threads;
    options.budget = budget;
    if (lsm_context_create(&options, &handle_) != LSM_OK) {
      throw std::runtime_error(lsm_last_error());
    }
  }
  ~Context() { lsm_context_destroy(handle_); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  operator lsm_context() const { return handle_; }

 private:
  lsm_context handle_ = nullptr;
};

class OwnedTensor {
 public:
  OwnedTensor() = default;
  ~OwnedTensor() { lsm_tensor_destroy(handle_); }
  OwnedTensor(const OwnedTensor&) = delete;
  OwnedTensor& operator=(const OwnedTensor&) = delete;

  // Where a function of the C ABI puts the new tensor.
  lsm_output* receive() { return &handle_; }
  lsm_output get() const { return handle_; }

 private:
  lsm_output handle_ = nullptr;
};

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_CONTEXT_H_
