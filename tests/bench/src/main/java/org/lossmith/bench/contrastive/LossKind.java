package org.lossmith.bench.contrastive;

import java.util.Locale;

/** The contrastive losses that are benchmarked. */
public enum LossKind {
  /** Mean of both directions, as in CLIP. */
  INFONCE,
  /** Continuous weights from x itself as reference, sum of both directions. */
  CWCL;

  /** Lower-case name, as rows and JSON spell it. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
