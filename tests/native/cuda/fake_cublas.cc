// A libcublas.so.13 for the simulated device: what Lossmith calls of the library, with checks of the
// arguments that the real one documents. Products run in the order of the stream, on the host, which
// must be allowed to touch device memory. FAKE_CUBLAS_FAIL names a function that fails.
#include <cuda_runtime_api.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "core/dtype.h"

namespace {

constexpr int kInvalidValue = 7;
constexpr int kNotSupported = 15;

int last_compute = 0;

struct Handle {
  cudaStream_t stream = nullptr;
  void* workspace = nullptr;
  int math_mode = 0;
};

bool fails(const char* name) {
  const char* failing = std::getenv("FAKE_CUBLAS_FAIL");
  return failing != nullptr && std::strcmp(failing, name) == 0;
}

// Column-major C[m,n] = alpha op(A) op(B) + beta C.
template <class T, class A>
void multiply(bool ta, bool tb, int m, int n, int k, A alpha, const T* a, int lda, const T* b,
              int ldb, A beta, A* c, int ldc) {
  using lossmith::Convert;
  const auto at = [](int row, int column, int ld) {
    return static_cast<std::int64_t>(column) * ld + row;
  };
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < m; ++i) {
      A sum = 0;
      for (int l = 0; l < k; ++l) {
        sum += Convert<A>::from(a[ta ? at(l, i, lda) : at(i, l, lda)]) *
               Convert<A>::from(b[tb ? at(j, l, ldb) : at(l, j, ldb)]);
      }
      A& out = c[at(i, j, ldc)];
      out = alpha * sum + (beta == 0 ? A(0) : beta * out);
    }
  }
}

int queue(cudaStream_t stream, std::function<void()> product) {
  const auto run = [](void* data) {
    auto* body = static_cast<std::function<void()>*>(data);
    (*body)();
    delete body;
  };
  return cudaLaunchHostFunc(stream, run, new std::function<void()>(std::move(product)));
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int cublasCreate_v2(void** handle) {
  if (fails("cublasCreate")) return 3;
  *handle = new Handle;
  return 0;
}
int cublasDestroy_v2(void* handle) {
  delete static_cast<Handle*>(handle);
  return 0;
}
int cublasSetStream_v2(void* handle, cudaStream_t stream) {
  static_cast<Handle*>(handle)->stream = stream;
  static_cast<Handle*>(handle)->workspace = nullptr;
  return 0;
}
int cublasSetWorkspace_v2(void* handle, void* workspace, std::size_t bytes) {
  if (bytes < 4u << 20 || reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0) {
    return kInvalidValue;
  }
  static_cast<Handle*>(handle)->workspace = workspace;
  return 0;
}
int cublasSetMathMode(void* handle, int mode) {
  static_cast<Handle*>(handle)->math_mode = mode;
  return 0;
}
int cublasGetProperty(int property, int* value) {
  if (property < 0 || property > 2) return kInvalidValue;
  const int version[] = {13, 4, 2};
  *value = version[property];
  return 0;
}
const char* cublasGetStatusString(int status) {
  return status == kNotSupported ? "the requested functionality is not supported"
                                 : "an unsupported value or parameter was passed to the function";
}

int cublasGemmEx(void* handle, int ta, int tb, int m, int n, int k, const void* alpha,
                 const void* a, int a_type, int lda, const void* b, int b_type, int ldb,
                 const void* beta, void* c, int c_type, int ldc, int compute, int algorithm) {
  const Handle& h = *static_cast<Handle*>(handle);
  if (fails("cublasGemmEx")) return kNotSupported;
  const bool f64 = compute == 70;
  const bool known = f64             ? a_type == 1
                     : compute == 68 ? a_type == 0 || a_type == 2 || a_type == 14
                                     : compute == 77 && a_type == 0;
  if (!known || algorithm != -1 || h.workspace == nullptr || h.math_mode != 16 ||
      a_type != b_type || c_type != (f64 ? 1 : 0) || m < 1 || n < 1 || k < 1 ||
      lda < (ta ? k : m) || ldb < (tb ? n : k) || ldc < m) {
    return kInvalidValue;
  }
  const bool transposed_a = ta == 1;
  const bool transposed_b = tb == 1;
  last_compute = compute;
  if (f64) {
    const double al = *static_cast<const double*>(alpha);
    const double be = *static_cast<const double*>(beta);
    return queue(h.stream, [=] {
      multiply(transposed_a, transposed_b, m, n, k, al, static_cast<const double*>(a), lda,
               static_cast<const double*>(b), ldb, be, static_cast<double*>(c), ldc);
    });
  }
  const float al = *static_cast<const float*>(alpha);
  const float be = *static_cast<const float*>(beta);
  const auto run = [=](auto zero) {
    using T = decltype(zero);
    multiply(transposed_a, transposed_b, m, n, k, al, static_cast<const T*>(a), lda,
             static_cast<const T*>(b), ldb, be, static_cast<float*>(c), ldc);
  };
  return queue(h.stream, [=] {
    if (a_type == 14) return run(lossmith::bfloat16{});
    if (a_type == 2) return run(lossmith::float16{});
    run(float{});
  });
}

// Of the last product, as cublasComputeType_t.
int fake_cublas_last_compute() { return last_compute; }

}  // extern "C"
#pragma GCC visibility pop
