// Owners for the handles of the C ABI, and data: what the native benchmarks share.
#ifndef LOSSMITH_BENCH_SUPPORT_H_
#define LOSSMITH_BENCH_SUPPORT_H_

#include <lossmith/contrastive.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace bench {

// An element type by its code and width in bits.
struct Type {
  uint8_t code;
  uint8_t bits;
  const char* name;
};

inline constexpr Type kF32{LSM_FLOAT, 32, "f32"};
inline constexpr Type kI64{LSM_INT, 64, "i64"};
inline constexpr Type kBf16{LSM_BFLOAT, 16, "bf16"};

// Throws with the library's message if a call failed.
inline void check(lsm_status status) {
  if (status != LSM_OK) throw std::runtime_error(lsm_last_error());
}

// A context that is destroyed with its owner.
class Context {
 public:
  explicit Context(int64_t budget = LSM_DEFAULT_BUDGET) {
    lsm_context_options options{};
    options.budget = budget;
    check(lsm_context_create(&options, &context_));
  }
  ~Context() { lsm_context_destroy(context_); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  lsm_context get() const { return context_; }
  double workspace() const { return static_cast<double>(lsm_context_workspace_bytes(context_)); }
  // Seconds of `products` products of n x m scores and embeddings of width d, each alone: scores
  // and gradients take turns.
  double floor_seconds(Type type, int64_t n, int64_t m, int64_t d, int products) const {
    // Blocks: whole matrices with a power of two as stride are far slower.
    const int64_t rows = n < 1024 ? n : 1024;
    const int64_t columns = m < 2048 ? m : 2048;
    const double operations = 2.0 * static_cast<double>(n) * static_cast<double>(m * d);
    return operations * products / 2 *
           (1 / gemm_rate(type, rows, columns, d) + 1 / gemm_rate(type, rows, d, columns));
  }

 private:
  double gemm_rate(Type type, int64_t m, int64_t n, int64_t k) const {
    double rate = 0;
    check(lsm_measure_gemm(context_, type.code, type.bits, m, n, k, 9, &rate));
    return rate;
  }

  lsm_context context_ = nullptr;
};

// A tensor that is destroyed with its owner.
class Tensor {
 public:
  Tensor(Type type, int64_t rows, int64_t width) {
    const int64_t shape[2] = {rows, width};
    check(lsm_tensor_create(LSM_CPU, 0, type.code, type.bits, 2, shape, &tensor_));
  }
  Tensor(Type type, int64_t elements) {
    check(lsm_tensor_create(LSM_CPU, 0, type.code, type.bits, 1, &elements, &tensor_));
  }
  ~Tensor() { lsm_tensor_destroy(tensor_); }
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;

  lsm_output get() const { return tensor_; }
  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(static_cast<char*>(tensor_->data) + tensor_->byte_offset);
  }

  // Rows of about unit length from a seed: zeros would make the exponentials too easy.
  void fill(const Context& context, uint32_t seed);

 private:
  lsm_output tensor_ = nullptr;
};

}  // namespace bench

#endif  // LOSSMITH_BENCH_SUPPORT_H_
