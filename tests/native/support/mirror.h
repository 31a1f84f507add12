// The tensors of one call on the device of the tests. Each block of host memory that a tensor lies
// in is copied whole to memory of the device, and comes back whole after the call: what the call
// wrote beside the elements is seen as on the CPU. On the CPU nothing is copied, and the views are
// those of the host tensors: a warm call allocates nothing.
//
//   Mirror device;
//   lsm_infonce(context, &options, device.View(&x), device.View(&y), ...);
//   device.Return(context);
#ifndef LOSSMITH_TESTS_SUPPORT_MIRROR_H_
#define LOSSMITH_TESTS_SUPPORT_MIRROR_H_

#include <list>
#include <optional>

#include "lossmith/tensor.h"
#include "support/context.h"
#include "support/host_tensor.h"

namespace lossmith_test {

class Mirror {
 public:
  Mirror() = default;
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  // A view of the tensor's copy; valid as long as this object and the tensor. NULL stays NULL.
  lsm_tensor* View(HostTensor* tensor);
  lsm_tensor* View(std::optional<HostTensor>& tensor) { return tensor ? View(&*tensor) : nullptr; }
  // The same for any view of host memory that lies in the `bytes` bytes from `memory` on.
  lsm_tensor* View(const lsm_tensor& host, void* memory, size_t bytes);

  // Waits for the context's stream and copies every block back.
  void Return(lsm_context context);

 private:
  struct Block {
    unsigned char* host;
    size_t bytes;
    OwnedTensor device;
  };
  Block& BlockOf(void* memory, size_t bytes);

  std::list<Block> blocks_;  // addresses of the entries stay valid
  std::list<lsm_tensor> views_;
};

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_MIRROR_H_
