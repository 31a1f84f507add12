package org.lossmith.cli.data;

import java.util.List;

/**
 * Features in rows: row {@code i} has the table slots {@code slots[starts[i]]} up to but without
 * {@code slots[starts[i + 1]]}. Computed once, read by every training step.
 *
 * @param starts where each row begins, and the end of the last; rows + 1 numbers
 * @param slots slots in {@code [0, buckets)}, repetitions allowed
 * @param values factor of each slot; null: one divided by the number of slots of the row
 * @param buckets number of slots of the table
 */
public record Features(int[] starts, int[] slots, float[] values, int buckets) {
  private static final int SHORTEST = 1;
  private static final int LONGEST = 4;

  /** Features of which a row is the mean. */
  public Features(int[] starts, int[] slots, int buckets) {
    this(starts, slots, null, buckets);
  }

  /** Hashes the n-grams of 1 to 4 code points of every text into a table of slots. */
  public static Features of(List<String> texts, int buckets) {
    if (Integer.bitCount(buckets) != 1) {
      throw new IllegalArgumentException("buckets: expected a power of two, got " + buckets);
    }
    List<long[]> hashes =
        texts.parallelStream().map(t -> NGrams.hashes(t, SHORTEST, LONGEST)).toList();
    int[] starts = new int[texts.size() + 1];
    for (int i = 0; i < texts.size(); i++) {
      starts[i + 1] = starts[i] + hashes.get(i).length;
    }
    int[] slots = new int[starts[texts.size()]];
    for (int i = 0; i < texts.size(); i++) {
      long[] row = hashes.get(i);
      for (int k = 0; k < row.length; k++) {
        slots[starts[i] + k] = (int) (row[k] & (buckets - 1));
      }
    }
    return new Features(starts, slots, buckets);
  }

  /** Number of rows. */
  public int rows() {
    return starts.length - 1;
  }
}
