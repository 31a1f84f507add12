package org.lossmith.bench.provider;

/**
 * How far a provider's last run is from a reference, and whether that counts as the same result.
 *
 * @param subject what was checked
 * @param reference what it was checked against
 * @param loss relative difference of the losses
 * @param gradX |a - b| / |b| (Frobenius) of the gradients of x
 * @param gradY the same of y
 * @param agrees all three are within the tolerance of the element type
 */
public record Agreement(
    String subject, String reference, double loss, double gradX, double gradY, boolean agrees) {

  /** Compares the last runs of two providers of the same problem. */
  public static Agreement of(
      String subject, Provider provider, String reference, Provider truth, ElementType type) {
    double loss = Math.abs(provider.loss() - truth.loss()) / Math.abs(truth.loss());
    double gradX = distance(provider.gradX(), truth.gradX());
    double gradY = distance(provider.gradY(), truth.gradY());
    // Written so that a NaN anywhere is a disagreement.
    boolean agrees =
        loss <= type.lossTolerance()
            && gradX <= type.gradientTolerance()
            && gradY <= type.gradientTolerance();
    return new Agreement(subject, reference, loss, gradX, gradY, agrees);
  }

  private static double distance(float[] a, float[] b) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < b.length; i++) {
      double delta = (double) a[i] - b[i];
      difference += delta * delta;
      norm += (double) b[i] * b[i];
    }
    return Math.sqrt(difference / norm);
  }
}
