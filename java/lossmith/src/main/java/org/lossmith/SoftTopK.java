package org.lossmith;

/**
 * Soft top-k: maximises how surely the positives of a row are among its k best labels. In the
 * notation of {@link LabelLoss}:
 *
 * <pre>{@code
 * y_ij = sigm(alpha (s_ij + t_i)),  t_i such that sum_{j in A_i} y_ij = k_i
 * loss_i = -a_i sum_{p in P_i} v_ip ln y_ip   (plain: y_ip),   a_i = 1/|P_i|, not averaged: 1
 * }</pre>
 *
 * <p>Gradient, through the threshold t_i, with c = upstream rowWeight_i (1/n for {@link
 * Reduction#MEAN}):
 *
 * <pre>{@code
 * d/ds_ij = g_ij - (sum_p g_ip) y_ij (1 - y_ij) / sum_k y_ik (1 - y_ik)
 * g_ip = -c a_i v_ip alpha (1 - y_ip)   (plain: times y_ip),  g_ij = 0 for a negative j
 * }</pre>
 *
 * <p>The threshold is found by Newton's method within exact bounds, for any number of labels; ask
 * for it by {@code "threshold"}. The inputs must have positives. k_i is k, or where that is 0 the
 * row's own.
 *
 * <pre>{@code
 * SoftTopK loss = SoftTopK.of(0.05).withK(3);
 * try (LossResult result =
 *     loss.evaluate(context, LabelInputs.of(x, labels, positives), "x", "threshold")) {
 *   result.threshold(); // [n]
 * }
 * }</pre>
 *
 * <p>Paper: Gupta et al.: Dual-Encoders for Extreme Multi-Label Classification, ICLR 2024 (arXiv
 * 2310.10636).
 *
 * @param alpha how steep the selection is, finite, {@code > 0}
 * @param k how many labels are selected in each row, {@code > 0} and below the number of the row's
 *     labels; 0: those of {@link LabelInputs#kRows}, and without them the sum of the relevances of
 *     the row's positives, rounded up
 * @param plain whether y itself is maximised in place of ln y
 * @param average whether the positives of a row are averaged; if not, they are added up
 * @param positives which positives count, and how much
 * @param scoring how scores come about, and what becomes of the losses of the rows
 */
public record SoftTopK(
    double alpha,
    long k,
    boolean plain,
    boolean average,
    PositiveSelection positives,
    Scoring scoring)
    implements LabelLoss {
  /**
   * Checks the components.
   *
   * @param alpha how steep the selection is, finite, {@code > 0}
   * @param k how many labels are selected in each row, {@code > 0} and below the number of the
   *     row's labels; 0: those of {@link LabelInputs#kRows}, and without them the sum of the
   *     relevances of the row's positives, rounded up
   * @param plain whether y itself is maximised in place of ln y
   * @param average whether the positives of a row are averaged; if not, they are added up
   * @param positives which positives count, and how much
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @throws IllegalArgumentException for a component outside its range
   */
  public SoftTopK {
    Checks.positive("alpha", alpha);
    Checks.that(k >= 0, "k", "a value >= 0", k);
    Checks.given("positives", positives);
    Checks.given("scoring", scoring);
  }

  /**
   * The paper's loss: alpha 2, the 5 best labels, ln y, the mean over the positives of the row.
   *
   * @param temperature finite, {@code > 0}
   * @return a loss
   * @throws IllegalArgumentException for a temperature outside its range
   */
  public static SoftTopK of(double temperature) {
    return of(Scoring.of(temperature));
  }

  /**
   * The same with a scoring of its own.
   *
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @return a loss
   * @throws IllegalArgumentException if it is null
   */
  public static SoftTopK of(Scoring scoring) {
    return new SoftTopK(2, 5, false, true, PositiveSelection.ALL, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param alpha the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public SoftTopK withAlpha(double alpha) {
    return new SoftTopK(alpha, k, plain, average, positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param k the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public SoftTopK withK(long k) {
    return new SoftTopK(alpha, k, plain, average, positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param plain the new value
   * @return a new loss
   */
  public SoftTopK withPlain(boolean plain) {
    return new SoftTopK(alpha, k, plain, average, positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param average the new value
   * @return a new loss
   */
  public SoftTopK withAverage(boolean average) {
    return new SoftTopK(alpha, k, plain, average, positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param positives the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public SoftTopK withPositives(PositiveSelection positives) {
    return new SoftTopK(alpha, k, plain, average, positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param scoring the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  @Override
  public SoftTopK withScoring(Scoring scoring) {
    return new SoftTopK(alpha, k, plain, average, positives, scoring);
  }
}
