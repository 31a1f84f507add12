package org.lossmith;

/**
 * InfoNCE: every x_i looks for its y_i among all y (row direction), and with a column coefficient
 * every y_i for its x_i among all x. {@link #symmetric} is the loss of CLIP, the mean of both, from
 * one product of scores. Formula of {@link ContrastiveLoss} with a_ij = 1 for i = j, else 0.
 *
 * <p>Rows n..m-1 of y are extra hard negatives: candidates of the row direction that no x looks
 * for.
 *
 * <p>Gradient, with c = upstream rowWeight_i (1/n for {@link Reduction#MEAN}) and the coefficients
 * folded into cx, cy:
 *
 * <pre>{@code
 * G_ij = cx_i (exp(s_ij - lse_i) - t_ij) + cy_j (exp(s_ij - lse'_j) - u_ij)
 * grad_x = scale G y,  grad_y = scale G^T x,  grad_log_scale = sum_ij G_ij scale <x_i, y_j>,
 * grad_bias_j = sum_i G_ij
 * }</pre>
 *
 * <p>Papers: van den Oord, Li, Vinyals: Representation Learning with Contrastive Predictive Coding,
 * 2018 (arXiv 1807.03748); Radford et al.: Learning Transferable Visual Models From Natural
 * Language Supervision, 2021 (arXiv 2103.00020).
 *
 * @param temperature finite, {@code > 0}; it divides the scores where the inputs have no logScale
 * @param maxScale the largest scale, {@code > 0}; infinity for none
 * @param rowCoefficient coefficient of the row direction, finite, {@code >= 0}
 * @param columnCoefficient coefficient of the column direction, finite, {@code >= 0}; 0: not
 *     computed
 * @param labelSmoothing the share of the targets that is spread evenly, in [0, 1)
 * @param reduction how row losses become one loss
 * @param normalize whether x and y are divided by their row norms first (a row of norm {@code <=
 *     1e-12} becomes 0 and gets gradient 0)
 * @param plan what happens to the scores between loss and gradient
 */
public record InfoNce(
    double temperature,
    double maxScale,
    double rowCoefficient,
    double columnCoefficient,
    double labelSmoothing,
    Reduction reduction,
    boolean normalize,
    Plan plan)
    implements ContrastiveLoss {
  /**
   * Checks the components.
   *
   * @param temperature finite, {@code > 0}; it divides the scores where the inputs have no logScale
   * @param maxScale the largest scale, {@code > 0}; infinity for none
   * @param rowCoefficient coefficient of the row direction, finite, {@code >= 0}
   * @param columnCoefficient coefficient of the column direction, finite, {@code >= 0}; 0: not
   *     computed
   * @param labelSmoothing the share of the targets that is spread evenly, in [0, 1)
   * @param reduction how row losses become one loss
   * @param normalize whether x and y are divided by their row norms first (a row of norm {@code <=
   *     1e-12} becomes 0 and gets gradient 0)
   * @param plan what happens to the scores between loss and gradient
   * @throws IllegalArgumentException for a component outside its range
   */
  public InfoNce {
    Checks.positive("temperature", temperature);
    Checks.that(maxScale > 0, "maxScale", "a value > 0", maxScale);
    Checks.notNegative("rowCoefficient", rowCoefficient);
    Checks.notNegative("columnCoefficient", columnCoefficient);
    Checks.that(
        labelSmoothing >= 0 && labelSmoothing < 1,
        "labelSmoothing",
        "a value in [0, 1)",
        labelSmoothing);
    Checks.given("reduction", reduction);
    Checks.given("plan", plan);
  }

  /**
   * The row direction alone, mean, no clamp, no smoothing, inputs as they are.
   *
   * @param temperature finite, {@code > 0}
   * @return a loss
   * @throws IllegalArgumentException for a temperature outside its range
   */
  public static InfoNce of(double temperature) {
    return new InfoNce(
        temperature, Double.POSITIVE_INFINITY, 1, 0, 0, Reduction.MEAN, false, Plan.AUTO);
  }

  /**
   * The mean of both directions, as in CLIP; otherwise as {@link #of}.
   *
   * @param temperature finite, {@code > 0}
   * @return a loss
   * @throws IllegalArgumentException for a temperature outside its range
   */
  public static InfoNce symmetric(double temperature) {
    return of(temperature).withRowCoefficient(0.5).withColumnCoefficient(0.5);
  }

  /**
   * Computes the loss and the gradients of x and y.
   *
   * @param context where to compute
   * @param x [n,d] queries
   * @param y [m,d] candidates, m {@code >=} n, of the same element type
   * @return a new result, to be closed by the caller
   * @throws IllegalArgumentException if an argument is null or does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public LossResult evaluate(Context context, Tensor x, Tensor y) {
    return evaluate(context, ContrastiveInputs.of(x, y), "x", "y");
  }

  /**
   * This loss with another component.
   *
   * @param temperature the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public InfoNce withTemperature(double temperature) {
    return new InfoNce(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param maxScale the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public InfoNce withMaxScale(double maxScale) {
    return new InfoNce(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param rowCoefficient the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public InfoNce withRowCoefficient(double rowCoefficient) {
    return new InfoNce(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param columnCoefficient the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public InfoNce withColumnCoefficient(double columnCoefficient) {
    return new InfoNce(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param labelSmoothing the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public InfoNce withLabelSmoothing(double labelSmoothing) {
    return new InfoNce(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param reduction the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public InfoNce withReduction(Reduction reduction) {
    return new InfoNce(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param normalize the new value
   * @return a new loss
   */
  public InfoNce withNormalize(boolean normalize) {
    return new InfoNce(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param plan the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public InfoNce withPlan(Plan plan) {
    return new InfoNce(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        plan);
  }
}
