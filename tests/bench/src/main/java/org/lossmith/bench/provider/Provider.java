package org.lossmith.bench.provider;

/**
 * One way to compute a loss of two matrices with the gradients of both. A provider owns its copies
 * of the inputs; {@link #run} is what is timed.
 */
public interface Provider extends AutoCloseable {
  /** Computes loss, gradient of x and gradient of y once. */
  void run();

  /** Loss of the last run. */
  double loss();

  /** Gradient of x of the last run: queries, one modality. */
  float[] gradX();

  /** Gradient of y of the last run: the other modality, the labels. */
  float[] gradY();

  @Override
  void close();
}
