package org.lossmith;

/**
 * Binary cross-entropy of every label: each score is the logit of the label being right, on its
 * own. In the notation of {@link LabelLoss}:
 *
 * <pre>{@code
 * loss_i = (1/l_i) (sum_{j in A_i} softplus(s_ij) - sum_{p in P_i} v_ip s_ip)
 * }</pre>
 *
 * <p>Gradient, with c = upstream rowWeight_i (1/n for {@link Reduction#MEAN}):
 *
 * <pre>{@code
 * d/ds_ij = (c/l_i) (sigm(s_ij) - [j in P_i] v_ij)
 * }</pre>
 *
 * <p>The inputs must have positives. All labels of a row without positives are negatives.
 *
 * <pre>{@code
 * LossResult result = MultiLabelBce.of(1).evaluate(context, inputs.bias(bias), "x", "bias");
 * }</pre>
 *
 * <p>Paper: a baseline of Gupta et al.: Dual-Encoders for Extreme Multi-Label Classification, ICLR
 * 2024 (arXiv 2310.10636).
 *
 * @param positives which positives count, and how much
 * @param scoring how scores come about, and what becomes of the losses of the rows
 */
public record MultiLabelBce(PositiveSelection positives, Scoring scoring) implements LabelLoss {
  /**
   * Checks the components.
   *
   * @param positives which positives count, and how much
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @throws IllegalArgumentException for a component outside its range
   */
  public MultiLabelBce {
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
  public static MultiLabelBce of(double temperature) {
    return of(Scoring.of(temperature));
  }

  /**
   * The same with a scoring of its own.
   *
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @return a loss
   * @throws IllegalArgumentException if it is null
   */
  public static MultiLabelBce of(Scoring scoring) {
    return new MultiLabelBce(PositiveSelection.ALL, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param positives the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public MultiLabelBce withPositives(PositiveSelection positives) {
    return new MultiLabelBce(positives, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param scoring the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  @Override
  public MultiLabelBce withScoring(Scoring scoring) {
    return new MultiLabelBce(positives, scoring);
  }
}
