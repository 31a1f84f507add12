#include "executor/violation.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <mutex>

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

// At the end of the process nothing may be left: a test that does not ask fails nevertheless.
struct Kept {
  std::mutex mutex;
  std::deque<std::string> texts;
  ~Kept() {
    if (texts.empty()) return;
    for (const std::string& text : texts) std::fprintf(stderr, "simt: %s\n", text.c_str());
    std::fflush(stderr);
    ::_exit(86);
  }
};

Kept& kept() {
  static Kept all;
  return all;
}

constexpr const char* kNames[] = {"nothing",
                                  "__syncthreads",
                                  "__syncthreads_count",
                                  "__syncthreads_and",
                                  "__syncthreads_or",
                                  "__syncwarp",
                                  "__shfl_sync",
                                  "__shfl_up_sync",
                                  "__shfl_down_sync",
                                  "__shfl_xor_sync",
                                  "__ballot_sync",
                                  "__any_sync",
                                  "__all_sync",
                                  "__match_any_sync",
                                  "__match_all_sync",
                                  "__reduce_add_sync",
                                  "__reduce_min_sync",
                                  "__reduce_max_sync",
                                  "__reduce_and_sync",
                                  "__reduce_or_sync",
                                  "__reduce_xor_sync",
                                  "ldmatrix",
                                  "mma"};

}  // namespace

std::string text_of(const uint3& v) {
  return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
}

const char* name_of(Operation operation) { return kNames[static_cast<int>(operation)]; }

std::string text_of(const Place& place) {
  const char* slash = std::strrchr(place.file, '/');
  return std::string(slash != nullptr ? slash + 1 : place.file) + ":" + std::to_string(place.line);
}

void keep_violation(const std::string& text) {
  Kept& all = kept();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.texts.push_back(text);
}

bool take_violation(std::string* text) {
  Kept& all = kept();
  const std::lock_guard<std::mutex> lock(all.mutex);
  if (all.texts.empty()) return false;
  *text = all.texts.front();
  all.texts.pop_front();
  return true;
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
