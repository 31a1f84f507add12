// Operations of a warp: the lanes of a mask meet, each brings a value and takes one.
//
// A lane that runs alone is a legal schedule for __activemask, which therefore gives the calling
// lane only: code that needs more than that must pass masks along.
#ifndef LOSSMITH_SIMT_WARP_H_
#define LOSSMITH_SIMT_WARP_H_

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "simt/thread.h"

namespace lossmith {
namespace cuda {
namespace simt {

// What one lane brings to an operation and takes from it.
struct Exchange {
  std::uint64_t value = 0;
  int lane = 0;  // shuffles: the lane it takes the value of
  std::uint64_t result = 0;
};

// Called once, when all lanes of the mask have arrived, with what each brought (null outside).
using Complete = void (*)(void* const* brought, unsigned mask);

// Waits for the lanes of the mask in this operation.
void meet(Operation operation, unsigned mask, void* brought, Complete complete, Place place);

void sync_warp(unsigned mask, Place place);
// The value that lane `from` of the warp brings.
std::uint64_t shuffle(Operation operation, unsigned mask, std::uint64_t value, int from,
                      Place place);
unsigned vote(Operation operation, unsigned mask, bool predicate, Place place);
unsigned match(Operation operation, unsigned mask, std::uint64_t value, int* predicate,
               Place place);
std::uint64_t reduce(Operation operation, unsigned mask, std::uint64_t value, Place place);

int lane_index();

template <class T>
inline std::uint64_t to_bits(T value) {
  static_assert(std::is_arithmetic<T>::value && (sizeof(T) == 4 || sizeof(T) == 8),
                "warp operations take numbers of 32 or 64 bits");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T>
inline T from_bits(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

void check_width(int width);

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#define LOSSMITH_SIMT_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncwarp(unsigned mask = 0xffffffffu, LOSSMITH_SIMT_PLACE) {
  lossmith::cuda::simt::sync_warp(mask, {file, line});
}
inline unsigned __activemask() { return 1u << lossmith::cuda::simt::lane_index(); }

// The warp falls into segments of `width` lanes; who looks beyond its segment keeps its own value.
template <class T>
inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32, LOSSMITH_SIMT_PLACE) {
  namespace simt = lossmith::cuda::simt;
  simt::check_width(width);
  const int from = (simt::lane_index() & ~(width - 1)) | (lane & (width - 1));
  return simt::from_bits<T>(
      simt::shuffle(simt::Operation::shuffle, mask, simt::to_bits(value), from, {file, line}));
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                        LOSSMITH_SIMT_PLACE) {
  namespace simt = lossmith::cuda::simt;
  simt::check_width(width);
  const int self = simt::lane_index();
  const int segment = self & ~(width - 1);
  const bool inside = delta <= static_cast<unsigned>(self - segment);
  const int from = inside ? self - static_cast<int>(delta) : self;
  return simt::from_bits<T>(
      simt::shuffle(simt::Operation::shuffle_up, mask, simt::to_bits(value), from, {file, line}));
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                          LOSSMITH_SIMT_PLACE) {
  namespace simt = lossmith::cuda::simt;
  simt::check_width(width);
  const int self = simt::lane_index();
  const int last = self | (width - 1);
  const bool inside = delta <= static_cast<unsigned>(last - self);
  const int from = inside ? self + static_cast<int>(delta) : self;
  return simt::from_bits<T>(
      simt::shuffle(simt::Operation::shuffle_down, mask, simt::to_bits(value), from, {file, line}));
}
// Reaches into earlier segments, not into later ones.
template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                         LOSSMITH_SIMT_PLACE) {
  namespace simt = lossmith::cuda::simt;
  simt::check_width(width);
  const int self = simt::lane_index();
  const int other = self ^ (lane_mask & 31);
  const int from = other <= (self | (width - 1)) ? other : self;
  return simt::from_bits<T>(
      simt::shuffle(simt::Operation::shuffle_xor, mask, simt::to_bits(value), from, {file, line}));
}

inline unsigned __ballot_sync(unsigned mask, int predicate, LOSSMITH_SIMT_PLACE) {
  namespace simt = lossmith::cuda::simt;
  return simt::vote(simt::Operation::ballot, mask, predicate != 0, {file, line});
}
inline int __any_sync(unsigned mask, int predicate, LOSSMITH_SIMT_PLACE) {
  namespace simt = lossmith::cuda::simt;
  return simt::vote(simt::Operation::any, mask, predicate != 0, {file, line}) != 0;
}
inline int __all_sync(unsigned mask, int predicate, LOSSMITH_SIMT_PLACE) {
  namespace simt = lossmith::cuda::simt;
  return simt::vote(simt::Operation::all, mask, predicate != 0, {file, line}) == mask;
}

// Values are the same where their bits are.
template <class T>
inline unsigned __match_any_sync(unsigned mask, T value, LOSSMITH_SIMT_PLACE) {
  namespace simt = lossmith::cuda::simt;
  return simt::match(simt::Operation::match_any, mask, simt::to_bits(value), nullptr, {file, line});
}
template <class T>
inline unsigned __match_all_sync(unsigned mask, T value, int* predicate, LOSSMITH_SIMT_PLACE) {
  namespace simt = lossmith::cuda::simt;
  return simt::match(simt::Operation::match_all, mask, simt::to_bits(value), predicate,
                     {file, line});
}

#define LOSSMITH_SIMT_REDUCE(name, type)                                                       \
  inline type __reduce_##name##_sync(unsigned mask, type value, LOSSMITH_SIMT_PLACE) {         \
    namespace simt = lossmith::cuda::simt;                                                     \
    /* Sign-extended, so that one comparison of 64 bits serves both types. */                  \
    const std::uint64_t wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));   \
    return static_cast<type>(                                                                  \
        simt::reduce(simt::Operation::reduce_##name, mask, wide, {file, line}) & 0xffffffffu); \
  }
LOSSMITH_SIMT_REDUCE(add, int)
LOSSMITH_SIMT_REDUCE(add, unsigned)
LOSSMITH_SIMT_REDUCE(min, int)
LOSSMITH_SIMT_REDUCE(min, unsigned)
LOSSMITH_SIMT_REDUCE(max, int)
LOSSMITH_SIMT_REDUCE(max, unsigned)
LOSSMITH_SIMT_REDUCE(and, unsigned)
LOSSMITH_SIMT_REDUCE(or, unsigned)
LOSSMITH_SIMT_REDUCE(xor, unsigned)
#undef LOSSMITH_SIMT_REDUCE

#endif  // LOSSMITH_SIMT_WARP_H_
