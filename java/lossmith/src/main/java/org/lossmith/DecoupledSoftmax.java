package org.lossmith;

/**
 * Decoupled softmax: each positive of a row competes with the negatives of the row and never with
 * its other positives, so that all of them can become likely at once, however unevenly they occur.
 * In the notation of {@link LabelLoss}, N_i = lse_{j in A_i \ P_i} s_ij:
 *
 * <pre>{@code
 * loss_i = a_i sum_{p in P_i} v_ip softplus(N_i - s_ip),   a_i = 1/|P_i|, not averaged: 1
 * }</pre>
 *
 * <p>Gradient, with c = upstream rowWeight_i (1/n for {@link Reduction#MEAN}):
 *
 * <pre>{@code
 * d/ds_ip = -c a_i v_ip sigm(N_i - s_ip)
 * d/ds_ij = c a_i (sum_p v_ip sigm(N_i - s_ip)) exp(s_ij - N_i)     for a negative j
 * }</pre>
 *
 * <p>The sum over the negatives leaves the positives out exactly; nothing is subtracted. The inputs
 * must have positives. One positive of each row drawn evenly, {@link PositiveSelection#sampled
 * sampled(1, seed)}, has this loss as its expectation.
 *
 * <pre>{@code
 * DecoupledSoftmax loss = DecoupledSoftmax.of(0.05);
 * try (LossResult result =
 *     loss.evaluate(context, LabelInputs.of(x, labels, positives), "x", "labels")) {
 *   result.gradient("labels"); // [l,d]
 * }
 * }</pre>
 *
 * <p>Paper: Gupta et al.: Dual-Encoders for Extreme Multi-Label Classification, ICLR 2024 (arXiv
 * 2310.10636).
 *
 * @param average whether the positives of a row are averaged; if not, they are added up
 * @param positives which positives count, and how much
 * @param scoring how scores come about, and what becomes of the losses of the rows
 */
public record DecoupledSoftmax(boolean average, PositiveSelection positives, Scoring scoring)
    implements LabelLoss {
  /**
   * Checks the components.
   *
   * @param average whether the positives of a row are averaged; if not, they are added up
   * @param positives which positives count, and how much
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @throws IllegalArgumentException for a component outside its range
   */
  public DecoupledSoftmax {
    Checks.given("positives", positives);
    Checks.given("scoring", scoring);
  }

  /**
   * The paper's loss: the mean over the positives of the row, all of them, mean over the rows.
   *
   * @param temperature finite, {@code > 0}
   * @return a loss
   * @throws IllegalArgumentException for a temperature outside its range
   */
  public static DecoupledSoftmax of(double temperature) {
    return of(Scoring.of(temperature));
  }

  /**
   * The same with a scoring of its own.
   *
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @return a loss
   * @throws IllegalArgumentException if it is null
   */
  public static DecoupledSoftmax of(Scoring scoring) {
    return new DecoupledSoftmax(true, PositiveSelection.ALL, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param average the new value
   * @return a new loss
   */
  public DecoupledSoftmax withAverage(boolean average) {
    return new DecoupledSoftmax(average, positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param positives the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public DecoupledSoftmax withPositives(PositiveSelection positives) {
    return new DecoupledSoftmax(average, positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param scoring the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  @Override
  public DecoupledSoftmax withScoring(Scoring scoring) {
    return new DecoupledSoftmax(average, positives, scoring);
  }
}
