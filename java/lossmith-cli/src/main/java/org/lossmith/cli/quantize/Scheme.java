package org.lossmith.cli.quantize;

import org.lossmith.Context;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.Tensor;

/** A way to choose the grid of a weight. */
interface Scheme {
  /** The method that it belongs to. */
  Method method();

  /** Bits, range and groups of all weights. */
  PowerQuantizer quantizer();

  /** Whether there are as many exponents as scales, not one. */
  default boolean exponentPerGroup() {
    return false;
  }

  /** Whether exponents may differ from weight to weight, so that calibration may learn them. */
  default boolean learnsExponents() {
    return false;
  }

  /** Whether there are shifts. */
  default boolean isShifted() {
    return false;
  }

  /** How many times it wants to see all weights before it chooses; at most. */
  default int surveys() {
    return 0;
  }

  /** Looks at a weight: F32 [rows,columns]. */
  default void survey(Context context, Tensor matrix) {}

  /**
   * All weights were seen.
   *
   * @return whether it wants to see them again
   */
  default boolean surveyAgain() {
    return false;
  }

  /**
   * The grid of a weight.
   *
   * @param matrix F32 [rows,columns], finite
   * @return the caller closes it
   */
  PowerParameters parameters(Context context, Tensor matrix);
}
