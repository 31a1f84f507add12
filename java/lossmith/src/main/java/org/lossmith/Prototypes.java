package org.lossmith;

/**
 * Vectors of classes that were never trained: the normalised mean of the normalised embeddings of
 * each class's examples, and how well these agree.
 *
 * <pre>{@code
 * u_i = x_i / |x_i|,   m_k = mean of u_i over the examples of class k
 * prototype_k = m_k / |m_k|,   resultant_k = |m_k|, 1 where all examples point the same way
 * }</pre>
 *
 * <p>A query belongs to the class whose prototype has the largest product with it. Where the rows
 * of a normalised softmax have unit length too, its classes and new ones are told apart together:
 * the prototypes are further rows. An example of norm {@code <= 1e-12} counts as 0. Sums are kept
 * in f64 in the order of the rows.
 *
 * <p>Paper: Zhai, Wu: Classification is a Strong Baseline for Deep Metric Learning, 2018 (arXiv
 * 1811.12649).
 */
public final class Prototypes implements AutoCloseable {
  private static final double NO_DIRECTION = 1e-12;

  private final Tensor rows;
  private final double[] resultants;

  private Prototypes(Tensor rows, double[] resultants) {
    this.rows = rows;
    this.resultants = resultants;
  }

  /**
   * Computes prototypes.
   *
   * @param context where to compute
   * @param embeddings [n,d] f32, bf16, f16 or f64
   * @param classIds the class of each row, from 0 to classes - 1
   * @param classes number of classes
   * @return one prototype for each class, to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit, a class has no example, or the
   *     examples of a class have no mean direction
   * @throws IllegalStateException if an argument is closed
   */
  public static Prototypes of(Context context, Tensor embeddings, int[] classIds, int classes) {
    Checks.given("context", context);
    Checks.given("embeddings", embeddings);
    Checks.given("classIds", classIds);
    Checks.that(embeddings.rank() == 2, "embeddings", "two dimensions", embeddings);
    Checks.that(classes >= 0, "classes", "a value >= 0", classes);
    Checks.that(
        classIds.length == embeddings.size(0),
        "classIds",
        embeddings.size(0) + " ids, one for each row",
        classIds.length);
    int[] counts = counts(classIds, classes);
    int width = Math.toIntExact(embeddings.size(1));
    double[] means = sums(unitRows(context, embeddings), classIds, classes, width);
    double[] resultants = new double[classes];
    for (int k = 0; k < classes; k++) {
      resultants[k] = normalizeMean(means, k, width, counts[k]);
    }
    try (Tensor exact = Tensor.of(means, classes, width);
        Tensor there = exact.to(embeddings.dtype())) {
      return new Prototypes(there.to(embeddings.device()), resultants);
    }
  }

  private static int[] counts(int[] classIds, int classes) {
    int[] counts = new int[classes];
    for (int i = 0; i < classIds.length; i++) {
      if (classIds[i] < 0 || classIds[i] >= classes) {
        Checks.that(
            false, "classIds", "ids from 0 to " + (classes - 1), classIds[i] + " at index " + i);
      }
      counts[classIds[i]]++;
    }
    for (int k = 0; k < classes; k++) {
      Checks.that(counts[k] > 0, "classIds", "an example of every class", "none of class " + k);
    }
    return counts;
  }

  /** Normalised in f64, so that opposite examples leave nothing behind. */
  private static double[] unitRows(Context context, Tensor embeddings) {
    try (Tensor units = Tensor.zeros(embeddings.device(), DType.F64, embeddings.shape())) {
      Rows.normalize(context, embeddings, units, null);
      return units.toDoubleArray();
    }
  }

  private static double[] sums(double[] units, int[] classIds, int classes, int width) {
    double[] sums = new double[Math.multiplyExact(classes, width)];
    for (int i = 0; i < classIds.length; i++) {
      for (int j = 0; j < width; j++) {
        sums[classIds[i] * width + j] += units[i * width + j];
      }
    }
    return sums;
  }

  /** Replaces a sum by its direction; gives the length of the mean. */
  private static double normalizeMean(double[] sums, int k, int width, int count) {
    double square = 0;
    for (int j = k * width; j < (k + 1) * width; j++) {
      square += sums[j] * sums[j];
    }
    double norm = Math.sqrt(square);
    Checks.that(
        !(norm <= NO_DIRECTION * count),
        "embeddings",
        "examples of class " + k + " with a mean direction",
        "a mean of length " + norm / count);
    for (int j = k * width; j < (k + 1) * width; j++) {
      sums[j] /= norm;
    }
    return norm / count;
  }

  /**
   * The prototypes.
   *
   * @return [classes, d] rows of unit length, of the type and on the device of the embeddings;
   *     closed with this object
   */
  public Tensor rows() {
    return rows;
  }

  /**
   * The length of the mean of a class's normalised examples.
   *
   * @param k a class
   * @return from 0 to 1; 1 where all examples point the same way
   */
  public double resultant(int k) {
    return resultants[k];
  }

  /** Closes the rows. */
  @Override
  public void close() {
    rows.close();
  }
}
