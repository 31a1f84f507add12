#include "cuda/cublas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <limits>
#include <mutex>

#include "core/status.h"
#include "cuda/devices.h"
#include "cuda/error.h"

namespace lossmith {
namespace cuda {
namespace {

// Values of the library's enumerations, from its manual.
enum Operation { kPlain = 0, kTransposed = 1 };
enum Compute { kCompute32F = 68, kCompute64F = 70, kCompute32FFastTf32 = 77 };
enum DataType { kReal32F = 0, kReal64F = 1, kReal16F = 2, kReal16BF = 14 };
enum Property { kMajorVersion = 0, kMinorVersion = 1, kPatchLevel = 2 };
constexpr int kDefaultAlgorithm = -1;
// Sums over slices of k must not be rounded to 16 bits on the way.
constexpr int kNoReducedPrecisionReduction = 16;

constexpr std::size_t kMiB = std::size_t{1} << 20;

DataType data_type(Type type) {
  switch (type) {
    case Type::f64:
      return kReal64F;
    case Type::f16:
      return kReal16F;
    case Type::bf16:
      return kReal16BF;
    default:
      return kReal32F;
  }
}

bool fits(std::int64_t extent) { return extent <= std::numeric_limits<int>::max(); }

std::string shape_of(const GemmCall& call) {
  return std::string(name_of(call.operand)) + " [" + std::to_string(call.m) + "," +
         std::to_string(call.k) + "] x [" + std::to_string(call.k) + "," + std::to_string(call.n) +
         "]";
}

}  // namespace

struct CublasLibrary {
  int (*create)(void**) = nullptr;
  int (*destroy)(void*) = nullptr;
  int (*set_stream)(void*, cudaStream_t) = nullptr;
  int (*set_workspace)(void*, void*, std::size_t) = nullptr;
  int (*set_math_mode)(void*, int) = nullptr;
  int (*gemm)(void*, int, int, int, int, int, const void*, const void*, int, int, const void*, int,
              int, const void*, void*, int, int, int, int) = nullptr;
  int (*get_property)(int, int*) = nullptr;
  const char* (*status_text)(int) = nullptr;

  void expect(int status, const std::string& what) const {
    if (status == 0) return;
    throw Error(LSM_DEVICE_ERROR, what + ": cuBLAS says " + status_text(status) + " (status " +
                                      std::to_string(status) + ")");
  }
};

namespace {

template <class F>
bool find(void* library, const char* name, F* function, std::string* missing) {
  *function = reinterpret_cast<F>(dlsym(library, name));
  if (*function == nullptr) *missing = name;
  return *function != nullptr;
}

bool bind(void* library, CublasLibrary* out, std::string* missing) {
  return find(library, "cublasCreate_v2", &out->create, missing) &&
         find(library, "cublasDestroy_v2", &out->destroy, missing) &&
         find(library, "cublasSetStream_v2", &out->set_stream, missing) &&
         find(library, "cublasSetWorkspace_v2", &out->set_workspace, missing) &&
         find(library, "cublasSetMathMode", &out->set_math_mode, missing) &&
         find(library, "cublasGemmEx", &out->gemm, missing) &&
         find(library, "cublasGetProperty", &out->get_property, missing) &&
         find(library, "cublasGetStatusString", &out->status_text, missing);
}

// What the process has loaded is taken before what the system has installed.
void* open(std::string* reason) {
  const char* setting = std::getenv("LOSSMITH_CUBLAS");
  if (setting != nullptr && std::string(setting) == "off") {
    *reason = "switched off by LOSSMITH_CUBLAS=off";
    return nullptr;
  }
  if (setting != nullptr && *setting != '\0') {
    void* library = dlopen(setting, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) *reason = std::string("LOSSMITH_CUBLAS: ") + dlerror();
    return library;
  }
  constexpr const char* kNames[] = {"libcublas.so.13", "libcublas.so.12"};
  for (const char* name : kNames) {
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD)) return library;
  }
  for (const char* name : kNames) {
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  }
  *reason = "neither libcublas.so.13 nor libcublas.so.12 was found";
  return nullptr;
}

// The library, once it was found; it stays loaded. Looked for again as long as it was not: the
// process may load one later.
const CublasLibrary* library(std::string* reason) {
  static std::mutex mutex;
  static const CublasLibrary* found = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (found != nullptr) return found;
  void* file = open(reason);
  if (file == nullptr) return nullptr;
  static CublasLibrary functions;
  std::string missing;
  if (!bind(file, &functions, &missing)) {
    *reason = "the library found lacks " + missing;
    dlclose(file);
    return nullptr;
  }
  found = &functions;
  return found;
}

}  // namespace

