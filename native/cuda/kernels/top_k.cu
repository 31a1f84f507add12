// One CTA for each row. It reads kSelectChunk scores at a time: where none of them counts, which is
// the rule once the row has seen many labels, a chunk costs its loads and one vote. Those that count
// are appended in the order of their columns, at places that a sum over the CTA gives, so that no
// atomics are needed. What ranks first is a matter of scores and ids alone: neither the cut of the
// products into blocks nor the moments of the cuts change the result.
//
// Bytes: the products once. A cut sorts up to candidate_capacity candidates of 12 or 16 bytes in
// shared memory by a bitonic network; there are about log(l / capacity) / log(capacity / k) of them.
#include <type_traits>

#include "cuda/kernels/reduce.cuh"
#include "cuda/launch.h"
#include "cuda/top_k_kernels.h"
#include "math/contrastive.h"
#include "math/top_k.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr int kSelectThreads = 256;
constexpr int kSelectItems = 2;  // scores of a thread in one chunk
constexpr int kSelectChunk = kSelectThreads * kSelectItems;
constexpr int kSelectWarps = kSelectThreads / kWarp;
// CTAs on a multiprocessor: half of its threads, with 64 registers each.
constexpr int kSelectBlocks = 4;

// The candidates of a CTA's row while they are sorted.
template <class A>
struct SharedCandidates {
  Shared<A> scores;
  Shared<std::int64_t> ids;
};
template <class A>
LSM_DEVICE SharedCandidates<A> shared_candidates(std::int64_t capacity) {
  SharedCandidates<A> s;
  s.ids = dynamic_shared<std::int64_t>();
  s.scores = dynamic_shared<A>(static_cast<unsigned>(capacity * sizeof(std::int64_t)));
  return s;
}

template <class A>
LSM_DEVICE void order_pair(const SharedCandidates<A>& s, int i, int j, bool best_first) {
  const A a = s.scores[i];
  const A b = s.scores[j];
  const std::int64_t id_a = s.ids[i];
  const std::int64_t id_b = s.ids[j];
  if (math::ranks_before(b, id_b, a, id_a) != best_first) return;
  s.scores[i] = b;
  s.scores[j] = a;
  s.ids[i] = id_b;
  s.ids[j] = id_a;
}

// Loads a row's candidates and sorts them, best first; the places after the last hold what ranks
// after everything. Ends with a barrier.
template <class A>
LSM_DEVICE void sort_candidates(const SharedCandidates<A>& s, const A* scores,
                                const std::int64_t* ids, int count) {
  const int thread = static_cast<int>(threadIdx.x);
  int size = 2;
  while (size < count) size *= 2;
  for (int i = thread; i < size; i += kSelectThreads) {
    s.scores[i] = i < count ? scores[i] : A(NAN);
    s.ids[i] = i < count ? ids[i] : INT64_MAX;
  }
  __syncthreads();
  for (int run = 2; run <= size; run *= 2) {
    for (int step = run / 2; step > 0; step /= 2) {
      for (int pair = thread; pair < size / 2; pair += kSelectThreads) {
        const int i = pair / step * 2 * step + pair % step;
        order_pair(s, i, i + step, (i & run) == 0);
      }
      __syncthreads();
    }
  }
}

