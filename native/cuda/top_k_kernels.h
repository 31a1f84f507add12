// The kernels of retrieval, as host functions that queue them. A is the type of scores: float, or
// double for f64.
//
// Every row of a block of rows keeps a buffer of candidates on the device. A pass over some of its
// scores appends those that beat the worst that counts; a full buffer is sorted in shared memory and
// cut back to the best.
#ifndef LOSSMITH_CUDA_TOP_K_KERNELS_H_
#define LOSSMITH_CUDA_TOP_K_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/contrastive_kernels.h"
#include "cuda/rows.h"

namespace lossmith {
namespace cuda {

// Labels that rows leave out, as they came: any order, any integers.
struct ExcludedSets {
  const std::int64_t* offsets = nullptr;  // null: none
  std::int64_t offset_stride = 1;
  const void* ids = nullptr;
  bool ids_are_i64 = false;
  std::int64_t id_stride = 1;
  std::int64_t count = 0;

  static ExcludedSets of(const View& offsets, const View& ids);
  // Entries [begin, end) of a row, inside the ids whatever the offsets say.
  LSM_HD std::int64_t begin(std::int64_t row) const {
    return held(offsets[row * offset_stride], 0);
  }
  LSM_HD std::int64_t end(std::int64_t row) const {
    return held(offsets[(row + 1) * offset_stride], begin(row));
  }
  LSM_HD std::int64_t id(std::int64_t entry) const {
    const std::int64_t at = entry * id_stride;
    return ids_are_i64 ? static_cast<const std::int64_t*>(ids)[at]
                       : std::int64_t{static_cast<const std::int32_t*>(ids)[at]};
  }

 private:
  LSM_HD std::int64_t held(std::int64_t offset, std::int64_t low) const {
    return offset < low ? low : offset > count ? count : offset;
  }
};

// What a row knows between passes.
template <class A>
struct RowProgress {
  A threshold;          // the worst that counts, once there are enough
  std::int32_t count;   // candidates in its buffer
  std::int32_t open;    // 1: there is no threshold yet
  std::int32_t sorted;  // 1: its excluded ids ascend
};

// A block of rows, the first of which is row0 of the call.
template <class A>
struct CandidateRows {
  std::int64_t rows = 0, row0 = 0;
  std::int64_t kept = 0;
  std::int64_t capacity = 0;           // candidate_capacity(kept)
  RowProgress<A>* progress = nullptr;  // [rows]
  A* scores = nullptr;                 // [rows, capacity]
  std::int64_t* ids = nullptr;
  ExcludedSets excluded;
};

// A power of two: what a row's buffer holds.
std::int64_t candidate_capacity(std::int64_t kept);

template <class A>
void start_candidates(cudaStream_t stream, const CandidateRows<A>& rows);

// Scores products[i, j] * scale + bias[column0 + j] of label column0 + j for the rows of the block.
// products: of type A, or bf16 and f16 for float. bias: of all labels, perhaps not given.
template <class A>
void select_candidates(cudaStream_t stream, const Matrix& products, std::int64_t column0,
                       double scale, const Vector& bias, const CandidateRows<A>& rows);

// The first k to rows row0 ... of the outputs, -1 and -infinity after the last. scores: f32 or f64,
// perhaps not present; ids: i64.
template <class A>
void finish_candidates(cudaStream_t stream, const CandidateRows<A>& rows, const View& scores,
                       const View& ids);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_TOP_K_KERNELS_H_
