// One block of threads: who runs, who waits for what.
#ifndef LOSSMITH_SIMT_EXECUTOR_BLOCK_H_
#define LOSSMITH_SIMT_EXECUTOR_BLOCK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "executor/fiber.h"
#include "executor/random.h"
#include "simt/async_copy.h"
#include "simt/warp.h"

namespace lossmith {
namespace cuda {
namespace simt {

struct Launch {
  std::string kernel;
  dim3 grid, block;
  unsigned shared_bytes = 0;
  std::function<void()> body;
};

// 16 bytes on their way to shared memory.
struct Arrival {
  Sixteen data;
  std::uint32_t offset, array, element;
  int group;
};

struct Thread {
  enum class State : std::uint8_t { fresh, ready, runs, waits, exited };

  std::unique_ptr<Fiber> fiber;
  State state = State::fresh;
  Operation operation = Operation::none;  // what it waits in
  Place place = {"", 0};
  unsigned mask = 0;        // the lanes it waits for
  void* brought = nullptr;  // to an operation of the warp
  uint3 index = {0, 0, 0};
  std::uint32_t clock = 0;
  // Lane l of this warp: accesses of l with a clock below known[l] happened before, by __syncwarp.
  std::uint32_t known[kWarp] = {};
  std::vector<Arrival> arrivals;
  int groups = 0;  // committed
};

// "__shfl_sync with mask 0x0000ffff at file:line"
std::string text_of(const Thread& waiting);

class Block {
 public:
  // There is one: blocks run one after another.
  static Block& instance();

  // Runs all threads of a block; false if they broke a rule, which is then kept.
  bool run(const Launch& launch, const uint3& index, std::uint64_t seed);

  // For the running thread.
  int barrier(Operation operation, bool predicate, Place place);
  void meet(Operation operation, unsigned mask, void* brought, Complete complete, Place place);
  void sync_warp(unsigned mask);  // once its lanes have met: orders their accesses
  [[noreturn]] void fail(int thread, const std::string& text);

  bool runs() const { return current_ >= 0; }
  int current() const { return current_; }
  int threads() const { return count_; }
  Thread& thread(int id) { return threads_[static_cast<std::size_t>(id)]; }
  const Launch& launch() const { return *launch_; }
  std::string name_of_thread(int id);

 private:
  Block() = default;
  static void thread_main(int id);
  void start(const uint3& index);
  void tick();
  void activate(int id);
  int next_ready();
  void push(int id, bool front);
  void release(const int* ids, int count, bool warp);
  void wait();  // until another thread makes this one ready
  void leave();
  std::string here();
  void record(int id, const std::string& text);
  std::string missing(int id);
  void diagnose();
  void unwind_all();

  const Launch* launch_ = nullptr;
  std::vector<Thread> threads_;
  int count_ = 0, exited_ = 0;
  int arrived_ = 0, last_arrived_ = 0, predicates_ = 0, result_ = 0;  // at the barrier
  // Lanes of each warp: those that run or wait, and those that wait in an operation of the warp.
  unsigned alive_[kMaxThreads / kWarp] = {}, met_[kMaxThreads / kWarp] = {};
  int current_ = -1;
  bool failed_ = false;
  std::uint32_t clock_ = 0;
  std::uint64_t seed_ = 0;
  Random random_;
  Fiber host_;
  // Threads that may go on: a ring, each thread at most once.
  std::uint16_t ring_[kMaxThreads] = {};
  unsigned first_ = 0, ready_ = 0;
};

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_EXECUTOR_BLOCK_H_