template <class A>
LSM_DEVICE bool is_excluded(const CandidateRows<A>& rows, std::int64_t row, bool sorted,
                            std::int64_t id) {
  const ExcludedSets& sets = rows.excluded;
  if (sets.offsets == nullptr) return false;
  std::int64_t begin = sets.begin(row);
  std::int64_t end = sets.end(row);
  if (!sorted) {
    for (; begin < end; ++begin) {
      if (sets.id(begin) == id) return true;
    }
    return false;
  }
  while (begin < end) {
    const std::int64_t middle = begin + (end - begin) / 2;
    const std::int64_t found = sets.id(middle);
    if (found == id) return true;
    if (found < id) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return false;
}

// One warp for each row.
template <class A>
__global__ void __launch_bounds__(kSelectThreads) start_kernel(CandidateRows<A> rows) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t row =
      static_cast<std::int64_t>(blockIdx.x) * kSelectWarps + threadIdx.x / kWarp;
  if (row >= rows.rows) return;
  bool ascending = true;
  if (rows.excluded.offsets != nullptr) {
    const std::int64_t end = rows.excluded.end(rows.row0 + row);
    for (std::int64_t e = rows.excluded.begin(rows.row0 + row) + lane; e + 1 < end; e += kWarp) {
      if (rows.excluded.id(e) > rows.excluded.id(e + 1)) ascending = false;
    }
  }
  const bool sorted = __all_sync(kAllLanes, ascending) != 0;
  if (lane == 0) rows.progress[row] = {A(0), 0, 1, sorted ? 1 : 0};
}

template <class A>
LSM_DEVICE bool counts(A score, A threshold, bool open) {
  if (open) return true;
  // Later ids must be better than the worst that counts; any number is better than NaN.
  return threshold == threshold ? score > threshold : score == score;
}

template <class S, class A>
__global__ void __launch_bounds__(kSelectThreads, kSelectBlocks)
    select_kernel(const S* products, std::int64_t ld, std::int64_t columns, std::int64_t column0,
                  A scale, Vector bias, CandidateRows<A> rows) {
  LSM_SHARED(int, totals, kSelectWarps);
  const SharedCandidates<A> shared = shared_candidates<A>(rows.capacity);
  const int thread = static_cast<int>(threadIdx.x);
  const int kept = static_cast<int>(rows.kept);
  for (std::int64_t row = blockIdx.x; row < rows.rows; row += gridDim.x) {
    const S* from = products + row * ld;
    A* scores = rows.scores + row * rows.capacity;
    std::int64_t* ids = rows.ids + row * rows.capacity;
    RowProgress<A> progress = rows.progress[row];
    for (std::int64_t begin = 0; begin < columns; begin += kSelectChunk) {
      if (progress.count + kSelectChunk > static_cast<int>(rows.capacity)) {
        sort_candidates(shared, scores, ids, progress.count);
        for (int i = thread; i < kept; i += kSelectThreads) {
          scores[i] = shared.scores[i];
          ids[i] = shared.ids[i];
        }
        progress.threshold = shared.scores[kept - 1];
        progress.count = kept;
        progress.open = 0;
        __syncthreads();
      }
      A score[kSelectItems];
      bool passes[kSelectItems];
      int mine = 0;
#pragma unroll
      for (int k = 0; k < kSelectItems; ++k) {
        const std::int64_t j = begin + k * kSelectThreads + thread;
        passes[k] = false;
        if (j >= columns) continue;
        const A added = bias.present() ? static_cast<A>(bias.at(column0 + j)) : A(0);
        score[k] = math::score<ThreadOps<A>>(Convert<A>::from(from[j]), scale, added);
        passes[k] = counts(score[k], progress.threshold, progress.open != 0) &&
                    !is_excluded(rows, rows.row0 + row, progress.sorted != 0, column0 + j);
        mine += passes[k] ? 1 : 0;
      }
      if (__syncthreads_or(mine) == 0) continue;
      int total = 0;
      int at = progress.count + block_prefix<kSelectThreads>(mine, totals, &total);
#pragma unroll
      for (int k = 0; k < kSelectItems; ++k) {
        if (!passes[k]) continue;
        scores[at] = score[k];
        ids[at++] = column0 + begin + k * kSelectThreads + thread;
      }
      progress.count += total;
      __syncthreads();
    }
    if (thread == 0) rows.progress[row] = progress;
  }
}

