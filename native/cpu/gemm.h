// Single-threaded matrix products through oneDNN. The engines run many of them side by side,
// one per tile, so that the order of every sum is fixed by the shape alone.
#ifndef LOSSMITH_CPU_GEMM_H_
#define LOSSMITH_CPU_GEMM_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/dtype.h"
#include "engine/product.h"

namespace lossmith {

struct GemmShape {
  Type operand;  // f32, bf16 (C is f32) or f64 (C is f64)
  Product product;
  bool accumulate;
  std::int64_t m, n, k;
  std::int64_t lda, ldb, ldc;

  bool operator==(const GemmShape& o) const {
    return operand == o.operand && product == o.product && accumulate == o.accumulate && m == o.m &&
           n == o.n && k == o.k && lda == o.lda && ldb == o.ldb && ldc == o.ldc;
  }
};

class GemmPlan;

// Whether this machine multiplies bf16 faster than f32; otherwise engines widen to f32.
bool bf16_products();

class Gemm {
 public:
  explicit Gemm(int threads);
  ~Gemm();

  // Finds or prepares a product. Not to be called while products run.
  const GemmPlan* plan(const GemmShape& shape);
  // Call at the start of an operation: drops all plans when there are very many.
  void forget_if_many();
  static std::size_t scratch_bytes(const GemmPlan* plan);

  // Throws if a product failed since the last call: products run inside parallel loops, which
  // exceptions may not leave.
  void expect_success();

  // Runs a plan on a thread's own arguments; scratch: scratch_bytes, one per thread.
  static void run(const GemmPlan* plan, int thread, const void* a, const void* b, void* c,
                  void* scratch);

 private:
  struct Cache;
  std::unique_ptr<Cache> cache_;
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_GEMM_H_
