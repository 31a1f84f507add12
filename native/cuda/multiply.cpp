#include "cuda/multiply.h"

#include "cuda/gemm.h"
#include "cuda/rows.h"
#include "cuda/state.h"

namespace lossmith {
namespace cuda {

void run_multiply(const MultiplyCall& call, lsm_context_s& context) {
  const Matrix a = Matrix::for_product(call.a);
  const Matrix b = Matrix::for_product(call.b);
  const Matrix out = Matrix::for_product(call.out);
  GemmCall product;
  product.operand = call.a.type;
  product.product = call.options.transpose_b != 0   ? Product::nt
                    : call.options.transpose_a != 0 ? Product::tn
                                                    : Product::nn;
  product.m = call.m;
  product.n = call.n;
  product.k = call.k;
  product.a = a.data;
  product.lda = a.ld;
  product.b = b.data;
  product.ldb = b.ld;
  product.c = out.data;
  product.ldc = out.ld;
  product.accumulate = call.options.accumulate != 0;
  multiply(state_of(context), product);
}

}  // namespace cuda
}  // namespace lossmith
