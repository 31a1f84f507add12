// The kernels of the losses over label sets, as host functions that queue them. A is the type of
// products, coefficients and per-row vectors: float, or double for the oracle's arithmetic.
//
// The matrix of scores is handled in blocks, as the contrastive losses do. What is particular of a
// row are its entries: positives, target and ignored labels, sorted by column. They are taken out of
// the dense kernels' sight and handled by warps that visit only them.
#ifndef LOSSMITH_CUDA_LABEL_KERNELS_H_
#define LOSSMITH_CUDA_LABEL_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/tensor.h"
#include "cuda/contrastive_kernels.h"
#include "cuda/rows.h"
#include "engine/label_call.h"

namespace lossmith {
namespace cuda {

// A vector of i32 or i64 on the device. data null: not given.
struct IdVector {
  const void* data = nullptr;
  bool is_i64 = false;
  std::int64_t stride = 0;
  std::int64_t count = 0;

  static IdVector of(const View& v) {
    if (!v.present()) return {};
    return {v.data, v.type == Type::i64, v.strides[0], v.shape[0]};
  }
  LSM_HD bool present() const { return data != nullptr || count > 0; }
  LSM_HD std::int64_t at(std::int64_t i) const {
    return is_i64 ? static_cast<const std::int64_t*>(data)[i * stride]
                  : static_cast<std::int64_t>(static_cast<const std::int32_t*>(data)[i * stride]);
  }
};

// ---- numbers and vectors of the call (label_vectors.cu) -------------------------------------

// scale, clamped, narrow factors of 1, rows = N: n for MEAN, else 1; all else 0.
void prepare_label_scalars(cudaStream_t stream, const LabelCall& call, CallScalars* scalars);

// Contiguous ids of the labels that take part; scalars->poison = NaN unless they are strictly
// increasing and below l. An id out of range becomes 0.
void prepare_candidates(cudaStream_t stream, const IdVector& candidates, std::int64_t l,
                        std::int64_t* out, CallScalars* scalars);

// out[j] = vector[ids[j]] (ids null: j) as A. With `demands` scalars->poison = NaN if one of them is
// negative or not finite.
template <class A>
void gather_vector(cudaStream_t stream, const Vector& vector, const std::int64_t* ids,
                   std::int64_t count, bool demands, A* out, CallScalars* scalars);

// ---- entries (label_entries.cu) -------------------------------------------------------------

// The sets of a call as the device reads them.
struct LabelSets {
  std::int64_t n = 0, l = 0;
  std::int64_t columns = 0;
  const std::int64_t* candidates = nullptr;  // [columns] sorted, or null: all labels
  IdVector positive_offsets, positive_ids, ignored_offsets, ignored_ids, target;
  Vector positive_values;
  std::int64_t ignore_index = 0;
  std::int64_t sample = 0;
  std::uint64_t seed = 0;
};

// Entries of all rows. Row i has entries begin[i] to begin[i] + count[i] - 1, sorted by column, each
// column once.
struct LabelEntries {
  std::int64_t* begin = nullptr;
  std::int64_t* count = nullptr;
  double* positives = nullptr;      // [n] |P_i|; NaN where the row's data break a demand
  double* relevance_sum = nullptr;  // [n] over P_i
  std::int64_t* column = nullptr;   // [capacity]
  double* relevance = nullptr;      // [capacity]; 0: ignored
};

// Room to sort in.
struct EntryScratch {
  std::uint8_t* bad_positives = nullptr;  // [n]: the row's offsets are not to be used
  std::uint8_t* bad_ignored = nullptr;
  std::int64_t* key[2] = {};         // [capacity]
  std::int64_t* order[2] = {};       // [capacity]
  std::int64_t* position = nullptr;  // [capacity], with `sample`
  double* draw = nullptr;            // [capacity], with `sample`
};

std::int64_t entry_capacity(const LabelCall& call);

void build_entries(cudaStream_t stream, const LabelSets& sets, const EntryScratch& scratch,
                   const LabelEntries& entries);

// ---- blocks ---------------------------------------------------------------------------------

// A block of products with everything that makes them scores: s = cap(scale u + bias).
template <class A>
struct LabelBlock {
  DotBlock<A> dots;
  A softcap = 0;  // 0: none
};

// dots[i, j] = x[row0 + i, ids[column0 + j]] (ids null: column0 + j), where x holds products.
template <class A>
void load_products(cudaStream_t stream, const Matrix& x, const std::int64_t* ids,
                   const DotBlock<A>& block);
// The way back: grad_x of the block's rows and columns.
template <class A>
void store_products(cudaStream_t stream, const DotBlock<A>& block, const std::int64_t* ids,
                    const Matrix& grad_x);

// Keeps the products of the block's entries and takes the ignored ones, with `positives` also the
// positives, out of it: their product becomes -infinity.
template <class A>
void take_out_entries(cudaStream_t stream, const DotBlock<A>& block, const LabelEntries& entries,
                      bool positives, A* products);

// ---- sums over the labels of a row (label_sums.cu) ------------------------------------------

// Soft targets and class weights, from column 0 of the labels that take part on.
template <class A>
struct LabelTargets {
  Matrix soft;                        // [n, l] of any floating type; data null: none
  const std::int64_t* ids = nullptr;  // columns of `soft`, or null
  const A* weight = nullptr;          // [columns] or null: 1
  double smoothing = 0;
  std::int64_t columns = 0;
};

// Sums that run over the blocks of a row, f64, [n] each; those that are null are not made.
struct LabelSums {
  double* max = nullptr;     // of z = alpha s
  double* sum = nullptr;     // of e^(z - max)
  double* min = nullptr;     // of z
  double* finite = nullptr;  // with min: #{s > -infinity}
  double* softplus = nullptr;
  double* weight = nullptr;         // of w_j
  double* uniform = nullptr;        // of w_j s_ij
  double* target_weight = nullptr;  // of q_ij w_j, soft targets without smoothing
  double* target_score = nullptr;   // of q_ij w_j s_ij
};

// fresh: nothing ran yet.
template <class A>
void label_sums(cudaStream_t stream, const LabelBlock<A>& block, double alpha,
                const LabelTargets<A>& targets, const LabelSums& sums, bool fresh);

// ---- soft top-k (label_top_k.cu) ------------------------------------------------------------

// Thresholds that one look at the scores tries: Newton's and some that cut the bracket.
constexpr int kTopKProbes = 8;
// Looks at the scores. Each makes the bracket at least eight times shorter, so that six of them
// bring one of 2^18 / alpha below 1 / alpha; Newton's method needs four more from there.
constexpr int kTopKPasses = 10;

struct TopKRows {
  double* k = nullptr;          // [n]
  double* threshold = nullptr;  // [n]: Newton's probe, in the end t
  double* low = nullptr;        // [n] bracket
  double* high = nullptr;
  double* active = nullptr;   // [n] 1 while the threshold is not found
  double* surplus = nullptr;  // [n, probes]: sum y - #{z > 0}, running
  double* above = nullptr;    // [n, probes]: #{z > 0}
  double* least = nullptr;    // [n] max of -|z| at Newton's probe, running
  double* slope = nullptr;    // [n] sum of y (1-y) e^-least
};

struct TopKStart {
  std::int64_t k = 0;  // 0: k_rows, or the rounded-up sum of the row's relevances
  double alpha = 1;
  IdVector k_rows;
  bool all_rows = false;  // a threshold also for rows without positives
};

// Brackets and first probes of rows [row0, row0 + rows) from their sums, and their k. A row whose k
// is not possible, or whose data break a demand, gets the threshold NaN.
void start_top_k(cudaStream_t stream, const TopKStart& start, std::int64_t row0, std::int64_t rows,
                 const LabelEntries& entries, const LabelSums& sums, const TopKRows& top_k);

// Adds a block at the probes of the rows that are active.
template <class A>
void probe_top_k(cudaStream_t stream, const LabelBlock<A>& block, double alpha,
                 const TopKRows& rows, bool fresh);

// The next probes from the sums of all blocks; `last`: what was tried now is taken.
template <class A>
void advance_top_k(cudaStream_t stream, std::int64_t row0, std::int64_t rows, double alpha,
                   bool last, const TopKRows& top_k);

// All looks of rows whose products are all kept, each row read once into shared memory: block b of
// the labels lies at blocks + b * block_elements. The same bits as the two above. False, and nothing
// queued, where a row does not fit.
template <class A>
bool resident_top_k(cudaStream_t stream, const LabelBlock<A>& first, std::int64_t columns,
                    std::int64_t block_elements, double alpha, const TopKRows& rows);

// ---- losses and constants of the rows (label_rows.cu) ---------------------------------------

// What the dense part of a loss is made of.
enum class LabelDense { exponential, sigmoid, top_k };

template <class A>
struct LabelRows {
  // f64: loss with row weight; constants of the entries' coefficients.
  double* loss = nullptr;
  double* slope = nullptr;   // upstream, row weight, scale, 1/N and a_i or 1/l_i
  double* factor = nullptr;  // of the dense part
  double* shift = nullptr;   // log-sum-exp
  double* even = nullptr;    // softmax CE: e/l_i
  // As the dense kernel reads them.
  A* factor_a = nullptr;
  A* hi = nullptr;
  A* lo = nullptr;
  A* least = nullptr;
  A* uniform = nullptr;
  A* target = nullptr;
  A* bound = nullptr;  // no coefficient of the row is larger
};

template <class A>
struct LabelRowInputs {
  lsm_label_options options{};
  std::int64_t n = 0, columns = 0;
  bool soft = false;
  LabelEntries entries;
  const A* products = nullptr;  // of the entries
  const A* bias = nullptr;
  const A* class_weight = nullptr;
  A softcap = 0;
  LabelSums sums;
  TopKRows top_k;
  Vector row_weight, upstream;
  const CallScalars* scalars = nullptr;
};

// scalars->rows = N of softmax CE with targets: the sum of their weights, 1 if that is 0.
template <class A>
void count_label_rows(cudaStream_t stream, const LabelSets& sets, const double* positives,
                      const A* class_weight, CallScalars* scalars);

template <class A>
void finish_label_rows(cudaStream_t stream, const LabelRowInputs<A>& inputs,
                       const LabelRows<A>& rows);

// ---- coefficients (label_coefficients.cu, label_patch.cu) -----------------------------------

// Bits of a block's entries.
struct EntryMarks {
  std::uint32_t* bits = nullptr;  // [block rows, words]
  std::int64_t words = 0;
};

// Coefficients of the block's entries in place of their products, each written once from f64, marks
// them, and adds their share of the scale's gradient to entry_scale[row].
template <class A>
void patch_entries(cudaStream_t stream, const LabelBlock<A>& block, const LabelRowInputs<A>& inputs,
                   const LabelRows<A>& rows, const EntryMarks& marks, bool fresh,
                   double* entry_scale);

// Coefficients of all other elements; marked ones are passed on.
template <class A>
void label_coefficients(cudaStream_t stream, const LabelBlock<A>& block, LabelDense dense,
                        double alpha, const LabelRows<A>& rows, const LabelTargets<A>& targets,
                        const EntryMarks& marks, const CoefficientOutputs<A>& out);

// The gradient filter: tiles of 96 x 512 coefficients, none larger than eps/N, become zeros. That
// saves no product here, since a library's product looks at every element; it is the same result.
void filter_coefficients(cudaStream_t stream, const Matrix& coefficients, double filter,
                         const CallScalars* scalars);

// grad_bias from sum_i G_ij of the labels that take part, zero elsewhere.
void write_label_bias_gradient(cudaStream_t stream, const double* sums, const std::int64_t* ids,
                               std::int64_t columns, const CallScalars* scalars, const View& out);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_LABEL_KERNELS_H_
