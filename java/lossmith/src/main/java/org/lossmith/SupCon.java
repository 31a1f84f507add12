package org.lossmith;

/**
 * SupCon, supervised contrastive loss: softmax cross-entropy averaged over the positives of a row.
 * In the notation of {@link LabelLoss}:
 *
 * <pre>{@code
 * loss_i = (1/|P_i|) sum_{p in P_i} v_ip (lse_{j in A_i} s_ij - s_ip)
 * }</pre>
 *
 * <p>Gradient: that of {@link MultiLabelInfoNce} divided by |P_i|. The inputs must have positives.
 *
 * <p>For the paper's loss the labels are the batch itself: each row has the others of its class as
 * positives, ignores itself ({@link LabelInputs#ignored}), and both sides are unit vectors. Then
 * the gradient of the batch is the sum of those of x and of the labels.
 *
 * <pre>{@code
 * SupCon loss = SupCon.of(Scoring.of(0.1).withNormalizeX(true).withNormalizeLabels(true));
 * LabelInputs inputs = LabelInputs.of(batch, batch, sameClass).ignored(itself);
 * LossResult result = loss.evaluate(context, inputs, "x", "labels");
 * }</pre>
 *
 * <p>Paper: Khosla et al.: Supervised Contrastive Learning, NeurIPS 2020 (arXiv 2004.11362).
 *
 * @param positives which positives count, and how much
 * @param scoring how scores come about, and what becomes of the losses of the rows
 */
public record SupCon(PositiveSelection positives, Scoring scoring) implements LabelLoss {
  /**
   * Checks the components.
   *
   * @param positives which positives count, and how much
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @throws IllegalArgumentException for a component outside its range
   */
  public SupCon {
    Checks.given("positives", positives);
    Checks.given("scoring", scoring);
  }

  /**
   * All positives, each counting 1, mean over the rows.
   *
   * @param temperature finite, {@code > 0}
   * @return a loss
   * @throws IllegalArgumentException for a temperature outside its range
   */
  public static SupCon of(double temperature) {
    return of(Scoring.of(temperature));
  }

  /**
   * The same with a scoring of its own.
   *
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @return a loss
   * @throws IllegalArgumentException if it is null
   */
  public static SupCon of(Scoring scoring) {
    return new SupCon(PositiveSelection.ALL, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param positives the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public SupCon withPositives(PositiveSelection positives) {
    return new SupCon(positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param scoring the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  @Override
  public SupCon withScoring(Scoring scoring) {
    return new SupCon(positives, scoring);
  }
}
