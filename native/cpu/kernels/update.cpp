// Compiled once per instruction set; LSM_ISA names it. Plain loops: the compiler vectorises them.
// A row is stepped in chunks that stay in the first-level cache; with a projection it is stepped
// twice, first for its norm and then for its result, so that no row has to be kept.
#include "cpu/kernels/update.h"

#include <cstring>
#include <type_traits>

#include "core/dtype.h"
#include "math/normalize.h"
#include "math/random.h"
#include "math/stochastic_rounding.h"
#include "math/update.h"

namespace lossmith {
namespace {

constexpr int kChunk = 512;
constexpr int kGroups = kChunk / math::kRandomGroup;
static_assert(kChunk % math::kNormSums == 0 && kChunk % math::kRandomGroup == 0,
              "sums and random bits go by the column");

template <class W>
using Arithmetic = std::conditional_t<std::is_same_v<W, double>, double, float>;

// Elements in the type of the arithmetic: those of the row itself or converted ones.
template <class A, class S>
const A* converted(const S* from, std::int64_t n, A* room) {
  if constexpr (std::is_same_v<A, S>) {
    return from;
  } else {
    for (std::int64_t i = 0; i < n; ++i) room[i] = Convert<A>::from(from[i]);
    return room;
  }
}

// The numbers of state of one chunk: none, one or two (Adam's m and v) for each weight.
template <class A>
struct States {
  A* first = nullptr;
  A* second = nullptr;

  States at(std::int64_t i) const {
    return {first == nullptr ? nullptr : first + i, second == nullptr ? nullptr : second + i};
  }
};

// Elements of one chunk. The new states may be the memory of the old ones.
template <int kRule, class A>
void step_chunk(const math::UpdateFactors<A>& f, const A* w, const A* g, States<A> s, A* new_w,
                States<A> new_s, std::int64_t n) {
  if constexpr (math::states_of(kRule) == 0) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) new_w[i] = math::stepped<kRule>(f, w[i], g[i], A{}).weight;
  } else if constexpr (math::states_of(kRule) == 1) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
      const math::Stepped<A> next = math::stepped<kRule>(f, w[i], g[i], s.first[i]);
      new_w[i] = next.weight;
      new_s.first[i] = next.state;
    }
  } else {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
      const math::Stepped<A> next = math::stepped<kRule>(f, w[i], g[i], s.first[i], s.second[i]);
      new_w[i] = next.weight;
      new_s.first[i] = next.state;
      new_s.second[i] = next.squares;
    }
  }
}

// The norm's sums by column (math/update.h).
class NormSums {
 public:
  // Elements of a chunk, which begins at a multiple of kNormSums.
  template <class A>
  void add(const A* x, std::int64_t n) {
    std::int64_t i = 0;
    for (; i + math::kNormSums <= n; i += math::kNormSums) {
      for (int k = 0; k < math::kNormSums; ++k) {
        sums_[k] = math::plus_square(sums_[k], Convert<double>::from(x[i + k]));
      }
    }
    for (int k = 0; i + k < n; ++k) {
      sums_[k] = math::plus_square(sums_[k], Convert<double>::from(x[i + k]));
    }
  }
  double total() {
    for (int half = math::kNormSums / 2; half > 0; half /= 2) {
      for (int k = 0; k < half; ++k) sums_[k] += sums_[k + half];
    }
    return sums_[0];
  }

 private:
  double sums_[math::kNormSums] = {};
};

// 16 random bits for each of the n elements of a chunk, from group `first` on. Whole vectors of
// groups are made.
void random_bits(std::uint64_t seed, std::uint64_t step, std::uint64_t first, std::int64_t n,
                 std::uint16_t* bits) {
  constexpr int kVector = 16;
  const int groups = static_cast<int>((n + math::kRandomGroup - 1) / math::kRandomGroup);
  const int whole = (groups + kVector - 1) / kVector * kVector;
  std::uint32_t words[kGroups * 4];
  for (int i = 0; i < whole; ++i) {
    const math::Philox random =
        math::philox4x32(math::philox_counter(first + static_cast<std::uint64_t>(i), step), seed);
    words[4 * i] = random.a;
    words[4 * i + 1] = random.b;
    words[4 * i + 2] = random.c;
    words[4 * i + 3] = random.d;
  }
  // The machines that this is compiled for are little-endian.
  std::memcpy(bits, words, static_cast<std::size_t>(whole) * 4 * sizeof(std::uint32_t));
}

// One row of a matrix of which row and width are known.
template <class W, class G, int kRule>
class RowStep {
 public:
  using A = Arithmetic<W>;

  explicit RowStep(const UpdateBlock& block)
      : block_(block), options_(*block.options), factors_(options_) {}

