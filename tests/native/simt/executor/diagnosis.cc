// What a block says about itself when threads break a rule.
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "executor/block.h"
#include "executor/violation.h"

namespace lossmith {
namespace cuda {
namespace simt {

std::string text_of(const Thread& waiting) {
  std::string text = name_of(waiting.operation);
  if (waiting.operation >= Operation::syncwarp) {
    char mask[32];
    std::snprintf(mask, sizeof mask, " with mask 0x%08x", waiting.mask);
    text += mask;
  }
  return text + " at " + text_of(waiting.place);
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

// The lanes that a thread in an operation of its warp still waits for.
std::string Block::missing(int id) {
  const Thread& t = thread(id);
  if (t.operation < Operation::syncwarp || t.state != Thread::State::waits) return "";
  const unsigned lanes = t.mask & ~met_[id / kWarp];
  if (lanes == 0) return "";
  const int count = __builtin_popcount(lanes);
  return ", without " + name_of_thread(id / kWarp * kWarp + __builtin_ctz(lanes)) +
         (count > 1 ? " and " + std::to_string(count - 1) + " more" : "");
}

// Threads wait, and none of them can go on, or they wait for different things: says who does what.
void Block::diagnose() {
  std::map<std::string, std::vector<int>> groups;
  std::vector<std::string> in_order;
  int reported = -1;
  for (int id = 0; id < count_; ++id) {
    const Thread& t = thread(id);
    const bool waits = t.state == Thread::State::waits;
    if (!waits && t.state != Thread::State::exited) continue;
    if (waits && reported < 0) reported = id;
    const std::string what = waits ? " in " + text_of(t) + missing(id) : " exited";
    std::vector<int>& group = groups[what];
    if (group.empty()) in_order.push_back(what);
    group.push_back(id);
  }
  std::string text;
  for (const std::string& what : in_order) {
    const std::vector<int>& group = groups[what];
    text += text.empty() ? "" : "; ";
    text += name_of_thread(group.front());
    if (group.size() > 1) text += " and " + std::to_string(group.size() - 1) + " more";
    text += what;
  }
  record(reported, "barrier divergence: " + text);
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
