package org.lossmith;

import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.MultiplyOptions;
import org.lossmith.internal.base.Status;

/**
 * Matrix products of whole tensors: {@code out = A B}, or {@code out += A B}, with A [m,k], B [k,n]
 * and out [m,n], by the device's library (oneDNN, cuBLAS, or the library's own kernel).
 *
 * <p>Operands are F32, BF16, F16 or F64, both of one type. Sums are in F32 (F64 for F64), in an
 * order that depends on shapes alone. NaN and infinities propagate. Rows may lie apart.
 *
 * <p>Second moments of batches of activations:
 *
 * <pre>{@code
 * MatrixProduct add = new MatrixProduct(true, false, true);
 * for (Tensor x : batches) {
 *   add.multiply(context, x, x, moments); // moments += x^T x
 * }
 * }</pre>
 *
 * @param transposeA whether a is [k,m]: A is its transpose
 * @param transposeB whether b is [n,k]: B is its transpose; not both
 * @param accumulate whether the product is added to what out holds
 */
public record MatrixProduct(boolean transposeA, boolean transposeB, boolean accumulate) {
  /**
   * Checks the components.
   *
   * @param transposeA whether a is [k,m]: A is its transpose
   * @param transposeB whether b is [n,k]: B is its transpose; not both
   * @param accumulate whether the product is added to what out holds
   * @throws IllegalArgumentException if both operands are transposed
   */
  public MatrixProduct {
    Checks.that(!(transposeA && transposeB), "transposeB", "false with transposeA", transposeB);
  }

  /**
   * A product of matrices as they are.
   *
   * @return a product
   */
  public static MatrixProduct plain() {
    return new MatrixProduct(false, false, false);
  }

  /**
   * The product in a new tensor.
   *
   * @param context where to compute
   * @param a [m,k], or [k,m] where it is transposed
   * @param b [k,n], or [n,k] where it is transposed
   * @return [m,n] F32, for F64 operands F64; to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public Tensor multiply(Context context, Tensor a, Tensor b) {
    Checks.given("a", a);
    Checks.given("b", b);
    Checks.that(a.rank() == 2, "a", "a matrix", a);
    Checks.that(b.rank() == 2, "b", "a matrix", b);
    Tensor product =
        Tensor.zeros(
            a.device(),
            a.dtype() == DType.F64 ? DType.F64 : DType.F32,
            a.size(transposeA ? 1 : 0),
            b.size(transposeB ? 0 : 1));
    return Transfers.filled(product, out -> multiply(context, a, b, out));
  }

  /**
   * The same into given memory.
   *
   * @param context where to compute
   * @param a [m,k], or [k,m] where it is transposed
   * @param b [k,n], or [n,k] where it is transposed
   * @param out [m,n] F32, for F64 operands F64; shares no memory with a and b
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public void multiply(Context context, Tensor a, Tensor b, Tensor out) {
    Checks.given("context", context);
    Checks.given("a", a);
    Checks.given("b", b);
    Checks.given("out", out);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_multiply(
              address,
              context.options().of(this),
              context.use(a),
              context.use(b),
              context.use(out)));
    } finally {
      context.end();
    }
  }

  /** Writes the components into their native form. */
  void fill(MultiplyOptions options) {
    options
        .transpose_a(transposeA ? 1 : 0)
        .transpose_b(transposeB ? 1 : 0)
        .accumulate(accumulate ? 1 : 0);
  }
}
