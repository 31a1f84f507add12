// The one header that kernels include for the device's side of CUDA. Kernels are plain CUDA C++;
// what plain C++ cannot express on a host goes through the few names below, so that the same text
// compiles with nvcc and, defined LOSSMITH_SIMT, with any C++ compiler against the SIMT host
// executor of the tests (tests/native/simt).
//
// As they are: __global__, __device__, __launch_bounds__, threadIdx, blockIdx, blockDim, gridDim,
// __syncthreads and its _or/_and/_count, __syncwarp, the shuffles, votes, matches and reductions
// with _sync, atomics on global memory, __ldg, __popc, __ffs, __clz, the functions of math.h.
//
// Through names of this header, all in lossmith::cuda:
//   LSM_SHARED(T, name, count)    count elements of static shared memory, of type Shared<T>
//   dynamic_shared<T>(offset)     dynamic shared memory from a byte offset on, as Shared<T>
//   Shared<T>                     pointer into shared memory: p[i], p + n. Read an element into a
//                                 variable of its type, not of type auto.
//   Vec<T, N>, load_vec<N>(p), store_vec(p, v)
//                                 one access of N sizeof(T) <= 16 bytes; p aligned to that size
//   cp_async16(to, from, bytes)   16 bytes from global to shared memory without a register, of
//                                 which only the first `bytes` are read, the others are zero
//   cp_async_commit(), cp_async_wait<N>()    all but the N newest groups have arrived
//   ldmatrix_x4, ldmatrix_x4_trans           four 8 x 8 matrices of 16-bit elements
//   mma_m16n8k16(d, a, b, bfloat16{} / float16{}), mma_m16n8k8_tf32, mma_m16n8k32_s8,
//   mma_m16n8k32_u8_s8            d += a b on tensor cores, fragments as PTX documents them
//   dot4_s8(a, b, c), dot4_u8_s8  c plus the sum of four products of bytes; u8: those of a have no
//                                 sign
//   to_tf32(x)                    x rounded to tf32, as bits
#ifndef LOSSMITH_CUDA_DEVICE_H_
#define LOSSMITH_CUDA_DEVICE_H_

#if defined(LOSSMITH_SIMT)
#include "simt/device.h"
#else
#include "cuda/device_nvcc.h"
#endif

#endif  // LOSSMITH_CUDA_DEVICE_H_
