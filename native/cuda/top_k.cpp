#include "cuda/top_k.h"

#include "core/status.h"

namespace lossmith {
namespace cuda {

void run_top_k(const TopKCall&, lsm_context_s&) {
  throw Error(LSM_UNSUPPORTED, "top-k: expected a context on the CPU, got one on a CUDA device");
}

}  // namespace cuda
}  // namespace lossmith
