package org.lossmith;

import org.lossmith.internal.LossmithNative;

/** How the losses of the rows become one loss. */
public enum Reduction {
  /** Their sum divided by the number of pairs, or of rows, that count. */
  MEAN(LossmithNative.LSM_MEAN),
  /** Their sum. */
  SUM(LossmithNative.LSM_SUM),
  /** They stay apart: the result has row losses and no single loss. */
  NONE(LossmithNative.LSM_NONE);

  private final int code;

  Reduction(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
