// The order of retrieval: who ranks before whom.
#ifndef LOSSMITH_MATH_TOP_K_H_
#define LOSSMITH_MATH_TOP_K_H_

#include <cstdint>

#include "core/host_device.h"

namespace lossmith {
namespace math {

// A total order on candidates with different ids: larger scores first, NaN last, then smaller ids.
template <class A>
LSM_HD inline bool ranks_before(A score, std::int64_t id, A other_score, std::int64_t other_id) {
  if (score > other_score) return true;
  if (score < other_score) return false;
  const bool nan = score != score;
  const bool other_nan = other_score != other_score;
  return nan != other_nan ? other_nan : id < other_id;
}

}  // namespace math
}  // namespace lossmith

#endif  // LOSSMITH_MATH_TOP_K_H_
