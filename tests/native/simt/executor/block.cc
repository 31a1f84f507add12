#include "executor/block.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "executor/shared_state.h"
#include "executor/violation.h"

namespace lossmith {
namespace cuda {
namespace simt {

Running running;

Block& Block::instance() {
  // Never destroyed: its fibers are suspended for good when the process ends.
  static Block* const block = new Block;
  return *block;
}

bool Block::run(const Launch& launch, const uint3& index, std::uint64_t seed) {
  launch_ = &launch;
  seed_ = seed;
  random_ =
      Random(seed + index.x * 0x9e3779b1ull + index.y * 0x85ebca6bull + index.z * 0xc2b2ae35ull);
  start(index);
  const int first = next_ready();
  activate(first);
  thread(first).fiber->switch_from(host_);
  current_ = -1;
  if (!failed_ && exited_ < count_) diagnose();
  if (failed_) unwind_all();
  current_ = -1;
  return !failed_;
}

void Block::start(const uint3& index) {
  const dim3& extent = launch_->block;
  count_ = static_cast<int>(extent.x * extent.y * extent.z);
  if (threads_.capacity() < kMaxThreads) threads_.reserve(kMaxThreads);
  while (static_cast<int>(threads_.size()) < count_) {
    threads_.emplace_back();
    threads_.back().fiber =
        std::make_unique<Fiber>(static_cast<int>(threads_.size()) - 1, &Block::thread_main);
  }
  exited_ = arrived_ = predicates_ = 0;
  failed_ = false;
  for (int warp = 0; warp < kMaxThreads / kWarp; ++warp) met_[warp] = alive_[warp] = 0;
  if (clock_ > kLastClock / 2) {
    forget_all_accesses();
    for (Thread& t : threads_) {
      for (std::uint32_t& known : t.known) known = 0;
    }
    clock_ = 0;
  }
  tick();
  ++running.serial;
  start_shared(launch_->shared_bytes);
  running.block = index;
  running.block_dim = extent;
  running.grid_dim = launch_->grid;
  running.start_floor = clock_ << kWhoBits;
  running.block_floor = running.start_floor;
  int ids[kMaxThreads];
  for (int id = 0; id < count_; ++id) {
    Thread& t = thread(id);
    t.state = Thread::State::fresh;
    t.clock = clock_;
    t.arrivals.clear();
    t.groups = 0;
    alive_[id / kWarp] |= 1u << id % kWarp;
    const unsigned u = static_cast<unsigned>(id);
    t.index = {u % extent.x, u / extent.x % extent.y, u / extent.x / extent.y};
    ids[id] = id;
  }
  first_ = ready_ = 0;
  release(ids, count_, false);
}

void Block::tick() {
  if (clock_ >= kLastClock) {
    fail(current_, "more barriers in one block than the race check can count");
  }
  ++clock_;
}

void Block::thread_main(int id) {
  Block& block = instance();
  for (;;) {
    block.thread(id).state = Thread::State::runs;
    try {
      block.launch_->body();
    } catch (const Unwind&) {
    } catch (const std::exception& e) {
      block.failed_ = true;
      keep_violation("kernel " + block.launch_->kernel + ", block " + text_of(running.block) +
                     ", " + block.name_of_thread(id) + ": exception: " + e.what());
    }
    Thread& t = block.thread(id);
    t.state = Thread::State::exited;
    block.alive_[id / kWarp] &= ~(1u << id % kWarp);
    ++block.exited_;
    block.leave();
  }
}

void Block::activate(int id) {
  current_ = id;
  Thread& t = thread(id);
  running.thread = t.index;
  const std::uint32_t clock = t.clock << kWhoBits;
  running.stamp = clock | static_cast<std::uint32_t>(id);
  running.lanes_stamp = clock | (kLanes + static_cast<std::uint32_t>(id / kWarp));
  running.lane_bit = 1u << id % kWarp;
}

void Block::push(int id, bool front) {
  if (front) {
    first_ = (first_ + kMaxThreads - 1) % kMaxThreads;
    ring_[first_] = static_cast<std::uint16_t>(id);
  } else {
    ring_[(first_ + ready_) % kMaxThreads] = static_cast<std::uint16_t>(id);
  }
  ++ready_;
}

int Block::next_ready() {
  if (ready_ == 0) return -1;
  const int id = ring_[first_];
  first_ = (first_ + 1) % kMaxThreads;
  --ready_;
  return id;
}

// Without a seed threads go on in ascending order, the lanes of a warp before all others (their
// stacks are in the cache). A seed shuffles them, and may send them to the end of the line.
void Block::release(const int* ids, int count, bool warp) {
  int order[kMaxThreads];
  std::copy(ids, ids + count, order);
  bool front = warp;
  if (seed_ != 0) {
    for (int i = count - 1; i > 0; --i) {
      const int other = static_cast<int>(random_.below(static_cast<std::uint64_t>(i) + 1));
      std::swap(order[i], order[other]);
    }
    front = warp && random_.below(2) == 0;
  }
  for (int i = 0; i < count; ++i) {
    const int id = front ? order[count - 1 - i] : order[i];
    if (thread(id).state == Thread::State::waits) thread(id).state = Thread::State::ready;
    push(id, front);
  }
}

// The fiber of the running thread stops here until it is active again.
void Block::wait() {
  Thread& self = thread(current_);
  const int id = current_;
  const int next = next_ready();
  if (next != id) {
    if (next < 0) {
      host_.switch_from(*self.fiber);
    } else {
      activate(next);
      thread(next).fiber->switch_from(*self.fiber);
    }
  } else {
    activate(id);
  }
  self.state = Thread::State::runs;
  if (failed_) throw Unwind();
}

// The running thread has ended; its fiber stops here until the next block.
void Block::leave() {
  Thread& self = thread(current_);
  const int next = failed_ ? -1 : next_ready();
  if (next < 0) {
    host_.switch_from(*self.fiber);
  } else {
    activate(next);
    thread(next).fiber->switch_from(*self.fiber);
  }
}

// Suspended threads leave their kernel, so that what they hold is released.
void Block::unwind_all() {
  for (int id = 0; id < count_; ++id) {
    const Thread::State state = thread(id).state;
    if (state != Thread::State::waits && state != Thread::State::ready) continue;
    activate(id);
    thread(id).fiber->switch_from(host_);
  }
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
