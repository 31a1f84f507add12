// Scores of a block of products and how a warp walks over a row of them.
#ifndef LOSSMITH_CUDA_KERNELS_LABEL_SCORE_CUH_
#define LOSSMITH_CUDA_KERNELS_LABEL_SCORE_CUH_

#include <cstdint>

#include "cuda/device.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "cuda/label_kernels.h"
#include "math/contrastive.h"

namespace lossmith {
namespace cuda {

constexpr double kLowestScore = -3.0e38;  // finite, so that (-inf) - max stays -inf

LSM_DEVICE float tanh_of(float x) { return ::tanhf(x); }
LSM_DEVICE double tanh_of(double x) { return ::tanh(x); }
LSM_DEVICE float log1p_of(float x) { return ::log1pf(x); }
LSM_DEVICE double log1p_of(double x) { return ::log1p(x); }
LSM_DEVICE float magnitude(float x) { return ::fabsf(x); }
LSM_DEVICE double magnitude(double x) { return ::fabs(x); }

// The product of an entry that does not take part.
template <class A>
LSM_DEVICE A taken_out() {
  return -A(INFINITY);
}

// s = cap(scale u + bias); -infinity stays what it is.
template <class A>
struct ScoreOf {
  A scale, softcap;

  LSM_DEVICE ScoreOf(const CallScalars* scalars, A cap)
      : scale(static_cast<A>(scalars->scale)), softcap(cap) {}
  LSM_DEVICE explicit ScoreOf(const LabelBlock<A>& block)
      : ScoreOf(block.dots.scalars, block.softcap) {}
  LSM_DEVICE A operator()(A product, A bias) const {
    const A s = math::score<ThreadOps<A>>(product, scale, bias);
    if (softcap == A(0) || product == taken_out<A>()) return s;
    return softcap * tanh_of(s / softcap);
  }
};

// Calls visit(column, product) for the columns of a row that belong to this lane, in order: groups
// of four neighbours, 128 apart. Rows of a block are aligned to 16 bytes.
template <class A, class Visit>
LSM_DEVICE void for_row(const A* row, std::int64_t columns, int lane, const Visit& visit) {
  constexpr int kVec = sizeof(A) == 4 ? 4 : 2;
  for (std::int64_t j = lane * 4; j < columns; j += 4 * kRowWarp) {
    A values[4];
    const std::int64_t count = columns - j < 4 ? columns - j : 4;
    if (count == 4) {
#pragma unroll
      for (int at = 0; at < 4; at += kVec) {
        const Vec<A, kVec> v = load_vec<kVec>(row + j + at);
#pragma unroll
        for (int k = 0; k < kVec; ++k) values[at + k] = v[k];
      }
    } else {
#pragma unroll
      for (int k = 0; k < 4; ++k) values[k] = k < count ? row[j + k] : A(0);
    }
// The oracle's exponentials are long: once in the text is enough.
#pragma unroll(sizeof(A) == 4 ? 4 : 1)
    for (int k = 0; k < 4; ++k) {
      if (k < count) visit(j + k, values[k]);
    }
  }
}

template <class A>
struct RunningExponential {
  A max = A(kLowestScore);
  A sum = 0;

  // Adds factor e^z.
  LSM_DEVICE void add(A z, A factor) {
    if (z > max) {
      sum = multiply_add(sum, exp_of(max - z), factor);
      max = z;
    } else {
      sum = multiply_add(factor, exp_of(z - max), sum);
    }
  }
  // The sum of all lanes, in all of them.
  LSM_DEVICE RunningExponential over_warp() const {
    RunningExponential total;
    total.max = warp_max(max);
    total.sum = warp_sum(sum * exp_of(max - total.max));
    return total;
  }
};

struct Exponentials {
  double max, sum;
};
LSM_DEVICE Exponentials merged(const Exponentials& a, const Exponentials& b) {
  if (b.max <= a.max) return {a.max, multiply_add(b.sum, ::exp(b.max - a.max), a.sum)};
  return {b.max, multiply_add(a.sum, ::exp(a.max - b.max), b.sum)};
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_LABEL_SCORE_CUH_
