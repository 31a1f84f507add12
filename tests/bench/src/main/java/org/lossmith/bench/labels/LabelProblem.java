package org.lossmith.bench.labels;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Queries and labels with rows of about unit length, and three to seven positives in each row. A
 * query leans towards its positives, as a half-trained encoder's does. Rows of labels are made one
 * by one from the seed and their number, so that a table of millions of them is written straight to
 * where it is wanted and never lies in the Java heap.
 */
public final class LabelProblem {
  private static final double PULL = 0.5;
  private static final int LEAST_POSITIVES = 3;
  private static final int MOST_POSITIVES = 7;

  private final int rows;
  private final int labels;
  private final int width;
  private final long seed;
  private final long[] offsets;
  private final long[] ids;

  /** A problem from a seed; the same seed gives the same numbers. */
  public LabelProblem(int rows, int labels, int width, long seed) {
    this.rows = rows;
    this.labels = labels;
    this.width = width;
    this.seed = seed;
    SplittableRandom random = new SplittableRandom(seed);
    offsets = new long[rows + 1];
    long[] all = new long[rows * MOST_POSITIVES];
    int count = 0;
    for (int i = 0; i < rows; i++) {
      long[] row =
          random
              .ints(0, labels)
              .distinct()
              .limit(random.nextInt(LEAST_POSITIVES, MOST_POSITIVES + 1))
              .sorted()
              .asLongStream()
              .toArray();
      System.arraycopy(row, 0, all, count, row.length);
      count += row.length;
      offsets[i + 1] = count;
    }
    ids = Arrays.copyOf(all, count);
  }

  /** Number of queries. */
  public int rows() {
    return rows;
  }

  /** Number of labels. */
  public int labels() {
    return labels;
  }

  /** Width of the embeddings. */
  public int width() {
    return width;
  }

  /** Where the positives of each row begin, and their number at the end. */
  long[] offsets() {
    return offsets;
  }

  /** The positives of all rows, ascending within a row. */
  long[] ids() {
    return ids;
  }

  /** One positive of each row. */
  long[] targets() {
    long[] targets = new long[rows];
    for (int i = 0; i < rows; i++) {
      targets[i] = ids[(int) offsets[i]];
    }
    return targets;
  }

  /** Writes the table of labels. */
  void writeLabels(FloatBuffer to) {
    float[] row = new float[width];
    for (int j = 0; j < labels; j++) {
      label(j, row);
      to.put(row);
    }
  }

  /** Writes the queries. */
  void writeQueries(FloatBuffer to) {
    float[] label = new float[width];
    float[] row = new float[width];
    for (int i = 0; i < rows; i++) {
      label(-1 - i, row);
      for (long p = offsets[i]; p < offsets[i + 1]; p++) {
        label(ids[(int) p], label);
        for (int k = 0; k < width; k++) {
          row[k] += (float) PULL * label[k];
        }
      }
      to.put(row);
    }
  }

  private void label(long index, float[] row) {
    // The multiplier keeps the streams of neighbouring rows apart.
    SplittableRandom random = new SplittableRandom(seed + 0x2545f4914f6cdd1dL * (index + 1));
    double bound = Math.sqrt(3.0 / width);
    for (int k = 0; k < width; k++) {
      row[k] = (float) random.nextDouble(-bound, bound);
    }
  }

  /** Bytes of both gradients. */
  long gradientBytes() {
    return (long) Float.BYTES * width * ((long) rows + labels);
  }
}
