package org.lossmith;

/**
 * The search for the exponent, and the clipping scale, of power quantization without data: for each
 * tensor, channel or group the minimum over exponents a and clip ratios c of
 *
 * <pre>{@code
 * E(a, c) = sum |w - w^(a, c s)|^p
 * }</pre>
 *
 * <p>where s is the scale of the group, of w - shift where there is a shift. A grid of exponents
 * and ratios comes first, then finer grids around the best exponent, at its ratio; the best that
 * was seen is kept. The weights are read once for a whole grid, not once for each exponent. Codes
 * flip as a changes, so that E jumps: the result is the best candidate, not the root of a
 * derivative.
 *
 * <pre>{@code
 * PowerQuantizer quantizer = PowerQuantizer.of(4).withGroups(Groups.perChannel(0));
 * try (PowerParameters best = PowerSearch.of(quantizer).search(context, w)) {
 *   float[] exponents = best.exponent().toFloatArray();
 * }
 * }</pre>
 *
 * <p>One exponent for all tensors of a network is found by {@code
 * org.lossmith.quantization.NetworkExponent}.
 *
 * <p>Paper: Yvinec et al.: PowerQuant, ICLR 2023 (arXiv 2301.09858), which searches one exponent
 * for a network, by Nelder-Mead.
 *
 * @param quantizer the bits, range and groups; its gradient does not matter
 * @param norm p, finite, {@code > 0}; 2: the squared error
 * @param lowest the smallest exponent, {@code >= 0.01}
 * @param highest the largest exponent, above the lowest and {@code <= 16}
 * @param steps exponents of the first grid, evenly spaced, both ends included; 2 to 1024
 * @param refinements finer grids after the first, of 9 exponents each; 0 to 8
 * @param clips clip ratios: 1 - i clipStep for i from 0 on; 1 to 64
 * @param clipStep how far ratios are apart, finite, {@code >= 0}; the smallest ratio must be above
 *     0
 */
