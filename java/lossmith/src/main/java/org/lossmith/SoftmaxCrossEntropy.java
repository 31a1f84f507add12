package org.lossmith;

/**
 * Softmax cross-entropy of one target for each row, or of a distribution over the labels: the loss
 * of a linear head, whose logits are never stored. In the notation of {@link LabelLoss}, with w =
 * classWeight (1 without) and lse_i = lse_{k in A_i} s_ik:
 *
 * <pre>{@code
 * loss_i = sum_{j in A_i} q_ij w_j (lse_i - s_ij) + zWeight lse_i^2
 * q_ij = (1-e) [j = target_i] + e/l_i,   e = labelSmoothing; or a distribution for [j = target_i]
 * }</pre>
 *
 * <p>A mean is divided by the sum of w at the targets of the rows that count, without class weights
 * by the number of these rows; with distributions by n.
 *
 * <p>Gradient, with c = upstream rowWeight_i (divided by the same for {@link Reduction#MEAN}):
 *
 * <pre>{@code
 * d/ds_ij = c ((sum_k q_ik w_k + 2 zWeight lse_i) exp(s_ij - lse_i) - q_ij w_j)
 * }</pre>
 *
 * <p>The entry of the target is computed on its own and written once. The inputs must have a
 * target.
 *
 * <pre>{@code
 * SoftmaxCrossEntropy loss = SoftmaxCrossEntropy.of(1).withLabelSmoothing(0.1);
 * LabelInputs inputs = LabelInputs.of(hidden, weights, tokens).bias(bias);
 * LossResult result = loss.evaluate(context, inputs, "x", "labels", "bias");
 * }</pre>
 *
 * <p>Paper: Wijmans et al.: Cut Your Losses in Large-Vocabulary Language Models, 2024 (arXiv
 * 2411.09009), for {@link Scoring#filter}.
 *
 * @param labelSmoothing the share e of the target that is spread evenly, in [0, 1)
 * @param zWeight factor of the squared log-sum-exp, finite, {@code >= 0}
 * @param ignoreIndex a row with this target does not count
 * @param scoring how scores come about, and what becomes of the losses of the rows
 */
public record SoftmaxCrossEntropy(
    double labelSmoothing, double zWeight, long ignoreIndex, Scoring scoring) implements LabelLoss {
  /** The target of rows that do not count, unless another is chosen. */
  static final long IGNORED = -100;

  /**
   * Checks the components.
   *
   * @param labelSmoothing the share e of the target that is spread evenly, in [0, 1)
   * @param zWeight factor of the squared log-sum-exp, finite, {@code >= 0}
   * @param ignoreIndex a row with this target does not count
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @throws IllegalArgumentException for a component outside its range
   */
  public SoftmaxCrossEntropy {
    Checks.that(
        labelSmoothing >= 0 && labelSmoothing < 1,
        "labelSmoothing",
        "a value in [0, 1)",
        labelSmoothing);
    Checks.notNegative("zWeight", zWeight);
    Checks.given("scoring", scoring);
  }

  /**
   * No smoothing, no regulariser, target -100 does not count, mean over the rows.
   *
   * @param temperature finite, {@code > 0}
   * @return a loss
   * @throws IllegalArgumentException for a temperature outside its range
   */
  public static SoftmaxCrossEntropy of(double temperature) {
    return of(Scoring.of(temperature));
  }

  /**
   * The same with a scoring of its own.
   *
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @return a loss
   * @throws IllegalArgumentException if it is null
   */
  public static SoftmaxCrossEntropy of(Scoring scoring) {
    return new SoftmaxCrossEntropy(0, 0, IGNORED, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param labelSmoothing the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public SoftmaxCrossEntropy withLabelSmoothing(double labelSmoothing) {
    return new SoftmaxCrossEntropy(labelSmoothing, zWeight, ignoreIndex, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param zWeight the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public SoftmaxCrossEntropy withZWeight(double zWeight) {
    return new SoftmaxCrossEntropy(labelSmoothing, zWeight, ignoreIndex, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param ignoreIndex the new value
   * @return a new loss
   */
  public SoftmaxCrossEntropy withIgnoreIndex(long ignoreIndex) {
    return new SoftmaxCrossEntropy(labelSmoothing, zWeight, ignoreIndex, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param scoring the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  @Override
  public SoftmaxCrossEntropy withScoring(Scoring scoring) {
    return new SoftmaxCrossEntropy(labelSmoothing, zWeight, ignoreIndex, scoring);
  }
}
