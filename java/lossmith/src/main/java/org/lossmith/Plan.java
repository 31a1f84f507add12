package org.lossmith;

import org.lossmith.internal.LossmithNative;

/** What a loss does with its scores between loss and gradient. */
public enum Plan {
  /** The faster of the two that the budget of the context allows. */
  AUTO(LossmithNative.LSM_PLAN_AUTO),
  /** Keeps the scores: three products of size n m d, memory n m. */
  STORE(LossmithNative.LSM_PLAN_STORE),
  /** Computes them again: four products, memory n + m. */
  RECOMPUTE(LossmithNative.LSM_PLAN_RECOMPUTE);

  private final int code;

  Plan(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  static Plan of(int code) {
    for (Plan plan : values()) {
      if (plan.code == code) {
        return plan;
      }
    }
    throw new AssertionError("unknown plan " + code);
  }
}