public record PowerSearch(
    PowerQuantizer quantizer,
    double norm,
    double lowest,
    double highest,
    int steps,
    int refinements,
    int clips,
    double clipStep) {
  /**
   * Checks the components.
   *
   * @param quantizer the bits, range and groups; its gradient does not matter
   * @param norm p, finite, {@code > 0}
   * @param lowest the smallest exponent, {@code >= 0.01}
   * @param highest the largest exponent, above the lowest and {@code <= 16}
   * @param steps exponents of the first grid, 2 to 1024
   * @param refinements finer grids after the first, 0 to 8
   * @param clips clip ratios, 1 to 64
   * @param clipStep how far ratios are apart, finite, {@code >= 0}
   * @throws IllegalArgumentException for a component outside its range
   */
  public PowerSearch {
    Checks.given("quantizer", quantizer);
    Checks.positive("norm", norm);
    Checks.that(lowest >= 0.01 && lowest <= 16, "lowest", "0.01 to 16", lowest);
    Checks.that(
        highest > lowest && highest <= 16, "highest", "above " + lowest + ", to 16", highest);
    Checks.that(steps >= 2 && steps <= 1024, "steps", "2 to 1024", steps);
    Checks.that(refinements >= 0 && refinements <= 8, "refinements", "0 to 8", refinements);
    Checks.that(clips >= 1 && clips <= 64, "clips", "1 to 64", clips);
    Checks.notNegative("clipStep", clipStep);
    Checks.that((clips - 1) * clipStep < 1, "clipStep", "a smallest ratio above 0", clipStep);
  }

  /**
   * The squared error over 64 exponents from 0.1 to 1.2, refined three times, of the scale as it
   * is.
   *
   * @param quantizer the bits, range and groups
   * @return a search
   * @throws IllegalArgumentException for null
   */
  public static PowerSearch of(PowerQuantizer quantizer) {
    return new PowerSearch(quantizer, 2, 0.1, 1.2, 64, 3, 1, 0.02);
  }

  /**
   * This search with another component.
   *
   * @param quantizer the new value
   * @return a new search
   * @throws IllegalArgumentException for null
   */
  public PowerSearch withQuantizer(PowerQuantizer quantizer) {
    return new PowerSearch(quantizer, norm, lowest, highest, steps, refinements, clips, clipStep);
  }

  /**
   * This search with another component.
   *
   * @param norm the new value
   * @return a new search
   * @throws IllegalArgumentException for a value outside its range
   */
  public PowerSearch withNorm(double norm) {
    return new PowerSearch(quantizer, norm, lowest, highest, steps, refinements, clips, clipStep);
  }

  /**
   * This search over other exponents.
   *
   * @param lowest the smallest
   * @param highest the largest
   * @return a new search
   * @throws IllegalArgumentException for values outside their range
   */
  public PowerSearch withExponents(double lowest, double highest) {
    return new PowerSearch(quantizer, norm, lowest, highest, steps, refinements, clips, clipStep);
  }

  /**
   * This search with other grids.
   *
   * @param steps exponents of the first grid
   * @param refinements finer grids after the first
   * @return a new search
   * @throws IllegalArgumentException for values outside their range
   */
  public PowerSearch withGrid(int steps, int refinements) {
    return new PowerSearch(quantizer, norm, lowest, highest, steps, refinements, clips, clipStep);
  }

  /**
   * This search with other clip ratios.
   *
   * @param clips how many
   * @param clipStep how far they are apart, from 1 downwards
   * @return a new search
   * @throws IllegalArgumentException for values outside their range
   */
  public PowerSearch withClips(int clips, double clipStep) {
    return new PowerSearch(quantizer, norm, lowest, highest, steps, refinements, clips, clipStep);
  }

  /**
   * The best exponent and scale of each group, from the scales that the data has.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64
   * @return new parameters with as many exponents as scales, to be closed by the caller. A group
   *     with NaN or an infinity has the exponent NaN, one of zeros 1
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public PowerParameters search(Context context, Tensor w) {
    Tensor scale = quantizer.scales(context, w);
    Tensor exponent = null;
    Tensor best = null;
    try {
      exponent = quantizer.newParameter(w);
      best = quantizer.newParameter(w);
      search(context, w, scale, null, exponent, best, null);
      return PowerParameters.of(best, exponent);
    } catch (RuntimeException | Error e) {
      PowerCalls.close(exponent);
      PowerCalls.close(best);
      throw e;
    } finally {
      scale.close();
    }
  }

  /**
   * The same into given memory.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64; the rows of a matrix may lie apart
   * @param scale that of ratio 1: the parameters' shape, F32, or F64 for F64 tensors
   * @param shift like scale (unsigned only), or null
   * @param exponent like scale: the best exponents; of several equal ones the lowest, with the
   *     largest ratio, of the first grid that has them
   * @param bestScale like scale: scale times the best ratio; null if not wanted
   * @param error F64, the parameters' shape: E of the best; null if not wanted
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public void search(
      Context context,
      Tensor w,
      Tensor scale,
      Tensor shift,
      Tensor exponent,
      Tensor bestScale,
      Tensor error) {
    PowerSearchCalls.search(this, context, w, scale, shift, exponent, bestScale, error);
  }

  /**
   * The errors of exponents at given scales; of this search only the quantizer and the norm count.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64
   * @param scale the parameters' shape, F32, or F64 for F64 tensors
   * @param exponents 1 to 1024 of them, in [0.01, 16]
   * @return E: as many as there are exponents for each group, one group after the other
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public double[] errors(Context context, Tensor w, Tensor scale, double... exponents) {
    Checks.given("scale", scale);
    Checks.given("exponents", exponents);
    try (Tensor grid = Tensor.zeros(scale.device(), scale.dtype(), exponents.length);
        Tensor errors =
            Tensor.zeros(scale.device(), DType.F64, scale.elements(), 1, exponents.length)) {
      grid.copyFrom(exponents);
      errors(context, w, scale, null, grid, null, errors);
      return errors.toDoubleArray();
    }
  }

  /**
   * The errors of all pairs of a clip ratio and an exponent, into given memory; of this search only
   * the quantizer and the norm count.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64; the rows of a matrix may lie apart
   * @param scale the parameters' shape, F32, or F64 for F64 tensors
   * @param shift like scale (unsigned only), or null
   * @param exponents [g], the type of scale, each in [0.01, 16]; g at most 1024
   * @param ratios [c], the type of scale, each in (0, 1], c at most 64; null: the one ratio 1
   * @param errors F64 [groups,c,g]: E
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public void errors(
      Context context,
      Tensor w,
      Tensor scale,
      Tensor shift,
      Tensor exponents,
      Tensor ratios,
      Tensor errors) {
    PowerSearchCalls.errors(this, context, w, scale, shift, exponents, ratios, errors);
  }
}
