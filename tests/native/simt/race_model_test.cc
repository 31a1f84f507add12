// The race check against its definition: random kernels whose every access is also given to a model
// that keeps all accesses and a vector clock for each thread.
#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <utility>

#include "testing.h"

namespace lossmith_test {
namespace {

using lossmith::cuda::dynamic_shared;

constexpr int kThreads = 64;
constexpr int kOwn = 8;  // bytes that belong to one thread
constexpr int kArea = kThreads * kOwn;

enum class Verdict { good, race, uninitialised };

class Model {
 public:
  Model() {
    for (std::size_t t = 0; t < kThreads; ++t) known_[t][t] = 1;
  }

  // What the first byte that breaks a rule breaks.
  Verdict Access(std::size_t thread, std::size_t offset, std::size_t bytes, bool writes) {
    for (std::size_t byte = offset; byte < offset + bytes; ++byte) {
      bool written = false, race = false;
      for (const Past& past : accesses_[byte]) {
        written = written || past.writes;
        const bool ordered = past.thread == thread || past.clock <= known_[thread][past.thread];
        race = race || ((past.writes || writes) && !ordered);
      }
      if (!writes && !written) return Verdict::uninitialised;
      if (race) return Verdict::race;
      accesses_[byte].push_back({thread, known_[thread][thread], writes});
    }
    return Verdict::good;
  }

  // All threads of the group, once each before they synchronise at the end of a phase.
  void Arrive(std::size_t phase, std::size_t first, std::size_t count) {
    if (++arrived_[{phase, first}] < count) return;
    std::array<int, kThreads> joined = {};
    for (std::size_t t = first; t < first + count; ++t) {
      for (std::size_t o = 0; o < kThreads; ++o) joined[o] = std::max(joined[o], known_[t][o]);
    }
    for (std::size_t t = first; t < first + count; ++t) {
      known_[t] = joined;
      ++known_[t][t];
    }
  }

 private:
  struct Past {
    std::size_t thread;
    int clock;
    bool writes;
  };
  std::array<std::array<int, kThreads>, kThreads> known_ = {};
  std::array<std::vector<Past>, kArea> accesses_;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> arrived_;
};

struct Step {
  int offset, bytes;
  bool writes;
};

// What each thread does, and between which of its steps it synchronises with how many: its half
// warp, its warp, the block.
struct Program {
  std::vector<std::vector<Step>> steps[kThreads];
  std::vector<int> groups;
};

Program RandomProgram(std::mt19937& random) {
  const auto below = [&](int bound) {
    return static_cast<int>(random() % static_cast<unsigned>(bound));
  };
  Program program;
  const int phases = 2 + below(6);
  const int idle = 2 + below(60);  // one in so many threads does something in a phase
  for (int phase = 0; phase < phases; ++phase) {
    constexpr int kGroups[] = {16, 32, 64};
    const int group = kGroups[below(3)];
    for (int t = 0; t < kThreads; ++t) {
      std::vector<Step> steps;
      // First all write what is theirs, or almost all of it.
      for (int at = 0; phase == 0 && at < kOwn;) {
        const int bytes = at % 4 == 0 && below(2) == 0 ? 4 : 1;
        if (below(2000) != 0) steps.push_back({t * kOwn + at, bytes, true});
        at += bytes;
      }
      while (phase > 0 && below(idle) == 0) {
        const int bytes = 1 << below(4);
        const int reach = kGroups[below(3)];
        const int owner = below(2) == 0 ? t : t / reach * reach + below(reach);
        const int offset = owner * kOwn + below(kOwn / bytes) * bytes;
        steps.push_back({offset, bytes, below(3) == 0});
      }
      program.steps[t].push_back(steps);
    }
    program.groups.push_back(group);
  }
  return program;
}

template <class T>
void Touch(const Step& step) {
  const auto place = dynamic_shared<T>(static_cast<unsigned>(step.offset));
  if (step.writes) {
    place[0] = T{1};
  } else {
    const T value = place[0];
    static_cast<void>(value);
  }
}

void RunProgram(const Program& program, Model& model, Verdict* verdict) {
  const auto me = threadIdx.x;
  for (std::size_t phase = 0; phase < program.groups.size(); ++phase) {
    for (const Step& step : program.steps[me][phase]) {
      *verdict = model.Access(me, static_cast<std::size_t>(step.offset),
                              static_cast<std::size_t>(step.bytes), step.writes);
      switch (step.bytes) {
        case 1:
          Touch<std::uint8_t>(step);
          break;
        case 2:
          Touch<std::uint16_t>(step);
          break;
        case 4:
          Touch<std::uint32_t>(step);
          break;
        default:
          Touch<std::uint64_t>(step);
          break;
      }
      EXPECT_EQ(*verdict, Verdict::good);  // else the thread has ended
    }
    const auto group = static_cast<unsigned>(program.groups[phase]);
    model.Arrive(phase, me / group * group, group);
    if (group == 64) {
      __syncthreads();
    } else {
      __syncwarp(group == 32 ? kFull : 0xffffu << (me & 16u));
    }
  }
}

class RaceModel : public Simt {};

TEST_F(RaceModel, AgreesOnRandomKernels) {
  std::mt19937 random(2024);
  int good = 0, races = 0, uninitialised = 0;
  for (int round = 0; round < 4000; ++round) {
    const Program program = RandomProgram(random);
    simt::set_schedule_seed(random() % 4 == 0 ? 0 : random());
    Model model;
    Verdict verdict = Verdict::good;
    const std::string text = RunKernel(
        kThreads, [&] { RunProgram(program, model, &verdict); }, kArea);
    switch (verdict) {
      case Verdict::good:
        EXPECT_EQ(text, "") << round;
        ++good;
        break;
      case Verdict::race:
        ExpectContains(text, {"race: "});
        ++races;
        break;
      case Verdict::uninitialised:
        ExpectContains(text, {"uninitialised read"});
        ++uninitialised;
        break;
    }
    if (HasFailure()) break;
  }
  EXPECT_GT(good, 100);
  EXPECT_GT(races, 100);
  EXPECT_GT(uninitialised, 100);
}

}  // namespace
}  // namespace lossmith_test
