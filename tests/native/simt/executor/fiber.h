// Fibers: stacks that one host thread switches between.
#ifndef LOSSMITH_SIMT_EXECUTOR_FIBER_H_
#define LOSSMITH_SIMT_EXECUTOR_FIBER_H_

#include <boost/context/fiber.hpp>
#include <cstddef>

namespace lossmith {
namespace cuda {
namespace simt {

// One stack and what runs on it. A fiber made by the default constructor stands for the stack of
// the host thread that switches first. Fibers live until the end of the process, and may go on
// under another host thread than before as long as one at a time runs them.
class Fiber {
 public:
  Fiber() = default;
  // `entry` runs at the first switch and never returns. `index` staggers the stacks, which would
  // otherwise compete for the same lines of the cache.
  Fiber(int index, void (*entry)(int));
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Goes on with this fiber until some fiber switches back to `from`, the one that runs now.
  void switch_from(Fiber& from);

 private:
  void arrived();

  boost::context::fiber context_;
  // For AddressSanitizer, which must know the stack that runs.
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
  void* fake_stack_ = nullptr;
};

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_EXECUTOR_FIBER_H_
