// Where threads wait for each other: barriers of the block and operations of a warp.
#include <algorithm>
#include <string>

#include "executor/block.h"
#include "executor/violation.h"
#include "simt/shared_check.h"

namespace lossmith {
namespace cuda {
namespace simt {

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
    // A lane may still be on its way: it waits with another mask first, for others.
    const bool same_line = t.place.line == place.line || operation == Operation::syncwarp;
    if (t.operation != operation || t.mask != mask || !same_line) {
      wait();
      return;
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

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
