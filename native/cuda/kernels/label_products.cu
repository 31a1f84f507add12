// Products of a block: those that the caller gives, on their way in and back, and those of entries,
// which are kept and taken out of the dense kernels' sight.
#include "cuda/kernels/label_entries.cuh"
#include "cuda/kernels/label_score.cuh"
#include "cuda/kernels/rows.cuh"
#include "cuda/label_kernels.h"
#include "cuda/launch.h"

namespace lossmith {
namespace cuda {
namespace {

template <class A, class X>
__global__ void __launch_bounds__(kRowThreads)
    load_products_kernel(const X* x, std::int64_t ldx, const std::int64_t* ids, DotBlock<A> block) {
  for (std::int64_t i = chunk_row(); i < block.rows; i += chunk_rows()) {
    const X* from = x + (block.row0 + i) * ldx;
    A* to = block.dots + i * block.ld;
    for (std::int64_t j = first_chunk(); j < block.columns; j += chunk_step()) {
      const std::int64_t column = block.column0 + j;
      to[j] = Convert<A>::from(from[ids != nullptr ? ids[column] : column]);
    }
  }
}

template <class A, class G>
__global__ void __launch_bounds__(kRowThreads)
    store_products_kernel(DotBlock<A> block, const std::int64_t* ids, G* out, std::int64_t ld) {
  for (std::int64_t i = chunk_row(); i < block.rows; i += chunk_rows()) {
    const A* from = block.dots + i * block.ld;
    G* to = out + (block.row0 + i) * ld;
    for (std::int64_t j = first_chunk(); j < block.columns; j += chunk_step()) {
      const std::int64_t column = block.column0 + j;
      to[ids != nullptr ? ids[column] : column] = Convert<G>::from(from[j]);
    }
  }
}

// One warp for each row.
template <class A>
__global__ void __launch_bounds__(kRowThreads)
    take_out_kernel(DotBlock<A> block, LabelEntries entries, bool positives, A* products) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < block.rows; i += warp_rows()) {
    const EntryRange range =
        entries_inside(entries, block.row0 + i, block.column0, block.column0 + block.columns);
    A* row = block.dots + i * block.ld;
    for (std::int64_t e = range.begin + lane; e < range.end; e += kRowWarp) {
      A* product = row + (entries.column[e] - block.column0);
      products[e] = *product;
      if (positives || entries.relevance[e] == 0) *product = taken_out<A>();
    }
  }
}

}  // namespace

template <class A>
void load_products(cudaStream_t stream, const Matrix& x, const std::int64_t* ids,
                   const DotBlock<A>& block) {
  dispatch_floating(x.type, [&](auto tag) {
    using X = decltype(tag);
    launch(stream, "load_products", threads_for_chunks(block.rows, block.columns, 1),
           load_products_kernel<A, X>, static_cast<const X*>(x.data), x.ld, ids, block);
  });
}

template <class A>
void store_products(cudaStream_t stream, const DotBlock<A>& block, const std::int64_t* ids,
                    const Matrix& grad_x) {
  dispatch_floating(grad_x.type, [&](auto tag) {
    using G = decltype(tag);
    launch(stream, "store_products", threads_for_chunks(block.rows, block.columns, 1),
           store_products_kernel<A, G>, block, ids, static_cast<G*>(grad_x.data), grad_x.ld);
  });
}

template <class A>
void take_out_entries(cudaStream_t stream, const DotBlock<A>& block, const LabelEntries& entries,
                      bool positives, A* products) {
  launch(stream, "take_out_entries", warp_for_each_row(block.rows), take_out_kernel<A>, block,
         entries, positives, products);
}

#define LSM_INSTANTIATE(A)                                                            \
  template void load_products(cudaStream_t, const Matrix&, const std::int64_t*,       \
                              const DotBlock<A>&);                                    \
  template void store_products(cudaStream_t, const DotBlock<A>&, const std::int64_t*, \
                               const Matrix&);                                        \
  template void take_out_entries(cudaStream_t, const DotBlock<A>&, const LabelEntries&, bool, A*);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
