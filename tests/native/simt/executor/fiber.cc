#include "executor/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

// Room for the frames of a kernel at -O1 with AddressSanitizer, and for the sanitizer's report.
constexpr std::size_t kStack = 256 * 1024;

// A stack of its own mapping with a guard page below: an overflow is a fault, not a surprise.
// Never unmapped.
class GuardedStack {
 public:
  explicit GuardedStack(int index) : index_(index) {}

  boost::context::stack_context allocate() {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t bytes = kStack + 2 * page;
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || ::mprotect(memory, page, PROT_NONE) != 0) throw std::bad_alloc();
    const std::size_t stagger = static_cast<std::size_t>(index_) * 320 % page / 64 * 64;
    boost::context::stack_context stack;
    stack.size = kStack + page - stagger;
    stack.sp = static_cast<char*>(memory) + page + stack.size;
    return stack;
  }
  void deallocate(boost::context::stack_context&) {}

 private:
  int index_;
};

// The fiber that the last switch left.
Fiber* left = nullptr;

}  // namespace

Fiber::Fiber(int index, void (*entry)(int)) {
  GuardedStack stacks(index);
  const boost::context::stack_context stack = stacks.allocate();
  bottom_ = static_cast<char*>(stack.sp) - stack.size;
  size_ = stack.size;
  context_ = boost::context::fiber(std::allocator_arg,
                                   boost::context::preallocated(stack.sp, stack.size, stack),
                                   stacks, [this, index, entry](boost::context::fiber&&) {
                                     arrived();
                                     entry(index);
                                     return boost::context::fiber();
                                   });
}

// Where the other fiber stopped is stored on the way into this one.
void Fiber::switch_from(Fiber& from) {
  left = &from;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fake_stack_, bottom_, size_);
#endif
  std::move(context_).resume_with([&from](boost::context::fiber&& previous) {
    from.context_ = std::move(previous);
    return boost::context::fiber();
  });
  from.arrived();
}

void Fiber::arrived() {
#if defined(__SANITIZE_ADDRESS__)
  // This is also how the bounds of the host thread's stack become known.
  __sanitizer_finish_switch_fiber(fake_stack_, &left->bottom_, &left->size_);
#endif
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
