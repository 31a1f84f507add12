package org.lossmith;

import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.PowerIntegerOptions;
import org.lossmith.internal.base.Status;

/**
 * The product of codes with codes, in integers. All exponents are 1/2, so that a code q stands for
 * the integer {@code e(q) = sign(q) q^2} and
 *
 * <pre>{@code
 * (x^ W^^T)_mn = s_x s_w,n / (Qx^2 Qw^2) A_mn,     A_mn = sum_k e(x_mk) e(w_nk)
 * }</pre>
 *
 * <p>where A is an ordinary sum of products of 8-bit integers. The codes of the output are those of
 * y = s A at the exponent 1/2 and the scale of the output, found without a root; they are exact:
 * the result for the real numbers that the scales are, halves away from zero.
 *
 * <pre>{@code
 * PowerQuantizer xs = PowerQuantizer.of(4);
 * PowerQuantizer ws = xs.withGroups(Groups.perChannel(0));
 * try (PowerParameters px = xs.parameters(context, x, 0.5);
 *     PowerParameters pw = ws.parameters(context, w, 0.5);
 *     Tensor xCodes = xs.quantize(context, x, px);
 *     Tensor wCodes = ws.quantizePacked(context, w, pw);
 *     Tensor out =
 *         PowerIntegerProduct.of(4)
 *             .multiply(context, xCodes, wCodes, px.scale(), pw.scale())) {
 *   // ...
 * }
 * }</pre>
 *
 * <p>Papers: Yvinec et al.: PowerQuant, ICLR 2023 (arXiv 2301.09858); NUPES, 2023 (arXiv
 * 2308.05600).
 *
 * @param xBits of the codes of x, 2 to 4
 * @param wBits of the codes of the weights, which are signed; 2 to 4
 * @param xRange of the codes of x
 * @param outBits of the codes of the output, 2 to 8
 * @param outRange of the codes of the output
 */
