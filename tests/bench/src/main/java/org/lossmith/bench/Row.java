package org.lossmith.bench;

/**
 * One row of the suite. A new operation of the library adds one class and one entry in {@link
 * Suite}.
 */
public interface Row {
  /** Name for {@code --rows}. */
  String name();

  /** One line for {@code --list}. */
  String title();

  /** About how many seconds it takes on 2 cores; only the progress bar depends on it. */
  int seconds(boolean quick);

  /** Whether it takes part whatever rows are asked for: checks that the others rely on. */
  default boolean always() {
    return false;
  }

  /** Checks, measures, and adds what it found to the session's report. */
  void run(Session session);
}
