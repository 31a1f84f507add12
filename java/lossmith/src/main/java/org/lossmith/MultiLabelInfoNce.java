package org.lossmith;

/**
 * Multi-label InfoNCE: softmax cross-entropy added up over the positives of a row, which compete
 * with one another as well as with the negatives. In the notation of {@link LabelLoss}:
 *
 * <pre>{@code
 * loss_i = sum_{p in P_i} v_ip (lse_{j in A_i} s_ij - s_ip)
 * }</pre>
 *
 * <p>Gradient, with c = upstream rowWeight_i (1/n for {@link Reduction#MEAN}), lse_i the sum above:
 *
 * <pre>{@code
 * d/ds_ij = c ((sum_p v_ip) exp(s_ij - lse_i) - [j in P_i] v_ij)
 * }</pre>
 *
 * <p>{@link SupCon} is the mean in place of the sum. The inputs must have positives.
 *
 * <pre>{@code
 * LossResult result = MultiLabelInfoNce.of(0.05).evaluate(context, inputs, "x", "labels");
 * }</pre>
 *
 * <p>Paper: the baseline of Gupta et al.: Dual-Encoders for Extreme Multi-Label Classification,
 * ICLR 2024 (arXiv 2310.10636).
 *
 * @param positives which positives count, and how much
 * @param scoring how scores come about, and what becomes of the losses of the rows
 */
public record MultiLabelInfoNce(PositiveSelection positives, Scoring scoring) implements LabelLoss {
  /**
   * Checks the components.
   *
   * @param positives which positives count, and how much
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @throws IllegalArgumentException for a component outside its range
   */
  public MultiLabelInfoNce {
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
  public static MultiLabelInfoNce of(double temperature) {
    return of(Scoring.of(temperature));
  }

  /**
   * The same with a scoring of its own.
   *
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @return a loss
   * @throws IllegalArgumentException if it is null
   */
  public static MultiLabelInfoNce of(Scoring scoring) {
    return new MultiLabelInfoNce(PositiveSelection.ALL, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param positives the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public MultiLabelInfoNce withPositives(PositiveSelection positives) {
    return new MultiLabelInfoNce(positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param scoring the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  @Override
  public MultiLabelInfoNce withScoring(Scoring scoring) {
    return new MultiLabelInfoNce(positives, scoring);
  }
}
