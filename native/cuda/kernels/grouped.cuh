// Kernels over tensors with groups (cuda/grouped.h), as templates over what they do with elements. A
// Body says:
//
//   Fold                       what becomes of values over a group (grouped_fold.cuh)
//   Set, set(group)            what the elements of a group share
//   In<N>, load<N>(part)       what is read for N elements; zeros for those outside of the part, so
//                              that they add nothing
//   step<N>(part, in, sets, values)    everything else; sets.at(k) is the set of element k, asked for
//                                      in ascending order
//   kInFlight                  vectors whose loads a thread issues before it uses the first
#ifndef LOSSMITH_CUDA_KERNELS_GROUPED_CUH_
#define LOSSMITH_CUDA_KERNELS_GROUPED_CUH_

#include <type_traits>

#include "cuda/grouped.h"
#include "cuda/kernels/grouped_fold.cuh"
#include "cuda/kernels/rows.cuh"

namespace lossmith {
namespace cuda {

// Elements [first, last) of those from `column` on.
struct Part {
  std::int64_t line, column;
  int first, last;

  LSM_DEVICE bool has(int k) const { return k >= first && k < last; }
};

// N elements of a matrix, in accesses of 16 bytes where they are aligned; zeros outside of the part.
template <int N, class A, class T>
LSM_DEVICE void load_elements(const RowsOf<T>& m, const Part& part, A (&to)[N]) {
  using Plain = std::remove_const_t<T>;
  const Plain* row = m.row(part.line) + part.column;
  constexpr int kPiece = kChunkOf<Plain> < N ? kChunkOf<Plain> : N;
  if (N > 1 && m.aligned && part.last - part.first == N) {
#pragma unroll
    for (int at = 0; at < N; at += kPiece) {
      const Vec<Plain, kPiece> piece = load_vec<kPiece>(row + at);
#pragma unroll
      for (int k = 0; k < kPiece; ++k) to[at + k] = Convert<A>::from(piece[k]);
    }
    return;
  }
#pragma unroll
  for (int k = 0; k < N; ++k) to[k] = part.has(k) ? Convert<A>::from(row[k]) : A(0);
}

template <int N, class A, class T>
LSM_DEVICE void store_elements(const RowsOf<T>& m, const Part& part, const A (&from)[N]) {
  T* row = m.row(part.line) + part.column;
  constexpr int kPiece = kChunkOf<T> < N ? kChunkOf<T> : N;
  if (N > 1 && m.aligned && part.last - part.first == N) {
#pragma unroll
    for (int at = 0; at < N; at += kPiece) {
      Vec<T, kPiece> piece;
#pragma unroll
      for (int k = 0; k < kPiece; ++k) piece[k] = Convert<T>::from(from[at + k]);
      store_vec(row + at, piece);
    }
    return;
  }
#pragma unroll
  for (int k = 0; k < N; ++k) {
    if (part.has(k)) row[k] = Convert<T>::from(from[k]);
  }
}

// One set for all elements.
template <class Body>
struct OneSet {
  typename Body::Set set;
  LSM_DEVICE const typename Body::Set& at(int) const { return set; }
};

// The sets of a vector's elements, which may lie in several runs.
template <class Body>
struct SetsOfVector {
  const Body& body;
  std::int64_t group, count;
  int left, run;  // elements until the next run begins, and of a run: kVector stands for more
  typename Body::Set set;

