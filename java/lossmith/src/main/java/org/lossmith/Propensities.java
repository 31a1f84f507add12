package org.lossmith;

/**
 * How likely a label that is true was noted down at all: rare labels are forgotten more often. With
 * N rows of training data of which N_l have label l,
 *
 * <pre>{@code
 * p_l = 1 / (1 + C exp(-A ln(N_l + B))),  C = (ln N - 1) (B + 1)^A
 * }</pre>
 *
 * <p>Paper: Jain, Prabhu, Varma: Extreme Multi-label Loss Functions for Recommendation, Tagging,
 * Ranking and Other Missing Label Applications, KDD 2016.
 */
public final class Propensities {
  /** A of the paper for most data sets. */
  public static final double DEFAULT_A = 0.55;

  /** B of the paper for most data sets. */
  public static final double DEFAULT_B = 1.5;

  private final double[] inverse;

  private Propensities(double[] inverse) {
    this.inverse = inverse;
  }

  /**
   * Propensities with the default A and B.
   *
   * @param frequencies N_l for every label, {@code >= 0}
   * @param rows N, {@code >= 3}, so that C is positive
   * @return propensities
   * @throws IllegalArgumentException if an argument is null or outside its range
   */
  public static Propensities of(long[] frequencies, long rows) {
    return of(frequencies, rows, DEFAULT_A, DEFAULT_B);
  }

  /**
   * Propensities.
   *
   * @param frequencies N_l for every label, {@code >= 0}
   * @param rows N, {@code >= 3}, so that C is positive
   * @param a A, finite, {@code >= 0}
   * @param b B, finite, {@code > 0}
   * @return propensities
   * @throws IllegalArgumentException if an argument is null or outside its range
   */
  public static Propensities of(long[] frequencies, long rows, double a, double b) {
    Checks.given("frequencies", frequencies);
    Checks.that(rows >= 3, "rows", "at least 3", rows);
    Checks.notNegative("a", a);
    Checks.positive("b", b);
    double c = (Math.log(rows) - 1) * Math.pow(b + 1, a);
    double[] inverse = new double[frequencies.length];
    for (int label = 0; label < inverse.length; label++) {
      long frequency = frequencies[label];
      if (frequency < 0) {
        Checks.that(false, "frequencies[" + label + "]", "a count >= 0", frequency);
      }
      inverse[label] = 1 + c * Math.pow(frequency + b, -a);
    }
    return new Propensities(inverse);
  }

  /**
   * Propensities with the default A and B, from the labels of the training data. Labels of
   * relevance 0 do not count, nor does a label that a row has twice count twice.
   *
   * @param training the labels of every row, at least 3 rows
   * @param labels how many labels there are
   * @return propensities
   * @throws IllegalArgumentException if {@code training} is null, has too few rows, or a label that
   *     is not below {@code labels}
   */
  public static Propensities of(LabelSets training, int labels) {
    return of(frequencies(training, labels), training.rows());
  }

  /**
   * How many rows have each label.
   *
   * @param sets the labels of every row
   * @param labels how many labels there are
   * @return N_l for every label
   * @throws IllegalArgumentException if {@code sets} is null or has a label that is not below
   *     {@code labels}
   */
  public static long[] frequencies(LabelSets sets, int labels) {
    Checks.that(labels >= 0, "labels", "a count >= 0", labels);
    TruthRows rows = TruthRows.of(Checks.given("sets", sets));
    long[] frequencies = new long[labels];
    for (int row = 0; row < rows.rows(); row++) {
      for (int entry = rows.begin(row); entry < rows.end(row); entry++) {
        long label = rows.label(entry);
        Checks.that(label < labels, "sets", "labels below " + labels, label);
        frequencies[(int) label]++;
      }
    }
    return frequencies;
  }

  /**
   * The propensity of a label.
   *
   * @param label a label
   * @return p_l in (0, 1]
   * @throws IllegalArgumentException if there is no such label
   */
  public double of(long label) {
    return 1 / inverse(label);
  }

  /**
   * How many labels have a propensity.
   *
   * @return a count
   */
  public int labels() {
    return inverse.length;
  }

  /** 1 / p_l. */
  double inverse(long label) {
    Checks.that(
        label >= 0 && label < inverse.length, "label", "0 to " + (inverse.length - 1), label);
    return inverse[(int) label];
  }
}