  void run(std::int64_t i, std::int64_t row) const {
    const G* gradient = static_cast<const G*>(block_.gradient) + i * block_.gradient_ld;
    const W* weights = static_cast<const W*>(block_.weights.data) + row * block_.weights.ld;
    W* new_weights = static_cast<W*>(block_.new_weights.data) + row * block_.new_weights.ld;
    States<A> state;
    if constexpr (math::states_of(kRule) > 0) {
      state.first = static_cast<A*>(block_.state.data) + row * block_.state.ld;
    }
    if constexpr (math::states_of(kRule) > 1) state.second = state.first + block_.width;
    A stepped[kChunk];
    double projection = 1;
    if (options_.project_rows != 0) {
      NormSums sums;
      for (std::int64_t at = 0; at < block_.width; at += kChunk) {
        const std::int64_t n = length(at);
        A unused[2 * kChunk];
        step(weights + at, gradient + at, state.at(at), stepped, {unused, unused + kChunk}, n);
        sums.add(stepped, n);
      }
      projection = math::projection(sums.total());
    }
    const std::uint64_t groups =
        static_cast<std::uint64_t>(row) * math::random_groups(block_.width);
    for (std::int64_t at = 0; at < block_.width; at += kChunk) {
      const std::int64_t n = length(at);
      const States<A> own = state.at(at);
      step(weights + at, gradient + at, own, stepped, own, n);
      if (options_.project_rows != 0) scale(stepped, projection, n);
      store(stepped, new_weights + at, groups + static_cast<std::uint64_t>(at) / math::kRandomGroup,
            n);
    }
  }

 private:
  std::int64_t length(std::int64_t at) const {
    return block_.width - at < kChunk ? block_.width - at : kChunk;
  }

  void step(const W* w, const G* g, States<A> s, A* new_w, States<A> new_s, std::int64_t n) const {
    A w_room[kChunk];
    A g_room[kChunk];
    step_chunk<kRule>(factors_, converted<A>(w, n, w_room), converted<A>(g, n, g_room), s, new_w,
                      new_s, n);
  }

  static void scale(A* x, double factor, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      x[i] = static_cast<A>(math::times(static_cast<double>(x[i]), factor));
    }
  }

  void store(const A* from, W* to, std::uint64_t group, std::int64_t n) const {
    if constexpr (std::is_same_v<A, W>) {
      std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(W));
    } else if (options_.stochastic_rounding != 0) {
      std::uint16_t bits[kChunk];
      random_bits(options_.seed, options_.step, group, n, bits);
      for (std::int64_t i = 0; i < n; ++i) math::round_at_random(from[i], bits[i], &to[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) to[i] = Convert<W>::from(from[i]);
    }
  }

  const UpdateBlock& block_;
  const lsm_update_options& options_;
  const math::UpdateFactors<A> factors_;
};

template <class W, class G, int kRule>
void step_rows(const UpdateBlock& block) {
  const RowStep<W, G, kRule> step(block);
  for (std::int64_t i = 0; i < block.count; ++i) {
    step.run(i,
             block.row_ids != nullptr ? block.row_ids[i * block.row_id_stride] : block.begin + i);
  }
}

template <class W, class G>
void step_block(const UpdateBlock& block) {
  switch (block.options->rule) {
    case LSM_UPDATE_MOMENTUM:
      return step_rows<W, G, LSM_UPDATE_MOMENTUM>(block);
    case LSM_UPDATE_ADAGRAD:
      return step_rows<W, G, LSM_UPDATE_ADAGRAD>(block);
    case LSM_UPDATE_LION:
      return step_rows<W, G, LSM_UPDATE_LION>(block);
    case LSM_UPDATE_ADAM:
      return step_rows<W, G, LSM_UPDATE_ADAM>(block);
    default:
      return step_rows<W, G, LSM_UPDATE_SGD>(block);
  }
}

template <class S, class T>
double normalize(const void* x, void* out, std::int64_t width) {
  const S* from = static_cast<const S*>(x);
  T* to = static_cast<T*>(out);
  NormSums sums;
  sums.add(from, width);
  const double square = sums.total();
  const double inverse = math::inverse_norm(square);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < width; ++i) {
    to[i] = Convert<T>::from(math::times(Convert<double>::from(from[i]), inverse));
  }
  return math::root(square);
}

}  // namespace

namespace LSM_ISA {

extern const UpdateKernels update_kernels;
const UpdateKernels update_kernels = {
    {{step_block<float, float>, step_block<float, float>},
     {step_block<double, float>, step_block<double, double>},
     {step_block<float16, float>, step_block<float16, float16>},
     {step_block<bfloat16, float>, step_block<bfloat16, bfloat16>}},
    {{normalize<float, float>, normalize<float, double>, normalize<float, float16>,
      normalize<float, bfloat16>},
     {normalize<double, float>, normalize<double, double>, normalize<double, float16>,
      normalize<double, bfloat16>},
     {normalize<float16, float>, normalize<float16, double>, normalize<float16, float16>,
      normalize<float16, bfloat16>},
     {normalize<bfloat16, float>, normalize<bfloat16, double>, normalize<bfloat16, float16>,
      normalize<bfloat16, bfloat16>}}};

}  // namespace LSM_ISA
}  // namespace lossmith
