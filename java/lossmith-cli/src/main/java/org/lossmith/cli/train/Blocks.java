package org.lossmith.cli.train;

import java.io.IOException;
import org.lossmith.Tensor;

/** Matrices from and to arrays, some rows at a time: a table may be larger than an array. */
final class Blocks {
  private static final int ELEMENTS = 1 << 18;

  private Blocks() {}

  /** What fills a block of rows. */
  @FunctionalInterface
  interface Source<E extends Exception> {
    void fill(float[] block) throws E;
  }

  /** What takes a block of rows. */
  @FunctionalInterface
  interface Sink {
    void take(float[] block) throws IOException;
  }

  /** Overwrites a matrix. */
  static <E extends Exception> void write(Tensor matrix, Source<E> source) throws E {
    long step = rows(matrix);
    for (long from = 0; from < matrix.size(0); from += step) {
      try (Tensor rows = matrix.rows(from, Math.min(matrix.size(0), from + step))) {
        float[] block = new float[(int) rows.elements()];
        source.fill(block);
        rows.copyFrom(block);
      }
    }
  }

  /** Reads a matrix. */
  static void read(Tensor matrix, Sink sink) throws IOException {
    long step = rows(matrix);
    for (long from = 0; from < matrix.size(0); from += step) {
      try (Tensor rows = matrix.rows(from, Math.min(matrix.size(0), from + step))) {
        sink.take(rows.toFloatArray());
      }
    }
  }

  private static long rows(Tensor matrix) {
    return Math.max(1, ELEMENTS / Math.max(1, matrix.size(1)));
  }
}
