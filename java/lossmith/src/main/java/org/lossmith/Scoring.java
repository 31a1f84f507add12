package org.lossmith;

/**
 * What the losses over labels have in common: how scores come about, and what becomes of the losses
 * of the rows.
 *
 * <pre>{@code
 * s_ij = cap(scale <x_i, z_j> + bias_j),    scale = min(exp(logScale), maxScale)
 * cap(s) = s, with a softcap: softcap tanh(s / softcap)
 * }</pre>
 *
 * <p>with logScale = -ln(temperature) where the inputs have none.
 *
 * <pre>{@code
 * Scoring cosine = Scoring.of(0.05).withNormalizeX(true).withNormalizeLabels(true);
 * DecoupledSoftmax loss = DecoupledSoftmax.of(cosine.withReduction(Reduction.SUM));
 * }</pre>
 *
 * @param temperature finite, {@code > 0}; it divides the scores where the inputs have no logScale
 * @param maxScale the largest scale, {@code > 0}; infinity for none
 * @param softcap bound of the scores, finite, {@code > 0}; 0 for none
 * @param normalizeX whether rows of x are divided by their norms first (a row of norm {@code <=
 *     1e-12} becomes 0 and gets gradient 0); not where the scores are given
 * @param normalizeLabels whether rows of the labels are, likewise
 * @param reduction how row losses become one loss
 * @param plan what happens to the scores between loss and gradient
 * @param filter coefficients of the gradient that do not matter, finite, {@code >= 0}: a tile of 96
 *     rows x 512 labels in which all coefficients are at most filter/N (filter where the loss is
 *     not a mean) takes no part in the gradients of x and the labels. The error of the gradient of
 *     x_i is then at most scale filter/N times the sum of |z_j| over what was left out, that of z_j
 *     likewise with |x_i|. 0: all gradients are exact
 */
public record Scoring(
    double temperature,
    double maxScale,
    double softcap,
    boolean normalizeX,
    boolean normalizeLabels,
    Reduction reduction,
    Plan plan,
    double filter) {
  /**
   * Checks the components.
   *
   * @param temperature finite, {@code > 0}
   * @param maxScale the largest scale, {@code > 0}; infinity for none
   * @param softcap bound of the scores, finite, {@code > 0}; 0 for none
   * @param normalizeX whether rows of x are divided by their norms first
   * @param normalizeLabels whether rows of the labels are, likewise
   * @param reduction how row losses become one loss
   * @param plan what happens to the scores between loss and gradient
   * @param filter coefficients of the gradient that do not matter, finite, {@code >= 0}
   * @throws IllegalArgumentException for a component outside its range
   */
  public Scoring {
    Checks.positive("temperature", temperature);
    Checks.that(maxScale > 0, "maxScale", "a value > 0", maxScale);
    Checks.notNegative("softcap", softcap);
    Checks.given("reduction", reduction);
    Checks.given("plan", plan);
    Checks.notNegative("filter", filter);
  }

  /**
   * A mean of exact gradients, no clamp, no cap, x and labels as they are.
   *
   * @param temperature finite, {@code > 0}
   * @return a scoring
   * @throws IllegalArgumentException for a temperature outside its range
   */
  public static Scoring of(double temperature) {
    return new Scoring(
        temperature, Double.POSITIVE_INFINITY, 0, false, false, Reduction.MEAN, Plan.AUTO, 0);
  }

  /**
   * This scoring with another component.
   *
   * @param temperature the new value
   * @return a new scoring
   * @throws IllegalArgumentException for a value outside its range
   */
  public Scoring withTemperature(double temperature) {
    return new Scoring(
        temperature, maxScale, softcap, normalizeX, normalizeLabels, reduction, plan, filter);
  }

  /**
   * This scoring with another component.
   *
   * @param maxScale the new value
   * @return a new scoring
   * @throws IllegalArgumentException for a value outside its range
   */
  public Scoring withMaxScale(double maxScale) {
    return new Scoring(
        temperature, maxScale, softcap, normalizeX, normalizeLabels, reduction, plan, filter);
  }

  /**
   * This scoring with another component.
   *
   * @param softcap the new value
   * @return a new scoring
   * @throws IllegalArgumentException for a value outside its range
   */
  public Scoring withSoftcap(double softcap) {
    return new Scoring(
        temperature, maxScale, softcap, normalizeX, normalizeLabels, reduction, plan, filter);
  }

  /**
   * This scoring with another component.
   *
   * @param normalizeX the new value
   * @return a new scoring
   */
  public Scoring withNormalizeX(boolean normalizeX) {
    return new Scoring(
        temperature, maxScale, softcap, normalizeX, normalizeLabels, reduction, plan, filter);
  }

  /**
   * This scoring with another component.
   *
   * @param normalizeLabels the new value
   * @return a new scoring
   */
  public Scoring withNormalizeLabels(boolean normalizeLabels) {
    return new Scoring(
        temperature, maxScale, softcap, normalizeX, normalizeLabels, reduction, plan, filter);
  }

  /**
   * This scoring with another component.
   *
   * @param reduction the new value
   * @return a new scoring
   * @throws IllegalArgumentException for a value outside its range
   */
  public Scoring withReduction(Reduction reduction) {
    return new Scoring(
        temperature, maxScale, softcap, normalizeX, normalizeLabels, reduction, plan, filter);
  }

  /**
   * This scoring with another component.
   *
   * @param plan the new value
   * @return a new scoring
   * @throws IllegalArgumentException for a value outside its range
   */
  public Scoring withPlan(Plan plan) {
    return new Scoring(
        temperature, maxScale, softcap, normalizeX, normalizeLabels, reduction, plan, filter);
  }

  /**
   * This scoring with another component.
   *
   * @param filter the new value
   * @return a new scoring
   * @throws IllegalArgumentException for a value outside its range
   */
  public Scoring withFilter(double filter) {
    return new Scoring(
        temperature, maxScale, softcap, normalizeX, normalizeLabels, reduction, plan, filter);
  }
}
