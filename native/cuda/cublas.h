// cuBLAS, opened at run time: building needs neither its headers nor the library, and a machine
// without it multiplies with our own kernels.
//
// The library is looked for as libcublas.so.13 and libcublas.so.12: first among those that the
// process has loaded already (the JavaCPP preset of CUDA, PyTorch), then where the system's loader
// finds it. The environment variable LOSSMITH_CUBLAS names a file to use instead, or is "off".
#ifndef LOSSMITH_CUDA_CUBLAS_H_
#define LOSSMITH_CUDA_CUBLAS_H_

#include <cuda_runtime_api.h>

#include <memory>
#include <string>

#include "cuda/gemm.h"
#include "cuda/state.h"

namespace lossmith {
namespace cuda {

struct CublasLibrary;

// A handle of the library: one for each context, bound to its stream.
class Cublas {
 public:
  Cublas(const CublasLibrary& library, const DeviceFacts& facts, cudaStream_t stream);
  ~Cublas();
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  // Whether the extents fit the 32 bits of the library's interface, and the rows of each matrix
  // follow one another without overlap.
  static bool takes(const GemmCall& call);
  // Queues the product; throws with the shape and the library's own words if it refuses.
  void multiply(const GemmCall& call, bool tf32);

 private:
  explicit Cublas(const CublasLibrary& library) : library_(library) {}

  const CublasLibrary& library_;
  void* handle_ = nullptr;
  // Memory for the library's own use, beside the budget of the context: 32 MiB from Hopper on,
  // 4 MiB before, as its manual recommends. With it no product allocates anything.
  void* workspace_ = nullptr;
};

// A handle for a context, or null where there is no library or it does not start. reason: why.
std::unique_ptr<Cublas> open_cublas(const DeviceFacts& facts, cudaStream_t stream,
                                    std::string* reason);

// The library as a JSON object: {"found":true,"version":"13.1.0"} or the reason.
std::string describe_cublas();

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_CUBLAS_H_
