package org.lossmith;

/**
 * CWCL, continuously weighted contrastive loss: how much y_j counts as a match of x_i is the
 * similarity of i and j within modality U, which a strong, normally frozen model embeds. Formula of
 * {@link ContrastiveLoss} with
 *
 * <pre>{@code
 * a_ij = w_ij / sum_j w_ij,   w_ij = (1 + <r_i, r_j>) / 2, or weights_ij >= 0 as given
 * }</pre>
 *
 * <p>in the row direction; the column direction is plain InfoNCE. The paper's loss is the sum of
 * both ({@link #of}). The weights of reference embeddings have rank r+1 and are never formed: they
 * cost three products of size n r d. No gradient flows into the reference or the weights. A row of
 * explicit weights that sums to 0 has no row direction.
 *
 * <p>The inputs must have exactly one of {@link ContrastiveInputs#reference} and {@link
 * ContrastiveInputs#weights}. Gradients as in {@link InfoNce}.
 *
 * <p>Paper: Srinivasa et al.: CWCL: Cross-Modal Transfer with Continuously Weighted Contrastive
 * Loss, NeurIPS 2023 (arXiv 2309.14580).
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
 * @param normalizeReference whether the reference rows are divided by their norms first; if not,
 *     their norms must be {@code <= 1}
 * @param plan what happens to the scores between loss and gradient
 */
public record Cwcl(
    double temperature,
    double maxScale,
    double rowCoefficient,
    double columnCoefficient,
    double labelSmoothing,
    Reduction reduction,
    boolean normalize,
    boolean normalizeReference,
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
   * @param normalizeReference whether the reference rows are divided by their norms first; if not,
   *     their norms must be {@code <= 1}
   * @param plan what happens to the scores between loss and gradient
   * @throws IllegalArgumentException for a component outside its range
   */
  public Cwcl {
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
   * The paper's loss: the sum of both directions, mean over the pairs, reference rows normalised,
   * no clamp, no smoothing, x and y as they are.
   *
   * @param temperature finite, {@code > 0}
   * @return a loss
   * @throws IllegalArgumentException for a temperature outside its range
   */
  public static Cwcl of(double temperature) {
    return new Cwcl(
        temperature, Double.POSITIVE_INFINITY, 1, 1, 0, Reduction.MEAN, false, true, Plan.AUTO);
  }

  /**
   * Computes the loss and the gradients of x and y.
   *
   * @param context where to compute
   * @param x [n,d] modality U
   * @param y [n,d] modality V, of the same element type
   * @param reference [n,r] embeddings of U that give the weights, often x itself
   * @return a new result, to be closed by the caller
   * @throws IllegalArgumentException if an argument is null or does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public LossResult evaluate(Context context, Tensor x, Tensor y, Tensor reference) {
    return evaluate(context, ContrastiveInputs.of(x, y).reference(reference), "x", "y");
  }

  /**
   * This loss with another component.
   *
   * @param temperature the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public Cwcl withTemperature(double temperature) {
    return new Cwcl(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        normalizeReference,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param maxScale the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public Cwcl withMaxScale(double maxScale) {
    return new Cwcl(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        normalizeReference,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param rowCoefficient the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public Cwcl withRowCoefficient(double rowCoefficient) {
    return new Cwcl(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        normalizeReference,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param columnCoefficient the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public Cwcl withColumnCoefficient(double columnCoefficient) {
    return new Cwcl(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        normalizeReference,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param labelSmoothing the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public Cwcl withLabelSmoothing(double labelSmoothing) {
    return new Cwcl(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        normalizeReference,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param reduction the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public Cwcl withReduction(Reduction reduction) {
    return new Cwcl(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        normalizeReference,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param normalize the new value
   * @return a new loss
   */
  public Cwcl withNormalize(boolean normalize) {
    return new Cwcl(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        normalizeReference,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param normalizeReference the new value
   * @return a new loss
   */
  public Cwcl withNormalizeReference(boolean normalizeReference) {
    return new Cwcl(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        normalizeReference,
        plan);
  }

  /**
   * This loss with another component.
   *
   * @param plan the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public Cwcl withPlan(Plan plan) {
    return new Cwcl(
        temperature,
        maxScale,
        rowCoefficient,
        columnCoefficient,
        labelSmoothing,
        reduction,
        normalize,
        normalizeReference,
        plan);
  }
}
