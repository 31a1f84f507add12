package org.lossmith;

/** Which codes a {@link PowerQuantizer} of b bits has; Q is the largest. */
public enum PowerRange {
  /** Codes -Q to Q with {@code Q = 2^(b-1) - 1}: for weights. */
  SIGNED,
  /**
   * Codes 0 to Q with {@code Q = 2^b - 1}: for activations; values {@code <= 0} have the code 0.
   */
  UNSIGNED;

  /** The number of the C interface. */
  int code() {
    return ordinal();
  }

  /** The element type of codes that are not packed. */
  DType codes() {
    return this == SIGNED ? DType.I8 : DType.U8;
  }

  /** The largest code. */
  int largest(int bits) {
    return this == SIGNED ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
  }
}
