// Memberships of a block of scores, and their gradient: one warp for each row.
#include "cuda/kernels/element_at.cuh"
#include "cuda/kernels/label_score.cuh"
#include "cuda/launch.h"
#include "cuda/soft_top_k_kernels.h"
#include "math/labels.h"

namespace lossmith {
namespace cuda {
namespace {

// One row at its threshold.
template <class A>
struct MembershipRow {
  A alpha, hi, lo;
  bool plain;

  LSM_DEVICE MembershipRow(const MembershipRows& rows, std::int64_t i)
      : alpha(static_cast<A>(rows.alpha)), plain(rows.plain) {
    const double t = rows.top_k.threshold[i];
    hi = static_cast<A>(t);
    lo = static_cast<A>(t - static_cast<double>(hi));
  }
  LSM_DEVICE A argument(A s) const { return math::top_k_argument<ThreadOps<A>>(s, alpha, hi, lo); }
  // sigm(z)
  LSM_DEVICE static A sigmoid(A z) {
    const A e = exp_of(-magnitude(z));
    const A r = A(1) / (A(1) + e);
    return z < A(0) ? e * r : r;
  }
  LSM_DEVICE A membership(A s) const {
    const A z = argument(s);
    if (plain) return sigmoid(z);
    return (z < A(0) ? z : A(0)) - log1p_of(exp_of(-magnitude(z)));
  }
  // u of an element with upstream g.
  LSM_DEVICE A pull(A s, A g) const {
    if (s == taken_out<A>()) return A(0);
    const A z = argument(s);
    const A u = alpha * g * sigmoid(-z);
    return plain ? u * sigmoid(z) : u;
  }
};

template <class A, class G>
__global__ void __launch_bounds__(kRowThreads)
    memberships_kernel(DotBlock<A> block, MembershipRows rows, G* out, std::int64_t ld) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < block.rows; i += warp_rows()) {
    const MembershipRow<A> row(rows, block.row0 + i);
    G* to = out + (block.row0 + i) * ld + block.column0;
    for_row(block.dots + i * block.ld, block.columns, lane,
            [&](std::int64_t j, A s) { to[j] = Convert<G>::from(row.membership(s)); });
  }
}

template <class A>
__global__ void __launch_bounds__(kRowThreads)
    pulls_kernel(DotBlock<A> block, MembershipRows rows, Matrix upstream, bool fresh,
                 double* pull) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < block.rows; i += warp_rows()) {
    const std::int64_t global = block.row0 + i;
    const MembershipRow<A> row(rows, global);
    double sum = 0;
#pragma unroll 1
    for (std::int64_t j = lane; j < block.columns; j += kRowWarp) {
      const double g = element_at(upstream, global, block.column0 + j);
      sum += static_cast<double>(row.pull(block.dots[i * block.ld + j], static_cast<A>(g)));
    }
    sum = warp_sum(sum);
    if (lane == 0) pull[global] = fresh ? sum : pull[global] + sum;
  }
}

template <class A, class G>
__global__ void __launch_bounds__(kRowThreads)
    membership_gradient_kernel(DotBlock<A> block, MembershipRows rows, Matrix upstream,
                               const double* pull, G* out, std::int64_t ld) {
  const int lane = static_cast<int>(threadIdx.x) % kRowWarp;
  for (std::int64_t i = warp_row(); i < block.rows; i += warp_rows()) {
    const std::int64_t global = block.row0 + i;
    const MembershipRow<A> row(rows, global);
    const A common = static_cast<A>(pull[global] / rows.top_k.slope[global]);
    const A least = static_cast<A>(-rows.top_k.least[global]);
    G* to = out + global * ld + block.column0;
#pragma unroll 1
    for (std::int64_t j = lane; j < block.columns; j += kRowWarp) {
      const A s = block.dots[i * block.ld + j];
      const double g = element_at(upstream, global, block.column0 + j);
      const A size = magnitude(row.argument(s));
      const A r = A(1) / (A(1) + exp_of(-size));
      const A share = exp_of(least - size) * r * r;
      to[j] = Convert<G>::from(row.pull(s, static_cast<A>(g)) - common * share);
    }
  }
}

}  // namespace

template <class A>
void store_memberships(cudaStream_t stream, const DotBlock<A>& block, const MembershipRows& rows,
                       const Matrix& memberships) {
  dispatch_floating(memberships.type, [&](auto tag) {
    using G = decltype(tag);
    launch(stream, "store_memberships", warp_for_each_row(block.rows), memberships_kernel<A, G>,
           block, rows, static_cast<G*>(memberships.data), memberships.ld);
  });
}

template <class A>
void sum_pulls(cudaStream_t stream, const DotBlock<A>& block, const MembershipRows& rows,
               const Matrix& upstream, bool fresh, double* pull) {
  launch(stream, "sum_pulls", warp_for_each_row(block.rows), pulls_kernel<A>, block, rows, upstream,
         fresh, pull);
}

template <class A>
void store_membership_gradient(cudaStream_t stream, const DotBlock<A>& block,
                               const MembershipRows& rows, const Matrix& upstream,
                               const double* pull, const Matrix& gradient) {
  dispatch_floating(gradient.type, [&](auto tag) {
    using G = decltype(tag);
    launch(stream, "membership_gradient", warp_for_each_row(block.rows),
           membership_gradient_kernel<A, G>, block, rows, upstream, pull,
           static_cast<G*>(gradient.data), gradient.ld);
  });
}

#define LSM_INSTANTIATE(A)                                                                         \
  template void store_memberships(cudaStream_t, const DotBlock<A>&, const MembershipRows&,         \
                                  const Matrix&);                                                  \
  template void sum_pulls(cudaStream_t, const DotBlock<A>&, const MembershipRows&, const Matrix&,  \
                          bool, double*);                                                          \
  template void store_membership_gradient(cudaStream_t, const DotBlock<A>&, const MembershipRows&, \
                                          const Matrix&, const double*, const Matrix&);
LSM_INSTANTIATE(float)
LSM_INSTANTIATE(double)
#undef LSM_INSTANTIATE

}  // namespace cuda
}  // namespace lossmith
