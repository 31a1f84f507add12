// The numbers that decide an order of execution (SplitMix64).
#ifndef LOSSMITH_SIMT_EXECUTOR_RANDOM_H_
#define LOSSMITH_SIMT_EXECUTOR_RANDOM_H_

#include <cstdint>

namespace lossmith {
namespace cuda {
namespace simt {

class Random {
 public:
  explicit Random(std::uint64_t seed = 0) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_EXECUTOR_RANDOM_H_
