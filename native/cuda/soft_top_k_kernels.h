// The kernels of the soft top-k operator beside those of the loss, as host functions that queue
// them. Each works on a block of scores whose thresholds are found.
#ifndef LOSSMITH_CUDA_SOFT_TOP_K_KERNELS_H_
#define LOSSMITH_CUDA_SOFT_TOP_K_KERNELS_H_

#include "cuda/label_kernels.h"

namespace lossmith {
namespace cuda {

struct MembershipRows {
  double alpha = 1;
  bool plain = false;
  TopKRows top_k;
};

// memberships[i, j] = ln y_ij, or y_ij with `plain`; -infinity or 0 for what was taken out.
template <class A>
void store_memberships(cudaStream_t stream, const DotBlock<A>& block, const MembershipRows& rows,
                       const Matrix& memberships);

// pull[i] (+)= sum_j u_ij, u_ij = alpha g_ij sigm(-z_ij), with `plain` times y_ij.
template <class A>
void sum_pulls(cudaStream_t stream, const DotBlock<A>& block, const MembershipRows& rows,
               const Matrix& upstream, bool fresh, double* pull);

// gradient[i, j] = u_ij - pull[i] pi_ij; 0 for what was taken out.
template <class A>
void store_membership_gradient(cudaStream_t stream, const DotBlock<A>& block,
                               const MembershipRows& rows, const Matrix& upstream,
                               const double* pull, const Matrix& gradient);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_SOFT_TOP_K_KERNELS_H_
