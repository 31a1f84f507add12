// The CUDA runtime as a compiler for kernels includes it: the API, and the names of device code.
#ifndef LOSSMITH_SIMT_CUDA_RUNTIME_H_
#define LOSSMITH_SIMT_CUDA_RUNTIME_H_

#include "cuda_runtime_api.h"
#include "simt/atomics.h"
#include "simt/barrier.h"
#include "simt/intrinsics.h"
#include "simt/qualifiers.h"
#include "simt/thread.h"
#include "simt/warp.h"

#endif  // LOSSMITH_SIMT_CUDA_RUNTIME_H_
