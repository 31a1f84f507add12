package org.lossmith;

/**
 * Power quantization (PowerQuant, NUPES): b-bit codes on a grid whose levels are the powers of a
 * uniform one, so that small values get more levels ({@code a < 1}).
 *
 * <p>For a weight w, and the scale s and the exponent a of its group:
 *
 * <pre>{@code
 * v = min(|w| / s, 1)     u = Q v^a     q = sign(w) floor(u + 1/2)     r = |q| / Q
 * w^ = s sign(q) r^(1/a)
 * }</pre>
 *
 * <p>with the largest code Q and the codes of {@link PowerRange}. With a shift (unsigned only) w -
 * shift is quantized, and the shift added to w^ again. {@code a = 1} is uniform quantization.
 * Values come from a table; codes of up to 4 bits are found by thresholds and are exact, those of
 * more bits cost a power of each element and may differ by one where u is within 1e-4 of a half.
 *
 * <p>Gradients, for an upstream gradient g and with the rounding residual held constant, of {@code
 * |w| <= s} and {@code q != 0}:
 *
 * <pre>{@code
 * dw^/dw = 1 (IDENTITY) or (|w^| / |w|)^(1-a) (EXACT)
 * dw^/da = w^ (v^a ln(v) / (a r) - ln(r) / a^2)
 * dw^/ds = sign(q) r^(1/a - 1) (r - v^a)
 * }</pre>
 *
 * <p>Where q is 0 the last two are 0, and the first is 1 or, exact, 0. Where {@code |w| > s} only
 * the scale has a gradient, sign(w). Gradients of parameters are sums over their group. NaN has the
 * code 0, and makes its value and its gradients NaN.
 *
 * <p>Codes are I8 or U8 tensors of the shape of w, or packed: rows of a matrix as a bit stream with
 * fields of 2, 3, 4 or (5 bits and more) 8 bits, sign in the top bit of a field. {@link
 * PowerSearch} finds exponents, {@link PowerMatrix} multiplies with packed codes, {@link
 * PowerIntegerProduct} multiplies codes with codes.
 *
 * <p>A matrix to 4 bits and back, a scale for each row:
 *
 * <pre>{@code
 * PowerQuantizer quantizer = PowerQuantizer.of(4).withGroups(Groups.perChannel(0));
 * try (PowerParameters parameters = PowerSearch.of(quantizer).search(context, w);
 *     Tensor codes = quantizer.quantizePacked(context, w, parameters);
 *     Tensor values = quantizer.dequantizePacked(context, codes, w.size(1), parameters)) {
 *   // ...
 * }
 * }</pre>
 *
 * <p>Papers: Yvinec, Dapogny, Cord, Bailly: PowerQuant: Automorphism Search for Non-Uniform
 * Quantization, ICLR 2023 (arXiv 2301.09858); Yvinec, Dapogny, Bailly, Fischer: NUPES: Non-Uniform
 * Post-Training Quantization via Power Exponent Search, 2023 (arXiv 2308.05600).
 *
 * @param bits of a code, 2 to 8
 * @param range which codes there are
 * @param gradient of the values in the input
 * @param groups which elements share a scale
 */
public record PowerQuantizer(int bits, PowerRange range, PowerGradient gradient, Groups groups) {
  /**
   * Checks the components.
   *
   * @param bits of a code, 2 to 8
   * @param range which codes there are
   * @param gradient of the values in the input
   * @param groups which elements share a scale
   * @throws IllegalArgumentException for a component outside its range
   */
  public PowerQuantizer {
    Checks.that(bits >= 2 && bits <= 8, "bits", "2 to 8", bits);
    Checks.given("range", range);
    Checks.given("gradient", gradient);
    Checks.given("groups", groups);
  }

  /**
   * Signed codes with one scale for a tensor, and the identity as gradient.
   *
   * @param bits of a code, 2 to 8
   * @return a quantizer
   * @throws IllegalArgumentException for a value outside its range
   */
  public static PowerQuantizer of(int bits) {
    return new PowerQuantizer(bits, PowerRange.SIGNED, PowerGradient.IDENTITY, Groups.perTensor());
  }

  /**
   * This quantizer with another component.
   *
   * @param bits the new value
   * @return a new quantizer
   * @throws IllegalArgumentException for a value outside its range
   */
  public PowerQuantizer withBits(int bits) {
    return new PowerQuantizer(bits, range, gradient, groups);
  }

