package org.lossmith.quantization;

import org.lossmith.Update;

/**
 * What Adam steps in a {@link PowerReconstruction}, and how fast.
 *
 * @param codes rate for the latents, in codes per iteration
 * @param scale rate for the logarithms of the scales; 0: they stay
 * @param exponent rate for the exponents; 0: they stay
 * @param lowestExponent that learning leads to, {@code >= 0.01}
 * @param highestExponent that learning leads to, {@code <= 16}
 */
public record LearningRates(
    double codes, double scale, double exponent, double lowestExponent, double highestExponent) {
  /** Beside gradients of any size: those of small weights and inputs are small. */
  private static final double EPSILON = 1e-20;

  /**
   * Checks the components.
   *
   * @param codes rate for the latents, in codes per iteration
   * @param scale rate for the logarithms of the scales; 0: they stay
   * @param exponent rate for the exponents; 0: they stay
   * @param lowestExponent that learning leads to, {@code >= 0.01}
   * @param highestExponent that learning leads to, {@code <= 16}
   * @throws IllegalArgumentException for a component outside its range
   */
  public LearningRates {
    Expect.notNegative("codes", codes);
    Expect.notNegative("scale", scale);
    Expect.notNegative("exponent", exponent);
    Expect.that(
        lowestExponent >= 0.01 && highestExponent >= lowestExponent && highestExponent <= 16,
        "exponents",
        "0.01 <= lowestExponent <= highestExponent <= 16",
        lowestExponent + " and " + highestExponent);
  }

  /**
   * Rates 0.03, 0.001 and 0.001, exponents in [0.2, 1.5].
   *
   * @return rates
   */
  public static LearningRates all() {
    return new LearningRates(0.03, 1e-3, 1e-3, 0.2, 1.5);
  }

  /**
   * Rate 0.03 for the codes; scales and exponents stay.
   *
   * @return rates
   */
  public static LearningRates codesOnly() {
    return new LearningRates(0.03, 0, 0, 0.2, 1.5);
  }

  static Update adam(double rate) {
    return Update.adam(rate).withEpsilon(EPSILON);
  }
}
