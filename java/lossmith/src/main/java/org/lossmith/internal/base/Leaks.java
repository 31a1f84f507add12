package org.lossmith.internal.base;

import java.lang.System.Logger.Level;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/** Counts and reports handles that were lost without being closed. */
public final class Leaks {
  private enum Policy {
    OFF,
    WARN,
    TRACE
  }

  private static final System.Logger LOG = System.getLogger("org.lossmith");
  private static final Policy POLICY = policy(System.getProperty("lossmith.leak", "warn"));
  private static final AtomicLong COUNT = new AtomicLong();

  private Leaks() {}

  private static Policy policy(String text) {
    try {
      return Policy.valueOf(text.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      LOG.log(Level.WARNING, "lossmith.leak: expected off, warn or trace, got {0}", text);
      return Policy.WARN;
    }
  }

  /**
   * The number of leaks since the start of the JVM.
   *
   * @return a count
   */
  public static long count() {
    return COUNT.get();
  }

  /** Returns the place of an allocation, or null unless leaks are traced. */
  static Throwable here() {
    return POLICY == Policy.TRACE ? new Throwable("allocated here") : null;
  }

  static void report(String what, Throwable allocation) {
    COUNT.incrementAndGet();
    if (POLICY != Policy.OFF) {
      LOG.log(Level.WARNING, what + " was not closed; its memory is freed only now", allocation);
    }
  }
}