  /**
   * This quantizer with another component.
   *
   * @param range the new value
   * @return a new quantizer
   * @throws IllegalArgumentException for null
   */
  public PowerQuantizer withRange(PowerRange range) {
    return new PowerQuantizer(bits, range, gradient, groups);
  }

  /**
   * This quantizer with another component.
   *
   * @param gradient the new value
   * @return a new quantizer
   * @throws IllegalArgumentException for null
   */
  public PowerQuantizer withGradient(PowerGradient gradient) {
    return new PowerQuantizer(bits, range, gradient, groups);
  }

  /**
   * This quantizer with another component.
   *
   * @param groups the new value
   * @return a new quantizer
   * @throws IllegalArgumentException for null
   */
  public PowerQuantizer withGroups(Groups groups) {
    return new PowerQuantizer(bits, range, gradient, groups);
  }

  /**
   * The largest code: Q.
   *
   * @return {@code 2^(bits-1) - 1}, or unsigned {@code 2^bits - 1}
   */
  public int largest() {
    return range.largest(bits);
  }

  /**
   * The bytes of a packed row.
   *
   * @param columns codes of a row, {@code >= 0}
   * @return the bytes of fields of 2, 3, 4 or 8 bits
   * @throws IllegalArgumentException for a negative number
   */
  public long packedBytes(long columns) {
    return packedBytes(bits, columns);
  }

  static long packedBytes(int bits, long columns) {
    Checks.that(columns >= 0, "columns", "a value >= 0", columns);
    int field = bits <= 4 ? bits : Byte.SIZE;
    // Whole bytes of eight codes first: no product that could be too large.
    return columns / Byte.SIZE * field + (columns % Byte.SIZE * field + Byte.SIZE - 1) / Byte.SIZE;
  }

  // ---- Parameters

  /**
   * Scales from data: the largest magnitude of every group; unsigned the largest value, at least 0.
   *
   * @param context where to compute
   * @param w floating-point, any shape but a single number
   * @return F32, for F64 tensors F64, of the parameters' shape; a new tensor to be closed by the
   *     caller. A group with NaN has the scale NaN
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public Tensor scales(Context context, Tensor w) {
    return Transfers.filled(newParameter(w), scale -> scales(context, w, scale, null));
  }

  /**
   * Scales, and shifts to the smallest value of every group, into given memory.
   *
   * @param context where to compute
   * @param w floating-point, any shape but a single number
   * @param scale of the parameters' shape, F32, or F64 for F64 tensors
   * @param shift like scale (unsigned only); null: nothing is shifted
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void scales(Context context, Tensor w, Tensor scale, Tensor shift) {
    PowerCalls.scales(this, context, w, scale, shift);
  }

  /**
   * Scales from data and one exponent for all.
   *
   * @param context where to compute
   * @param w floating-point, any shape but a single number
   * @param exponent in [0.01, 16]
   * @return new parameters, to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public PowerParameters parameters(Context context, Tensor w, double exponent) {
    return parameters(context, w, exponent, false);
  }

  /**
   * The same with shifts, for activations that have a negative minimum.
   *
   * @param context where to compute
   * @param w floating-point, any shape but a single number
   * @param exponent in [0.01, 16]
   * @return new parameters, to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit, and for signed codes
   * @throws IllegalStateException if an argument is closed
   */
  public PowerParameters shiftedParameters(Context context, Tensor w, double exponent) {
    return parameters(context, w, exponent, true);
  }

  private PowerParameters parameters(Context context, Tensor w, double exponent, boolean shifted) {
    Checks.that(exponent >= 0.01 && exponent <= 16, "exponent", "0.01 to 16", exponent);
    Tensor scale = newParameter(w);
    Tensor power = null;
    Tensor shift = null;
    try {
      power = Tensor.zeros(w.device(), scale.dtype(), 1);
      power.copyFrom(new double[] {exponent});
      shift = shifted ? newParameter(w) : null;
      scales(context, w, scale, shift);
      return new PowerParameters(scale, power, shift);
    } catch (RuntimeException | Error e) {
      scale.close();
      PowerCalls.close(power);
      PowerCalls.close(shift);
      throw e;
    }
  }

