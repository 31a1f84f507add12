package org.lossmith;

import java.lang.ref.Reference;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.base.Status;

/**
 * A matrix of weights in packed codes of a {@link PowerQuantizer}, for products with activations:
 *
 * <pre>{@code
 * out = x W^T + bias      x [m,k], W [n,k], out [m,n]
 * }</pre>
 *
 * <p>For few rows of x the codes are decoded in registers, so that a product costs the bytes of the
 * codes: with 4 bits an eighth of those of F32. For many rows blocks of W are decoded in front of
 * an ordinary product. W is never stored as a whole.
 *
 * <pre>{@code
 * PowerQuantizer quantizer = PowerQuantizer.of(4).withGroups(Groups.perChannel(0));
 * try (PowerParameters best = PowerSearch.of(quantizer).search(context, w);
 *     PowerMatrix packed = PowerMatrix.of(context, quantizer, w, best);
 *     Tensor out = packed.multiply(context, x)) {
 *   float[] first = out.toFloatArray();
 * }
 * }</pre>
 *
 * <p>Sums are accumulated in F32 (F64 for F64), in an order that depends on shapes alone. On a CUDA
 * device the weights may be rounded to the type of x, where that is BF16 or F16. A matrix is not
 * changed by products: threads may share it, each with a context of its own.
 */
public final class PowerMatrix implements AutoCloseable {
  private final PowerQuantizer quantizer;
  private final Tensor codes;
  private final long columns;
  private final PowerParameters parameters;

  private PowerMatrix(
      PowerQuantizer quantizer, Tensor codes, long columns, PowerParameters parameters) {
    this.quantizer = quantizer;
    this.codes = codes;
    this.columns = columns;
    this.parameters = parameters;
  }

  /**
   * Quantizes a matrix.
   *
   * @param context where to compute
   * @param quantizer signed; its groups: per tensor, per channel on axis 0, or groups of columns
   * @param w [n,k] F32, BF16, F16 or F64
   * @param parameters of the groups of w, without shift; they are copied
   * @return a new matrix on the device of w, to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public static PowerMatrix of(
      Context context, PowerQuantizer quantizer, Tensor w, PowerParameters parameters) {
    check(quantizer, parameters);
    Tensor codes = quantizer.quantizePacked(context, w, parameters);
    try {
      return new PowerMatrix(quantizer, codes, w.size(1), parameters.to(w.device()));
    } catch (RuntimeException | Error e) {
      codes.close();
      throw e;
    }
  }

  /**
   * Takes codes that are there already, for example from a file.
   *
   * @param quantizer signed; its groups: per tensor, per channel on axis 0, or groups of columns
   * @param codes U8 [n, {@link PowerQuantizer#packedBytes packedBytes(columns)}]; closed with the
   *     matrix
   * @param columns k
   * @param parameters of the groups of W, without shift; closed with the matrix
   * @return a new matrix, to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit; nothing was taken then
   */
  public static PowerMatrix ofCodes(
      PowerQuantizer quantizer, Tensor codes, long columns, PowerParameters parameters) {
    check(quantizer, parameters);
    Checks.given("codes", codes);
    long bytes = quantizer.packedBytes(columns);
    Checks.that(
        codes.dtype() == DType.U8 && codes.rank() == 2 && codes.size(1) == bytes,
        "codes",
        "U8 [n, " + bytes + "]",
        codes);
    return new PowerMatrix(quantizer, codes, columns, parameters);
  }

  private static void check(PowerQuantizer quantizer, PowerParameters parameters) {
    Checks.given("quantizer", quantizer);
    Checks.that(quantizer.range() == PowerRange.SIGNED, "range", "signed codes", quantizer.range());
    Checks.that(quantizer.groups().axis() <= 0, "axis", "-1 or 0", quantizer.groups().axis());
    PowerCalls.unshifted(parameters);
  }

  /**
   * How the codes were made.
   *
   * @return a quantizer
   */
  public PowerQuantizer quantizer() {
    return quantizer;
  }

  /**
   * The packed codes.
   *
   * @return U8 [n,bytes], closed with this matrix
   */
  public Tensor codes() {
    return codes;
  }

  /**
   * The parameters.
   *
   * @return scales and exponents, closed with this matrix
   */
  public PowerParameters parameters() {
    return parameters;
  }

  /**
   * The rows.
   *
   * @return n
   */
  public long rows() {
    return codes.size(0);
  }

  /**
   * The columns.
   *
   * @return k
   */
  public long columns() {
    return columns;
  }

  /**
   * The bytes of codes and parameters.
   *
   * @return a count
   */
  public long bytes() {
    return codes.bytes() + parameters.bytes();
  }

  /**
   * The matrix that the codes stand for.
   *
   * @param context where to compute
   * @return [n,k] F32, for F64 parameters F64; a new tensor to be closed by the caller
   * @throws IllegalArgumentException if the context is null or on another device
   * @throws IllegalStateException if the context or this matrix is closed
   */
  public Tensor dequantize(Context context) {
    return quantizer.dequantizePacked(context, codes, columns, parameters);
  }

  /**
   * The product with rows of activations.
   *
   * @param context where to compute
   * @param x [m,k] F32, BF16, F16, or F64 with F64 parameters
   * @return [m,n] of the type of x, a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument or this matrix is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public Tensor multiply(Context context, Tensor x) {
    Checks.given("x", x);
    Checks.that(x.rank() == 2, "x", "a matrix", x);
    Tensor product = Tensor.zeros(x.device(), x.dtype(), x.size(0), rows());
    return Transfers.filled(product, out -> multiply(context, x, null, out));
  }

  /**
   * The same into given memory. A call on shapes that the context has seen before allocates
   * nothing.
   *
   * @param context where to compute
   * @param x [m,k] F32, BF16, F16, or F64 with F64 parameters
   * @param bias [n] of the type of the scale or of x; null: none
   * @param out [m,n], F32 or the type of x
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument or this matrix is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public void multiply(Context context, Tensor x, Tensor bias, Tensor out) {
    Checks.given("context", context);
    Checks.given("x", x);
    Checks.given("out", out);
    // Rows of 37 and of 38 codes have the same bytes: only this object knows which they are.
    if (x.rank() != 2 || x.size(1) != columns) {
      throw new IllegalArgumentException("x: expected [m," + columns + "], got " + x);
    }
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_product(
              address,
              context.options().of(quantizer, true),
              context.use(x),
              context.use(codes),
              context.use(parameters.scale()),
              context.use(parameters.exponent()),
              context.use(bias),
              context.use(out)));
    } finally {
      context.end();
      Reference.reachabilityFence(this);
    }
  }

  /** Closes the codes and the parameters. */
  @Override
  public void close() {
    codes.close();
    parameters.close();
  }
}
