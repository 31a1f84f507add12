// What a context on a CUDA device holds beside its workspace.
#ifndef LOSSMITH_CUDA_STATE_H_
#define LOSSMITH_CUDA_STATE_H_

#include <cuda_runtime_api.h>

#include <memory>
#include <string>

#include "engine/backend.h"

namespace lossmith {
namespace cuda {

class Cublas;  // cuda/cublas.h: the library, opened at run time

// Facts of a device that launches depend on; read once.
struct DeviceFacts {
  int index = 0;
  int capability = 0;  // 10 major + minor
  int multiprocessors = 0;
};

class CudaState : public BackendState {
 public:
  CudaState() = default;
  // A device that exists; options as the C ABI takes them, checked.
  CudaState(int device, const lsm_context_options& options);
  ~CudaState() override;
  CudaState(const CudaState&) = delete;
  CudaState& operator=(const CudaState&) = delete;

  // The workspace lies on the device. Releasing it waits for the device.
  char* allocate_block(std::size_t bytes) override;
  void release_block(char* block, std::size_t bytes) noexcept override;

  DeviceFacts facts;
  cudaStream_t stream = nullptr;  // nullptr: the legacy default stream
  bool owns_stream = false;
  bool tf32 = false;  // f32 products may round their operands to tf32
  // Null where cuBLAS cannot be opened: our own kernels multiply then.
  std::unique_ptr<Cublas> cublas;
  std::string no_cublas;  // why
};

CudaState& state_of(lsm_context_s& context);
const CudaState& state_of(const lsm_context_s& context);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_STATE_H_
