#ifndef LOSSMITH_CPU_BACKEND_H_
#define LOSSMITH_CPU_BACKEND_H_

#include "cpu/gemm.h"
#include "engine/backend.h"

namespace lossmith {

class CpuState : public BackendState {
 public:
  explicit CpuState(int threads) : gemm(threads) {}
  Gemm gemm;
};

// The prepared products of a context on the CPU.
Gemm& gemm_of(lsm_context_s& context);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_BACKEND_H_
