package org.lossmith.cli.demo;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.lossmith.cli.data.Features;

/**
 * Modality V: an encoder of names with one trained vector per slot of a hash table; a name is the
 * mean of the vectors of its n-grams. Trained by Adagrad with one step size per slot. Work is
 * divided by rows (encode) and by slots (learn), each computed by one thread in a fixed order:
 * results do not depend on the number of threads.
 */
final class NGramEncoder {
  private static final float EPSILON = 1e-12f;

  private final int width;
  private final float[] table;
  private final float[] squares;

  /**
   * Creates an encoder with random vectors.
   *
   * @param buckets slots of the table
   * @param width length of the vectors
   * @param seed the same seed gives the same vectors
   */
  NGramEncoder(int buckets, int width, long seed) {
    this.width = width;
    table = new float[buckets * width];
    squares = new float[buckets];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < table.length; i++) {
      table[i] = (float) (random.nextDouble() - 0.5) / width;
    }
  }

  /** Length of the vectors. */
  int width() {
    return width;
  }

  /** Bytes of the table and the state of its optimizer. */
  long bytes() {
    return (long) Float.BYTES * (table.length + squares.length);
  }

  /**
   * Encodes rows of features.
   *
   * @param rows which rows of the features
   * @param out receives one vector per row, in C order
   */
  void encode(Features features, int[] rows, float[] out) {
    Parallel.forRanges(
        rows.length,
        (from, to) -> {
          for (int i = from; i < to; i++) {
            encode(features, rows[i], out, i * width);
          }
        });
  }

  private void encode(Features features, int row, float[] out, int offset) {
    int begin = features.starts()[row];
    int end = features.starts()[row + 1];
    Arrays.fill(out, offset, offset + width, 0f);
    for (int k = begin; k < end; k++) {
      int vector = features.slots()[k] * width;
      for (int d = 0; d < width; d++) {
        out[offset + d] += table[vector + d];
      }
    }
    float scale = 1f / Math.max(1, end - begin);
    for (int d = 0; d < width; d++) {
      out[offset + d] *= scale;
    }
  }

  /**
   * Takes one step of Adagrad down the gradient.
   *
   * @param rows the rows that {@link #encode} got
   * @param gradient gradient of the loss by each encoded vector, in C order
   * @param rate step size
   */
  void learn(Features features, int[] rows, float[] gradient, double rate) {
    long[] uses = usesBySlot(features, rows);
    Parallel.forRanges(
        uses.length, (from, to) -> learn(features, rows, gradient, (float) rate, uses, from, to));
  }

  /** Every use of a slot by a row as {@code slot << 32 | place of the row}, sorted. */
  private static long[] usesBySlot(Features features, int[] rows) {
    int count = 0;
    for (int row : rows) {
      count += features.starts()[row + 1] - features.starts()[row];
    }
    long[] uses = new long[count];
    int next = 0;
    for (int i = 0; i < rows.length; i++) {
      for (int k = features.starts()[rows[i]]; k < features.starts()[rows[i] + 1]; k++) {
        uses[next++] = (long) features.slots()[k] << 32 | i;
      }
    }
    Arrays.parallelSort(uses);
    return uses;
  }

  /** Steps the slots whose first use lies in [from, to). */
  private void learn(
      Features features, int[] rows, float[] gradient, float rate, long[] uses, int from, int to) {
    float[] sum = new float[width];
    int at = from;
    while (at < to && at > 0 && slot(uses[at]) == slot(uses[at - 1])) {
      at++;
    }
    while (at < to) {
      int slot = slot(uses[at]);
      Arrays.fill(sum, 0f);
      for (; at < uses.length && slot(uses[at]) == slot; at++) {
        int i = (int) uses[at];
        int length = features.starts()[rows[i] + 1] - features.starts()[rows[i]];
        float share = 1f / length;
        for (int d = 0; d < width; d++) {
          sum[d] += share * gradient[i * width + d];
        }
      }
      step(slot, sum, rate);
    }
  }

  private void step(int slot, float[] gradient, float rate) {
    float square = 0;
    for (float g : gradient) {
      square += g * g;
    }
    squares[slot] += square / width;
    float scale = (float) (rate / Math.sqrt(squares[slot] + EPSILON));
    for (int d = 0; d < width; d++) {
      table[slot * width + d] -= scale * gradient[d];
    }
  }

  private static int slot(long use) {
    return (int) (use >>> 32);
  }
}