  LSM_DEVICE SetsOfVector(const Body& a_body, const GroupWalk& walk, const Part& part)
      : body(a_body), count(walk.count) {
    const std::int64_t before = walk.by_run.quotient(part.column);
    const std::int64_t rest = (before + 1) * walk.run - part.column;
    left = rest < kVector ? static_cast<int>(rest) : kVector;
    run = walk.run < kVector ? static_cast<int>(walk.run) : kVector;
    group = walk.by_count.remainder(part.line * walk.per_line + before);
    set = body.set(group);
  }
  LSM_DEVICE const typename Body::Set& at(int k) {
    if (k == left) {
      left += run;
      group = group + 1 == count ? 0 : group + 1;
      set = body.set(group);
    }
    return set;
  }
};

// Vectors one after another; every thread takes kInFlight of them, kRowThreads apart.
template <class Body>
__global__ void __launch_bounds__(kRowThreads, 2)
    each_kernel(Body body, GroupWalk walk, Divider by_vectors) {
  constexpr int kN = Body::kInFlight;
  using In = typename Body::template In<kVector>;
  const std::int64_t vectors = by_vectors.by * walk.lines;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kRowThreads * kN;
  for (std::int64_t base = static_cast<std::int64_t>(blockIdx.x) * kRowThreads * kN + threadIdx.x;
       base < vectors; base += stride) {
    Part parts[kN];
    In in[kN];
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      const std::int64_t vector = base + i * kRowThreads;
      if (vector >= vectors) break;
      const std::int64_t line = by_vectors.quotient(vector);
      const std::int64_t column = (vector - line * by_vectors.by) * kVector;
      const std::int64_t rest = walk.width - column;
      parts[i] = {line, column, 0, rest < kVector ? static_cast<int>(rest) : kVector};
      in[i] = body.template load<kVector>(parts[i]);
    }
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      if (base + i * kRowThreads >= vectors) break;
      double none[Body::Fold::kValues] = {};
      SetsOfVector<Body> sets(body, walk, parts[i]);
      body.template step<kVector>(parts[i], in[i], sets, none);
    }
  }
}

// A team for each piece of a run. values: [kValues, chunks].
template <class Body, bool kBlock>
__global__ void __launch_bounds__(kRowThreads, 2)
    runs_kernel(Body body, GroupWalk walk, FoldPlan plan, double* values) {
  using Fold = typename Body::Fold;
  constexpr int kN = Body::kInFlight;
  using In = typename Body::template In<kVector>;
  const int team = kBlock ? kRowThreads : plan.team;
  const int lane = static_cast<int>(threadIdx.x) % team;
  const std::int64_t chunks = plan.chunks.chunks();
  const std::int64_t teams = kRowThreads / team;
  // All threads take the same number of turns, since teams of a warp fold together.
  for (std::int64_t turn = blockIdx.x * teams; turn < chunks; turn += gridDim.x * teams) {
    const std::int64_t chunk = turn + threadIdx.x / static_cast<unsigned>(team);
    double folded[Fold::kValues];
#pragma unroll
    for (int v = 0; v < Fold::kValues; ++v) folded[v] = Fold::start();
    if (chunk < chunks) {
      const std::int64_t run = plan.chunks.by_pieces.quotient(chunk);
      const std::int64_t line = walk.by_per_line.quotient(run);
      const std::int64_t run_begin = (run - line * walk.per_line) * walk.run;
      const std::int64_t run_end =
          run_begin + walk.run < walk.width ? run_begin + walk.run : walk.width;
      const std::int64_t begin = run_begin + (chunk - run * plan.chunks.pieces) * plan.piece;
      const std::int64_t end = begin + plan.piece < run_end ? begin + plan.piece : run_end;
      OneSet<Body> sets{body.set(walk.by_count.remainder(run))};
      // Vectors begin at multiples of kVector, so that they are aligned wherever the run begins.
      const std::int64_t aligned = begin / kVector * kVector;
      for (std::int64_t column = aligned + lane * kVector; column < end;
           column += team * kVector * kN) {
        Part parts[kN];
        In in[kN];
#pragma unroll
        for (int i = 0; i < kN; ++i) {
          const std::int64_t at = column + i * team * kVector;
          if (at >= end) break;
          parts[i] = {line, at, at < begin ? static_cast<int>(begin - at) : 0,
                      end - at < kVector ? static_cast<int>(end - at) : kVector};
          in[i] = body.template load<kVector>(parts[i]);
        }
#pragma unroll
        for (int i = 0; i < kN; ++i) {
          if (column + i * team * kVector >= end) break;
          body.template step<kVector>(parts[i], in[i], sets, folded);
        }
      }
    }
    fold_team<Fold, kBlock>(team, folded);
    if (lane == 0 && chunk < chunks) {
#pragma unroll
      for (int v = 0; v < Fold::kValues; ++v) values[v * chunks + chunk] = folded[v];
    }
  }
}