template <class A, class Out>
__global__ void __launch_bounds__(kSelectThreads)
    finish_kernel(CandidateRows<A> rows, std::int64_t k, Out* out, std::int64_t out_ld,
                  std::int64_t* out_ids, std::int64_t ids_ld) {
  const SharedCandidates<A> shared = shared_candidates<A>(rows.capacity);
  for (std::int64_t row = blockIdx.x; row < rows.rows; row += gridDim.x) {
    const std::int64_t at = row * rows.capacity;
    const int count = rows.progress[row].count;
    sort_candidates(shared, rows.scores + at, rows.ids + at, count);
    const std::int64_t best = count < rows.kept ? count : rows.kept;
    for (std::int64_t i = threadIdx.x; i < k; i += kSelectThreads) {
      const bool found = i < best;
      if (out != nullptr) {
        A score = -A(INFINITY);
        if (found) score = shared.scores[i];
        out[(rows.row0 + row) * out_ld + i] = Convert<Out>::from(score);
      }
      std::int64_t id = -1;
      if (found) id = shared.ids[i];
      out_ids[(rows.row0 + row) * ids_ld + i] = id;
    }
    __syncthreads();
  }
}

template <class A>
LaunchShape cta_for_each_row(const CandidateRows<A>& rows) {
  const auto shared = static_cast<unsigned>(rows.capacity) *
                      static_cast<unsigned>(sizeof(A) + sizeof(std::int64_t));
  return {dim3(blocks_for(rows.rows, 1)), dim3(kSelectThreads), shared};
}

}  // namespace

ExcludedSets ExcludedSets::of(const View& offsets, const View& ids) {
  ExcludedSets sets;
  if (!offsets.present()) return sets;
  sets.offsets = reinterpret_cast<const std::int64_t*>(offsets.data);
  sets.offset_stride = offsets.strides[0];
  sets.ids = ids.data;
  sets.ids_are_i64 = ids.type == Type::i64;
  sets.id_stride = ids.strides[0];
  sets.count = ids.shape[0];
  return sets;
}

std::int64_t candidate_capacity(std::int64_t kept) {
  std::int64_t capacity = 2 * kSelectChunk;
  while (capacity < kept + kSelectChunk) capacity *= 2;
  return capacity;
}

template <class A>
void start_candidates(cudaStream_t stream, const CandidateRows<A>& rows) {
  launch(stream, "start_candidates",
         LaunchShape{dim3(blocks_for(rows.rows, kSelectWarps)), dim3(kSelectThreads)},
         start_kernel<A>, rows);
}

template <class A>
void select_candidates(cudaStream_t stream, const Matrix& products, std::int64_t column0,
                       double scale, const Vector& bias, const CandidateRows<A>& rows) {
  const auto queue = [&](auto tag) {
    using S = decltype(tag);
    launch(stream, "select_candidates", cta_for_each_row(rows), select_kernel<S, A>,
           static_cast<const S*>(products.data), products.ld, products.width, column0,
           static_cast<A>(scale), bias, rows);
  };
  if constexpr (std::is_same<A, float>::value) {
    if (products.type == Type::bf16) return queue(bfloat16{});
    if (products.type == Type::f16) return queue(float16{});
  }
  queue(A{});
}

template <class A>
void finish_candidates(cudaStream_t stream, const CandidateRows<A>& rows, const View& scores,
                       const View& ids) {
  const auto queue = [&](auto* out) {
    using Out = std::remove_pointer_t<decltype(out)>;
    launch(stream, "finish_candidates", cta_for_each_row(rows), finish_kernel<A, Out>, rows,
           ids.shape[1], out, scores.present() ? scores.strides[0] : 0,
           reinterpret_cast<std::int64_t*>(ids.data), ids.strides[0]);
  };
  if (scores.present() && scores.type == Type::f64) {
    queue(reinterpret_cast<double*>(scores.data));
  } else {
    queue(reinterpret_cast<float*>(scores.data));
  }
}

#define LSM_INSTANTIATE(A)                                                           \
  template void start_candidates(cudaStream_t, const CandidateRows<A>&);             \
  template void select_candidates(cudaStream_t, const Matrix&, std::int64_t, double, \
                                  const Vector&, const CandidateRows<A>&);           \
  template void finish_candidates(cudaStream_t, const CandidateRows<A>&, const View&, const View&);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
