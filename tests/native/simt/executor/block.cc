#include "executor/block.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <utility>

#include "executor/shared_state.h"
#include "executor/violation.h"

namespace lossmith {
namespace cuda {
namespace simt {

Running running;

std::string text_of(const Thread& waiting) {
  std::string text = name_of(waiting.operation);
  if (waiting.operation >= Operation::syncwarp) {
    char mask[32];
    std::snprintf(mask, sizeof mask, " with mask 0x%08x", waiting.mask);
    text += mask;
  }
  return text + " at " + text_of(waiting.place);
}

Block& Block::instance() {
  // Never destroyed: its fibers are suspended for good when the process ends.
  static Block* const block = new Block;
  return *block;
}

bool Block::run(const Launch& launch, const uint3& index, std::uint64_t seed) {
  launch_ = &launch;
  seed_ = seed;
  random_ = Random(seed + running.serial);
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

int Block::barrier(Operation operation, bool predicate, Place place) {
  Thread& self = thread(current_);
  self.operation = operation;
  self.place = place;
  self.state = Thread::State::waits;
  if (arrived_ > 0) {
    const Thread& other = thread(last_arrived_);
    if (other.operation != operation || other.place.line != place.line) {
      diagnose();
      throw Unwind();
    }
  }
  last_arrived_ = current_;
  ++arrived_;
  predicates_ += predicate ? 1 : 0;
  if (arrived_ == count_) {
    result_ = predicates_;
    arrived_ = predicates_ = 0;
    tick();
    running.block_floor = clock_ << kWhoBits;
    int ids[kMaxThreads];
    for (int id = 0; id < count_; ++id) {
      ids[id] = id;
      thread(id).clock = clock_;
    }
    release(ids, count_, false);
  }
  wait();
  return result_;
}

void Block::meet(Operation operation, unsigned mask, void* brought, Complete complete,
                 Place place) {
  Thread& self = thread(current_);
  const int warp = current_ / kWarp;
  const int lane = current_ % kWarp;
  self.operation = operation;
  self.place = place;
  self.mask = mask;
  self.brought = brought;
  self.state = Thread::State::waits;
  if ((mask >> lane & 1u) == 0) fail(current_, "the mask does not hold the calling lane" + here());
  const unsigned gone = mask & ~alive_[warp];
  if (gone != 0) {
    const int id = warp * kWarp + __builtin_ctz(gone);
    fail(current_, "the mask names lane " + std::to_string(id % kWarp) + ", which " +
                       (id < count_ ? "has exited" : "does not exist") + here());
  }
  met_[warp] |= 1u << lane;
  if ((met_[warp] & mask) != mask) {
    wait();
    return;
  }
  void* all[kWarp] = {};
  int others[kWarp];
  int count = 0;
  for (int l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1u) == 0) continue;
    const int id = warp * kWarp + l;
    const Thread& t = thread(id);
    const bool same_line = t.place.line == place.line || operation == Operation::syncwarp;
    if (t.operation != operation || t.mask != mask || !same_line) {
      diagnose();
      throw Unwind();
    }
    all[l] = t.brought;
    if (id != current_ || seed_ != 0) others[count++] = id;
  }
  met_[warp] &= ~mask;
  complete(all, mask);
  release(others, count, true);
  if (seed_ != 0) {
    wait();
  } else {
    self.state = Thread::State::runs;
    activate(current_);  // with the clock it has now
  }
}

void Block::sync_warp(unsigned mask) {
  tick();
  const int warp = current_ / kWarp;
  std::uint32_t known[kWarp] = {};
  for (int l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1u) == 0) continue;
    const Thread& t = thread(warp * kWarp + l);
    for (int k = 0; k < kWarp; ++k) known[k] = std::max(known[k], t.known[k]);
  }
  for (int l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1u) != 0) known[l] = clock_;
  }
  for (int l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1u) == 0) continue;
    Thread& t = thread(warp * kWarp + l);
    t.clock = clock_;
    std::copy(known, known + kWarp, t.known);
  }
}

void Block::fail(int id, const std::string& text) {
  record(id, text);
  throw Unwind();
}

void Block::record(int id, const std::string& text) {
  failed_ = true;
  keep_violation("kernel " + launch_->kernel + ", block " + text_of(running.block) + ", " +
                 name_of_thread(id) + ": " + text);
}

std::string Block::name_of_thread(int id) { return "thread " + text_of(thread(id).index); }

// What the running thread is about to wait in.
std::string Block::here() {
  const Thread& t = thread(current_);
  return ": " + text_of(t);
}

// Threads wait, and none of them can go on, or they wait for different things: says who does what.
void Block::diagnose() {
  std::string text;
  int reported = -1;
  std::vector<bool> told(static_cast<std::size_t>(count_), false);
  for (int id = 0; id < count_; ++id) {
    const Thread& t = thread(id);
    const bool exited = t.state == Thread::State::exited;
    if (told[static_cast<std::size_t>(id)] || (!exited && t.state != Thread::State::waits))
      continue;
    int same = 0;
    for (int other = id; other < count_; ++other) {
      const Thread& o = thread(other);
      if (o.state != t.state || (!exited && text_of(o) != text_of(t))) continue;
      told[static_cast<std::size_t>(other)] = true;
      ++same;
    }
    if (!exited && reported < 0) reported = id;
    text += text.empty() ? "" : "; ";
    text += name_of_thread(id);
    if (same > 1) text += " and " + std::to_string(same - 1) + " more";
    text += exited ? " exited" : " in " + text_of(t);
  }
  record(reported, "barrier divergence: " + text);
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
