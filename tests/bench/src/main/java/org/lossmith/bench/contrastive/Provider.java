package org.lossmith.bench.contrastive;

/**
 * One way to compute a contrastive loss with both gradients. A provider owns its copies of the
 * inputs; {@link #run} is what is timed.
 */
public interface Provider extends AutoCloseable {
  /** Computes loss, gradient of x and gradient of y once. */
  void run();

  /** Loss of the last run. */
  double loss();

  /** Gradient of x of the last run, [n,d]. */
  float[] gradX();

  /** Gradient of y of the last run, [n,d]. */
  float[] gradY();

  @Override
  void close();
}
