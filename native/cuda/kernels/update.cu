// Optimizer steps. Every element is read and written once; a step with a projection reads a row
// twice, first for its norm, which the second time finds it in a cache. A thread takes groups of
// columns that share the bits of one counter, so that the generator runs once for a group.
#include <type_traits>

#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/rows.cuh"
#include "cuda/update.h"
#include "math/random.h"
#include "math/stochastic_rounding.h"
#include "math/update.h"

namespace lossmith {
namespace cuda {
namespace {

// Columns that a thread takes at a time; only 16-bit weights are rounded at random.
template <class W>
constexpr int kGroup = sizeof(W) == 8 ? math::kRandomGroup / 2 : math::kRandomGroup;
static_assert(math::kNormSums == kRowWarp, "each lane holds one of the norm's sums");

template <class W>
using Arithmetic = std::conditional_t<std::is_same_v<W, double>, double, float>;

// What the kernels of one call share.
template <class W, class G>
struct Problem {
  using A = Arithmetic<W>;

  RowsOf<const G> gradient;
  RowsOf<const W> weights;
  RowsOf<const A> state;    // without data for SGD
  RowsOf<A> new_state;      // the same memory
  RowsOf<const A> squares;  // Adam's v, without data for other rules
  RowsOf<A> new_squares;    // the same memory
  RowsOf<W> new_weights;
  const std::int64_t* row_ids;
  std::int64_t row_id_stride, begin;
  math::UpdateFactors<A> factors;
  int rule;
  bool stochastic;
  std::uint64_t seed, step;

