package org.lossmith;

/**
 * Normalised softmax, hyperspherical embedding: softmax cross-entropy of the angles between x and
 * one unit vector for each class. {@link SoftmaxCrossEntropy} with unit rows on both sides and the
 * scale s = 1 / temperature:
 *
 * <pre>{@code
 * loss_i = lse_c s <u_i, w_c> - s <u_i, w_{target_i}>,   u_i = x_i / |x_i|,  |w_c| = 1
 * }</pre>
 *
 * <p>x is always divided by its row norms inside. The labels are kept on the sphere as the
 * constraint says; {@link #evaluateAndUpdate(Context, LabelInputs, Update, Tensor, long, String...)
 * evaluateAndUpdate} projects them after the step where it says so; whoever steps them by other
 * means must project them too ({@link Update#withProjectRows}). What the scoring says about
 * normalisation is set accordingly. The inputs must have queries, labels and a target.
 *
 * <p>With evenly spread classes no row loses less than {@link #lowestLoss}, so s must not be too
 * small: see {@link #lowestScale}.
 *
 * <pre>{@code
 * NormalizedSoftmax loss = NormalizedSoftmax.of(10);
 * LabelInputs inputs = LabelInputs.of(features, classes, target);
 * try (LossResult result = loss.evaluateAndUpdate(context, inputs, sgd, null, step, "x")) {
 *   backward(result.gradient("x")); // the classes have been stepped and are unit rows
 * }
 * }</pre>
 *
 * <p>Paper: Zhai, Wu: Classification is a Strong Baseline for Deep Metric Learning, 2018 (arXiv
 * 1811.12649).
 *
 * @param constraint how the labels are kept on the sphere
 * @param labelSmoothing the share e of the target that is spread evenly, in [0, 1)
 * @param ignoreIndex a row with this target does not count
 * @param scoring how scores come about, and what becomes of the losses of the rows
 */
public record NormalizedSoftmax(
    Constraint constraint, double labelSmoothing, long ignoreIndex, Scoring scoring)
    implements LabelLoss {
  /** How the labels are kept on the sphere. */
  public enum Constraint {
    /**
     * They are taken as they are, and every step is followed by a projection to unit rows; the
     * paper's way. They must be unit rows from the start.
     */
    PROJECT(false, true),
    /** They are divided by their norms inside, with the gradient through that, and free outside. */
    NORMALIZE_IN_FORWARD(true, false),
    /**
     * Both: the gradient is tangent to the sphere at unit rows, and every step is followed by a
     * projection.
     */
    RIEMANNIAN(true, true);

    private final boolean normalizes;
    private final boolean projects;

    Constraint(boolean normalizes, boolean projects) {
      this.normalizes = normalizes;
      this.projects = projects;
    }

    /**
     * Whether the labels are divided by their norms inside.
     *
     * @return true if so
     */
    public boolean normalizes() {
      return normalizes;
    }

    /**
     * Whether a step of the labels ends with a projection to unit rows.
     *
     * @return true if so
     */
    public boolean projects() {
      return projects;
    }
  }

  /**
   * Checks the components.
   *
   * @param constraint how the labels are kept on the sphere
   * @param labelSmoothing the share e of the target that is spread evenly, in [0, 1)
   * @param ignoreIndex a row with this target does not count
   * @param scoring how scores come about, and what becomes of the losses of the rows
   * @throws IllegalArgumentException for a component outside its range
   */
  public NormalizedSoftmax {
    Checks.given("constraint", constraint);
    Checks.that(
        labelSmoothing >= 0 && labelSmoothing < 1,
        "labelSmoothing",
        "a value in [0, 1)",
        labelSmoothing);
    Checks.given("scoring", scoring);
    scoring = scoring.withNormalizeX(true).withNormalizeLabels(constraint.normalizes());
  }

  /**
   * The paper's loss: projected labels, no smoothing, target -100 does not count, mean over the
   * rows.
   *
   * @param scale s, finite, {@code > 0}; the paper's default is 10
   * @return a loss
   * @throws IllegalArgumentException for a scale outside its range
   */
  public static NormalizedSoftmax of(double scale) {
    Checks.positive("scale", scale);
    return of(Scoring.of(1 / scale));
  }

  /**
   * The same with a scoring of its own.
   *
   * @param scoring how scores come about, and what becomes of the losses of the rows; its
   *     temperature is 1/s
   * @return a loss
   * @throws IllegalArgumentException if it is null
   */
  public static NormalizedSoftmax of(Scoring scoring) {
    return new NormalizedSoftmax(Constraint.PROJECT, 0, SoftmaxCrossEntropy.IGNORED, scoring);
  }

  /**
   * The factor of the cosines.
   *
   * @return s = 1 / temperature
   */
  public double scale() {
    return 1 / scoring.temperature();
  }

  /**
   * The least loss that a row can have with evenly spread classes: ln(1 + (C-1) exp(-s C/(C-1))).
   *
   * @param classes C, at least 2
   * @param scale s, finite, {@code > 0}
   * @return a loss
   * @throws IllegalArgumentException for an argument outside its range
   */
  public static double lowestLoss(long classes, double scale) {
    checkClasses(classes);
    Checks.positive("scale", scale);
    double others = classes - 1.0;
    return Math.log1p(others * Math.exp(-scale * classes / others));
  }

  /**
   * The least scale with which a row can reach a loss: the inverse of {@link #lowestLoss},
   * ((C-1)/C) ln((C-1)/(exp(loss)-1)), for a small loss about ((C-1)/C) ln((C-1)/loss).
   *
   * @param classes C, at least 2
   * @param loss what is to be reached, finite, {@code > 0}
   * @return a scale; 0 where any will do
   * @throws IllegalArgumentException for an argument outside its range
   */
  public static double lowestScale(long classes, double loss) {
    checkClasses(classes);
    Checks.positive("loss", loss);
    double others = classes - 1.0;
    return Math.max(0, others / classes * Math.log(others / Math.expm1(loss)));
  }

  private static void checkClasses(long classes) {
    Checks.that(classes >= 2, "classes", "at least 2", classes);
  }

  /**
   * This loss with another scale.
   *
   * @param scale s, finite, {@code > 0}
   * @return a new loss
   * @throws IllegalArgumentException for a scale outside its range
   */
  public NormalizedSoftmax withScale(double scale) {
    Checks.positive("scale", scale);
    return withScoring(scoring.withTemperature(1 / scale));
  }

  /**
   * This loss with another component.
   *
   * @param constraint the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public NormalizedSoftmax withConstraint(Constraint constraint) {
    return new NormalizedSoftmax(constraint, labelSmoothing, ignoreIndex, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param labelSmoothing the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  public NormalizedSoftmax withLabelSmoothing(double labelSmoothing) {
    return new NormalizedSoftmax(constraint, labelSmoothing, ignoreIndex, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param ignoreIndex the new value
   * @return a new loss
   */
  public NormalizedSoftmax withIgnoreIndex(long ignoreIndex) {
    return new NormalizedSoftmax(constraint, labelSmoothing, ignoreIndex, scoring);
  }

  /**
   * This loss with another component.
   *
   * @param scoring the new value
   * @return a new loss
   * @throws IllegalArgumentException for a value outside its range
   */
  @Override
  public NormalizedSoftmax withScoring(Scoring scoring) {
    return new NormalizedSoftmax(constraint, labelSmoothing, ignoreIndex, scoring);
  }
}
