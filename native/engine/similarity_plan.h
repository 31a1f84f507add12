// How the n x m matrix of scores is cut, and what of it is kept.
//
// Tiles are what one thread multiplies and reduces while they lie in its cache. A block is what
// the gradient products read: rows x columns of coefficients. Sums run over blocks in order, so
// block and tile sizes are constants: neither the number of threads nor the budget changes a
// bit of the result. What adapts is how many blocks of rows run side by side (`group`) and how
// many rows of the matrix are kept between loss and gradient (`stored_rows`).
#ifndef LOSSMITH_ENGINE_SIMILARITY_PLAN_H_
#define LOSSMITH_ENGINE_SIMILARITY_PLAN_H_

#include <algorithm>
#include <cstdint>

namespace lossmith {

struct Tiling {
  std::int64_t tile_rows, tile_columns;    // scores: one thread's product
  std::int64_t block_rows, block_columns;  // inner lengths of the gradient products
  std::int64_t slice_rows;                 // rows of grad_x that one task makes
  std::int64_t slice_columns;              // rows of grad_y that one task makes
};

// For L2 caches of 1 MiB and more: 256 x 512 f32 dots are 512 KiB. Leading dimensions are padded
// by one cache line, since powers of two map whole columns to few cache sets.
constexpr Tiling kCpuTiling = {256, 512, 1024, 2048, 512, 512};
constexpr std::int64_t kLeadingPad = 16;

// Blocks of a GPU: products with at least 2048 rows, 32 MiB of f32 dots. The simulated device of the
// tests has small ones, so that small problems have several. Tiles are a matter of the kernels.
#if defined(LOSSMITH_SIMT)
constexpr Tiling kCudaTiling = {64, 128, 128, 256, 128, 256};
#else
constexpr Tiling kCudaTiling = {64, 128, 2048, 4096, 2048, 4096};
#endif

inline std::int64_t pieces(std::int64_t count, std::int64_t piece) {
  return (count + piece - 1) / piece;
}
// Length of piece `index`.
inline std::int64_t piece_length(std::int64_t count, std::int64_t piece, std::int64_t index) {
  return std::min(piece, count - index * piece);
}

struct SimilarityPlan {
  Tiling tiling = kCpuTiling;
  std::int64_t n = 0, m = 0, d = 0;
  std::int64_t group = 1;        // blocks of rows handled side by side
  std::int64_t stored_rows = 0;  // leading rows whose dots are kept

  std::int64_t group_rows() const { return std::min(group * tiling.block_rows, n); }
  std::int64_t tile_columns() const { return std::min(tiling.tile_columns, m); }
  std::int64_t tile_rows() const { return std::min(tiling.tile_rows, n); }
  std::int64_t block_columns() const { return std::min(tiling.block_columns, m); }
  std::int64_t row_ld() const { return m + kLeadingPad; }                  // stored dots
  std::int64_t block_ld() const { return block_columns() + kLeadingPad; }  // one block
};

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_SIMILARITY_PLAN_H_
