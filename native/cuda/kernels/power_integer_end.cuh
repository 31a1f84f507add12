// From one integer sum to the outputs that are wanted of it.
#ifndef LOSSMITH_CUDA_KERNELS_POWER_INTEGER_END_CUH_
#define LOSSMITH_CUDA_KERNELS_POWER_INTEGER_END_CUH_

#include <cstdint>

#include "cuda/device.h"
#include "cuda/power_integer_kernels.h"

namespace lossmith {
namespace cuda {

// The magnitude of a sum's code. The guess in f32 is off by one at most, and the thresholds on both
// sides of it, which the divisions of math/power_requantize.h have made before, decide: a division
// here would take the registers of the product.
LSM_DEVICE int code_of_sum(std::int32_t magnitude, float guess, const std::int32_t* thresholds,
                           int largest) {
  const float u = ::sqrtf(guess * static_cast<float>(magnitude)) + 0.5f;
  int code = u < static_cast<float>(largest) ? static_cast<int>(u) : largest;
  if (code < largest && magnitude >= thresholds[code]) {
    ++code;
  } else if (code > 0 && magnitude < thresholds[code - 1]) {
    --code;
  }
  return code;
}

LSM_DEVICE void store_integer(const IntegerEnd& end, std::int64_t row, std::int64_t column,
                              std::int32_t sum) {
  const ColumnTable& table = end.columns;
  const std::int64_t at = column * table.step;
  if (end.sums != nullptr) end.sums[row * end.sums_ld + column] = sum;
  if (end.out != nullptr) {
    end.out[row * end.out_ld + column] =
        static_cast<float>(table.factor[at] * static_cast<double>(sum));
  }
  if (end.codes == nullptr) return;
  int code = 0;
  if (!end.unsigned_codes || sum > 0) {
    code = code_of_sum(sum < 0 ? -sum : sum, table.guess[at], table.thresholds + at * table.largest,
                       table.largest);
    if (sum < 0) code = -code;
  }
  end.codes[row * end.codes_ld + column] = static_cast<std::uint8_t>(code);
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_POWER_INTEGER_END_CUH_
