// What is written element by element, or tile by tile, beside the dense coefficients: the entries,
// before the dense kernel passes over them, and the zeros of the gradient filter after it.
#include "cuda/kernels/label_entries.cuh"
#include "cuda/kernels/label_score.cuh"
#include "cuda/label_kernels.h"
#include "cuda/launch.h"
#include "math/labels.h"

namespace lossmith {
namespace cuda {
namespace {

constexpr std::int64_t kFilterRows = 96;
constexpr std::int64_t kFilterColumns = 512;

// The constants of a row that its entries need.
struct EntryRow {
  double slope, factor, shift, even;
  double threshold, least;
};

// G of a positive with relevance v and class weight w, before the cap.
LSM_DEVICE double positive_coefficient(const lsm_label_options& o, const EntryRow& row, double s,
                                       double v, double w) {
  switch (o.loss) {
    case LSM_DECOUPLED_SOFTMAX:
      return -row.slope * v * math::sigmoid_f64(row.shift - s);
    case LSM_SOFT_TOP_K: {
      const double z = o.alpha * (s + row.threshold);
      const double size = ::fabs(z);
      const double r = 1.0 / (1.0 + ::exp(-size));
      return row.slope * v * math::top_k_slope(z, o.alpha, o.plain != 0) +
             row.factor * ::exp(-row.least - size) * r * r;
    }
    case LSM_MULTI_LABEL_INFONCE:
      return math::target_coefficient(s, row.shift, 0, row.factor, 0, row.slope * v);
    case LSM_BCE:
      return row.slope * ((1.0 - v) - math::sigmoid_f64(-s));
    default:
      return math::target_coefficient(s, row.shift, 0, row.factor, row.slope * row.even * w,
                                      row.slope * (1 - o.label_smoothing) * w);
  }
}

template <class A>
struct PatchKernel {
  LabelBlock<A> block;
  LabelRowInputs<A> in;
  LabelRows<A> rows;
  EntryMarks marks;
  bool fresh;
  double* entry_scale;
};

template <class A>
__global__ void __launch_bounds__(kRowThreads) patch_kernel(PatchKernel<A> k) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  const ScoreOf<A> score(k.block);
  const DotBlock<A>& dots = k.block.dots;
  const lsm_label_options& o = k.in.options;
  for (std::int64_t i = warp_row(); i < dots.rows; i += warp_rows()) {
    std::uint32_t* marks = k.marks.bits + i * k.marks.words;
    for (std::int64_t w = lane; w < k.marks.words; w += kRowWarp) marks[w] = 0;
    __syncwarp();
    const std::int64_t global = dots.row0 + i;
    EntryRow row = {k.rows.slope[global],
                    k.rows.factor[global],
                    k.rows.shift[global],
                    k.rows.even[global],
                    0,
                    0};
    if (o.loss == LSM_SOFT_TOP_K) {
      row.threshold = k.in.top_k.threshold[global];
      row.least = k.in.top_k.least[global];
    }
    const EntryRange range =
        entries_inside(k.in.entries, global, dots.column0, dots.column0 + dots.columns);
    double along = 0;  // sum of G u
    for (std::int64_t e = range.begin + lane; e < range.end; e += kRowWarp) {
      const std::int64_t column = k.in.entries.column[e];
      const double relevance = k.in.entries.relevance[e];
      double g = 0;
      // A row without a loss has slope 0.
      if (relevance != 0 && row.slope != 0) {
        const A product = k.in.products[e];
        const double s =
            static_cast<double>(score(product, dots.bias != nullptr ? dots.bias[column] : A(0)));
        const double v = o.weighted != 0 ? relevance : 1.0;
        const double w =
            k.in.class_weight != nullptr ? static_cast<double>(k.in.class_weight[column]) : 1.0;
        g = positive_coefficient(o, row, s, v, w) * math::cap_slope(s, o.softcap);
        along += g * static_cast<double>(product);
      }
      const std::int64_t j = column - dots.column0;
      dots.dots[i * dots.ld + j] = static_cast<A>(g);
      atomicOr(marks + j / 32, 1u << (j % 32));
    }
    along = warp_sum(along);
    if (lane == 0) k.entry_scale[global] = k.fresh ? along : k.entry_scale[global] + along;
  }
}

// One block of threads for each tile.
template <class T>
__global__ void __launch_bounds__(kRowThreads)
    filter_kernel(RowsOf<T> m, double filter, const CallScalars* scalars) {
  LSM_SHARED(double, room, kRowThreads / kWarp);
  const std::int64_t column_tiles = (m.width + kFilterColumns - 1) / kFilterColumns;
  const std::int64_t row0 = blockIdx.x / column_tiles * kFilterRows;
  const std::int64_t column0 = blockIdx.x % column_tiles * kFilterColumns;
  const std::int64_t rows = m.rows - row0 < kFilterRows ? m.rows - row0 : kFilterRows;
  const std::int64_t columns =
      m.width - column0 < kFilterColumns ? m.width - column0 : kFilterColumns;
  double largest = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = threadIdx.x; j < columns; j += kRowThreads) {
      const double g = ::fabs(Convert<double>::from(m.row(row0 + i)[column0 + j]));
      largest = g == g ? larger(largest, g) : INFINITY;
    }
  }
  largest = block_max<kRowThreads>(largest, room);
  const double bound = filter / scalars->rows * scalars->scale * scalars->narrow_factor;
  if (!(largest <= bound)) return;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = threadIdx.x; j < columns; j += kRowThreads) {
      m.row(row0 + i)[column0 + j] = T{};
    }
  }
}

}  // namespace

template <class A>
void patch_entries(cudaStream_t stream, const LabelBlock<A>& block, const LabelRowInputs<A>& inputs,
                   const LabelRows<A>& rows, const EntryMarks& marks, bool fresh,
                   double* entry_scale) {
  const PatchKernel<A> k{block, inputs, rows, marks, fresh, entry_scale};
  launch(stream, "patch_entries", warp_for_each_row(block.dots.rows), patch_kernel<A>, k);
}

void filter_coefficients(cudaStream_t stream, const Matrix& coefficients, double filter,
                         const CallScalars* scalars) {
  const std::int64_t tiles = (coefficients.rows + kFilterRows - 1) / kFilterRows *
                             ((coefficients.width + kFilterColumns - 1) / kFilterColumns);
  dispatch_floating(coefficients.type, [&](auto tag) {
    using T = decltype(tag);
    launch(stream, "filter_coefficients",
           LaunchShape{dim3(static_cast<unsigned>(tiles)), dim3(kRowThreads)}, filter_kernel<T>,
           RowsOf<T>(coefficients, 1), filter, scalars);
  });
}

#define LSM_INSTANTIATE(A)                                                                  \
  template void patch_entries(cudaStream_t, const LabelBlock<A>&, const LabelRowInputs<A>&, \
                              const LabelRows<A>&, const EntryMarks&, bool, double*);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
