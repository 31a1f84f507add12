// The best candidates of a row so far: a buffer that is cut back to the best when it is full, so
// that a candidate costs a few comparisons on average.
#ifndef LOSSMITH_CPU_CANDIDATES_H_
#define LOSSMITH_CPU_CANDIDATES_H_

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/dtype.h"
#include "cpu/kernels/select.h"

namespace lossmith {

// A score as an integer of the same order, NaN below all numbers: comparisons without branches. The
// two zeros are one.
template <class A>
using RankKey = std::conditional_t<std::is_same<A, float>::value, std::int32_t, std::int64_t>;

template <class A>
RankKey<A> reflected(RankKey<A> bits) {
  return bits < 0 ? bits ^ std::numeric_limits<RankKey<A>>::max() : bits;
}
template <class A>
RankKey<A> rank_key(A score) {
  if (score != score) return std::numeric_limits<RankKey<A>>::min();
  return reflected<A>(bit_cast<RankKey<A>>(score + A(0)));
}
template <class A>
A score_of(RankKey<A> key) {
  if (key == std::numeric_limits<RankKey<A>>::min()) return std::numeric_limits<A>::quiet_NaN();
  return bit_cast<A>(reflected<A>(key));
}

template <class A>
struct Candidate {
  RankKey<A> key;
  std::int64_t id;

  // Whether it ranks before the other (math/top_k.h).
  bool operator<(const Candidate& other) const {
    return (key > other.key) | ((key == other.key) & (id < other.id));
  }
};

// Candidates that a buffer holds for `kept` best ones: after a cut there is room for as many again,
// and for a block of the selection at least.
inline std::int64_t candidate_room(std::int64_t kept) {
  return kept + std::max(kSelectBlock, kept);
}

// Moves the `kept` best to the front, in no order; returns how many are left.
template <class A>
std::int64_t keep_best(Candidate<A>* candidates, std::int64_t count, std::int64_t kept) {
  if (count <= kept) return count;
  std::nth_element(candidates, candidates + kept - 1, candidates + count);
  return kept;
}

// What tasks that share a row tell each other: scores that are not above this are out, because some
// task alone has enough better ones. It saves work; the result is the same without.
template <class A>
class SharedFloor {
 public:
  A value() const { return value_.load(std::memory_order_relaxed); }
  // Of a task whose worst kept score is `score`. Another task's label may have the same score and
  // rank before it: scores equal to it are not out.
  void raise(A score) {
    const A below = std::nextafter(score, -std::numeric_limits<A>::infinity());
    A seen = value();
    while (below > seen && !value_.compare_exchange_weak(seen, below, std::memory_order_relaxed)) {
    }
  }

 private:
  std::atomic<A> value_{-std::numeric_limits<A>::infinity()};
};

// The best of a row, while scores come in the order of their ids. Lies in raw memory: start() is its
// beginning.
template <class A>
class BestOfRow {
 public:
  // candidates: candidate_room(kept)
  void start(Candidate<A>* candidates, std::int64_t kept, SharedFloor<A>* floor) {
    candidates_ = candidates;
    kept_ = kept;
    count_ = 0;
    floor_ = floor;
    threshold_ = 0;
    open_ = true;
  }

  // Takes those of one row of scores that may be among the best; column j is label first + j.
  // excluded: ascending ids. row: dots, columns, scale, bias and memory for what passes.
  template <class Run>
  void take(SelectRow<A>& row, const Run& run, std::int64_t first, const std::int64_t* excluded,
            const std::int64_t* excluded_end) {
    row.begin = 0;
    while (row.begin < row.columns) {
      if (candidate_room(kept_) - count_ < kSelectBlock) cut();
      heed_floor();
      row.open = open_;
      row.threshold = threshold_;
      row.room = candidate_room(kept_) - count_;
      row.begin = run(row);
      for (std::int64_t i = 0; i < row.count; ++i) {
        const std::int64_t id = first + row.passed[i];
        if (excluded != excluded_end && std::binary_search(excluded, excluded_end, id)) continue;
        candidates_[count_++] = {rank_key(row.scores[i]), id};
      }
    }
  }

  // The best, best first; returns how many.
  std::int64_t finish() {
    count_ = keep_best(candidates_, count_, kept_);
    std::sort(candidates_, candidates_ + count_);
    return count_;
  }
  const Candidate<A>* candidates() const { return candidates_; }

 private:
  // Later ids must be better than the worst that is kept: equal scores rank by id.
  void cut() {
    count_ = keep_best(candidates_, count_, kept_);
    threshold_ = score_of<A>(candidates_[kept_ - 1].key);
    open_ = false;
    if (floor_ != nullptr) floor_->raise(threshold_);
  }

  // A threshold of NaN lets every number pass, so that any floor is above it.
  void heed_floor() {
    if (floor_ == nullptr) return;
    const A floor = floor_->value();
    if (floor == -std::numeric_limits<A>::infinity()) return;
    if (!open_ && threshold_ >= floor) return;
    threshold_ = floor;
    open_ = false;
  }

  Candidate<A>* candidates_;
  std::int64_t kept_;
  std::int64_t count_;
  SharedFloor<A>* floor_;  // null: the row is this task's alone
  A threshold_;
  bool open_;  // there is no threshold yet
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_CANDIDATES_H_
