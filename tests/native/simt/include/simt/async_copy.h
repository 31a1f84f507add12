// cp.async: 16 bytes from global to shared memory that arrive no sooner than a wait says so.
#ifndef LOSSMITH_SIMT_ASYNC_COPY_H_
#define LOSSMITH_SIMT_ASYNC_COPY_H_

#include "simt/shared.h"

namespace lossmith {
namespace cuda {
namespace simt {

// Until the wait the 16 bytes at the target count as never written.
void async_copy(std::uint32_t offset, const void* from, int bytes, std::uint32_t array,
                std::uint32_t element);
void async_commit();
void async_wait(int newest);

struct alignas(16) Sixteen {
  unsigned char bytes[16];
};

}  // namespace simt

template <class T>
inline void cp_async16(Shared<T> to, const T* from, int bytes) {
  to.template check_place<simt::Sixteen>("cp_async16");
  simt::async_copy(static_cast<std::uint32_t>(to.offset()), from, bytes, to.range().array,
                   sizeof(T));
}
inline void cp_async_commit() { simt::async_commit(); }
template <int N>
inline void cp_async_wait() {
  static_assert(N >= 0, "a number of groups");
  simt::async_wait(N);
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_ASYNC_COPY_H_
