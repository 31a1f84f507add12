// Kernels over one tile of products u_ij = <x_i, z_j> of a loss over label sets, held in cache. A is
// the accumulation type: float (vectorised, one version per instruction set) or double (the oracle).
// An entry that does not take part has the product -infinity (label_taken_out).
#ifndef LOSSMITH_CPU_KERNELS_LABEL_TILE_H_
#define LOSSMITH_CPU_KERNELS_LABEL_TILE_H_

#include <cstdint>
#include <limits>

namespace lossmith {

template <class A>
constexpr A label_taken_out() {
  return -std::numeric_limits<A>::infinity();
}

// s_ij = cap(scale u_ij + bias_j)
template <class A>
struct LabelScores {
  A* products;  // [rows, columns]
  std::int64_t ld;
  std::int64_t rows, columns;
  A scale;
  A softcap;      // 0: none
  const A* bias;  // [columns] or null
};

// What the dense part of a loss is made of.
enum class LabelDense { exponential, sigmoid, top_k };

// Sums over the tile's columns, one of each per row; those that are null are not made.
template <class A>
struct LabelSums {
  LabelScores<A> scores;
  A alpha;                 // 1, or that of soft top-k: z = alpha s
  A* max;                  // of z
  A* sum;                  // of e^(z - max)
  A* min;                  // of z
  A* softplus;             // of ln(1 + e^s)
  A* uniform;              // of w_j s_ij
  const A* column_weight;  // w, or null for 1
  const A* targets;        // [rows, targets_ld] q or null
  std::int64_t targets_ld;
  A* target_sum;  // of q_ij s_ij
};

// How the threshold of a row of soft top-k is looked for (LabelState::look).
enum class LabelLook : std::uint8_t { none, near_by, sums };

// Soft top-k at a threshold t = hi + lo per row, for the rows with look[i] = sums. With
// z = alpha (s + t), y = sigm(z): the number of z > 0, the sum of y - [z > 0] (whose terms keep their
// digits where memberships saturate), and the sum of y (1-y) e^least with least = min |z| where that
// exceeds 40 (all memberships saturate), else 0.
template <class A>
struct LabelTopK {
  LabelScores<A> scores;
  A alpha;
  const A* hi;
  const A* lo;
  const LabelLook* look;
  A* above;
  A* surplus;
  A* slope;
  A* least;
};

// What gives the memberships of soft top-k at every threshold up to a distance from t = hi + lo, for
// the rows with look[i] = near_by. With z = alpha (s + t): the sums of e^z, e^2z and e^3z over the
// entries with z <= kLabelFar, from which sigm(z) = e^z - e^2z + e^3z - ... follows, and the scores of
// all other entries, which are few: they are appended to a list for each row. Entries that a full
// list has no room for are counted only.
constexpr double kLabelFar = -8;
template <class A>
struct LabelNear {
  LabelScores<A> scores;
  A alpha;
  const A* hi;
  const A* lo;
  const LabelLook* look;
  A* list;  // [rows, capacity]
  std::int64_t capacity;
  std::int64_t* count;  // in and out, one for each row
  A* first;
  A* second;
  A* third;
};

// Coefficients G_ij = scale dL/ds_ij of the dense part:
//   exponential  factor_i e^((s - hi_i) - lo_i) - uniform_i w_j - q_ij target_i
//   sigmoid      factor_i sigm(s)
//   top_k        factor_i e^(least_i - |z|) / (1 + e^-|z|)^2,  z = alpha ((s + hi_i) + lo_i)
// times the slope of the cap. Products are overwritten.
template <class A>
struct LabelCoefficients {
  LabelScores<A> scores;
  LabelDense dense;
  A alpha;
  const A* factor;
  const A* hi;
  const A* lo;
  const A* least;
  const A* uniform;        // null: none
  const A* column_weight;  // null: 1
  const A* targets;        // null: none
  std::int64_t targets_ld;
  const A* target;
  double scale_gradient;  // out: sum_ij G_ij u_ij
};

struct LabelTileKernels {
  void (*sums)(const LabelSums<float>& tile);
  void (*top_k)(const LabelTopK<float>& tile);
  void (*near_by)(const LabelNear<float>& tile);
  void (*coefficients)(LabelCoefficients<float>& tile);
  // The score of one entry: the very number that enters the sums.
  float (*score)(const LabelScores<float>& tile, std::int64_t row, std::int64_t column);
  // Largest |value| of a [rows, columns] matrix.
  float (*largest)(const float* values, std::int64_t ld, std::int64_t rows, std::int64_t columns);
};

const LabelTileKernels& label_kernels();  // those of the chosen instruction set

// The oracle's versions.
void label_sums(const LabelSums<double>& tile);
void label_top_k(const LabelTopK<double>& tile);
void label_coefficients(LabelCoefficients<double>& tile);
double label_score(const LabelScores<double>& tile, std::int64_t row, std::int64_t column);
double label_largest(const double* values, std::int64_t ld, std::int64_t rows,
                     std::int64_t columns);

inline void label_sums(const LabelSums<float>& tile) { label_kernels().sums(tile); }
inline void label_top_k(const LabelTopK<float>& tile) { label_kernels().top_k(tile); }
inline void label_near(const LabelNear<float>& tile) { label_kernels().near_by(tile); }
inline void label_coefficients(LabelCoefficients<float>& tile) {
  label_kernels().coefficients(tile);
}
inline float label_score(const LabelScores<float>& tile, std::int64_t row, std::int64_t column) {
  return label_kernels().score(tile, row, column);
}
inline float label_largest(const float* values, std::int64_t ld, std::int64_t rows,
                           std::int64_t columns) {
  return label_kernels().largest(values, ld, rows, columns);
}

}  // namespace lossmith

#endif  // LOSSMITH_CPU_KERNELS_LABEL_TILE_H_