// A thread for each element of kChunkRepeats repeats. by_span: elements of a repeat of all groups;
// by_repeats: repeats of a line.
template <class Body>
__global__ void __launch_bounds__(kRowThreads, 2)
    across_kernel(Body body, GroupWalk walk, FoldPlan plan, Divider by_span, Divider by_repeats,
                  double* values) {
  using Fold = typename Body::Fold;
  using In = typename Body::template In<1>;
  constexpr int kN = 4;
  const std::int64_t repeats = by_repeats.by * walk.lines;
  const std::int64_t chunks = plan.chunks.chunks();
  for (std::int64_t chunk = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
       chunk < chunks; chunk += static_cast<std::int64_t>(gridDim.x) * kRowThreads) {
    const std::int64_t row = by_span.quotient(chunk);
    const std::int64_t element = chunk - row * by_span.by;
    OneSet<Body> sets{body.set(walk.by_run.quotient(element))};
    double folded[Fold::kValues];
#pragma unroll
    for (int v = 0; v < Fold::kValues; ++v) folded[v] = Fold::start();
    const std::int64_t begin = row * kChunkRepeats;
    const std::int64_t end = begin + kChunkRepeats < repeats ? begin + kChunkRepeats : repeats;
    for (std::int64_t repeat = begin; repeat < end; repeat += kN) {
      Part parts[kN];
      In in[kN];
#pragma unroll
      for (int i = 0; i < kN; ++i) {
        if (repeat + i >= end) break;
        const std::int64_t line = by_repeats.quotient(repeat + i);
        parts[i] = {line, (repeat + i - line * by_repeats.by) * by_span.by + element, 0, 1};
        in[i] = body.template load<1>(parts[i]);
      }
#pragma unroll
      for (int i = 0; i < kN; ++i) {
        if (repeat + i >= end) break;
        body.template step<1>(parts[i], in[i], sets, folded);
      }
    }
#pragma unroll
    for (int v = 0; v < Fold::kValues; ++v) values[v * chunks + chunk] = folded[v];
  }
}

template <class Body>
void launch_each(cudaStream_t stream, const char* name, const Body& body, const GroupWalk& walk) {
  const Divider by_vectors((walk.width + kVector - 1) / kVector);
  const std::int64_t vectors = walk.elements() == 0 ? 0 : walk.lines * by_vectors.by;
  launch(stream, name,
         {dim3(blocks_for(vectors, kRowThreads * Body::kInFlight)), dim3(kRowThreads)},
         each_kernel<Body>, body, walk, by_vectors);
}

// Steps over all elements and leaves the values of chunks.
template <class Body>
void launch_fold(cudaStream_t stream, const char* name, const Body& body, const GroupWalk& walk,
                 const FoldPlan& plan, double* values) {
  static_assert(kRowThreads == 256, "the team of FoldPlan");
  const std::int64_t chunks = plan.chunks.chunks();
  if (plan.across) {
    launch(stream, name, {dim3(blocks_for(chunks, kRowThreads)), dim3(kRowThreads)},
           across_kernel<Body>, body, walk, plan, Divider(walk.count * walk.run),
           Divider(walk.per_line / walk.count), values);
  } else if (plan.team == kRowThreads) {
    launch(stream, name, {dim3(blocks_for(chunks, 1)), dim3(kRowThreads)}, runs_kernel<Body, true>,
           body, walk, plan, values);
  } else {
    launch(stream, name, {dim3(blocks_for(chunks, kRowThreads / plan.team)), dim3(kRowThreads)},
           runs_kernel<Body, false>, body, walk, plan, values);
  }
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_KERNELS_GROUPED_CUH_
