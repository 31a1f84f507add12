#include "cpu/contrastive_tiles.h"

#include <cmath>
#include <type_traits>

#include "cpu/backend.h"
#include "cpu/parallel.h"

namespace lossmith {
namespace {

template <class T, class A>
constexpr bool kNarrow = !std::is_same<T, A>::value;

// One block of columns under one group of rows, cut into tiles.
struct Block {
  std::int64_t row_begin, rows, column_begin, columns;
  std::int64_t row_tiles, column_tiles;
};

template <class T, class A>
Block block_at(const ContrastiveState<T, A>& s, std::int64_t row_begin, std::int64_t rows,
               std::int64_t column_block) {
  const Tiling& t = s.plan.tiling;
  Block b{};
  b.row_begin = row_begin;
  b.rows = rows;
  b.column_begin = column_block * t.block_columns;
  b.columns = piece_length(s.m, t.block_columns, column_block);
  b.row_tiles = pieces(rows, t.tile_rows);
  b.column_tiles = pieces(b.columns, t.tile_columns);
  return b;
}

struct Tile {
  std::int64_t row_tile, column_tile;
  std::int64_t row, column;  // first row and column in the matrix
  std::int64_t rows, columns;
};

template <class T, class A>
Tile tile_at(const ContrastiveState<T, A>& s, const Block& b, std::int64_t task) {
  const Tiling& t = s.plan.tiling;
  Tile tile{};
  tile.row_tile = task / b.column_tiles;
  tile.column_tile = task % b.column_tiles;
  tile.row = b.row_begin + tile.row_tile * t.tile_rows;
  tile.column = b.column_begin + tile.column_tile * t.tile_columns;
  tile.rows = piece_length(b.rows, t.tile_rows, tile.row_tile);
  tile.columns = piece_length(b.columns, t.tile_columns, tile.column_tile);
  return tile;
}

template <class T, class A>
bool is_stored(const ContrastiveState<T, A>& s, std::int64_t row) {
  return row < s.plan.stored_rows;
}

template <class T, class A>
A* thread_tile(const ContrastiveState<T, A>& s, int thread) {
  return s.tiles + thread * s.plan.tile_rows() * s.plan.tile_columns();
}

template <class T, class A>
ScoreTile<A> score_tile(const ContrastiveState<T, A>& s, const Tile& t, A* dots, std::int64_t ld) {
  return {dots,
          ld,
          t.rows,
          t.columns,
          static_cast<A>(s.scale),
          s.bias != nullptr ? s.bias + t.column : nullptr};
}

template <class T, class A>
void multiply(const ContrastiveState<T, A>& s, const PieceProduct& product, const Tile& t,
              int thread, A* out) {
  product.run(thread, s.scratch.of(thread), t.rows, t.columns, s.d, false, s.x + t.row * s.ldx,
              s.y + t.column * s.ldy, out);
}

// Explicit weights of the tile as A, in the thread's own buffer; null without.
template <class T, class A>
const A* weights_of(const ContrastiveState<T, A>& s, const Tile& t, int thread) {
  if (!s.dense()) return nullptr;
  A* out = s.weight_tiles + thread * s.plan.tile_rows() * s.plan.tile_columns();
  const View& w = s.call.weights;
  dispatch_floating(w.type, [&](auto tag) {
    using W = decltype(tag);
    for (std::int64_t i = 0; i < t.rows; ++i) {
      const W* row = w.row<const W>(s.x_rows.source_row(t.row + i));
      for (std::int64_t j = 0; j < t.columns; ++j) {
        out[i * t.columns + j] = Convert<A>::from(row[s.y_rows.source_row(t.column + j)]);
      }
    }
  });
  return out;
}

template <class T, class A>
void keep_pair_scores(const ContrastiveState<T, A>& s, const Tile& t, A* dots, std::int64_t ld) {
  run_pair_scores(score_tile(s, t, dots, ld), t.row + s.pair_shift - t.column,
                  s.pair_score + t.row);
}

// ---- merging of partial log-sum-exps, always in the order of the tiles ---------------------

struct Running {
  double max, sum;
};

inline Running merged(Running a, double max, double sum) {
  if (max <= a.max) return {a.max, a.sum + sum * std::exp(max - a.max)};
  return {max, a.sum * std::exp(a.max - max) + sum};
}

inline double log_sum(double max, double sum) { return max + std::log(sum); }

constexpr std::int64_t kMergeGrain = 256;
constexpr double kLowestMax = -3.0e38;

template <class T, class A>
void merge_rows(ContrastiveState<T, A>& s, const Block& b) {
  parallel_ranges(s.lanes, b.rows, kMergeGrain, [&](std::int64_t from, std::int64_t to, int) {
    for (std::int64_t i = from; i < to; ++i) {
      Running run{s.row_max[i], s.row_sum[i]};
      for (std::int64_t t = 0; t < b.column_tiles; ++t) {
        const std::int64_t at = i * b.column_tiles + t;
        run = merged(run, s.partials.row_max[at], s.partials.row_sum[at]);
        if (s.dense()) s.weighted[i] += static_cast<double>(s.partials.weighted[at]);
      }
      s.row_max[i] = run.max;
      s.row_sum[i] = run.sum;
    }
  });
}

template <class T, class A>
void merge_columns(ContrastiveState<T, A>& s, const Block& b) {
  parallel_ranges(s.lanes, b.columns, kMergeGrain, [&](std::int64_t from, std::int64_t to, int) {
    for (std::int64_t j = from; j < to; ++j) {
      Running run{s.column_max[b.column_begin + j], s.column_sum[b.column_begin + j]};
      for (std::int64_t t = 0; t < b.row_tiles; ++t) {
        run = merged(run, s.partials.column_max[t * b.columns + j],
                     s.partials.column_sum[t * b.columns + j]);
      }
      s.column_max[b.column_begin + j] = run.max;
      s.column_sum[b.column_begin + j] = run.sum;
    }
  });
}

template <class T, class A>
void statistics_block(ContrastiveState<T, A>& s, const Block& b) {
  const bool stored = is_stored(s, b.row_begin);
  const bool columns = s.call.both_directions();
  Partials<A>& p = s.partials;
  parallel_tasks(s.lanes, b.row_tiles * b.column_tiles, [&](std::int64_t task, int thread) {
    const Tile t = tile_at(s, b, task);
    A* dots = stored ? s.stored + t.row * s.plan.row_ld() + t.column : thread_tile(s, thread);
    const std::int64_t ld = stored ? s.plan.row_ld() : s.plan.tile_columns();
    multiply(s, stored ? s.scores_to_store : s.scores_to_tile, t, thread, dots);
    const std::int64_t row_at = (t.row - b.row_begin) * b.column_tiles + t.column_tile;
    const std::int64_t column_at = t.row_tile * b.columns + (t.column - b.column_begin);
    StatisticsTile<A> tile{};
    tile.scores = score_tile(s, t, dots, ld);
    tile.row_max = p.row_max + row_at;
    tile.row_sum = p.row_sum + row_at;
    tile.row_stride = b.column_tiles;
    if (columns) {
      tile.column_max = p.column_max + column_at;
      tile.column_sum = p.column_sum + column_at;
    }
    tile.weights = weights_of(s, t, thread);
    tile.weights_ld = t.columns;
    tile.weighted = s.dense() ? p.weighted + row_at : nullptr;
    run_statistics(tile);
    keep_pair_scores(s, t, dots, ld);
  });
  merge_rows(s, b);
  if (columns) merge_columns(s, b);
}

// ---- coefficients -------------------------------------------------------------------------

// Where the coefficients of a block lie for the gradient products.
template <class T, class A>
struct Coefficients {
  const T* data;
  std::int64_t ld;
  const PieceProduct* rows;
  const PieceProduct* columns;
};

template <class T, class A>
Direction<A> direction_at(const DirectionVectors<A>& v, std::int64_t at) {
  return {v.lse_hi + at, v.lse_lo + at, v.c + at, v.uniform + at, v.target + at};
}

// Given statistics: nobody has swept before, so what the loss needs is collected here.
template <class T, class A>
void collect_for_loss(ContrastiveState<T, A>& s, const Block& b, const Tile& t, A* dots,
                      std::int64_t ld, const A* weights) {
  keep_pair_scores(s, t, dots, ld);
  if (!s.dense()) return;
  StatisticsTile<A> tile{};
  tile.scores = score_tile(s, t, dots, ld);
  tile.weights = weights;
  tile.weights_ld = t.columns;
  tile.weighted = s.partials.weighted + (t.row - b.row_begin) * b.column_tiles + t.column_tile;
  tile.row_stride = b.column_tiles;
  run_weighted_sums(tile);
}

template <class T, class A>
void coefficient_task(ContrastiveState<T, A>& s, const Block& b, std::int64_t task, int thread) {
  const Tile t = tile_at(s, b, task);
  const bool stored = is_stored(s, b.row_begin);
  const std::int64_t block_at =
      (t.row - b.row_begin) * s.plan.block_ld() + (t.column - b.column_begin);
  A* dots = stored          ? s.stored + t.row * s.plan.row_ld() + t.column
            : kNarrow<T, A> ? thread_tile(s, thread)
                            : s.block + block_at;
  const std::int64_t ld = stored          ? s.plan.row_ld()
                          : kNarrow<T, A> ? s.plan.tile_columns()
                                          : s.plan.block_ld();
  if (!stored) {
    multiply(s, kNarrow<T, A> ? s.scores_to_tile : s.scores_to_block, t, thread, dots);
  }
  CoefficientTile<A> tile{};
  tile.scores = score_tile(s, t, dots, ld);
  tile.row = direction_at<T, A>(s.row, t.row);
  if (s.call.both_directions()) tile.column = direction_at<T, A>(s.column, t.column);
  tile.pair = t.row + s.pair_shift - t.column;
  tile.weights = weights_of(s, t, thread);
  tile.weights_ld = t.columns;
  tile.weight_factor = s.dense() ? s.weight_factor + t.row : nullptr;
  if (s.bias_gradient != nullptr) {
    tile.column_sum = s.partials.bias_sum + t.row_tile * b.columns + (t.column - b.column_begin);
    for (std::int64_t j = 0; j < t.columns; ++j) tile.column_sum[j] = 0;
  }
  if (s.call.given_statistics) collect_for_loss(s, b, t, dots, ld, tile.weights);
  run_coefficients(tile);
  s.partials.scale[task] = tile.scale_gradient;
  if constexpr (kNarrow<T, A>) {
    for (std::int64_t i = 0; i < t.rows; ++i) {
      kernels().rows->f32.to_bf16(dots + i * ld, 1.0, s.narrow + block_at + i * s.plan.block_ld(),
                                  t.columns);
    }
  }
}

template <class T, class A>
Coefficients<T, A> coefficients_of(const ContrastiveState<T, A>& s, const Block& b) {
  if constexpr (kNarrow<T, A>) {
    return {s.narrow, s.plan.block_ld(), &s.rows_from_block, &s.columns_from_block};
  } else {
    if (is_stored(s, b.row_begin)) {
      return {s.stored + b.row_begin * s.plan.row_ld() + b.column_begin, s.plan.row_ld(),
              &s.rows_from_store, &s.columns_from_store};
    }
    return {s.block, s.plan.block_ld(), &s.rows_from_block, &s.columns_from_block};
  }
}

template <class T, class A>
void gradient_products(ContrastiveState<T, A>& s, const Block& b, bool fresh_x, bool fresh_y) {
  const Tiling& tiling = s.plan.tiling;
  const Coefficients<T, A> g = coefficients_of(s, b);
  const std::int64_t row_slices = s.grad_x != nullptr ? pieces(b.rows, tiling.slice_rows) : 0;
  const std::int64_t column_slices =
      s.grad_y != nullptr ? pieces(b.columns, tiling.slice_columns) : 0;
  // Waking a team costs microseconds: products of less than that stay with the caller.
  constexpr std::int64_t kWorthATeam = std::int64_t{1} << 21;
  const int threads = b.rows * b.columns * s.d < kWorthATeam ? 1 : s.lanes;
  parallel_tasks(threads, row_slices + column_slices, [&](std::int64_t task, int thread) {
    void* scratch = s.scratch.of(thread);
    if (task < row_slices) {
      const std::int64_t row = task * tiling.slice_rows;
      A* out = s.grad_x + ((s.grad_x_direct ? b.row_begin : 0) + row) * s.grad_x_ld;
      g.rows->run(thread, scratch, piece_length(b.rows, tiling.slice_rows, task), s.d, b.columns,
                  !fresh_x, g.data + row * g.ld, s.y + b.column_begin * s.ldy, out);
      return;
    }
    const std::int64_t slice = task - row_slices;
    const std::int64_t column = slice * tiling.slice_columns;
    const std::int64_t width = piece_length(b.columns, tiling.slice_columns, slice);
    A* out = s.grad_y + (b.column_begin + column) * s.grad_y_ld;
    for (std::int64_t k = 0; k < pieces(b.rows, tiling.block_rows); ++k) {
      const std::int64_t row = k * tiling.block_rows;
      g.columns->run(thread, scratch, width, s.d, piece_length(b.rows, tiling.block_rows, k),
                     !(fresh_y && k == 0), g.data + row * g.ld + column,
                     s.x + (b.row_begin + row) * s.ldx, out);
    }
  });
}

template <class T, class A>
void merge_coefficient_sums(ContrastiveState<T, A>& s, const Block& b) {
  for (std::int64_t t = 0; t < b.row_tiles * b.column_tiles; ++t) {
    s.scale_gradient += s.partials.scale[t];
  }
  if (s.bias_gradient != nullptr) {
    for (std::int64_t t = 0; t < b.row_tiles; ++t) {
      for (std::int64_t j = 0; j < b.columns; ++j) {
        s.bias_gradient[b.column_begin + j] += s.partials.bias_sum[t * b.columns + j];
      }
    }
  }
  if (s.call.given_statistics && s.dense()) {
    for (std::int64_t i = 0; i < b.rows; ++i) {
      for (std::int64_t t = 0; t < b.column_tiles; ++t) {
        s.row_term[b.row_begin + i] +=
            static_cast<double>(s.partials.weighted[i * b.column_tiles + t]);
      }
    }
  }
}

}  // namespace

template <class T, class A>
void sweep_statistics(ContrastiveState<T, A>& s) {
  const bool columns = s.call.both_directions();
  if (columns) {
    for (std::int64_t j = 0; j < s.m; ++j) {
      s.column_max[j] = kLowestMax;
      s.column_sum[j] = 0;
    }
  }
  for (std::int64_t begin = 0; begin < s.n; begin += s.plan.group_rows()) {
    const std::int64_t rows = std::min(s.plan.group_rows(), s.n - begin);
    for (std::int64_t i = 0; i < rows; ++i) {
      s.row_max[i] = kLowestMax;
      s.row_sum[i] = 0;
      if (s.dense()) s.weighted[i] = 0;
    }
    for (std::int64_t c = 0; c < pieces(s.m, s.plan.tiling.block_columns); ++c) {
      statistics_block(s, block_at(s, begin, rows, c));
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      s.row.lse[begin + i] = log_sum(s.row_max[i], s.row_sum[i]);
      if (s.dense()) s.row_term[begin + i] = s.weighted[i];
    }
  }
  for (std::int64_t j = 0; columns && j < s.m; ++j) {
    s.column.lse[j] = log_sum(s.column_max[j], s.column_sum[j]);
  }
}

template <class T, class A>
void sweep_coefficients(ContrastiveState<T, A>& s, std::int64_t begin, std::int64_t end,
                        bool fresh_x, bool fresh_y) {
  for (std::int64_t c = 0; c < pieces(s.m, s.plan.tiling.block_columns); ++c) {
    const Block b = block_at(s, begin, end - begin, c);
    parallel_tasks(s.lanes, b.row_tiles * b.column_tiles,
                   [&](std::int64_t task, int thread) { coefficient_task(s, b, task, thread); });
    merge_coefficient_sums(s, b);
    gradient_products(s, b, fresh_x && c == 0, fresh_y);
  }
}

template <class T, class A>
void prepare_products(ContrastiveState<T, A>& s, bool initialised_x, bool initialised_y) {
  const Tiling& t = s.plan.tiling;
  const SimilarityPlan& p = s.plan;
  Gemm& gemm = gemm_of(s.context);
  const Type type = operand_type<T>();
  const Pieces rows(s.n, t.tile_rows), columns(s.m, t.tile_columns), width(s.d);
  const auto scores = [&](PieceProduct& product, std::int64_t ldc) {
    const GemmShape shape{type, Product::nt, false, 0, 0, 0, s.ldx, s.ldy, ldc};
    product.prepare(gemm, shape, rows, columns, width, true, false);
    s.scratch.need(product.scratch_bytes());
  };
  const bool gradients = s.call.sweeps_coefficients();
  const bool recomputed = p.stored_rows < s.n;
  if (recomputed && (kNarrow<T, A> || !s.call.given_statistics)) {
    scores(s.scores_to_tile, p.tile_columns());
  }
  if (recomputed && gradients && !kNarrow<T, A>) scores(s.scores_to_block, p.block_ld());
  if (p.stored_rows > 0) scores(s.scores_to_store, p.row_ld());
  const auto gradient = [&](PieceProduct& for_rows, PieceProduct& for_columns, std::int64_t ld) {
    if (s.grad_x_ld != 0) {
      const GemmShape shape{type, Product::nn, false, 0, 0, 0, ld, s.ldy, s.grad_x_ld};
      for_rows.prepare(gemm, shape, Pieces(s.n, t.slice_rows), width, Pieces(s.m, t.block_columns),
                       !initialised_x, initialised_x || s.m > t.block_columns);
      s.scratch.need(for_rows.scratch_bytes());
    }
    if (s.grad_y_ld != 0) {
      const GemmShape shape{type, Product::tn, false, 0, 0, 0, ld, s.ldx, s.grad_y_ld};
      for_columns.prepare(gemm, shape, Pieces(s.m, t.slice_columns), width,
                          Pieces(s.n, t.block_rows), !initialised_y,
                          initialised_y || s.n > t.block_rows);
      s.scratch.need(for_columns.scratch_bytes());
    }
  };
  if (gradients && (recomputed || kNarrow<T, A>)) {
    gradient(s.rows_from_block, s.columns_from_block, p.block_ld());
  }
  if (gradients && p.stored_rows > 0 && !kNarrow<T, A>) {
    gradient(s.rows_from_store, s.columns_from_store, p.row_ld());
  }
}

template <class T, class A>
void carve_sweeps(ContrastiveState<T, A>& s, Carver& carver) {
  const SimilarityPlan& p = s.plan;
  const bool gradients = s.call.sweeps_coefficients();
  const bool recomputed = p.stored_rows < s.n;
  const std::int64_t group = p.group_rows();
  const std::int64_t row_tiles = pieces(group, p.tiling.tile_rows);
  const std::int64_t column_tiles = pieces(p.block_columns(), p.tiling.tile_columns);
  const std::int64_t tile = p.tile_rows() * p.tile_columns() * s.lanes;
  const bool columns = s.call.both_directions();

  s.stored = p.stored_rows > 0 ? carver.take<A>(p.stored_rows * p.row_ld()) : nullptr;
  if (gradients && recomputed && !kNarrow<T, A>) s.block = carver.take<A>(group * p.block_ld());
  if (gradients && kNarrow<T, A>) s.narrow = carver.take<T>(group * p.block_ld());
  if (recomputed && (kNarrow<T, A> || !s.call.given_statistics)) s.tiles = carver.take<A>(tile);
  if (s.dense()) s.weight_tiles = carver.take<A>(tile);

  s.row_max = carver.take<double>(group);
  s.row_sum = carver.take<double>(group);
  if (s.dense()) s.weighted = carver.take<double>(group);
  if (columns) {
    s.column_max = carver.take<double>(s.m);
    s.column_sum = carver.take<double>(s.m);
    s.partials.column_max = carver.take<A>(row_tiles * p.block_columns());
    s.partials.column_sum = carver.take<A>(row_tiles * p.block_columns());
  }
  s.partials.row_max = carver.take<A>(group * column_tiles);
  s.partials.row_sum = carver.take<A>(group * column_tiles);
  if (s.dense()) s.partials.weighted = carver.take<A>(group * column_tiles);
  if (gradients) s.partials.scale = carver.take<double>(row_tiles * column_tiles);
  if (s.bias_gradient != nullptr || s.call.grad_bias.present()) {
    s.partials.bias_sum = carver.take<double>(row_tiles * p.block_columns());
  }
  s.scratch.carve(carver, s.lanes);
}

#define LSM_INSTANTIATE(T, A)                                                                 \
  template void sweep_statistics(ContrastiveState<T, A>&);                                    \
  template void sweep_coefficients(ContrastiveState<T, A>&, std::int64_t, std::int64_t, bool, \
                                   bool);                                                     \
  template void prepare_products(ContrastiveState<T, A>&, bool, bool);                        \
  template void carve_sweeps(ContrastiveState<T, A>&, Carver&);
LSM_INSTANTIATE(float, float)
LSM_INSTANTIATE(bfloat16, float)
LSM_INSTANTIATE(double, double)
#undef LSM_INSTANTIATE

}  // namespace lossmith