Cublas::Cublas(const CublasLibrary& library, const DeviceFacts& facts, cudaStream_t stream)
    : Cublas(library) {
  const std::size_t bytes = (facts.capability >= 90 ? 32 : 4) * kMiB;
  library_.expect(library_.create(&handle_), "cublasCreate");
  library_.expect(library_.set_stream(handle_, stream), "cublasSetStream");
  check(cudaMalloc(&workspace_, bytes), "workspace of cuBLAS");
  // After the stream, which would take the workspace back.
  library_.expect(library_.set_workspace(handle_, workspace_, bytes), "cublasSetWorkspace");
  library_.expect(library_.set_math_mode(handle_, kNoReducedPrecisionReduction),
                  "cublasSetMathMode");
}

Cublas::~Cublas() {
  if (handle_ != nullptr) library_.destroy(handle_);
  if (workspace_ != nullptr) cudaFree(workspace_);
}

bool Cublas::takes(const GemmCall& call) {
  // The library refuses leading dimensions below the width, even those of a single row.
  const bool apart = call.lda >= (call.product == Product::tn ? call.m : call.k) &&
                     call.ldb >= (call.product == Product::nt ? call.k : call.n) &&
                     call.ldc >= call.n;
  return apart && fits(call.m) && fits(call.n) && fits(call.k) && fits(call.lda) &&
         fits(call.ldb) && fits(call.ldc);
}

// The library counts by columns: what it sees of C[m,n] is its transpose, C^T = B^T A^T, and of
// each operand likewise.
void Cublas::multiply(const GemmCall& call, bool tf32) {
  const bool f64 = call.operand == Type::f64;
  const float one32 = 1;
  const float beta32 = call.accumulate ? 1 : 0;
  const double one64 = 1;
  const double beta64 = call.accumulate ? 1 : 0;
  const DataType operand = data_type(call.operand);
  const DataType result = f64 ? kReal64F : kReal32F;
  const Compute compute = f64                                 ? kCompute64F
                          : tf32 && call.operand == Type::f32 ? kCompute32FFastTf32
                                                              : kCompute32F;
  const int status =
      library_.gemm(handle_, call.product == Product::nt ? kTransposed : kPlain,
                    call.product == Product::tn ? kTransposed : kPlain, static_cast<int>(call.n),
                    static_cast<int>(call.m), static_cast<int>(call.k),
                    f64 ? static_cast<const void*>(&one64) : &one32, call.b, operand,
                    static_cast<int>(call.ldb), call.a, operand, static_cast<int>(call.lda),
                    f64 ? static_cast<const void*>(&beta64) : &beta32, call.c, result,
                    static_cast<int>(call.ldc), compute, kDefaultAlgorithm);
  library_.expect(status, "cublasGemmEx of " + shape_of(call));
}

std::unique_ptr<Cublas> open_cublas(const DeviceFacts& facts, cudaStream_t stream,
                                    std::string* reason) {
  const CublasLibrary* found = library(reason);
  if (found == nullptr) return nullptr;
  try {
    return std::make_unique<Cublas>(*found, facts, stream);
  } catch (const Error& e) {
    *reason = e.what();
    return nullptr;
  }
}

std::string describe_cublas() {
  std::string reason;
  const CublasLibrary* found = library(&reason);
  if (found == nullptr) return "{\"found\":false,\"reason\":" + json_text(reason) + "}";
  std::string version;
  for (const int part : {kMajorVersion, kMinorVersion, kPatchLevel}) {
    int value = 0;
    if (found->get_property(part, &value) != 0) value = 0;
    version += (part == kMajorVersion ? "" : ".") + std::to_string(value);
  }
  return "{\"found\":true,\"version\":\"" + version + "\"}";
}

}  // namespace cuda
}  // namespace lossmith
