package org.lossmith.cli.encoder;

import java.util.stream.IntStream;

/** Loops over ranges on all cores. */
public final class Parallel {
  private static final int PIECES_PER_CORE = 8;

  private Parallel() {}

  /** What to do with the rows {@code from} to {@code to - 1}. */
  @FunctionalInterface
  public interface Body {
    void run(int from, int to);
  }

  /** Runs a body on disjoint ranges that cover 0 to {@code count - 1}, and waits. */
  public static void forRanges(int count, Body body) {
    int pieces = Math.min(count, PIECES_PER_CORE * Runtime.getRuntime().availableProcessors());
    IntStream.range(0, pieces)
        .parallel()
        .forEach(p -> body.run(bound(count, p, pieces), bound(count, p + 1, pieces)));
  }

  private static int bound(int count, int piece, int pieces) {
    return (int) ((long) count * piece / pieces);
  }
}
