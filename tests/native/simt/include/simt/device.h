// The names of cuda/device.h on the SIMT host executor: same spelling, same meaning as
// cuda/device_nvcc.h, and every access to shared memory is checked.
//
// One fiber runs each CUDA thread, blocks run one after another, so a kernel is ordinary code that
// any debugger and any sanitizer understands. What is checked:
//   shared memory   bounds, alignment, bytes never written in this block, and races: two threads
//                   at one byte, one of them writing, with no __syncthreads between them, and no
//                   __syncwarp that both took part in. Shuffles and votes order nothing.
//   barriers        every thread of the block arrives at the same __syncthreads (same line)
//   warps           every lane of a mask arrives at the same operation with the same mask
//   cp_async16      data is there after the wait, not before
//   global memory   addresses of vectors; bounds are the sanitizer's or the page guard's
// Not checked: races in global memory, and between blocks; a schedule seed reorders both.
// A broken rule ends the launch, names kernel, block and thread (simt/control.h), and makes the
// device fail with cudaErrorLaunchFailure.
//
// Measured on a shared 2-core server at -O2: a switch from thread to thread takes 20 ns, a checked
// read or write of a float 2.3 ns, of 16 bytes 8 ns, a product of mma_m16n8k16 2.3 us (a warp; half
// of it switches). With AddressSanitizer and UBSan at -O1: 70 ns, 6.5 ns, 14 ns, 4.3 us.
#ifndef LOSSMITH_SIMT_DEVICE_H_
#define LOSSMITH_SIMT_DEVICE_H_

#include "cuda_runtime.h"
#include "simt/async_copy.h"
#include "simt/shared.h"
#include "simt/tensor_core.h"
#include "simt/vector.h"

#define LSM_DEVICE inline
// A static array is found again by its declaration: the same storage for all threads of a block,
// fresh in every block.
#define LSM_SHARED(T, name, count)                                                           \
  static ::lossmith::cuda::simt::StaticArray name##_declaration(#name, sizeof(T) * (count)); \
  const ::lossmith::cuda::Shared<T> name(name##_declaration.place())

#endif  // LOSSMITH_SIMT_DEVICE_H_
