// The products of one similarity plan: oneDNN plans for full pieces and ragged edges, made before
// any thread starts, and the scratch memory that they need.
#ifndef LOSSMITH_CPU_PRODUCTS_H_
#define LOSSMITH_CPU_PRODUCTS_H_

#include <algorithm>
#include <cstdint>

#include "core/workspace.h"
#include "cpu/gemm.h"
#include "engine/similarity_plan.h"

namespace lossmith {

// A length that is cut into pieces: all are `full` long but perhaps the last.
struct Pieces {
  Pieces(std::int64_t count, std::int64_t piece)
      : full(std::min(count, piece)), edge(count > piece ? count % piece : 0) {}
  explicit Pieces(std::int64_t whole) : full(whole), edge(0) {}
  std::int64_t full, edge;
};

// One product over pieces of its three extents, fresh (C =) and accumulating (C +=).
class PieceProduct {
 public:
  void prepare(Gemm& gemm, GemmShape shape, Pieces m, Pieces n, Pieces k, bool fresh,
               bool accumulating) {
    full_ = {m.full, n.full, k.full};
    for (int index = 0; index < 16; ++index) {
      plans_[index] = nullptr;
      const bool accumulate = (index & 8) != 0;
      shape.m = index & 1 ? m.edge : m.full;
      shape.n = index & 2 ? n.edge : n.full;
      shape.k = index & 4 ? k.edge : k.full;
      shape.accumulate = accumulate;
      if (shape.m == 0 || shape.n == 0 || shape.k == 0) continue;
      if (!(accumulate ? accumulating : fresh)) continue;
      plans_[index] = gemm.plan(shape);
      scratch_ = std::max(scratch_, Gemm::scratch_bytes(plans_[index]));
    }
  }

  std::size_t scratch_bytes() const { return scratch_; }

  void run(int thread, void* scratch, std::int64_t m, std::int64_t n, std::int64_t k,
           bool accumulate, const void* a, const void* b, void* c) const {
    const int index = (m == full_.m ? 0 : 1) | (n == full_.n ? 0 : 2) | (k == full_.k ? 0 : 4) |
                      (accumulate ? 8 : 0);
    Gemm::run(plans_[index], thread, a, b, c, scratch);
  }

 private:
  struct Extents {
    std::int64_t m, n, k;
  };
  Extents full_{};
  const GemmPlan* plans_[16] = {};
  std::size_t scratch_ = 0;
};

// Scratch memory of all threads: the largest that any product asks for, one piece each.
class ThreadScratch {
 public:
  void need(std::size_t bytes) { bytes_ = std::max(bytes_, bytes); }
  void carve(Carver& carver, int threads) {
    stride_ = (bytes_ + kAlignment - 1) / kAlignment * kAlignment;
    memory_ = carver.take<char>(static_cast<std::int64_t>(stride_) * threads);
  }
  void* of(int thread) const { return memory_ + stride_ * static_cast<std::size_t>(thread); }

 private:
  std::size_t bytes_ = 0;
  std::size_t stride_ = 0;
  char* memory_ = nullptr;
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_PRODUCTS_H_