  // The row of the weights that row i of the gradient belongs to, -1 for none.
  LSM_DEVICE std::int64_t row_of(std::int64_t i) const {
    const std::int64_t row = row_ids != nullptr ? row_ids[i * row_id_stride] : begin + i;
    return row >= 0 && row < weights.rows ? row : -1;
  }
  LSM_DEVICE math::Stepped<A> stepped(A w, A g, A s, A v) const {
    switch (rule) {
      case LSM_UPDATE_MOMENTUM:
        return math::stepped<LSM_UPDATE_MOMENTUM>(factors, w, g, s);
      case LSM_UPDATE_ADAGRAD:
        return math::stepped<LSM_UPDATE_ADAGRAD>(factors, w, g, s);
      case LSM_UPDATE_LION:
        return math::stepped<LSM_UPDATE_LION>(factors, w, g, s);
      case LSM_UPDATE_ADAM:
        return math::stepped<LSM_UPDATE_ADAM>(factors, w, g, s, v);
      default:
        return math::stepped<LSM_UPDATE_SGD>(factors, w, g, s);
    }
  }
};

// A group of columns, in accesses of 16 bytes; zeros past the end of the row.
template <class To, class T, int N>
LSM_DEVICE void load_group(const T* row, std::int64_t column, const RowsOf<const T>& m,
                           To (&to)[N]) {
  constexpr int kPiece = kChunkOf<T>;
#pragma unroll
  for (int at = 0; at < N; at += kPiece) {
    const Vec<T, kPiece> piece = load_chunk<kPiece>(row, column + at, m);
#pragma unroll
    for (int k = 0; k < kPiece; ++k) to[at + k] = Convert<To>::from(piece[k]);
  }
}

template <class T, int N>
LSM_DEVICE void store_group(T* row, std::int64_t column, const RowsOf<T>& m, const T (&from)[N]) {
  constexpr int kPiece = kChunkOf<T>;
#pragma unroll
  for (int at = 0; at < N; at += kPiece) {
    Vec<T, kPiece> piece;
#pragma unroll
    for (int k = 0; k < kPiece; ++k) piece[k] = from[at + k];
    store_chunk<kPiece>(row, column + at, m, piece);
  }
}

// Group `group` of a row of weights, which becomes `to`.
template <class W, class A, int N>
LSM_DEVICE void round_group(bool stochastic, std::uint64_t seed, std::uint64_t step,
                            std::uint64_t group, const A (&from)[N], W (&to)[N]) {
  if constexpr (sizeof(W) == 2) {
    if (stochastic) {
      const math::Philox random = math::philox4x32(math::philox_counter(group, step), seed);
      const std::uint32_t words[4] = {random.a, random.b, random.c, random.d};
#pragma unroll
      for (int k = 0; k < N; ++k) {
        math::round_at_random(from[k], words[k / 2] >> (16 * (k % 2)) & 0xffffu, &to[k]);
      }
      return;
    }
  }
#pragma unroll
  for (int k = 0; k < N; ++k) to[k] = Convert<W>::from(from[k]);
}

// One group of columns of one row, from reading to writing.
template <class W, class G>
LSM_DEVICE void step_group(const Problem<W, G>& p, std::int64_t i, std::int64_t row,
                           std::int64_t group, double projection, bool projects) {
  using A = Arithmetic<W>;
  constexpr int kN = kGroup<W>;
  const std::int64_t column = group * kGroup<W>;
  const bool keeps = p.state.data != nullptr;
  const bool squares = p.squares.data != nullptr;
  A w[kN];
  A g[kN];
  A s[kN] = {};
  A v[kN] = {};
  load_group(p.weights.row(row), column, p.weights, w);
  load_group(p.gradient.row(i), column, p.gradient, g);
  if (keeps) load_group(p.state.row(row), column, p.state, s);
  if (squares) load_group(p.squares.row(row), column, p.squares, v);
#pragma unroll
  for (int k = 0; k < kN; ++k) {
    const math::Stepped<A> next = p.stepped(w[k], g[k], s[k], v[k]);
    s[k] = next.state;
    v[k] = next.squares;
    w[k] = projects ? static_cast<A>(math::times(static_cast<double>(next.weight), projection))
                    : next.weight;
  }
  if (keeps) store_group(p.new_state.row(row), column, p.new_state, s);
  if (squares) store_group(p.new_squares.row(row), column, p.new_squares, v);
  W rounded[kN];
  const std::uint64_t groups = math::random_groups(p.weights.width);
  round_group(p.stochastic, p.seed, p.step,
              static_cast<std::uint64_t>(row) * groups + static_cast<std::uint64_t>(group), w,
              rounded);
  store_group(p.new_weights.row(row), column, p.new_weights, rounded);
}

template <class W, class G>
__global__ void __launch_bounds__(kRowThreads) step_kernel(Problem<W, G> p) {
  for (std::int64_t i = chunk_row(); i < p.gradient.rows; i += chunk_rows()) {
    const std::int64_t row = p.row_of(i);
    if (row < 0) continue;
    for (std::int64_t group = first_chunk(); group * kGroup<W> < p.weights.width;
         group += chunk_step()) {
      step_group(p, i, row, group, 1.0, false);
    }
  }
}

// One warp for each row.
template <class W, class G>
__global__ void __launch_bounds__(kRowThreads) project_kernel(Problem<W, G> p) {
  using A = Arithmetic<W>;
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < p.gradient.rows; i += warp_rows()) {
    const std::int64_t row = p.row_of(i);
    if (row < 0) continue;
    const W* weights = p.weights.row(row);
    const G* gradient = p.gradient.row(i);
    const A* state = p.state.data != nullptr ? p.state.row(row) : nullptr;
    const A* squares = p.squares.data != nullptr ? p.squares.row(row) : nullptr;
    double square = 0;
    for (std::int64_t column = lane; column < p.weights.width; column += kRowWarp) {
      const A w = p.stepped(Convert<A>::from(weights[column]), Convert<A>::from(gradient[column]),
                            state != nullptr ? state[column] : A{0},
                            squares != nullptr ? squares[column] : A{0})
                      .weight;
      square = math::plus_square(square, static_cast<double>(w));
    }
    // All lanes have read the row when one of them has the sum, so writing it is safe.
    const double projection = math::projection(warp_sum(square));
    for (std::int64_t group = lane; group * kGroup<W> < p.weights.width; group += kRowWarp) {
      step_group(p, i, row, group, projection, true);
    }
  }
}

template <class W, class G>
void launch_step(cudaStream_t stream, const UpdateCall& call, const GradientRows& rows) {
  using A = Arithmetic<W>;
  const Matrix gradient{const_cast<void*>(rows.data), rows.type, rows.count, call.width(), rows.ld};
  Matrix state = call.state.present() ? Matrix::of(call.state) : Matrix{};
  Matrix squares;
  if (math::states_of(call.options.rule) > 1) {
    squares = state;
    squares.data = static_cast<A*>(state.data) + call.width();
    state.width = squares.width = call.width();
  }
  const Problem<W, G> problem{RowsOf<const G>(gradient, kChunkOf<G>),
                              RowsOf<const W>(Matrix::of(call.weights), kChunkOf<W>),
                              RowsOf<const A>(state, kChunkOf<A>),
                              RowsOf<A>(state, kChunkOf<A>),
                              RowsOf<const A>(squares, kChunkOf<A>),
                              RowsOf<A>(squares, kChunkOf<A>),
                              RowsOf<W>(Matrix::of(call.new_weights), kChunkOf<W>),
                              rows.row_ids,
                              rows.row_id_stride,
                              rows.begin,
                              math::UpdateFactors<A>(call.options),
                              call.options.rule,
                              call.options.stochastic_rounding != 0,
                              call.options.seed,
                              call.options.step};
  if (call.options.project_rows != 0) {
    launch(stream, "project_step", warp_for_each_row(rows.count), project_kernel<W, G>, problem);
  } else {
    launch(stream, "step", threads_for_chunks(rows.count, call.width(), kGroup<W>),
           step_kernel<W, G>, problem);
  }
}

}  // namespace

void update_rows(cudaStream_t stream, const UpdateCall& call, const GradientRows& rows) {
  dispatch_floating(call.weights.type, [&](auto tag) {
    using W = decltype(tag);
    if (rows.type == Type::f32) {
      launch_step<W, float>(stream, call, rows);
    } else {
      launch_step<W, W>(stream, call, rows);
    }
  });
}

}  // namespace cuda
}  // namespace lossmith
