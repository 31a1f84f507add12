// Barriers of a block, and fences.
#ifndef LOSSMITH_SIMT_BARRIER_H_
#define LOSSMITH_SIMT_BARRIER_H_

#include "simt/thread.h"

namespace lossmith {
namespace cuda {
namespace simt {

// Waits for all threads of the block in this operation at this line; gives the number of threads
// whose predicate holds.
int block_barrier(Operation operation, bool predicate, Place place);

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  using namespace lossmith::cuda::simt;
  block_barrier(Operation::syncthreads, false, {file, line});
}
inline int __syncthreads_count(int predicate, const char* file = __builtin_FILE(),
                               int line = __builtin_LINE()) {
  using namespace lossmith::cuda::simt;
  return block_barrier(Operation::syncthreads_count, predicate != 0, {file, line});
}
inline int __syncthreads_or(int predicate, const char* file = __builtin_FILE(),
                            int line = __builtin_LINE()) {
  using namespace lossmith::cuda::simt;
  return block_barrier(Operation::syncthreads_or, predicate != 0, {file, line}) != 0;
}
// All threads hold the predicate where none fails it.
inline int __syncthreads_and(int predicate, const char* file = __builtin_FILE(),
                             int line = __builtin_LINE()) {
  using namespace lossmith::cuda::simt;
  return block_barrier(Operation::syncthreads_and, predicate == 0, {file, line}) == 0;
}

// Blocks run one after another and threads in turn: memory is always in order.
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

[[noreturn]] inline void __trap() { lossmith::cuda::simt::trap(); }

#endif  // LOSSMITH_SIMT_BARRIER_H_
