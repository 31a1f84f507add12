package org.lossmith;

/**
 * What the values of a {@link PowerQuantizer} are taken to change with their input, for inputs that
 * are not clipped.
 */
public enum PowerGradient {
  /** 1, as if there were no quantizer. Weights whose code is 0 go on to learn. */
  IDENTITY,
  /**
   * {@code (|w^| / |w|)^(1-a)}: the derivative where the rounding residual is held constant; 0
   * where the code is 0.
   */
  EXACT;

  /** The number of the C interface. */
  int code() {
    return ordinal();
  }
}
