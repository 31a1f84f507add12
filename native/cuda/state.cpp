#include "cuda/state.h"

#include <string>

#include "core/context.h"
#include "core/status.h"
#include "cuda/copy.h"
#include "cuda/cublas.h"
#include "cuda/devices.h"
#include "cuda/error.h"
#include "cuda/memory.h"

namespace lossmith {
namespace cuda {

namespace {

// A stream of another device would be found out by the first launch only.
cudaStream_t foreign_stream(std::int64_t address, int device) {
  const cudaStream_t stream = reinterpret_cast<cudaStream_t>(address);
  int owner = device;
  check(cudaStreamGetDevice(stream, &owner), "stream");
  if (owner != device) {
    reject("stream", "a stream of cuda:" + std::to_string(device),
           "one of cuda:" + std::to_string(owner));
  }
  return stream;
}

// Without this the first launch would fail, and say less.
void expect_kernels(const DeviceFacts& facts) {
  const cudaError_t error = find_kernels();
  switch (error) {
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorInvalidKernelImage:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorInvalidPtx:
    case cudaErrorJitCompilerNotFound:
      cudaGetLastError();
      throw Error(LSM_UNSUPPORTED,
                  "device: expected a GPU that this build holds kernels for (architectures " +
                      std::string(kArchitectures) + "), got cuda:" + std::to_string(facts.index) +
                      " of compute capability " + std::to_string(facts.capability / 10) + "." +
                      std::to_string(facts.capability % 10) + " (" + text_of(error) + ")");
    default:
      check(error, "loading the kernels");
  }
}

}  // namespace

CudaState::CudaState(int device, const lsm_context_options& options) : tf32(options.tf32 != 0) {
  const Device& known = devices().list[static_cast<std::size_t>(device)];
  facts = {device, known.capability, known.multiprocessors};
  const DeviceGuard guard(device);
  mark_used(device);
  expect_kernels(facts);
  if (options.stream != 0) stream = foreign_stream(options.stream, device);
  if (options.own_stream != 0) {
    check(cudaStreamCreate(&stream), "cudaStreamCreate");
    owns_stream = true;
  }
  cublas = open_cublas(facts, stream, &no_cublas);
}

CudaState::~CudaState() {
  int previous = facts.index;
  cudaGetDevice(&previous);
  if (previous != facts.index) cudaSetDevice(facts.index);
  cublas.reset();
  // Queued work is still done; the runtime frees the stream after it.
  if (owns_stream) cudaStreamDestroy(stream);
  if (previous != facts.index) cudaSetDevice(previous);
  cudaGetLastError();
}

char* CudaState::allocate_block(std::size_t bytes) {
  return static_cast<char*>(allocate_on_device(facts.index, bytes, "workspace"));
}

// The device, not the stream: a foreign stream may have been destroyed by now.
void CudaState::release_block(char* block, std::size_t) noexcept {
  int previous = facts.index;
  cudaGetDevice(&previous);
  if (previous != facts.index) cudaSetDevice(facts.index);
  cudaDeviceSynchronize();
  cudaFree(block);
  if (previous != facts.index) cudaSetDevice(previous);
  cudaGetLastError();
}

CudaState& state_of(lsm_context_s& context) { return static_cast<CudaState&>(*context.state); }
const CudaState& state_of(const lsm_context_s& context) {
  return static_cast<const CudaState&>(*context.state);
}

}  // namespace cuda
}  // namespace lossmith