  /** Zeros of the parameters' shape and type. */
  Tensor newParameter(Tensor w) {
    Checks.given("w", w);
    return Tensor.zeros(w.device(), PowerCalls.wide(w), groups.shape(w.shape()));
  }

  // ---- Codes and values

  /**
   * The codes of a tensor.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64
   * @param parameters of its groups
   * @return I8, unsigned U8, of the shape of w; a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public Tensor quantize(Context context, Tensor w, PowerParameters parameters) {
    Checks.given("w", w);
    Tensor codes = Tensor.zeros(w.device(), range.codes(), w.shape());
    return Transfers.filled(codes, out -> quantize(context, w, parameters, out));
  }

  /**
   * The same into given memory.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64; the rows of a matrix may lie apart
   * @param parameters of its groups
   * @param codes I8, unsigned U8, of the shape of w
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void quantize(Context context, Tensor w, PowerParameters parameters, Tensor codes) {
    PowerCalls.quantize(this, false, context, w, parameters, codes);
  }

  /**
   * The packed codes of a matrix.
   *
   * @param context where to compute
   * @param w [n,k] F32, BF16, F16 or F64
   * @param parameters of its groups
   * @return U8 [n, {@link #packedBytes packedBytes(k)}]; a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public Tensor quantizePacked(Context context, Tensor w, PowerParameters parameters) {
    Checks.given("w", w);
    Checks.that(w.rank() == 2, "w", "a matrix", w);
    Tensor codes = Tensor.zeros(w.device(), DType.U8, w.size(0), packedBytes(w.size(1)));
    return Transfers.filled(codes, out -> quantizePacked(context, w, parameters, out));
  }

  /**
   * The same into given memory.
   *
   * @param context where to compute
   * @param w [n,k] F32, BF16, F16 or F64
   * @param parameters of its groups
   * @param codes U8 [n, {@link #packedBytes packedBytes(k)}]
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void quantizePacked(Context context, Tensor w, PowerParameters parameters, Tensor codes) {
    PowerCalls.quantize(this, true, context, w, parameters, codes);
  }

  /**
   * The values of codes.
   *
   * @param context where to compute
   * @param codes I8, unsigned U8, any shape
   * @param parameters of their groups
   * @return F32, for F64 parameters F64, of the shape of codes; a new tensor to be closed by the
   *     caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public Tensor dequantize(Context context, Tensor codes, PowerParameters parameters) {
    Checks.given("codes", codes);
    Checks.given("parameters", parameters);
    DType type = PowerCalls.wide(parameters.scale());
    Tensor values = Tensor.zeros(codes.device(), type, codes.shape());
    return Transfers.filled(values, out -> dequantize(context, codes, parameters, out));
  }

  /**
   * The same into given memory.
   *
   * @param context where to compute
   * @param codes I8, unsigned U8, any shape
   * @param parameters of their groups
   * @param out of any floating-point type and the shape of codes
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void dequantize(Context context, Tensor codes, PowerParameters parameters, Tensor out) {
    PowerCalls.dequantize(this, false, context, codes, parameters, out);
  }

  /**
   * The values of packed codes.
   *
   * @param context where to compute
   * @param codes U8 [n, {@link #packedBytes packedBytes(columns)}]
   * @param columns k, the codes of a row
   * @param parameters of their groups
   * @return [n,k] F32, for F64 parameters F64; a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public Tensor dequantizePacked(
      Context context, Tensor codes, long columns, PowerParameters parameters) {
    Checks.given("codes", codes);
    Checks.given("parameters", parameters);
    Checks.that(codes.rank() == 2, "codes", "a matrix", codes);
    DType type = PowerCalls.wide(parameters.scale());
    Tensor values = Tensor.zeros(codes.device(), type, codes.size(0), columns);
    return Transfers.filled(values, out -> dequantizePacked(context, codes, parameters, out));
  }

  /**
   * The same into given memory.
   *
   * @param context where to compute
   * @param codes U8 [n, {@link #packedBytes packedBytes(k)}]
   * @param parameters of their groups
   * @param out [n,k] of any floating-point type
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void dequantizePacked(
      Context context, Tensor codes, PowerParameters parameters, Tensor out) {
    PowerCalls.dequantize(this, true, context, codes, parameters, out);
  }

  // ---- Training

  /**
   * The values that a tensor has after quantization.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64
   * @param parameters of its groups
   * @return of the shape and type of w; a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public Tensor fakeQuantize(Context context, Tensor w, PowerParameters parameters) {
    Checks.given("w", w);
    Tensor values = Tensor.zeros(w.device(), w.dtype(), w.shape());
    return Transfers.filled(
        values, out -> fakeQuantize(context, w, parameters, null, out, null, null, null, null));
  }

  /**
   * Values, codes and gradients in one pass, into given memory. Each tensor is read or written
   * once.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64; the rows of a matrix may lie apart
   * @param parameters of its groups
   * @param upstream the shape of w, F32 or the type of w: the gradient of what follows; given with
   *     one of the gradients and only then, else null
   * @param out the shape of w, F32 or the type of w: the values; w itself is allowed; null if not
   *     wanted
   * @param codes I8, unsigned U8, of the shape of w; null if not wanted
   * @param gradW the shape of w, F32 or the type of w; upstream itself is allowed; null if not
   *     wanted
   * @param gradScale like the scale: the sum over each group; null if not wanted
   * @param gradExponent like the exponent: the sum over each group, or over all; null if not wanted
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public void fakeQuantize(
      Context context,
      Tensor w,
      PowerParameters parameters,
      Tensor upstream,
      Tensor out,
      Tensor codes,
      Tensor gradW,
      Tensor gradScale,
      Tensor gradExponent) {
    PowerCalls.fakeQuantize(
        this, context, w, parameters, upstream, out, codes, gradW, gradScale, gradExponent);
  }

  /**
   * Where a tensor lies in the space of codes: {@code sign(w) Q min(|w| / s, 1)^a}, not rounded.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64
   * @param parameters of its groups, without shift
   * @return F32, for F64 tensors F64, of the shape of w; a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public Tensor latents(Context context, Tensor w, PowerParameters parameters) {
    Checks.given("w", w);
    Tensor latents = Tensor.zeros(w.device(), PowerCalls.wide(w), w.shape());
    return Transfers.filled(latents, theta -> latents(context, w, parameters, theta));
  }

  /**
   * The same into given memory.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64
   * @param parameters of its groups, without shift
   * @param theta F32, for F64 tensors F64, of the shape of w
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void latents(Context context, Tensor w, PowerParameters parameters, Tensor theta) {
    PowerCalls.latents(this, context, w, parameters, theta);
  }

  /**
   * Values of latents theta in the space of codes, by a staircase that is steeper the larger beta
   * is: for rounding that is learned.
   *
   * <pre>{@code
   * c = clip(theta, -Q, Q)     q~ = phi(c)     w^ = s sign(q~) (|q~| / Q)^(1/a)
   * phi(x) = floor(x) + (1/2) (1 + tanh(beta (x - floor(x) - 1/2)) / tanh(beta / 2))
   * }</pre>
   *
   * <p>(unsigned: clipped to 0 and Q). beta = 0 rounds, and passes gradients straight through. A
   * theta that is clipped has no gradient. The gradients of scale and exponent are w^ / s and
   * {@code -w^ ln(|q~| / Q) / a^2}.
   *
   * @param context where to compute
   * @param beta 0, or the steepness, finite
   * @param theta F32 or F64, any shape
   * @param parameters of its groups, without shift
   * @param upstream the shape and type of theta: the gradient of what follows; given with one of
   *     the gradients and only then, else null
   * @param out the shape and type of theta: the values; null if not wanted
   * @param codes I8, unsigned U8, of the shape of theta: those of rounding, whatever beta is; null
   *     if not wanted
   * @param gradTheta the shape and type of theta; null if not wanted
   * @param gradScale like the scale: the sum over each group; null if not wanted
   * @param gradExponent like the exponent: the sum over each group, or over all; null if not wanted
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public void staircase(
      Context context,
      double beta,
      Tensor theta,
      PowerParameters parameters,
      Tensor upstream,
      Tensor out,
      Tensor codes,
      Tensor gradTheta,
      Tensor gradScale,
      Tensor gradExponent) {
    PowerCalls.staircase(
        this,
        context,
        beta,
        theta,
        parameters,
        upstream,
        out,
        codes,
        gradTheta,
        gradScale,
        gradExponent);
  }
}
