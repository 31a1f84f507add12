// CUDA's words for functions, variables and types, which mean nothing to a host compiler.
#ifndef LOSSMITH_SIMT_QUALIFIERS_H_
#define LOSSMITH_SIMT_QUALIFIERS_H_

#define __global__
#define __device__
#define __host__
#define __constant__ const
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static_assert(false, "shared memory is declared with LSM_SHARED");

#endif  // LOSSMITH_SIMT_QUALIFIERS_H_