public record PowerIntegerProduct(
    int xBits, int wBits, PowerRange xRange, int outBits, PowerRange outRange) {
  /**
   * Checks the components.
   *
   * @param xBits of the codes of x, 2 to 4
   * @param wBits of the codes of the weights, 2 to 4
   * @param xRange of the codes of x
   * @param outBits of the codes of the output, 2 to 8
   * @param outRange of the codes of the output
   * @throws IllegalArgumentException for a component outside its range
   */
  public PowerIntegerProduct {
    Checks.that(xBits >= 2 && xBits <= 4, "xBits", "2 to 4", xBits);
    Checks.that(wBits >= 2 && wBits <= 4, "wBits", "2 to 4", wBits);
    Checks.given("xRange", xRange);
    Checks.that(outBits >= 2 && outBits <= 8, "outBits", "2 to 8", outBits);
    Checks.given("outRange", outRange);
  }

  /**
   * Signed codes of the same bits everywhere.
   *
   * @param bits 2 to 4
   * @return a product
   * @throws IllegalArgumentException for a value outside its range
   */
  public static PowerIntegerProduct of(int bits) {
    return new PowerIntegerProduct(bits, bits, PowerRange.SIGNED, bits, PowerRange.SIGNED);
  }

  /**
   * This product with other codes of x.
   *
   * @param bits 2 to 4
   * @param range which codes there are
   * @return a new product
   * @throws IllegalArgumentException for a value outside its range
   */
  public PowerIntegerProduct withX(int bits, PowerRange range) {
    return new PowerIntegerProduct(bits, wBits, range, outBits, outRange);
  }

  /**
   * This product with other codes of the output.
   *
   * @param bits 2 to 8
   * @param range which codes there are
   * @return a new product
   * @throws IllegalArgumentException for a value outside its range
   */
  public PowerIntegerProduct withOut(int bits, PowerRange range) {
    return new PowerIntegerProduct(xBits, wBits, xRange, bits, range);
  }

  /**
   * The sums of products of integers.
   *
   * @param context where to compute
   * @param xCodes [m,k] I8, unsigned U8; k at most 40000
   * @param wCodes U8 [n,bytes], packed
   * @return I32 [m,n]: A, a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public Tensor sums(Context context, Tensor xCodes, Tensor wCodes) {
    return Transfers.filled(
        product(DType.I32, xCodes, wCodes),
        sums -> evaluate(context, xCodes, wCodes, null, null, null, sums, null, null));
  }

  /**
   * The product of the values.
   *
   * @param context where to compute
   * @param xCodes [m,k] I8, unsigned U8; k at most 40000
   * @param wCodes U8 [n,bytes], packed
   * @param xScale F32 [1], {@code >= 0}
   * @param wScale F32 [1] or [n], {@code >= 0}
   * @return F32 [m,n], a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public Tensor multiply(
      Context context, Tensor xCodes, Tensor wCodes, Tensor xScale, Tensor wScale) {
    return Transfers.filled(
        product(DType.F32, xCodes, wCodes),
        out -> evaluate(context, xCodes, wCodes, xScale, wScale, null, null, out, null));
  }

  /**
   * The codes of the product.
   *
   * @param context where to compute
   * @param xCodes [m,k] I8, unsigned U8; k at most 40000
   * @param wCodes U8 [n,bytes], packed
   * @param xScale F32 [1], {@code >= 0}
   * @param wScale F32 [1] or [n], {@code >= 0}
   * @param outScale F32 [1] or [n], {@code > 0}
   * @return [m,n] I8, unsigned U8, a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public Tensor codes(
      Context context,
      Tensor xCodes,
      Tensor wCodes,
      Tensor xScale,
      Tensor wScale,
      Tensor outScale) {
    return Transfers.filled(
        product(outRange.codes(), xCodes, wCodes),
        codes -> evaluate(context, xCodes, wCodes, xScale, wScale, outScale, null, null, codes));
  }

  private static Tensor product(DType dtype, Tensor xCodes, Tensor wCodes) {
    Checks.given("xCodes", xCodes);
    Checks.given("wCodes", wCodes);
    Checks.that(xCodes.rank() == 2, "xCodes", "a matrix", xCodes);
    Checks.that(wCodes.rank() == 2, "wCodes", "a matrix", wCodes);
    return Tensor.zeros(xCodes.device(), dtype, xCodes.size(0), wCodes.size(0));
  }

  /**
   * Everything at once, into given memory.
   *
   * @param context where to compute
   * @param xCodes [m,k] I8, unsigned U8; k at most 40000
   * @param wCodes U8 [n,bytes], packed
   * @param xScale F32 [1], {@code >= 0}, with out or outCodes; else null
   * @param wScale F32 [1] or [n], {@code >= 0}, with out or outCodes; else null
   * @param outScale F32 [1] or [n], {@code > 0}, with outCodes; else null
   * @param sums I32 [m,n]: A; null if not wanted
   * @param out F32 [m,n]: the product of the values; null if not wanted
   * @param outCodes [m,n] I8, unsigned U8 (where a value {@code <= 0} has the code 0): the codes of
   *     the product, clipped to the largest; null if not wanted
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public void evaluate(
      Context context,
      Tensor xCodes,
      Tensor wCodes,
      Tensor xScale,
      Tensor wScale,
      Tensor outScale,
      Tensor sums,
      Tensor out,
      Tensor outCodes) {
    Checks.given("context", context);
    Checks.given("xCodes", xCodes);
    Checks.given("wCodes", wCodes);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_integer_product(
              address,
              context.options().of(this),
              context.use(xCodes),
              context.use(wCodes),
              context.use(xScale),
              context.use(wScale),
              context.use(outScale),
              context.use(sums),
              context.use(out),
              context.use(outCodes)));
    } finally {
      context.end();
    }
  }

  /** Writes the components into their native form. */
  void fill(PowerIntegerOptions options) {
    options
        .x_bits(xBits)
        .w_bits(wBits)
        .x_range(xRange.code())
        .out_bits(outBits)
        .out_range(outRange.code());
  }
}
