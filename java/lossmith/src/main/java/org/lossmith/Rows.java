package org.lossmith;

import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.base.Status;

/** Operations on the rows of a matrix. */
public final class Rows {
  private Rows() {}

  /**
   * Rows of unit length: {@code x / |x|} row by row. A row of norm {@code <= 1e-12} becomes 0; NaN
   * and infinities propagate.
   *
   * @param context where to compute
   * @param x [n,d] f32, bf16, f16 or f64
   * @return [n,d] of the type of x, a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public static Tensor normalize(Context context, Tensor x) {
    Checks.given("context", context);
    Checks.given("x", x);
    Tensor out = Tensor.zeros(x.device(), x.dtype(), x.shape());
    try {
      normalize(context, x, out, null);
      return out;
    } catch (RuntimeException | Error e) {
      out.close();
      throw e;
    }
  }

  /**
   * The same into given memory.
   *
   * @param context where to compute
   * @param x [n,d] f32, bf16, f16 or f64
   * @param out [n,d] of any of these types: x itself, or memory of its own
   * @param norms [n] f32 or f64: the norms of the rows of x; null if they are not wanted
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public static void normalize(Context context, Tensor x, Tensor out, Tensor norms) {
    Checks.given("context", context);
    Checks.given("x", x);
    Checks.given("out", out);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_normalize_rows(
              address, context.use(x), context.use(out), context.use(norms)));
    } finally {
      context.end();
    }
  }
}
