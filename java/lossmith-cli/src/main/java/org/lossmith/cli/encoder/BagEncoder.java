package org.lossmith.cli.encoder;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.lossmith.cli.data.Features;

/**
 * An encoder with one trained vector per slot of a table; a row of features is the sum of the
 * vectors of its slots, each times its value, or their mean where the features have no values (the
 * n-grams of a name). Trained by Adagrad with one step size per slot. Work is divided by rows
 * (encode) and by slots (learn), each computed by one thread in a fixed order: results do not
 * depend on the number of threads.
 */
public final class BagEncoder {
  private static final float EPSILON = 1e-12f;
  private static final int LARGEST_TABLE = Integer.MAX_VALUE - 8;

  private final int width;
  private final float[] table;
  private final float[] squares;

  /**
   * Creates an encoder with random vectors.
   *
   * @param buckets slots of the table
   * @param width length of the vectors
   * @param seed the same seed gives the same vectors
   * @throws IllegalArgumentException if the table has more elements than an array can
   */
  public BagEncoder(int buckets, int width, long seed) {
    if ((long) buckets * width > LARGEST_TABLE) {
      throw new IllegalArgumentException(
          String.format(
              "dimension: expected a table of at most %d numbers for %d features, got %d x %d",
              LARGEST_TABLE, buckets, buckets, width));
    }
    this.width = width;
    table = new float[buckets * width];
    squares = new float[buckets];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < table.length; i++) {
      table[i] = (float) (random.nextDouble() - 0.5) / width;
    }
  }

  /** Length of the vectors. */
  public int width() {
    return width;
  }

  /**
   * The vectors of all slots, {@code [buckets, width]}: the encoder's own, to be kept or restored.
   */
  public float[] table() {
    return table;
  }

  /** The state of the optimizer, one number per slot: the encoder's own. */
  public float[] state() {
    return squares;
  }

  /** Bytes of the table and the state of its optimizer. */
  public long bytes() {
    return (long) Float.BYTES * (table.length + squares.length);
  }

  /**
   * Encodes rows of features.
   *
   * @param rows which rows of the features
   * @param out receives one vector per row, in C order
   */
  public void encode(Features features, int[] rows, float[] out) {
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
      float value = features.values() == null ? 1f : features.values()[k];
      for (int d = 0; d < width; d++) {
        out[offset + d] += value * table[vector + d];
      }
    }
    if (features.values() == null) {
      float scale = 1f / Math.max(1, end - begin);
      for (int d = 0; d < width; d++) {
        out[offset + d] *= scale;
      }
    }
  }

  /**
   * Takes one step of Adagrad down the gradient.
   *
   * @param rows the rows that {@link #encode} got
   * @param gradient gradient of the loss by each encoded vector, in C order
   * @param rate step size
   */
  public void learn(Features features, int[] rows, float[] gradient, double rate) {
    Uses uses = Uses.of(features, rows);
    Parallel.forRanges(
        uses.order.length, (from, to) -> learn(uses, gradient, (float) rate, from, to));
  }

  /** Steps the slots whose first use lies in [from, to). */
  private void learn(Uses uses, float[] gradient, float rate, int from, int to) {
    float[] sum = new float[width];
    int at = from;
    while (at < to && at > 0 && uses.slot(at) == uses.slot(at - 1)) {
      at++;
    }
    while (at < to) {
      int slot = uses.slot(at);
      Arrays.fill(sum, 0f);
      for (; at < uses.order.length && uses.slot(at) == slot; at++) {
        int offset = uses.places[uses.use(at)] * width;
        float share = uses.shares[uses.use(at)];
        for (int d = 0; d < width; d++) {
          sum[d] += share * gradient[offset + d];
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

  /**
   * Every use of a slot by a row.
   *
   * @param places place of the row of each use among the rows, ascending
   * @param shares the factor of each use
   * @param order {@code slot << 32 | use}, sorted: by slots, and the uses of a slot by rows
   */
  private record Uses(int[] places, float[] shares, long[] order) {
    static Uses of(Features features, int[] rows) {
      int count = 0;
      for (int row : rows) {
        count = Math.addExact(count, features.starts()[row + 1] - features.starts()[row]);
      }
      Uses uses = new Uses(new int[count], new float[count], new long[count]);
      int next = 0;
      for (int i = 0; i < rows.length; i++) {
        int begin = features.starts()[rows[i]];
        int end = features.starts()[rows[i] + 1];
        for (int k = begin; k < end; k++) {
          uses.places[next] = i;
          uses.shares[next] = features.values() == null ? 1f / (end - begin) : features.values()[k];
          uses.order[next] = (long) features.slots()[k] << 32 | next;
          next++;
        }
      }
      Arrays.parallelSort(uses.order);
      return uses;
    }

    int slot(int at) {
      return (int) (order[at] >>> 32);
    }

    int use(int at) {
      return (int) order[at];
    }
  }
}
