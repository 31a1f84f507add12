package org.lossmith;

/**
 * Which positives of a row a loss over labels looks at, and how much each of them counts.
 *
 * <p>With a sample, so many positives of each row are drawn without replacement, with probability
 * proportional to their relevances (evenly where there are none); the others are left out of that
 * row as if it ignored them, and the row then has as many positives as were drawn. A draw depends
 * on the seed and on the place of the positive alone, not on threads or devices: give every step of
 * a training a seed of its own.
 *
 * <pre>{@code
 * DecoupledSoftmax loss = DecoupledSoftmax.of(0.05);
 * for (long step = 0; step < steps; step++) {
 *   DecoupledSoftmax one = loss.withPositives(PositiveSelection.sampled(1, step));
 *   one.evaluate(context, batch(step), result);
 * }
 * }</pre>
 *
 * @param weighted whether a positive counts by its relevance; if not, each counts 1
 * @param sample how many positives of a row are drawn, {@code >= 0}; 0: all of them count
 * @param seed which draw it is
 */
public record PositiveSelection(boolean weighted, long sample, long seed) {
  /** All positives, each counting 1. */
  public static final PositiveSelection ALL = new PositiveSelection(false, 0, 0);

  /**
   * Checks the components.
   *
   * @param weighted whether a positive counts by its relevance; if not, each counts 1
   * @param sample how many positives of a row are drawn, {@code >= 0}; 0: all of them count
   * @param seed which draw it is
   * @throws IllegalArgumentException for a negative sample
   */
  public PositiveSelection {
    Checks.that(sample >= 0, "sample", "a number of positives >= 0", sample);
  }

  /**
   * Some positives of each row, each counting 1.
   *
   * @param sample how many are drawn, {@code >= 0}; 0: all of them count
   * @param seed which draw it is
   * @return a selection
   * @throws IllegalArgumentException for a negative sample
   */
  public static PositiveSelection sampled(long sample, long seed) {
    return new PositiveSelection(false, sample, seed);
  }

  /**
   * This selection with another component.
   *
   * @param weighted the new value
   * @return a new selection
   */
  public PositiveSelection withWeighted(boolean weighted) {
    return new PositiveSelection(weighted, sample, seed);
  }

  /**
   * This selection with another component.
   *
   * @param sample the new value
   * @return a new selection
   * @throws IllegalArgumentException for a value outside its range
   */
  public PositiveSelection withSample(long sample) {
    return new PositiveSelection(weighted, sample, seed);
  }

  /**
   * This selection with another component.
   *
   * @param seed the new value
   * @return a new selection
   */
  public PositiveSelection withSeed(long seed) {
    return new PositiveSelection(weighted, sample, seed);
  }
}
