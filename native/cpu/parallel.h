// Parallel loops over tasks. Results never depend on which thread runs a task.
#ifndef LOSSMITH_CPU_PARALLEL_H_
#define LOSSMITH_CPU_PARALLEL_H_

#include <omp.h>

#include <cstdint>

namespace lossmith {

// Makes library calls of this thread (oneDNN) single-threaded while it lives: parallelism is
// across tiles, and a tile's bits must not depend on the number of threads.
class SerialRegion {
 public:
  SerialRegion() : threads_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~SerialRegion() { omp_set_num_threads(threads_); }
  SerialRegion(const SerialRegion&) = delete;
  SerialRegion& operator=(const SerialRegion&) = delete;

 private:
  int threads_;
};

// body(task, thread) for task in [0, tasks). One task or one thread runs in the caller.
// The body must not throw.
template <class Body>
void parallel_tasks(int threads, std::int64_t tasks, Body&& body) {
  if (tasks <= 1 || threads == 1) {
    for (std::int64_t task = 0; task < tasks; ++task) body(task, 0);
    return;
  }
  const int team = tasks < threads ? static_cast<int>(tasks) : threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
  for (std::int64_t task = 0; task < tasks; ++task) body(task, omp_get_thread_num());
}

// body(begin, end, thread) over [0, count) in pieces of `grain` elements.
template <class Body>
void parallel_ranges(int threads, std::int64_t count, std::int64_t grain, Body&& body) {
  const std::int64_t tasks = (count + grain - 1) / grain;
  parallel_tasks(threads, tasks, [&](std::int64_t task, int thread) {
    const std::int64_t begin = task * grain;
    const std::int64_t end = begin + grain < count ? begin + grain : count;
    body(begin, end, thread);
  });
}

}  // namespace lossmith

#endif  // LOSSMITH_CPU_PARALLEL_H_
