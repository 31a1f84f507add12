package org.lossmith.bench.labels;

import java.util.Locale;

/** The losses over labels that are benchmarked. */
public enum LabelKind {
  /** One target a row: its first positive. */
  SOFTMAX_CE,
  /** Every positive against the negatives alone. */
  DECOUPLED_SOFTMAX,
  /** Memberships that sum to {@link #K}, by a threshold of each row. */
  SOFT_TOP_K;

  /** Temperature of all three. */
  public static final double TEMPERATURE = 0.07;

  /** Soft top-k: sum of the memberships. */
  public static final int K = 5;

  /** Soft top-k: steepness. */
  public static final double ALPHA = 2;

  /** Lower-case name, as rows and JSON spell it. */
  public String id() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
